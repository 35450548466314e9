/** What comes next: the money left to spend, a forecast of the balance, and the next payments. */
import { html, nothing, type PropertyValues, svg, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";

import { accountColor } from "../shared/account-color.ts";
import { ACCOUNTS_SELECTOR, monzoDevices } from "../shared/devices.ts";
import { createEditor } from "../shared/editor.ts";
import { type CardConfig, MonzoCard } from "../shared/monzo-card.ts";
import { showMoreInfo } from "../shared/more-info.ts";
import { registerCard } from "../shared/register-card.ts";
import { cardStyles } from "../shared/styles.ts";
import { kindText, text, type TextKey } from "../shared/texts.ts";
import { type DateNames, dateNames } from "./date-names.ts";
import { forecastChart, type ForecastLine, lastDay } from "./forecast-lines.ts";
import {
  type DatedPayment,
  type Outlook,
  OUTLOOK_KEYS,
  paymentsByDay,
  readOutlook,
} from "./outlook.ts";
import { upcomingStyles } from "./styles.ts";

interface UpcomingCardConfig extends CardConfig {
  /** The devices of accounts; all accounts if it is empty. */
  account?: string | string[];
}

/** So many payments are shown at first, because the transactions are below the card. */
const ROWS = 3;

/** The rows of more accounts are lower, because the transactions are below the card. */
const MAX_HIGH_ROWS = 2;

class UpcomingCard extends MonzoCard<UpcomingCardConfig> {
  static getConfigElement(): HTMLElement {
    return createEditor({ name: "account", selector: ACCOUNTS_SELECTOR });
  }

  static override styles = [cardStyles, upcomingStyles];

  /** Whether all payments of the next month are shown. */
  @state() private isExpanded = false;

  /** What is known of the accounts, with the colours that the accounts have on other cards. */
  #outlooks: Outlook[] = [];
  #colors = new Map<string, string>();

  /** Whether the bank cannot be reached; otherwise, what is unknown will be known later. */
  #isUnavailable = false;

  override getGridOptions(): object {
    return { columns: 12, min_columns: 9 };
  }

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    const devices = monzoDevices(this.hass);
    const chosen = [this.config.account ?? []].flat();
    const ids = chosen[0]
      ? chosen
      : Object.keys(devices).filter((id) => devices[id]?.balance !== undefined);
    this.#colors = new Map(ids.map((id, place) => [id, accountColor(place)]));
    this.#outlooks = ids.flatMap((id) => readOutlook(this.hass, id, devices[id] ?? {}) ?? []);
    this.#isUnavailable = ids.some(
      (id) => this.hass.states[devices[id]?.lowest_balance_ahead ?? ""]?.state === "unavailable",
    );
    this.watched = ids.flatMap((id) => OUTLOOK_KEYS.flatMap((key) => devices[id]?.[key] ?? []));
  }

  protected override renderContent(): unknown {
    if (!this.#outlooks.length) return html`<p>${text(this.#emptyText)}</p>`;
    const names = dateNames(this.hass);
    return html`
      ${this.renderEye()} ${this.#outlooks.map((outlook) => this.#renderLeft(outlook, names))}
      ${this.areAmountsHidden ? nothing : this.#renderForecast(names)}
      ${this.#renderPayments(names)}
    `;
  }

  get #emptyText(): TextKey {
    return this.#isUnavailable ? "upcoming_unavailable" : "upcoming_too_early";
  }

  /** Return the row of an account: what is left to spend until pay day. */
  #renderLeft({ account, name, currency, left, lowest }: Outlook, names: DateNames): unknown {
    if (!left) return nothing;
    const isShort = lowest !== undefined && lowest.amount < 0;
    const detail = isShort
      ? text("upcoming_short", {
          amount: estimateMark(lowest.exact) + this.moneyOrDots(-lowest.amount, currency),
          day: names.day(lowest.date),
        })
      : text("upcoming_left", { day: names.day(left.until) });
    const isLow = this.#outlooks.length > MAX_HIGH_ROWS;
    return html`<button
      type="button"
      class="account ${isShort ? "short" : ""} ${isLow ? "low" : ""}"
      @click=${() => showMoreInfo(this, left.entity)}
    >
      ${this.#renderDot(account)}
      <span class="what"
        ><bdi>${name}</bdi><small><bdi>${detail}</bdi></small></span
      >
      <span class="sum"
        ><b>${estimateMark(left.exact)}${this.amount(left.amount, currency)}</b
        >${this.#renderPerDay(left, currency)}</span
      >
    </button>`;
  }

  #renderPerDay({ perDay, exact }: NonNullable<Outlook["left"]>, currency: string): unknown {
    if (!(perDay > 0)) return nothing;
    const amount = estimateMark(exact) + this.moneyOrDots(perDay, currency);
    return html`<small><bdi>${text("per_day", { amount })}</bdi></small>`;
  }

  /** Return the mark of an account, if there are several. */
  #renderDot(account: string): unknown {
    if (this.#outlooks.length === 1) return nothing;
    return html`<i class="dot" style="background: ${this.#colors.get(account) ?? ""}"></i>`;
  }

  #renderForecast(names: DateNames): unknown {
    const { lines, zero } = forecastChart(this.#outlooks, names.today);
    const [first] = lines;
    if (!first) return nothing;
    return html`
      <div class="chart" dir="ltr">
        <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
          ${lines.map((line) => this.#renderLine(line))}
          <path class=${zero < 100 ? "overdrawn zero" : "zero"} d="M0,${zero}H100" />
        </svg>
        ${lines.map(({ outlook, lowest }) => this.#renderLowestPoint(outlook, lowest))}
      </div>
      <div class="axis" dir="ltr">
        <small>${names.shortDay(names.today)}</small>
        <small><bdi>${this.#lowestText(lines, names)}</bdi></small>
        <small>${names.shortDay(lastDay(names.today))}</small>
      </div>
    `;
  }

  #renderLine({ outlook, path, area }: ForecastLine): TemplateResult {
    const color = this.#colors.get(outlook.account) ?? "";
    return svg`<g style="--line-color: ${color}">
      <path class="area" d=${area} /><path class="line" d=${path} />
    </g>`;
  }

  #renderLowestPoint({ account }: Outlook, { x, y }: { x: number; y: number }): TemplateResult {
    const color = this.#colors.get(account) ?? "";
    return html`<i class="lowest" style="left: ${x}%; top: ${y}%; background: ${color}"></i>`;
  }

  /** Return the lowest balance of all accounts as text. */
  #lowestText(lines: readonly ForecastLine[], names: DateNames): string {
    const [lowest] = lines
      .flatMap(({ outlook }) => (outlook.lowest ? [{ ...outlook, ...outlook.lowest }] : []))
      .sort((one, other) => one.amount - other.amount);
    if (!lowest) return "";
    const amount = estimateMark(lowest.exact) + this.money(lowest.amount, lowest.currency);
    return text("upcoming_lowest", { amount, day: names.shortDay(lowest.date) });
  }

  #renderPayments(names: DateNames): unknown {
    if (!this.#outlooks.some(({ days }) => days)) return nothing;
    const all = paymentsByDay(this.#outlooks);
    if (!all.length) return html`<p>${text("upcoming_none")}</p>`;
    const shown = this.isExpanded ? all : all.slice(0, ROWS);
    return html`
      <ul role="list">
        ${shown.map((payment) => this.#renderPayment(payment, names))}
      </ul>
      ${all.length > ROWS ? this.#renderToggle(all.length) : nothing}
    `;
  }

  #renderToggle(number: number): TemplateResult {
    return html`<button
      type="button"
      class="wide"
      aria-expanded=${this.isExpanded}
      @click=${() => (this.isExpanded = !this.isExpanded)}
    >
      ${this.isExpanded ? text("show_fewer") : text("show_all", { number })}
    </button>`;
  }

  #renderPayment(payment: DatedPayment, names: DateNames): TemplateResult {
    const { date, name, kind, amount, from_pot: fromPot, exact, outlook } = payment;
    const details = [
      names.weekday(date),
      fromPot > 0 && amount === 0 ? text("upcoming_from_pot") : "",
    ].filter(Boolean);
    const isIncome = amount > 0 && !this.areAmountsHidden;
    return html`
      <li>
        <span class="date" aria-hidden="true"
          ><b>${names.dayOfMonth(date)}</b><small>${names.month(date)}</small></span
        >
        <span class="what">
          <bdi>${this.areAmountsHidden ? kindText(kind) : name || kindText(kind)}</bdi>
          <small
            ><span class="spoken">${names.day(date)} </span>${this.#renderDot(outlook.account)}<bdi
              >${details.join(" · ")}</bdi
            ></small
          >
        </span>
        <span class=${isIncome ? "in sum" : "sum"}
          >${estimateMark(exact)}${this.amount(amount - fromPot, outlook.currency, "exceptZero")}</span
        >
      </li>
    `;
  }
}

function estimateMark(exact: boolean): string {
  return exact ? "" : "≈ ";
}

registerCard("upcoming", UpcomingCard, (account, entities) =>
  entities.left_to_spend ? { account: [account] } : null,
);
