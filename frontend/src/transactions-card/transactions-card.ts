/** The newest transactions of one account or several, by day. */
import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";

import { accountColor } from "../shared/account-color.ts";
import { ACCOUNTS_SELECTOR, deviceName, type EntityIds, monzoDevices } from "../shared/devices.ts";
import { createEditor } from "../shared/editor.ts";
import { type CardConfig, MonzoCard } from "../shared/monzo-card.ts";
import { store } from "../shared/page-store.ts";
import { registerCard } from "../shared/register-card.ts";
import { cardStyles } from "../shared/styles.ts";
import { text, type TextKey } from "../shared/texts.ts";
import type { ActionError } from "../store/backend.ts";
import type { AccountSearch } from "../store/search.ts";
import { categoryStyle } from "./categories.ts";
import { type DayGroup, groupByDay } from "./days.ts";
import {
  type Entry,
  foldRoundUps,
  hasMore,
  mergeTransactions,
  type ShownAccount,
} from "./entries.ts";
import { categoriesOf, type Filter, filterEntries, isFiltering, NO_FILTER } from "./filter.ts";
import { withoutDetails } from "./hidden-details.ts";
import { showTransactionDialog } from "./transaction-dialog.ts";
import { categoryText, descriptionOf, statusOf, titleOf } from "./transaction-texts.ts";
import "./transactions-filter.ts";
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

