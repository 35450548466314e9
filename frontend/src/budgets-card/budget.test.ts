import assert from "node:assert/strict";
import { test } from "node:test";

import type { HomeAssistant } from "../home-assistant.ts";
import { BUDGET_KEYS, mostUsedFirst, readBudget } from "./budget.ts";

function budgetWith(states: Record<string, string>, name = "Groceries") {
  const entity = (state: string) => ({ state, attributes: { unit_of_measurement: "GBP" } });
  const hass = {
    devices: { budget: { id: "budget", name } },
    states: Object.fromEntries(Object.entries(states).map(([key, state]) => [key, entity(state)])),
  } as unknown as HomeAssistant;
  return readBudget(hass, "budget", Object.fromEntries(BUDGET_KEYS.map((key) => [key, key])));
}

const HALF = {
  budget_used: "50.0",
  budget_left: "100.00",
  budget_left_per_day: "10.00",
  budget_projected: "180.00",
  budget_spent: "100.00",
};

test("a budget is read with its numbers", () => {
  assert.deepEqual(budgetWith(HALF)?.numbers, {
    used: 50,
    left: 100,
    leftPerDay: 10,
    projected: 180,
    currency: "GBP",
    pace: "good",
  });
});

// What differs from a budget that is half used, and its pace.
const PACES: [Record<string, string>, string][] = [
  [{ budget_projected: "200.00" }, "good"],
  [{ budget_projected: "200.01" }, "fast"],
  [{ budget_left: "-0.01", budget_used: "100.1" }, "over"],
  [{ budget_left: "0.00", budget_used: "100.0", budget_projected: "100.00" }, "good"],
];

for (const [changes, pace] of PACES) {
  test(`a budget with ${JSON.stringify(changes)} is ${pace}`, () => {
    assert.equal(budgetWith({ ...HALF, ...changes })?.numbers?.pace, pace);
  });
}

test("a budget whose amounts are disabled still tells its share", () => {
  assert.equal(budgetWith({ budget_used: "120" })?.numbers?.pace, "over");
  assert.equal(budgetWith({ budget_used: "80" })?.numbers?.pace, "good");
});

test("an unknown budget has no numbers, and without its entity there is none", () => {
  assert.equal(budgetWith({ ...HALF, budget_used: "unknown" })?.numbers, undefined);
  assert.equal(budgetWith({}), undefined);
});

test("the most used budgets come first, and unknown ones last", () => {
  const budgets = [
    ["20", "a"],
    ["unknown", "b"],
    ["120", "c"],
    ["20", "d"],
    ["unknown", "e"],
  ].map(([budget_used = "", name]) => budgetWith({ ...HALF, budget_used }, name));
  const known = budgets.filter((budget) => budget !== undefined);
  assert.deepEqual(
    mostUsedFirst(known).map(({ name }) => name),
    ["c", "a", "d", "b", "e"],
  );
});
