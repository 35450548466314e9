/** The newest transactions of one account or several, by day. */
import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";

import { ACCOUNTS_SELECTOR, deviceName, type EntityIds, monzoDevices } from "../shared/devices.ts";
import { createEditor } from "../shared/editor.ts";
import { type CardConfig, MonzoCard } from "../shared/monzo-card.ts";
import { store } from "../shared/page-store.ts";
import { registerCard } from "../shared/register-card.ts";
import { cardStyles } from "../shared/styles.ts";
import { text } from "../shared/texts.ts";
import {
  type DayGroup,
  type Entry,
  groupByDay,
  mergeTransactions,
  type ShownAccount,
} from "./days.ts";
import { detailsOf, emojiOf, titleOf } from "./transaction-row.ts";
import { transactionStyles } from "./styles.ts";

interface TransactionsCardConfig extends CardConfig {
  /** The devices of accounts; all accounts if it is empty. */
  account?: string | string[];
  title?: string;
  logos?: boolean;
}

const PAGE = 20;

/** The most transactions that the action returns. */
const MAX_LIMIT = 1000;

class TransactionsCard extends MonzoCard<TransactionsCardConfig> {
  static getConfigElement(): HTMLElement {
    return createEditor(
      { name: "account", selector: ACCOUNTS_SELECTOR },
      { name: "title", selector: { text: {} } },
      { name: "logos", selector: { boolean: {} } },
    );
  }

  static override styles = [cardStyles, transactionStyles];

  @state() private limit = PAGE;

  /** The rows that were shown when the user asked for more; undefined once the new ones are. */
  #rowsBefore?: number;

  #accounts: ShownAccount[] = [];

  /** Fetch what is missing or outdated. */
  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    const devices = monzoDevices(this.hass);
    const chosen = [this.config.account ?? []].flat();
    const ids = chosen[0]
      ? chosen
      : Object.keys(devices).filter((id) => devices[id]?.balance !== undefined);
    this.#accounts = ids.map((id) => ({
      id,
      name: deviceName(this.hass, id),
      feed: store.feed(id),
    }));
    this.watched = ids.flatMap((id) => reportingEntities(devices[id]));
    for (const { id, feed } of this.#accounts) {
      const revision = this.#revisionOf(reportingEntities(devices[id]));
      if (revision !== undefined) feed.request(revision, this.limit);
    }
  }

  /** Return a text that changes with each payment; undefined while an entity is unavailable. */
  #revisionOf(entities: string[]): string | undefined {
    const states = entities.map((id) => this.hass.states[id]?.state ?? "unavailable");
    return !states.length || states.includes("unavailable") ? undefined : states.join();
  }

  protected override renderContent(): TemplateResult {
    const days = groupByDay(this.hass, mergeTransactions(this.#accounts));
    return html`
      <header>
        <h2>${this.#title}</h2>
        ${this.renderEye()}
      </header>
      ${Array.from(this.#errors, (error) => html`<p role="alert">${error}</p>`)}
      ${this.#renderRetry()} ${days.length ? nothing : this.#renderEmpty()}
      ${repeat(
        days,
        ({ name }) => name,
        (day) => this.#renderDay(day),
      )}
      ${days.length ? this.#renderMore() : nothing}
    `;
  }

  get #title(): string {
    if (this.config.title) return this.config.title;
    const [first, second] = this.#accounts;
    return second ? text("transactions_title") : (first?.name ?? "");
  }

  get #isLoading(): boolean {
    return this.#accounts.some(({ feed }) => feed.status.is === "loading");
  }

  /** The errors of all accounts. An error that several accounts have is one error. */
  get #errors(): Set<string> {
    const statuses = this.#accounts.map(({ feed }) => feed.status);
    return new Set(statuses.flatMap((status) => (status.is === "failed" ? status.message : [])));
  }

  #renderRetry(): unknown {
    if (!this.#errors.size) return nothing;
    return html`<button class="wide" @click=${this.#retry}>
      ${text(this.#isLoading ? "transactions_loading" : "transactions_again")}
    </button>`;
  }

  #renderEmpty(): unknown {
    if (this.#errors.size) return nothing;
    return html`<p>${text(this.#emptyText())}</p>`;
  }

  #emptyText() {
    if (this.#isLoading) return "transactions_loading";
    if (!this.#accounts.length) return "transactions_no_account";
    const isCurrent = this.#accounts.every(({ feed }) => feed.status.is === "current");
    return isCurrent ? "transactions_none" : "transactions_unavailable";
  }

  #renderMore(): unknown {
    const isComplete = this.#accounts.every(({ feed }) => feed.complete);
    if (isComplete || this.limit >= MAX_LIMIT) return nothing;
    return html`<button class="wide" id="more" @click=${this.#showMore}>
      ${text(this.#isLoading ? "transactions_loading" : "transactions_more")}
    </button>`;
  }

  #renderDay({ name, entries }: DayGroup): TemplateResult {
    return html`
      <h3>${name}</h3>
      <ul role="list">
        ${repeat(entries, keyOf, (entry) => this.#renderRow(entry))}
      </ul>
    `;
  }

  #renderRow({ transaction, account }: Entry): TemplateResult {
    const { amount, declined, currency } = transaction;
    const details = detailsOf(transaction);
    if (this.#accounts.length > 1) details.push(account.name);
    const isIncome = amount > 0 && !declined && !this.areAmountsHidden;
    const sum = this.amount(amount, currency, "exceptZero");
    return html`
      <li tabindex="-1">
        <div class="icon" aria-hidden="true">
          ${emojiOf(transaction)} ${this.#renderLogo(transaction.logo)}
        </div>
        <div class="what">${titleOf(transaction)}<small>${details.join(" · ")}</small></div>
        <div class=${isIncome ? "in sum" : "sum"}>
          ${declined ? html`<s>${sum}</s>` : sum}${this.#renderLocalAmount(transaction)}
        </div>
      </li>
    `;
  }

  /** Return the logo, which covers the emoji once it is loaded. */
  #renderLogo(logo: string | null): unknown {
    if (!this.config.logos || !logo) return nothing;
    const remove = (event: Event) => (event.target as HTMLImageElement).remove();
    return html`<img alt="" referrerpolicy="no-referrer" src=${logo} @error=${remove} />`;
  }

  #renderLocalAmount({ local_amount: amount, local_currency: currency }: Entry["transaction"]) {
    if (amount === null || !currency) return nothing;
    return html`<small>${this.amount(amount, currency, "exceptZero")}</small>`;
  }

  readonly #retry = (): void => {
    for (const { feed } of this.#accounts) feed.retry();
  };

  readonly #showMore = (): void => {
    this.#rowsBefore = this.renderRoot.querySelectorAll("li").length;
    this.limit += PAGE;
  };

  /** When the last page takes the place of the button, move the focus to its first row. */
  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    if (this.#rowsBefore === undefined || this.#isLoading) return;
    const rows = this.renderRoot.querySelectorAll("li");
    if (!this.renderRoot.querySelector("#more")) rows[this.#rowsBefore]?.focus();
    this.#rowsBefore = undefined;
  }
}

function keyOf({ transaction }: Entry): string {
  return transaction.transaction_id;
}

/** Return the entities of an account that change with a payment. Users may disable one of them. */
function reportingEntities(entities: EntityIds = {}): string[] {
  return [entities.transaction, entities.balance].filter((id) => id !== undefined);
}

registerCard("transactions", TransactionsCard, (account, entities) =>
  entities.balance ? { account: [account] } : null,
);