/** How many rows an example in the card picker has. */
const EXAMPLE_ROWS = 3;

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

  /** The search and the filters; undefined while they are not shown. */
  @state() private filter?: Filter;

  /** The rows that were shown when the user asked for more; undefined once the new ones are. */
  #rowsBefore?: number;

  #accounts: ShownAccount[] = [];

  readonly #search = store.search();

  /** Fetch what is missing or outdated. */
  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    const devices = monzoDevices(this.hass);
    const chosen = [this.config.account ?? []].flat();
    const ids = chosen[0]
      ? chosen
      : Object.keys(devices).filter((id) => devices[id]?.balance !== undefined);
    // A search must not tell what is hidden.
    this.#search.request(this.areAmountsHidden ? "" : (this.filter?.search ?? ""), ids);
    this.#accounts = ids.map((id) => ({
      id,
      name: deviceName(this.hass, id),
      feed: store.feed(id),
      search: this.#search.of(id),
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
    const all = this.#allEntries();
    const shown = this.#shownEntries(all);
    return html`
      <header>
        <h2><bdi>${this.#title}</bdi></h2>
        ${all.length ? this.#renderSearchButton() : nothing} ${this.renderEye()}
      </header>
      ${this.#renderFilter(all)} ${this.#renderErrors()} ${this.#renderRetry()}
      ${shown.length ? nothing : this.#renderEmpty(all)}
      ${repeat(
        groupByDay(this.hass, shown),
        ({ name }) => name,
        (day) => this.#renderDay(day),
      )}
      ${all.length ? this.#renderMore() : nothing} ${this.#renderIncomplete()}
    `;
  }

  #allEntries(): Entry[] {
    const all = foldRoundUps(mergeTransactions(this.#accounts));
    if (!this.areAmountsHidden) return all;
    return all.map((entry) => ({ ...entry, transaction: withoutDetails(entry.transaction) }));
  }

  #shownEntries(all: Entry[]): Entry[] {
    if (isExample(this)) return all.slice(0, EXAMPLE_ROWS);
    return this.filter ? filterEntries(all, this.filter, (entry) => this.#searchText(entry)) : all;
  }

  /** Return the text of a row that is searched. */
  #searchText({ transaction, account }: Entry): string {
    const { amount, currency, category } = transaction;
    return [
      titleOf(transaction),
      descriptionOf(transaction),
      transaction.description,
      categoryText(category),
      account.name,
      account.search?.foundIn(transaction.transaction_id) ?? "",
      this.areAmountsHidden ? "" : this.money(amount, currency),
    ].join(" ");
  }

  get #title(): string {
    if (this.config.title) return this.config.title;
    const [first, second] = this.#accounts;
    return second ? text("transactions_title") : (first?.name ?? "");
  }

  get #isLoading(): boolean {
    return this.#accounts.some(
      ({ feed, search }) => feed.status.is === "loading" || search?.isLoading,
    );
  }

  get #searches(): AccountSearch[] {
    return this.#accounts.flatMap(({ search }) => search ?? []);
  }

  get #canShowMore(): boolean {
    return this.#accounts.some(
      (account) => hasMore(account) && (account.search?.isAnswered || this.limit < MAX_LIMIT),
    );
  }

  get #errors(): ActionError[] {
    const statuses = this.#accounts.map(({ feed }) => feed.status);
    return statuses.flatMap((status) => (status.is === "failed" ? status.error : []));
  }

  #renderSearchButton(): TemplateResult {
    return html`<button
      aria-label=${text("transactions_search")}
      aria-expanded=${this.filter !== undefined}
      @click=${this.#toggleFilter}
    >
      <ha-icon icon="mdi:magnify"></ha-icon>
    </button>`;
  }

  #renderFilter(all: Entry[]): unknown {
    if (!this.filter) return nothing;
    return html`<monzo-transactions-filter
      .filter=${this.filter}
      .categories=${categoriesOf(all)}
      @filter-changed=${this.#onFilterChanged}
    ></monzo-transactions-filter>`;
  }

  /** Return the errors of all accounts. An error that several accounts have is one error. */
  #renderErrors(): TemplateResult[] {
    const errors = new Map(this.#errors.map((error) => [errorText(error), error]));
    return Array.from(
      errors,
      ([message, { needsAdministrator }]) =>
        html`<p role=${needsAdministrator ? nothing : "alert"}>${message}</p>`,
    );
  }

  #renderRetry(): unknown {
    if (this.#errors.every((error) => error.needsAdministrator)) return nothing;
    return html`<button class="wide" @click=${this.#retry}>
      ${text(this.#isLoading ? "transactions_loading" : "transactions_again")}
    </button>`;
  }

  #renderEmpty(all: Entry[]): unknown {
    if (this.#errors.length) return nothing;
    const isFiltered = all.length > 0 && this.filter && isFiltering(this.filter);
    return html`<p>${text(isFiltered ? this.#noMatchText : this.#emptyText())}</p>`;
  }

  get #noMatchText(): TextKey {
    if (this.#searches.some((search) => search.isLoading)) return "transactions_loading";
    return this.#canShowMore ? "transactions_no_match_yet" : "transactions_no_match";
  }

  #emptyText(): TextKey {
    if (this.#isLoading) return "transactions_loading";
    if (!this.#accounts.length) return "transactions_no_account";
    const isCurrent = this.#accounts.every(({ feed }) => feed.status.is === "current");
    return isCurrent ? "transactions_none" : "transactions_unavailable";
  }

  #renderMore(): unknown {
    if (!this.#canShowMore || isExample(this)) return nothing;
    return html`<button class="wide" id="more" @click=${this.#showMore}>
      ${text(this.#isLoading ? "transactions_loading" : "transactions_more")}
    </button>`;
  }

  /** Return the note that a search could not look everywhere, once it has shown what it found. */
  #renderIncomplete(): unknown {
    const searches = this.#searches;
    const isOver = !searches.some((search) => search.isLoading || search.hasMore);
    const isIncomplete = searches.some((search) => !search.isComplete);
    if (!isOver || !isIncomplete || !searches.some((search) => search.isAnswered)) return nothing;
    return html`<p>${text("transactions_search_incomplete")}</p>`;
  }

  #renderDay({ name, month, entries, spent }: DayGroup): TemplateResult {
    const totals = [...spent].filter(([, amount]) => amount !== 0);
    return html`
      ${month ? html`<h3 class="month">${month}</h3>` : nothing}
      <div class="day">
        <h3>${name}</h3>
        ${totals.map(([currency, amount]) => this.#renderTotal(amount, currency))}
      </div>
      <ul role="list">
        ${repeat(entries, keyOf, (entry) => this.#renderRow(entry))}
      </ul>
    `;
  }

  #renderTotal(amount: number, currency: string): TemplateResult {
    const shown = this.moneyOrDots(amount, currency);
    return html`<small><bdi>${text("transactions_spent", { amount: shown })}</bdi></small>`;
  }

  #renderRow(entry: Entry): TemplateResult {
    const { transaction } = entry;
    const { amount, declined, currency } = transaction;
    const isIncome = amount > 0 && !declined && !this.areAmountsHidden;
    const sum = this.amount(amount, currency, "exceptZero");
    return html`
      <li>
        <button type="button" class="row" @click=${() => this.#showDetails(entry)}>
          ${this.#renderIcon(entry)}
          <span class="what"
            ><bdi>${titleOf(transaction)}</bdi><small>${this.#renderDetails(entry)}</small></span
          >
          <span class=${isIncome ? "in sum" : "sum"}>
            ${declined ? html`<s>${sum}</s>` : sum}${this.#renderLocalAmount(entry)}
          </span>
        </button>
      </li>
    `;
  }

  #renderIcon({ transaction: { emoji, pot, category, logo } }: Entry): TemplateResult {
    const { icon, color } = categoryStyle(category);
    const sign = emoji ?? (pot ? "🐷" : html`<ha-icon icon=${icon}></ha-icon>`);
    return html`<span class="icon" aria-hidden="true" style="--category-color: ${color}"
      ><span>${sign}</span>${this.#renderLogo(logo)}</span
    >`;
  }

  /** Return the logo, which covers the emoji once it is loaded. */
  #renderLogo(logo: string | null): unknown {
    if (!this.config.logos || !logo) return nothing;
    const remove = (event: Event) => (event.target as HTMLImageElement).remove();
    return html`<img alt="" referrerpolicy="no-referrer" src=${logo} @error=${remove} />`;
  }

  #renderDetails({ transaction, account, roundUp }: Entry): unknown[] {
    const parts: unknown[] = [statusOf(transaction), descriptionOf(transaction)];
    if (roundUp) {
      const { amount, currency } = roundUp;
      const shown = this.moneyOrDots(-amount, currency);
      parts.push(text("transactions_round_up", { amount: shown }));
    }
    const details = parts
      .filter(Boolean)
      .map((part, index) => html`${index ? " · " : nothing}<bdi>${part}</bdi>`);
    return [this.#renderAccount(account), ...details];
  }

  /** Return the mark and the name of an account, if there are several. */
  #renderAccount(account: ShownAccount): unknown {
    if (this.#accounts.length === 1) return nothing;
    const color = accountColor(this.#accounts.indexOf(account));
    return html`<i class="dot" style="background: ${color}" title=${account.name}></i
      ><span class="account"><bdi>${account.name}</bdi> · </span>`;
  }

  #renderLocalAmount({ transaction }: Entry): unknown {
    const { local_amount: amount, local_currency: currency } = transaction;
    if (amount === null || !currency) return nothing;
    return html`<small>${this.amount(amount, currency, "exceptZero")}</small>`;
  }

  #showDetails({ transaction, account, roundUp }: Entry): void {
    showTransactionDialog(this, {
      account: account.id,
      id: transaction.transaction_id,
      roundUp,
      areAmountsHidden: this.areAmountsHidden,
    });
  }

  readonly #toggleFilter = async (): Promise<void> => {
    this.filter = this.filter ? undefined : NO_FILTER;
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>("monzo-transactions-filter")?.focus();
  };

  readonly #onFilterChanged = ({ detail }: CustomEvent<Filter>): void => {
    this.filter = detail;
  };

  readonly #retry = (): void => {
    for (const { feed } of this.#accounts) feed.retry();
  };

  readonly #showMore = (): void => {
    this.#rowsBefore = this.renderRoot.querySelectorAll("li").length;
    const searches = this.#searches.filter((search) => search.hasMore);
    for (const search of searches) search.more();
    if (!searches.length) this.limit += PAGE;
  };

  /** When the last page takes the place of the button, move the focus to its first row. */
  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    if (this.#rowsBefore === undefined || this.#isLoading) return;
    const rows = this.renderRoot.querySelectorAll<HTMLElement>(".row");
    if (!this.renderRoot.querySelector("#more")) rows[this.#rowsBefore]?.focus();
    this.#rowsBefore = undefined;
  }
}

/** Return whether a card is an example in the card picker. */
function isExample(card: HTMLElement): boolean {
  const root = card.getRootNode();
  return root instanceof ShadowRoot && root.host.localName === "hui-card-picker";
}

function keyOf({ transaction }: Entry): string {
  return transaction.transaction_id;
}

/** Return the entities of an account that change with a payment. Users may disable one of them. */
function reportingEntities(entities: EntityIds = {}): string[] {
  return [entities.transaction, entities.balance].filter((id) => id !== undefined);
}

/** Return the text of an error. That of a missing answer is about actions that change something. */
function errorText({ key, message }: ActionError): string {
  return key === "no_answer" ? text("transactions_no_answer") : message;
}

registerCard("transactions", TransactionsCard, (account, entities) =>
  entities.balance ? { account: [account] } : null,
);
