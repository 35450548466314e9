/** The base of the cards: configuration, updates, and hidden amounts. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";

import type { HomeAssistant } from "../home-assistant.ts";
import { currentPeriod } from "../store/account-feed.ts";
import { formatMoney } from "./amounts.ts";
import { StoreController } from "./page-store.ts";
import { areTextsLoaded, loadTexts, text, waitForTexts } from "./texts.ts";

const HIDDEN = "••••";

export interface CardConfig {
  type: string;
  /** Whether to hide amounts; `view` if the eye of the whole view shows them again. */
  hide_amounts?: boolean | "view";
}

type SignDisplay = Intl.NumberFormatOptions["signDisplay"];

export abstract class MonzoCard<Config extends CardConfig> extends LitElement {
  @property({ attribute: false }) hass!: HomeAssistant;
  @state() protected config!: Config;

  /** Whether the user has made hidden amounts visible. */
  @state() private revealed = false;

  /** The entities whose states the card shows. */
  protected watched: string[] = [];

  #shown: readonly unknown[] = [];

  constructor() {
    super();
    new StoreController(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void waitForTexts().then(() => this.requestUpdate());
  }

  setConfig(config: Config): void {
    this.config = config;
  }

  getGridOptions(): object {
    return { columns: 12, min_columns: 6 };
  }

  /** Return the content of the card. Home Assistant and the configuration are set. */
  protected abstract renderContent(): unknown;

  /** Skip the many changes of Home Assistant that the card does not show. */
  protected override shouldUpdate(changed: PropertyValues): boolean {
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- Home Assistant sets both after the constructor
    if (!this.hass || !this.config) return false;
    if (!areTextsLoaded()) {
      // At first, and after the user has chosen another language.
      loadTexts();
      return false;
    }
    const { devices, entities, locale, localize, states } = this.hass;
    const watched = this.watched.map((id) => states[id]);
    const shown = [devices, entities, locale, localize, currentPeriod(), ...watched];
    const isSame = shown.every((part, index) => part === this.#shown[index]);
    this.#shown = shown;
    return !isSame || changed.size !== 1 || !changed.has("hass");
  }

  protected override render(): TemplateResult {
    return html`<ha-card>${this.renderContent()}</ha-card>`;
  }

  protected get areAmountsHidden(): boolean {
    return Boolean(this.config.hide_amounts) && !this.revealed;
  }

  /** Return an amount as text. */
  protected money(amount: number, currency: string, signDisplay?: SignDisplay): string {
    return formatMoney(this.hass, amount, currency, signDisplay);
  }

  /** Return an amount as text; dots while the amounts are hidden. */
  protected moneyOrDots(amount: number, currency: string): string {
    return this.areAmountsHidden ? HIDDEN : this.money(amount, currency);
  }

  /** Return an amount that a tap hides and shows, if the option is on. */
  protected amount(amount: number, currency: string, signDisplay?: SignDisplay): TemplateResult {
    if (this.areAmountsHidden) {
      return html`<span role="img" aria-label=${text("amount_hidden")} @click=${this.#toggle}
        >${HIDDEN}</span
      >`;
    }
    const toggle = this.config.hide_amounts ? this.#toggle : nothing;
    return html`<bdi @click=${toggle}>${this.money(amount, currency, signDisplay)}</bdi>`;
  }

  /** Return the button that hides and shows the amounts, if the option is on for this card. */
  protected renderEye(): TemplateResult | typeof nothing {
    if (this.config.hide_amounts !== true) return nothing;
    const label = text(this.areAmountsHidden ? "amounts_show" : "amounts_hide");
    const icon = this.areAmountsHidden ? "mdi:eye" : "mdi:eye-off";
    return html`<button class="icon-button" aria-label=${label} @click=${this.#toggle}>
      <ha-icon icon=${icon}></ha-icon>
    </button>`;
  }

  readonly #toggle = (event: Event): void => {
    // The amount may be in a row that opens a dialog.
    event.stopPropagation();
    this.revealed = !this.revealed;
  };
}
