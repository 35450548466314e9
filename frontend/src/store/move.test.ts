import assert from "node:assert/strict";
import { test } from "node:test";

import { ActionError } from "./backend.ts";
import { FakeBackend } from "./fake-backend.ts";
import type { Move } from "./move.ts";
import { Store } from "./store.ts";

const ANSWER = { amount: 12.5, currency: "GBP", pot_balance: 100, account_balance: 500 };

const REFUSED = new ActionError("transfer_rejected", "Insufficient funds", { isDefinite: true });
const UNCONFIRMED = new ActionError("transfer_unconfirmed", "No answer", { isDefinite: true });
const LOST = new ActionError(undefined, "Connection lost", { isDefinite: false });

function stepOf(move: Move): string {
  return move.state.step;
}

function beginDeposit() {
  const backend = new FakeBackend();
  const store = new Store(backend);
  return { backend, store, move: store.move("holiday", "deposit_into_pot") };
}

async function confirmDeposit() {
  const parts = beginDeposit();
  void parts.move.check("12.50");
  await parts.backend.moves[0]?.answer(ANSWER);
  void parts.move.send();
  return parts;
}

async function loseAnswer() {
  const parts = await confirmDeposit();
  await parts.backend.moves[1]?.fail(LOST);
  return parts;
}

test("an amount is checked with a dry run, and sent after a confirmation", async () => {
  const { backend, move } = beginDeposit();
  void move.check("12.50");
  assert.equal(stepOf(move), "checking");
  assert.equal(backend.moves[0]?.request.dryRun, true);
  await backend.moves[0].answer(ANSWER);
  assert.deepEqual(move.state, {
    step: "confirm",
    plan: {
      requested: "12.50",
      amount: 12.5,
      currency: "GBP",
      potBalance: 100,
      accountBalance: 500,
    },
  });
  void move.send();
  assert.equal(stepOf(move), "sending");
  assert.equal(backend.moves[1]?.request.dryRun, false);
  assert.equal(backend.moves[1].request.amount, "12.50");
  await backend.moves[1].answer({ ...ANSWER, pot_balance: 112.5 });
  assert.equal(stepOf(move), "done");
  assert.equal("potBalance" in move.state && move.state.potBalance, 112.5);
});

test("a refused amount can be corrected", async () => {
  const { backend, move } = beginDeposit();
  void move.check("9999");
  await backend.moves[0]?.fail(REFUSED);
  assert.deepEqual(move.state, { step: "amount", error: REFUSED });
  void move.check("1");
  assert.equal(stepOf(move), "checking");
});

test("nothing is sent without a confirmed plan", async () => {
  const { backend, move } = beginDeposit();
  await move.send();
  assert.equal(backend.moves.length, 0);
  assert.equal(stepOf(move), "amount");
});

test("a second confirmation sends nothing", async () => {
  const { backend, move } = await confirmDeposit();
  void move.send();
  assert.equal(backend.moves.length, 2);
});

test("a definite refusal returns to the amount", async () => {
  const { backend, move } = await confirmDeposit();
  await backend.moves[1]?.fail(REFUSED);
  assert.deepEqual(move.state, { step: "amount", error: REFUSED });
});

for (const error of [UNCONFIRMED, LOST, new TypeError("A defect of ours")]) {
  test(`the outcome is unknown after: ${error.message}`, async () => {
    const { backend, move } = await confirmDeposit();
    await backend.moves[1]?.fail(error);
    assert.equal(stepOf(move), "unknown");
  });
}

test("an unknown transfer is sent again with the same id, and stays unknown after a refusal", async () => {
  const { backend, move } = await loseAnswer();
  void move.send();
  assert.equal(stepOf(move), "resending");
  assert.equal(backend.moves[2]?.request.dedupeId, backend.moves[1]?.request.dedupeId);
  await backend.moves[2]?.fail(REFUSED);
  assert.equal(stepOf(move), "unknown");
  void move.send();
  await backend.moves[3]?.answer({ ...ANSWER, pot_balance: null });
  assert.equal(stepOf(move), "done");
});

test("an open transfer is continued, and each pot and direction has its own", async () => {
  const { store, move } = await loseAnswer();
  assert.equal(store.move("holiday", "deposit_into_pot"), move);
  assert.equal(store.move("holiday", "withdraw_from_pot").state.step, "amount");
  assert.equal(store.move("rainy day", "deposit_into_pot").state.step, "amount");
});

test("after a dismissal a new transfer begins, with another id", async () => {
  const { backend, store, move } = await loseAnswer();
  store.dismiss(move);
  const next = store.move("holiday", "deposit_into_pot");
  assert.equal(stepOf(next), "amount");
  void next.check("12.50");
  assert.notEqual(backend.moves[2]?.request.dedupeId, backend.moves[1]?.request.dedupeId);
});

test("a transfer that was only planned is forgotten", () => {
  const { store, move } = beginDeposit();
  assert.notEqual(store.move("holiday", "deposit_into_pot"), move);
});

test("elements are told of each change until they unsubscribe", async () => {
  const { backend, store, move } = beginDeposit();
  const steps: string[] = [];
  const unsubscribe = store.subscribe(() => steps.push(move.state.step));
  void move.check("12.50");
  await backend.moves[0]?.answer(ANSWER);
  unsubscribe();
  void move.send();
  assert.deepEqual(steps, ["checking", "confirm"]);
});
