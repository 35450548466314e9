/** The rows of the card: transactions of several accounts, in order of time. */
import type { AccountFeed } from "../store/account-feed.ts";
import type { Transaction } from "../store/backend.ts";
import type { AccountSearch } from "../store/search.ts";

/** An account of the card. */
export interface ShownAccount {
  /** Its device. */
  id: string;
  name: string;
  feed: AccountFeed;
  /** The search in all its transactions that Home Assistant keeps, while the user searches. */
  search?: AccountSearch;
}

/** A row: a transaction with its account. */
export interface Entry {
  transaction: Transaction;
  account: ShownAccount;
  /** The transaction that has put the spare change of this payment into a pot. */
  roundUp?: Transaction;
}

/**
 * Return the transactions of all accounts, loaded or found by a search, the newest first.
 *
 * The list ends with the oldest known transaction of any account that has older ones, because
 * before it transactions would be missing. Once some accounts have answered a search, the others do
 * not end the list.
 */
export function mergeTransactions(accounts: ShownAccount[]): Entry[] {
  const entries = accounts.flatMap((account) =>
    transactionsOf(account).map((transaction) => ({ transaction, account })),
  );
  entries.sort((one, other) => timeOf(other) - timeOf(one));
  const searched = accounts.filter(({ search }) => search?.isAnswered);
  const ends = (searched.length ? searched : accounts).filter(hasMore).map((account) => {
    const oldest = entries.findLast((entry) => entry.account === account);
    return oldest ? timeOf(oldest) : -Infinity;
  });
  const end = Math.max(...ends);
  return entries.filter((entry) => timeOf(entry) >= end);
}

/** Return whether an account has older transactions, or a search older matches. */
export function hasMore({ feed, search }: ShownAccount): boolean {
  return search?.isAnswered ? search.hasMore : !feed.complete;
}

/** Return the loaded transactions of an account and those that a search has found, each once. */
function transactionsOf({ feed, search }: ShownAccount): Transaction[] {
  const all = [...feed.transactions, ...(search?.transactions ?? [])];
  return [...new Map(all.map((each) => [each.transaction_id, each])).values()];
}

/**
 * Return the entries without round-ups whose payment is there, but with them in the payment.
 *
 * A round-up at the end waits for its payment, which the next page has.
 */
export function foldRoundUps(entries: Entry[]): Entry[] {
  const payments = new Set(entries.map(({ transaction }) => transaction.transaction_id));
  const roundUps = new Map<string, Transaction>();
  const others: Entry[] = [];
  for (const entry of entries) {
    const payment = entry.transaction.round_up_of;
    if (payment && payments.has(payment)) roundUps.set(payment, entry.transaction);
    else others.push(entry);
  }
  const last = others.at(-1);
  if (last?.transaction.round_up_of && !last.account.search && hasMore(last.account)) others.pop();
  return others.map((entry) => ({
    ...entry,
    roundUp: roundUps.get(entry.transaction.transaction_id),
  }));
}

/** Return when a transaction was made, in milliseconds. */
export function timeOf({ transaction }: Entry): number {
  return Date.parse(transaction.created);
}
