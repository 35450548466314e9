/** The data that all cards on a page share. */
import { AccountFeed } from "./account-feed.ts";
import type { Backend, PotAction, TransactionId } from "./backend.ts";
import { Move } from "./move.ts";
import { Search } from "./search.ts";

export class Store {
  readonly #backend: Backend;
  readonly #feeds = new Map<string, AccountFeed>();
  readonly #moves = new Map<string, Move>();
  readonly #listeners = new Set<() => void>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Return the transactions of an account, by its device. */
  feed(account: string): AccountFeed {
    let feed = this.#feeds.get(account);
    if (!feed) {
      feed = new AccountFeed(account, this.#backend, this.#changed);
      this.#feeds.set(account, feed);
    }
    return feed;
  }

  /** Return a new search, for one card. */
  search(): Search {
    return new Search(this.#backend, (account) => this.feed(account), this.#changed);
  }

  /** Write the notes of a transaction. */
  async annotate(transaction: TransactionId, notes: string): Promise<void> {
    const stored = await this.#backend.annotate(transaction, notes);
    const feed = this.feed(transaction.account);
    feed.update(transaction.id, stored);
    void feed.refresh();
  }

  /** Attach a picture or a document to a transaction. */
  async attachFile(transaction: TransactionId, file: File): Promise<void> {
    await this.#backend.attachFile(transaction, file);
    void this.feed(transaction.account).refresh();
  }

  /**
   * Return the transfer of a pot whose end is open; else begin a new one.
   *
   * An open transfer outlives its dialog, so that the user learns of its end.
   */
  move(pot: string, action: PotAction): Move {
    const key = `${pot} ${action}`;
    let move = this.#moves.get(key);
    if (!move?.isOpen) {
      move = new Move(pot, action, this.#backend, this.#changed);
      this.#moves.set(key, move);
    }
    return move;
  }

  /** Forget a transfer, because the user knows whether it was made. */
  dismiss({ pot, action }: Move): void {
    this.#moves.delete(`${pot} ${action}`);
  }

  /** Call a function after each change. Returns a function that ends this. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  readonly #changed = (): void => {
    for (const listener of this.#listeners) listener();
  };
}
