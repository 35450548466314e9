import assert from "node:assert/strict";
import { test } from "node:test";

import type { HomeAssistant } from "../home-assistant.ts";
import { canMove, leadingEmoji, nameWithoutEmoji, quickAmounts, readPot } from "./pot.ts";

const ENTITIES = [
  ["account", "balance"],
  ["holiday", "pot_balance"],
  ["holiday", "goal_progress"],
  ["holiday", "left_to_goal"],
  ["holiday", "locked"],
];

/** Return a Home Assistant with these states of the pot and its account. */
function hassWith(states: Record<string, string>): HomeAssistant {
  const ids = ENTITIES.filter(([, key = ""]) => key in states);
  return {
    devices: {
      account: { id: "account", name: "Current account" },
      holiday: { id: "holiday", name: "Holiday", via_device_id: "account" },
    },
    entities: Object.fromEntries(
      ids.map(([device_id, key = ""]) => [
        `sensor.${key}`,
        { entity_id: `sensor.${key}`, platform: "monzo", device_id, translation_key: key },
      ]),
    ),
    states: Object.fromEntries(
      ids.map(([, key = ""]) => [
        `sensor.${key}`,
        { state: states[key], attributes: { unit_of_measurement: "GBP" } },
      ]),
    ),
  } as unknown as HomeAssistant;
}

function potWith(states: Record<string, string>) {
  const pot = readPot(hassWith({ balance: "100", ...states }), "holiday");
  assert.ok(pot);
  return pot;
}

test("a pot is read with its goal and its account", () => {
  const { entity, entityIds, ...pot } = potWith({
    pot_balance: "64.5",
    goal_progress: "64.9",
    left_to_goal: "35.5",
    locked: "off",
  });
  assert.equal(entity.state, "64.5");
  assert.equal(entityIds.length, 4);
  assert.deepEqual(pot, {
    name: "Holiday",
    balance: 64.5,
    currency: "GBP",
    percent: 64,
    leftToGoal: 35.5,
    isLocked: true,
    account: { name: "Current account", balance: 100 },
  });
});

test("a device without a balance is no pot", () => {
  assert.equal(readPot(hassWith({ balance: "100" }), "holiday"), undefined);
});

test("the quick amounts of a deposit are those that the account can pay", () => {
  const amounts = (states: Record<string, string>) =>
    quickAmounts(potWith({ pot_balance: "50", ...states }), "deposit_into_pot");
  assert.deepEqual(amounts({ left_to_goal: "35.5" }), [
    { kind: "fixed", amount: 5 },
    { kind: "fixed", amount: 10 },
    { kind: "fixed", amount: 20 },
    { kind: "up_to_goal", amount: 35.5 },
    { kind: "everything", amount: 100 },
  ]);
  assert.deepEqual(amounts({ balance: "12.5", left_to_goal: "35.5" }), [
    { kind: "fixed", amount: 5 },
    { kind: "fixed", amount: 10 },
    { kind: "everything", amount: 12.5 },
  ]);
  assert.deepEqual(amounts({ balance: "-3" }), []);
  assert.deepEqual(amounts({ balance: "unavailable" }), []);
});

test("the quick amounts of a withdrawal are those that the pot can pay", () => {
  const pot = potWith({ pot_balance: "15", left_to_goal: "35.5" });
  assert.deepEqual(
    quickAmounts(pot, "withdraw_from_pot").map(({ amount }) => amount),
    [5, 10, 15],
  );
});

test("nothing can be taken from a pot that is empty, locked or unknown", () => {
  const closed: Record<string, string>[] = [
    { pot_balance: "0" },
    { pot_balance: "5", locked: "off" },
  ];
  for (const states of closed) {
    assert.equal(canMove(potWith(states), "withdraw_from_pot"), false);
    assert.equal(canMove(potWith(states), "deposit_into_pot"), true);
  }
  for (const action of ["withdraw_from_pot", "deposit_into_pot"] as const) {
    assert.equal(canMove(potWith({ pot_balance: "unavailable" }), action), false);
  }
  assert.equal(canMove(potWith({ pot_balance: "5", locked: "on" }), "withdraw_from_pot"), true);
});

test("an emoji at the start of the name is the icon, and not repeated in the title", () => {
  for (const [name, emoji, title] of [
    ["🚲 Bicycle", "🚲", "Bicycle"],
    ["👩‍🎓 Courses", "👩‍🎓", "Courses"],
    ["🚲", "🚲", "🚲"],
    ["Car 🚗", undefined, "Car 🚗"],
  ] as const) {
    assert.equal(leadingEmoji(name), emoji);
    assert.equal(nameWithoutEmoji(name), title);
  }
});
