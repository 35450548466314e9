/** The geometry of the forecast: a line in steps for each account, in percent of the chart. */
import type { Outlook } from "./outlook.ts";

/** So many days are foreseen. */
const DAYS = 30;

const DAY = 24 * 60 * 60 * 1000;

export interface ForecastLine {
  outlook: Outlook;
  /** A path from today to the last day. */
  path: string;
  /** The same path, closed along the zero line. */
  area: string;
  /** The day with the lowest balance. */
  lowest: { x: number; y: number };
}

export interface ForecastChart {
  lines: ForecastLine[];
  /** The height of the zero line. */
  zero: number;
}

/**
 * Return the lines of the accounts whose balances are foreseen, in the first account's currency.
 *
 * `today` is a date with year, month and day.
 */
export function forecastChart(outlooks: readonly Outlook[], today: string): ForecastChart {
  const [first] = outlooks;
  const foreseen = outlooks.filter(
    ({ balance, currency, days, lowest }) =>
      days && lowest && !isNaN(balance) && currency === first?.currency,
  );
  const all = foreseen.flatMap((outlook) => [outlook.balance, ...balancesOf(outlook)]);
  const highest = Math.max(0, ...all);
  const lowest = Math.min(0, ...all);
  const y = (balance: number) => percent(highest - balance, highest - lowest);
  const x = (date: string) => percent((Date.parse(date) - Date.parse(today)) / DAY, DAYS);
  const zero = y(0);
  const lines = foreseen.map((outlook) => {
    const steps = (outlook.days ?? []).flatMap(({ date, balance }) =>
      balance === null ? [] : `H${String(x(date))}V${String(y(balance))}`,
    );
    const path = `M0,${String(y(outlook.balance))}${steps.join("")}H100`;
    const point = outlook.lowest ?? { date: today, amount: 0 };
    return {
      outlook,
      path,
      area: `${path}V${String(zero)}H0Z`,
      lowest: { x: x(point.date), y: y(point.amount) },
    };
  });
  return { lines, zero };
}

/** Return the date after the last foreseen day, or a day before, as a moment in UTC. */
export function lastDay(today: string): string {
  return new Date(Date.parse(today) + DAYS * DAY).toISOString().slice(0, 10);
}

function balancesOf({ days }: Outlook): number[] {
  return days?.flatMap(({ balance }) => balance ?? []) ?? [];
}

function percent(part: number, whole: number): number {
  const share = whole > 0 ? (100 * part) / whole : 0;
  return Math.round(Math.min(100, Math.max(0, share)) * 100) / 100;
}
