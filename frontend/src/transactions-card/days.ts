/** Transactions of several accounts, in order of time and by day. */
import type { HomeAssistant } from "../home-assistant.ts";
import type { Transaction } from "../store/backend.ts";
import type { AccountFeed } from "../store/account-feed.ts";

const DAY = 24 * 60 * 60 * 1000;

/** An account of the card. */
export interface ShownAccount {
  /** Its device. */
  id: string;
  name: string;
  feed: AccountFeed;
}

/** A transaction with its account. */
export interface Entry {
  transaction: Transaction;
  account: ShownAccount;
}

/** The transactions of a day, the newest first. */
export interface DayGroup {
  /** The name of the day: "today", or its date. */
  name: string;
  entries: Entry[];
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

/** Return transactions by day, in the language and the time zone of the user. */
export function groupByDay(hass: HomeAssistant, entries: Entry[]): DayGroup[] {
  const nameOf = dayNamer(hass);
  const days: DayGroup[] = [];
  for (const entry of entries) {
    const name = nameOf(timeOf(entry));
    const last = days.at(-1);
    if (last?.name === name) last.entries.push(entry);
    else days.push({ name, entries: [entry] });
  }
  return days;
}

function timeOf({ transaction }: Entry): number {
  return Date.parse(transaction.created);
}

/** Return a function that names the day of a moment. */
function dayNamer({ language, locale, config }: HomeAssistant): (time: number) => string {
  const timeZone = locale.time_zone === "server" ? config.time_zone : undefined;
  const date = new Intl.DateTimeFormat(language, {
    weekday: "long",
    day: "numeric",
    month: "long",
    timeZone,
  });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const names = new Map(
    [1, 0].map((ago) => [date.format(Date.now() - ago * DAY), relative.format(-ago, "day")]),
  );
  return (time) => {
    const name = date.format(time);
    return names.get(name) ?? name;
  };
}
