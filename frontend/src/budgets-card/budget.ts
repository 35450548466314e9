/** A budget, as Home Assistant knows it. */
import type { HassEntity, HomeAssistant } from "../home-assistant.ts";
import { deviceName, type EntityIds } from "../shared/devices.ts";

/** Whether the money of a budget lasts: until its end, not at this pace, or no longer. */
export type Pace = "good" | "fast" | "over";

/** The numbers of the current period. Amounts are in major units. */
export interface Numbers {
  /** The used share in percent. */
  used: number;
  /** Negative if more was spent than there was. */
  left: number;
  leftPerDay: number;
  /** What will be spent until the end of the period. */
  projected: number;
  currency: string;
  pace: Pace;
}

export interface Budget {
  name: string;
  /** The entity of the used share. */
  used: HassEntity;
  /** Undefined while they are unknown. */
  numbers?: Numbers;
}

/** The entities that a budget is read from, by translation key. */
export const BUDGET_KEYS = [
  "budget_used",
  "budget_left",
  "budget_left_per_day",
  "budget_projected",
  "budget_spent",
];

/** Return the budget of a device; undefined if it has no entity of the used share. */
export function readBudget(
  hass: HomeAssistant,
  device: string,
  ids: EntityIds,
): Budget | undefined {
  const entities = BUDGET_KEYS.map((key) => hass.states[ids[key] ?? ""]);
  const [used] = entities;
  if (!used) return undefined;
  const budget = { name: deviceName(hass, device), used };
  const [percent = NaN, left = NaN, leftPerDay = NaN, projected = NaN, spent = NaN] =
    entities.map(toNumber);
  if (isNaN(percent)) return budget;
  const currency = entities[1]?.attributes.unit_of_measurement ?? "";
  // Without the amounts, which users may disable, the share alone tells the pace.
  const isOver = left < 0 || percent > 100;
  const pace = isOver ? "over" : projected > spent + left ? "fast" : "good";
  return { ...budget, numbers: { used: percent, left, leftPerDay, projected, currency, pace } };
}

/** Return the budgets with the most used ones first, and the unknown ones last. */
export function mostUsedFirst(budgets: readonly Budget[]): Budget[] {
  const share = ({ numbers }: Budget) => numbers?.used ?? -Infinity;
  return budgets.toSorted((one, other) => share(other) - share(one) || 0);
}

function toNumber(entity: HassEntity | undefined): number {
  return entity ? Number.parseFloat(entity.state) : NaN;
}
