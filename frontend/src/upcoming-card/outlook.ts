/** What comes next for an account, as the integration's entities tell it. */
import type { HassEntity, HomeAssistant } from "../home-assistant.ts";
import { deviceName, type EntityIds } from "../shared/devices.ts";

/** A recurring payment; amounts are in major units, and negative if money goes out. */
export interface Payment {
  name: string;
  kind: string;
  /** The change of the account's balance, without the part that a pot pays. */
  amount: number;
  /** The part that a pot pays; not negative. */
  from_pot: number;
  /** Whether the amount is known exactly; otherwise it is an estimate. */
  exact: boolean;
}

export interface ForecastDay {
  /** Year, month and day. */
  date: string;
  /** The balance at the end of the day; null while no pay day is known. */
  balance: number | null;
  payments: Payment[];
}

export interface Outlook {
  /** The device of the account. */
  account: string;
  name: string;
  currency: string;
  /** The balance now, from which the days continue; not a number while no pay day is known. */
  balance: number;
  /** The amount that is left to spend until pay day, and the entity that has it, if it is known. */
  left?: { amount: number; perDay: number; until: string; exact: boolean; entity: string };
  /** The lowest balance of the next month, if it is known. */
  lowest?: { amount: number; date: string; exact: boolean };
  /** The days with payments; undefined if only administrators can read them. */
  days?: ForecastDay[];
}

export interface DatedPayment extends Payment {
  date: string;
  outlook: Outlook;
}

/** The entities that an outlook is read from, by translation key. */
export const OUTLOOK_KEYS = ["left_to_spend", "left_to_spend_per_day", "lowest_balance_ahead"];

/** Return the outlook of an account; undefined if nothing is known of it. */
export function readOutlook(
  hass: HomeAssistant,
  account: string,
  ids: EntityIds,
): Outlook | undefined {
  const [left, perDay, lowest] = OUTLOOK_KEYS.map((key) => hass.states[ids[key] ?? ""]);
  const days = lowest?.attributes.forecast as ForecastDay[] | undefined;
  const outlook: Outlook = {
    account,
    name: deviceName(hass, account),
    currency: (left ?? lowest)?.attributes.unit_of_measurement ?? "",
    // Not the balance of its entity, which may be newer than the days.
    balance: (lowest?.attributes.balance as number | null | undefined) ?? NaN,
    ...(days && { days }),
  };
  if (left && isKnown(left)) {
    const { until, exact } = left.attributes as { until: string; exact: boolean };
    const entity = left.entity_id;
    outlook.left = { amount: toNumber(left), perDay: toNumber(perDay), until, exact, entity };
  }
  if (lowest && isKnown(lowest)) {
    const { date, exact } = lowest.attributes as { date: string; exact: boolean };
    outlook.lowest = { amount: toNumber(lowest), date, exact };
  }
  return outlook.left || days ? outlook : undefined;
}

/** Return the payments of several accounts by their days. */
export function paymentsByDay(outlooks: readonly Outlook[]): DatedPayment[] {
  return outlooks
    .flatMap((outlook) =>
      (outlook.days ?? []).flatMap(({ date, payments }) =>
        payments.map((payment) => ({ ...payment, date, outlook })),
      ),
    )
    .sort((one, other) => one.date.localeCompare(other.date));
}

function isKnown(entity: HassEntity): boolean {
  return !isNaN(toNumber(entity));
}

function toNumber(entity: HassEntity | undefined): number {
  return entity ? Number.parseFloat(entity.state) : NaN;
}
