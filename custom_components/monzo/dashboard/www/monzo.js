/** The one module that Home Assistant loads. */
import "./transactions-card.js";
import "./pot-card.js";
import "./strategy.js";
