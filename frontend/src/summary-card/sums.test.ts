import assert from "node:assert/strict";
import { test } from "node:test";

import type { HassEntity } from "../home-assistant.ts";
import { add, compareMonths } from "./sums.ts";

function state(value: string, currency = "GBP", lastMonth?: number | null): HassEntity {
  const attributes = { unit_of_measurement: currency, last_month: lastMonth };
  return { state: value, attributes } as unknown as HassEntity;
}

void test("amounts are added exactly", () => {
  assert.deepEqual(add([state("0.1"), state("0.2")]), { amount: 0.3, currency: "GBP" });
});

void test("there is no sum of nothing, of an unknown amount, or of different currencies", () => {
  assert.equal(add([]), undefined);
  assert.equal(add([state("1"), state("unavailable")]), undefined);
  assert.equal(add([state("1"), state("1", "EUR")]), undefined);
});

void test("this month is compared with last month up to the same time", () => {
  const months = [state("120.5", "GBP", 100.2), state("10", "GBP", 40)];
  assert.deepEqual(compareMonths(months), { amount: -9.7, currency: "GBP" });
});

void test("months are not compared if last month is unknown", () => {
  assert.equal(compareMonths([state("120", "GBP", null)]), undefined);
  assert.equal(compareMonths([state("120")]), undefined);
});
