/** The rows of the card: transactions of several accounts, in order of time. */
import type { AccountFeed } from "../store/account-feed.ts";
import type { Transaction } from "../store/backend.ts";

/** An account of the card. */
export interface ShownAccount {
  /** Its device. */
  id: string;
  name: string;
  feed: AccountFeed;
}

/** A row: a transaction with its account. */
export interface Entry {
  transaction: Transaction;
  account: ShownAccount;
  /** The transaction that has put the spare change of this payment into a pot. */
  roundUp?: Transaction;
}

/**
 * Return the transactions of all accounts, the newest first.
 *
 * The list ends with the oldest known transaction of any account that has older ones, because
 * before it transactions would be missing.
 */
export function mergeTransactions(accounts: ShownAccount[]): Entry[] {
  const entries = accounts.flatMap((account) =>
    account.feed.transactions.map((transaction) => ({ transaction, account })),
  );
  entries.sort((one, other) => timeOf(other) - timeOf(one));
  const end = entries.findIndex(
    ({ transaction, account: { feed } }) =>
      !feed.complete && transaction === feed.transactions.at(-1),
  );
  return end < 0 ? entries : entries.slice(0, end + 1);
}

/** Return the entries without round-ups whose payment is there, but with them in the payment. */
export function foldRoundUps(entries: Entry[]): Entry[] {
  const payments = new Set(entries.map(({ transaction }) => transaction.transaction_id));
  const roundUps = new Map<string, Transaction>();
  const others: Entry[] = [];
  for (const entry of entries) {
    const payment = entry.transaction.round_up_of;
    if (payment && payments.has(payment)) roundUps.set(payment, entry.transaction);
    else others.push(entry);
  }
  return others.map((entry) => ({
    ...entry,
    roundUp: roundUps.get(entry.transaction.transaction_id),
  }));
}

/** Return when a transaction was made, in milliseconds. */
export function timeOf({ transaction }: Entry): number {
  return Date.parse(transaction.created);
}
