/** Sums of amounts in entities. */
import type { HassEntity } from "../home-assistant.ts";

export interface Sum {
  /** In major units. */
  amount: number;
  currency: string;
}

/** Powers of ten above all minor units, to add amounts without rounding errors. */
const PRECISION = 10_000;

/** Return the sum of the states; nothing if there is none, one is unknown, or currencies differ. */
export function add(states: readonly HassEntity[]): Sum | undefined {
  return addAmounts(
    states,
    states.map(({ state }) => state),
  );
}

/**
 * Return how much more was spent this month than last month up to the same day and time.
 *
 * Nothing if that is unknown for an account.
 */
export function compareMonths(months: readonly HassEntity[]): Sum | undefined {
  const current = add(months);
  const last = addAmounts(
    months,
    months.map(({ attributes }) => attributes.last_month as number | null | undefined),
  );
  if (!current || !last) return undefined;
  return { ...current, amount: round(current.amount - last.amount) };
}

function addAmounts(
  states: readonly HassEntity[],
  amounts: readonly (number | string | null | undefined)[],
): Sum | undefined {
  const currencies = new Set(states.map(({ attributes }) => attributes.unit_of_measurement));
  const [currency] = currencies;
  if (currencies.size !== 1 || !currency) return undefined;
  const numbers = amounts.map((amount) => Number(amount ?? NaN));
  const amount = round(numbers.reduce((sum, number) => sum + number, 0));
  return isNaN(amount) ? undefined : { amount, currency };
}

function round(amount: number): number {
  return Math.round(amount * PRECISION) / PRECISION;
}
