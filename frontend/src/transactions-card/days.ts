/** Transactions by day and month, in the language and the time zone of the user. */
import type { HomeAssistant } from "../home-assistant.ts";
import { type Entry, timeOf } from "./entries.ts";

const DAY = 24 * 60 * 60 * 1000;

/** The transactions of a day, the newest first. */
export interface DayGroup {
  /** The name of the day: "today", or its date. */
  name: string;
  /** The name of its month, if it is the first day of an earlier month than the day before. */
  month?: string;
  entries: Entry[];
  /** What was spent, in major units, by currency. */
  spent: Map<string, number>;
}

export function groupByDay(hass: HomeAssistant, entries: Entry[]): DayGroup[] {
  const names = dateNames(hass);
  const days: DayGroup[] = [];
  let lastMonth = names.month(Date.now());
  for (const entry of entries) {
    const time = timeOf(entry);
    const name = names.day(time);
    let day = days.at(-1);
    if (day?.name !== name) {
      const month = names.month(time);
      day = { name, month: month === lastMonth ? undefined : month, entries: [], spent: new Map() };
      lastMonth = month;
      days.push(day);
    }
    day.entries.push(entry);
    addSpending(day.spent, entry);
  }
  return days;
}

function addSpending(spent: Map<string, number>, { transaction }: Entry): void {
  if (!transaction.counts_as_spending) return;
  const { amount, currency } = transaction;
  spent.set(currency, (spent.get(currency) ?? 0) - amount);
}

/** Return functions that name the day and the month of a moment. */
function dateNames({ language, locale, config }: HomeAssistant) {
  const timeZone = locale.time_zone === "server" ? config.time_zone : undefined;
  const date = new Intl.DateTimeFormat(language, {
    weekday: "long",
    day: "numeric",
    month: "long",
    timeZone,
  });
  const month = new Intl.DateTimeFormat(language, { month: "long", year: "numeric", timeZone });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const names = new Map(
    [1, 0].map((ago) => [date.format(Date.now() - ago * DAY), relative.format(-ago, "day")]),
  );
  return {
    day(time: number): string {
      const name = date.format(time);
      return names.get(name) ?? name;
    },
    month: (time: number): string => month.format(time),
  };
}
