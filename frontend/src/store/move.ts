/** A transfer between a pot and its account, from the typed amount to its confirmed end. */
import { ActionError, type Backend, type PotAction, type PotMoveResult } from "./backend.ts";

// The bank may have made the transfer in spite of these errors.
const ERRORS_IN_DOUBT = new Set([
  "transfer_unconfirmed",
  "transfer_not_found",
  "transfer_rejected_later",
]);

/** A transfer that a dry run has accepted. */
export interface Plan {
  /** The amount as actions accept it. */
  requested: string;
  amount: number;
  currency: string;
  /** The balances before the transfer. */
  potBalance: number;
  accountBalance: number;
}

export type MoveState =
  /** The user enters an amount. The error is why the last one was refused. */
  | { step: "amount"; error?: ActionError }
  /** A dry run checks the amount. */
  | { step: "checking"; requested: string }
  /** The user confirms the plan. */
  | { step: "confirm"; plan: Plan }
  /** The transfer is sent for the first time. */
  | { step: "sending"; plan: Plan }
  /** The money may have been moved. The user tries again, or dismisses the transfer. */
  | { step: "unknown"; plan: Plan; error: ActionError }
  /** A transfer that may have been made is sent again. */
  | { step: "resending"; plan: Plan }
  | { step: "done"; plan: Plan; potBalance: number | null };

export type MoveEvent =
  | { type: "entered"; requested: string }
  | { type: "planned"; plan: Plan }
  | { type: "confirmed" }
  | { type: "failed"; error: ActionError }
  | { type: "moved"; potBalance: number | null };

/** Return the next state. An event that does not belong to the state changes nothing. */
export function nextState(state: MoveState, event: MoveEvent): MoveState {
  switch (state.step) {
    case "amount":
      if (event.type === "entered") return { step: "checking", requested: event.requested };
      break;
    case "checking":
      if (event.type === "planned") return { step: "confirm", plan: event.plan };
      if (event.type === "failed") return { step: "amount", error: event.error };
      break;
    case "confirm":
      if (event.type === "confirmed") return { step: "sending", plan: state.plan };
      break;
    case "sending":
      if (event.type === "moved") return done(state.plan, event.potBalance);
      if (event.type === "failed") {
        return isInDoubt(event.error)
          ? { step: "unknown", plan: state.plan, error: event.error }
          : { step: "amount", error: event.error };
      }
      break;
    case "unknown":
      if (event.type === "confirmed") return { step: "resending", plan: state.plan };
      break;
    case "resending":
      if (event.type === "moved") return done(state.plan, event.potBalance);
      // A refusal of this attempt says nothing about the first one.
      if (event.type === "failed") {
        return { step: "unknown", plan: state.plan, error: event.error };
      }
      break;
    case "done":
      break;
  }
  return state;
}

function done(plan: Plan, potBalance: number | null): MoveState {
  return { step: "done", plan, potBalance };
}

/** Return whether the money may have been moved in spite of an error. */
function isInDoubt(error: ActionError): boolean {
  return !error.isDefinite || (error.key !== undefined && ERRORS_IN_DOUBT.has(error.key));
}

export class Move {
  readonly pot: string;
  readonly action: PotAction;
  state: MoveState = { step: "amount" };

  readonly #backend: Backend;
  readonly #changed: () => void;
  // One id for all attempts: the money moves once, however often the transfer is sent.
  readonly #dedupeId = crypto.getRandomValues(new Uint32Array(4)).join("-");

  constructor(pot: string, action: PotAction, backend: Backend, changed: () => void) {
    this.pot = pot;
    this.action = action;
    this.#backend = backend;
    this.#changed = changed;
  }

  /** Whether money may move or have moved, so that the user must learn of the end. */
  get isOpen(): boolean {
    return ["sending", "unknown", "resending"].includes(this.state.step);
  }

  /** Check an amount with a dry run. */
  async check(requested: string): Promise<void> {
    if (!this.#apply({ type: "entered", requested })) return;
    await this.#settle(async () => {
      const plan = await this.#call(requested, { dryRun: true });
      return { type: "planned", plan: readPlan(requested, plan) };
    });
  }

  /** Send the transfer that the user has confirmed, or send one again whose end is unknown. */
  async send(): Promise<void> {
    if (!this.#apply({ type: "confirmed" })) return;
    const { state } = this;
    if (!("plan" in state)) return;
    await this.#settle(async () => {
      const result = await this.#call(state.plan.requested, { dryRun: false });
      return { type: "moved", potBalance: result.pot_balance };
    });
  }

  async #call(amount: string, { dryRun }: { dryRun: boolean }): Promise<PotMoveResult> {
    const { pot, action } = this;
    return this.#backend.movePot({ pot, action, amount, dedupeId: this.#dedupeId, dryRun });
  }

  async #settle(attempt: () => Promise<MoveEvent>): Promise<void> {
    let event: MoveEvent;
    try {
      event = await attempt();
    } catch (error) {
      event = { type: "failed", error: ActionError.from(error) };
    }
    this.#apply(event);
  }

  /** Return whether the event has changed the state. */
  #apply(event: MoveEvent): boolean {
    const before = this.state;
    this.state = nextState(before, event);
    this.#changed();
    return this.state !== before;
  }
}

function readPlan(requested: string, result: PotMoveResult): Plan {
  return {
    requested,
    amount: result.amount,
    currency: result.currency,
    potBalance: result.pot_balance ?? NaN,
    accountBalance: result.account_balance ?? NaN,
  };
}
