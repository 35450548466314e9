/** The module that Home Assistant loads. */
import "./budgets-card/budgets-card.ts";
import "./dashboard/strategy.ts";
import "./pot-card/pot-card.ts";
import "./summary-card/summary-card.ts";
import "./transactions-card/transactions-card.ts";
import "./upcoming-card/upcoming-card.ts";
