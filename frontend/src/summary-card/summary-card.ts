/** The head of the dashboard: the money in the accounts, and the spending of today and this month. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";

import type { HassEntity } from "../home-assistant.ts";
import { defineElement } from "../shared/define-element.ts";
import { monzoDevices } from "../shared/devices.ts";
import { type CardConfig, MonzoCard } from "../shared/monzo-card.ts";
import { cardStyles } from "../shared/styles.ts";
import { text, type TextKey } from "../shared/texts.ts";
import { visibility } from "../shared/visibility.ts";
import { add, compareMonths, type Sum } from "./sums.ts";

const TAG = "monzo-summary-card";

const HIDDEN = "••••";

interface SummaryCardConfig extends CardConfig {
  /** The devices of the accounts. */
  accounts: string[];
}

class SummaryCard extends MonzoCard<SummaryCardConfig> {
  static override styles = [
    cardStyles,
    css`
      ha-card {
        border: none;
        background: none;
        box-shadow: none;
      }
      .money {
        display: flex;
        flex-wrap: wrap;
        align-items: baseline;
        column-gap: 8px;
        font-size: 36px;
        font-weight: var(--ha-font-weight-bold, 700);
        line-height: 1.2;
      }
      .money button {
        align-self: center;
        margin-block: -4px;
      }
      .money small {
        color: var(--secondary-text-color);
        font-size: 16px;
        font-weight: normal;
      }
      p {
        margin: 4px 0 0;
        font-size: 16px;
      }
      p + p {
        margin: 0;
        color: var(--secondary-text-color);
      }
    `,
  ];

  #timer?: number;

  override connectedCallback(): void {
    super.connectedCallback();
    const milliseconds = visibility.millisecondsShown;
    if (milliseconds > 0) this.#timer = window.setTimeout(this.#refresh, milliseconds);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
  }

  override getGridOptions(): object {
    return { columns: "full" };
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    const devices = monzoDevices(this.hass);
    const ids = this.config.accounts.flatMap((account) => Object.values(devices[account] ?? {}));
    this.watched = ids.filter((id) => id !== undefined);
  }

  protected override renderContent(): TemplateResult {
    const money = add(this.#states("balance"));
    const today = add(this.#states("spend_today"));
    const months = this.#states("spent_this_month");
    const month = add(months);
    return html`
      <div class="figures">
        <div class="money">
          ${money ? this.#amount(money) : "–"} ${this.#renderEye()}
          <small>${text("summary_money")}</small>
        </div>
        ${today ? html`<p>${this.#spending(today, month)}</p>` : nothing}
        ${this.#renderComparison(months)}
      </div>
    `;
  }

  #spending(today: Sum, month: Sum | undefined): string {
    const amounts = { today: this.#amount(today), month: month ? this.#amount(month) : "" };
    return text(month ? "summary_today_and_month" : "summary_today", amounts);
  }

  #renderComparison(months: readonly HassEntity[]): unknown {
    const difference = compareMonths(months);
    if (!difference) return nothing;
    const key: TextKey = difference.amount > 0 ? "summary_more" : "summary_less";
    const amount = this.#amount({ ...difference, amount: Math.abs(difference.amount) });
    return html`<p>${difference.amount ? text(key, { amount }) : text("summary_same")}</p>`;
  }

  #renderEye(): TemplateResult {
    const isHidden = Boolean(this.config.hide_amounts);
    const toggle = (): void => {
      if (isHidden) visibility.show();
      else visibility.hide();
      this.#refresh();
    };
    return html`<button
      class="icon-button"
      aria-label=${text(isHidden ? "amounts_show" : "amounts_hide")}
      @click=${toggle}
    >
      <ha-icon icon=${isHidden ? "mdi:eye" : "mdi:eye-off"}></ha-icon>
    </button>`;
  }

  #amount({ amount, currency }: Sum): string {
    return this.config.hide_amounts ? HIDDEN : this.money(amount, currency);
  }

  #states(key: string): HassEntity[] {
    const devices = monzoDevices(this.hass);
    return this.config.accounts
      .map((account) => this.hass.states[devices[account]?.[key] ?? ""])
      .filter((state) => state !== undefined);
  }

  /** Lay the dashboard out again, with hidden or visible amounts. */
  readonly #refresh = (): void => {
    this.dispatchEvent(new CustomEvent("config-refresh", { bubbles: true, composed: true }));
  };
}

defineElement(TAG, SummaryCard);
