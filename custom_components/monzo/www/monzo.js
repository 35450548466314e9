/** The one module that Home Assistant loads. */
import "./transactions-card.js";
