/** A pot and its account, as Home Assistant knows them. */
import type { HassEntity, HomeAssistant } from "../home-assistant.ts";
import { deviceName, monzoDevices } from "../shared/devices.ts";
import type { PotAction } from "../store/backend.ts";

/** Money at a place. The balance is in major units, and NaN while it is unknown. */
export interface Holding {
  name: string;
  balance: number;
}

export interface Pot extends Holding {
  currency: string;
  /** The entity of the balance. */
  entity: HassEntity;
  /** All entities of the pot. */
  entityIds: string[];
  /** The progress toward the goal in whole percent; undefined without a goal. */
  percent?: number;
  /** The amount that is missing to the goal; undefined without a goal. */
  leftToGoal?: number;
  isLocked: boolean;
  account: Holding;
}

/** Return the pot of a device; undefined if it has no balance. */
export function readPot(hass: HomeAssistant, device: string): Pot | undefined {
  const devices = monzoDevices(hass);
  const ids = devices[device] ?? {};
  const state = (id: string | undefined) => (id ? hass.states[id] : undefined);
  const entity = state(ids.pot_balance);
  if (!entity) return undefined;
  const account = hass.devices[device]?.via_device_id ?? "";
  const percent = Math.floor(toNumber(state(ids.goal_progress)));
  const leftToGoal = toNumber(state(ids.left_to_goal));
  return {
    name: deviceName(hass, device),
    balance: toNumber(entity),
    currency: entity.attributes.unit_of_measurement ?? "",
    entity,
    entityIds: Object.values(ids).filter((id) => id !== undefined),
    percent: isNaN(percent) ? undefined : percent,
    leftToGoal: isNaN(leftToGoal) ? undefined : leftToGoal,
    // A lock is off when it is locked.
    isLocked: state(ids.locked)?.state === "off",
    account: {
      name: deviceName(hass, account),
      balance: toNumber(state(devices[account]?.balance)),
    },
  };
}

/** Return whether there may be something to move. */
export function canMove(pot: Pot, action: PotAction): boolean {
  if (action === "deposit_into_pot") return !isNaN(pot.balance);
  return pot.balance > 0 && !pot.isLocked;
}

/** Return the emoji with which people mark a pot at the start of its name; undefined without one. */
export function leadingEmoji(name: string): string | undefined {
  const [first] = new Intl.Segmenter().segment(name.trim());
  return first && /^\p{Extended_Pictographic}/u.test(first.segment) ? first.segment : undefined;
}

/** Return the name without that emoji, which is the icon of the pot. */
export function nameWithoutEmoji(name: string): string {
  return (
    name
      .trim()
      .slice(leadingEmoji(name)?.length ?? 0)
      .trim() || name
  );
}

export interface QuickAmount {
  kind: "fixed" | "up_to_goal" | "everything";
  amount: number;
}

const FIXED_AMOUNTS = [5, 10, 20];

/** Return the amounts to offer: those that the account or the pot can pay. */
export function quickAmounts(pot: Pot, action: PotAction): QuickAmount[] {
  const isDeposit = action === "deposit_into_pot";
  const available = isDeposit ? pot.account.balance : pot.balance;
  const offered: QuickAmount[] = FIXED_AMOUNTS.map((amount) => ({ kind: "fixed", amount }));
  if (isDeposit && pot.leftToGoal) offered.push({ kind: "up_to_goal", amount: pot.leftToGoal });
  offered.push({ kind: "everything", amount: available });
  return offered.filter(({ amount }) => amount > 0 && amount <= available);
}

/** Return the state of a sensor as a number; NaN without one. */
function toNumber(entity: HassEntity | undefined): number {
  return entity ? Number.parseFloat(entity.state) : NaN;
}
