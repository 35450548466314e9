/** The search of a card in all transactions that Home Assistant keeps. */
import type { AccountFeed } from "./account-feed.ts";
import type { Backend, Transaction } from "./backend.ts";

// A pause in the typing.
const PAUSE = 300;

// Many, because the filters of the card may leave only a few of them.
const PAGE = 100;

// Before the first account of the bank. If Home Assistant keeps no history, it refuses to read so
// long a time from the bank, and the card searches only the rows that it has loaded.
const SINCE = new Date("2015-01-01T00:00:00Z");

/** The matches in the kept transactions of one account. */
export class AccountSearch {
  /** Whether the answer is still to come. */
  isLoading = true;
  /** Whether there was an answer. There is none if Home Assistant keeps no history. */
  isAnswered = false;
  /** Whether there are more matches, which are older. */
  hasMore = false;
  /** Whether all transactions of the account are kept, and all matches are here. */
  isComplete = false;

  readonly #account: string;
  readonly #text: string;
  readonly #feed: AccountFeed;
  readonly #backend: Backend;
  readonly #changed: () => void;
  readonly #ids: string[] = [];

  constructor(
    account: string,
    text: string,
    feed: AccountFeed,
    backend: Backend,
    changed: () => void,
  ) {
    this.#account = account;
    this.#text = text;
    this.#feed = feed;
    this.#backend = backend;
    this.#changed = changed;
  }

  /** The newest first. */
  get transactions(): readonly Transaction[] {
    return this.#ids.flatMap((id) => this.#feed.find(id) ?? []);
  }

  /**
   * Return the text of the search if it was found in a transaction, or else nothing.
   *
   * It may be in a name that the card does not show, such as a person's other name.
   */
  foundIn(id: string): string {
    return this.#ids.includes(id) ? this.#text : "";
  }

  /** Fetch the next matches, if there are any. */
  more(): void {
    if (this.hasMore && !this.isLoading) void this.load();
  }

  /** Fetch matches. After an error, those that were found before stay. */
  async load(): Promise<void> {
    this.isLoading = true;
    this.#changed();
    try {
      const { transactions, complete } = await this.#backend.getTransactions(this.#account, {
        text: this.#text,
        after: this.#ids.at(-1),
        limit: PAGE,
        since: SINCE,
        refresh: false,
      });
      this.#feed.remember(transactions);
      this.#ids.push(...transactions.map((transaction) => transaction.transaction_id));
      this.isAnswered = true;
      this.hasMore = !complete && transactions.length === PAGE;
      this.isComplete = complete;
    } catch {
      // The loaded rows are searched, and the feed shows errors that last.
    }
    this.isLoading = false;
    this.#changed();
  }
}

export class Search {
  readonly #backend: Backend;
  readonly #feed: (account: string) => AccountFeed;
  readonly #changed: () => void;
  #query = "";
  #accounts = new Map<string, AccountSearch>();
  #pause?: ReturnType<typeof setTimeout>;

  constructor(backend: Backend, feed: (account: string) => AccountFeed, changed: () => void) {
    this.#backend = backend;
    this.#feed = feed;
    this.#changed = changed;
  }

  /**
   * Search accounts, once the user pauses. The same request again changes nothing.
   *
   * Only the longest word is sent, because the action looks for a text as it is, and the card for
   * words in any order. Without a word, the search ends.
   */
  request(words: string, accounts: string[]): void {
    const text = longestWord(words);
    const query = [text, ...accounts].join(" ");
    if (query === this.#query) return;
    this.#query = query;
    clearTimeout(this.#pause);
    this.#accounts = new Map(text ? accounts.map((id) => [id, this.#begin(id, text)]) : []);
    this.#pause = setTimeout(() => {
      for (const search of this.#accounts.values()) void search.load();
    }, PAUSE);
  }

  /** Return the search of an account; undefined if there is none. */
  of(account: string): AccountSearch | undefined {
    return this.#accounts.get(account);
  }

  #begin(account: string, text: string): AccountSearch {
    return new AccountSearch(account, text, this.#feed(account), this.#backend, this.#changed);
  }
}

function longestWord(words: string): string {
  return words
    .split(/\s+/)
    .reduce((longest, word) => (word.length > longest.length ? word : longest));
}
