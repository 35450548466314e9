/** The newest transactions of one account, and when to fetch them again. */
import { ActionError, type Backend, type Transaction } from "./backend.ts";

const MINUTE = 60_000;

// Notes and pending payments change without an event, so transactions are outdated after a while.
const PERIOD = 15 * MINUTE;

// A payment comes with its round-up, a moment apart.
const SETTLING_TIME = 1000;

const RETRY_DELAY = MINUTE;

// Monzo lists 90 days.
const DAYS = 89;

export type FeedStatus =
  { is: "unread" } | { is: "loading" } | { is: "current" } | { is: "failed"; error: ActionError };

/** Return the number of the current quarter of an hour. It changes at midnight in every zone. */
export function currentPeriod(): number {
  return Math.floor(Date.now() / PERIOD);
}

export class AccountFeed {
  /** The newest first. */
  transactions: readonly Transaction[] = [];
  /** Whether there are no older transactions. */
  complete = false;
  status: FeedStatus = { is: "unread" };

  readonly #account: string;
  readonly #backend: Backend;
  readonly #changed: () => void;
  #limit = 0;
  #limitRead = 0;
  #period = 0;
  #revision: string | undefined;
  #latest: string | undefined;
  #loading = Promise.resolve();
  /** Transactions that a search has found, by their ids. */
  readonly #found = new Map<string, Transaction>();

  constructor(account: string, backend: Backend, changed: () => void) {
    this.#account = account;
    this.#backend = backend;
    this.#changed = changed;
  }

  /**
   * Fetch the transactions unless they are up to date.
   *
   * The revision is a text that changes with each payment. After an error only a new revision
   * starts another request, because an error repeats itself after a minute.
   */
  request(revision: string, limit: number): void {
    this.#latest = revision;
    this.#limit = Math.max(limit, this.#limit);
    if (this.status.is === "loading") return;
    const isNews = revision !== this.#revision;
    const isOutdated = this.#limit > this.#limitRead || this.#period !== currentPeriod();
    if (isNews || (isOutdated && this.status.is !== "failed")) {
      const isFirst = this.#revision === undefined;
      this.#setStatus({ is: "loading" });
      const load = () => void (this.#loading = this.#load({ refresh: false }));
      setTimeout(load, isNews && !isFirst ? SETTLING_TIME : 0);
    }
  }

  /** Let the next request fetch the transactions again after an error. */
  retry(): void {
    if (this.status.is !== "failed") return;
    this.#period = 0;
    this.#setStatus({ is: "unread" });
  }

  /** Fetch the transactions from Monzo, because the user has changed one of them. */
  async refresh(): Promise<void> {
    await this.#loading;
    this.#setStatus({ is: "loading" });
    await this.#load({ refresh: true });
  }

  /** Remember transactions that a search has found. They may be older than the newest ones. */
  remember(transactions: readonly Transaction[]): void {
    for (const transaction of transactions) {
      this.#found.set(transaction.transaction_id, transaction);
    }
  }

  /** Return a transaction by its id, among the newest ones and those that a search has found. */
  find(id: string): Transaction | undefined {
    const isWanted = ({ transaction_id }: Transaction) => transaction_id === id;
    return this.transactions.find(isWanted) ?? this.#found.get(id);
  }

  /** Show the new values of a transaction before it is fetched again. */
  update(id: string, values: Partial<Transaction>): void {
    this.transactions = this.transactions.map((transaction) =>
      transaction.transaction_id === id ? { ...transaction, ...values } : transaction,
    );
    const found = this.#found.get(id);
    if (found) this.#found.set(id, { ...found, ...values });
    this.#changed();
  }

  async #load({ refresh }: { refresh: boolean }): Promise<void> {
    this.#revision = this.#latest;
    this.#period = currentPeriod();
    this.#limitRead = this.#limit;
    const since = new Date(Date.now() - DAYS * 24 * 60 * MINUTE);
    try {
      const list = await this.#backend.getTransactions(this.#account, {
        limit: this.#limit,
        since,
        refresh,
      });
      this.transactions = list.transactions;
      this.complete = list.complete;
      this.#setStatus({ is: "current" });
    } catch (cause) {
      const error = ActionError.from(cause);
      if (error.needsAdministrator) this.#forget();
      else setTimeout(() => this.retry(), RETRY_DELAY);
      this.#setStatus({ is: "failed", error });
    }
  }

  /** Forget all transactions, because the user can no longer read them. */
  #forget(): void {
    this.transactions = [];
    this.#found.clear();
    this.complete = true;
  }

  #setStatus(status: FeedStatus): void {
    this.status = status;
    this.#changed();
  }
}
