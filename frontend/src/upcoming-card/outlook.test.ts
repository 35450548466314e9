import assert from "node:assert/strict";
import { test } from "node:test";

import type { HomeAssistant } from "../home-assistant.ts";
import { forecastChart } from "./forecast-lines.ts";
import { OUTLOOK_KEYS, paymentsByDay, readOutlook } from "./outlook.ts";

const RENT = { name: "Rent", kind: "direct_debit", amount: -600, from_pot: 0, exact: true };
const WATER = { name: "Water", kind: "direct_debit", amount: 0, from_pot: 30, exact: true };
const WAGES = { name: "Wages", kind: "incoming_payment", amount: 1500, from_pot: 0, exact: true };

const FORECAST = [
  { date: "2026-12-01", balance: 400, payments: [RENT] },
  { date: "2026-12-16", balance: 1900, payments: [WAGES] },
];

/** Return the outlook of an account with these states and attributes of its entities. */
function outlookWith(
  states: Record<string, string>,
  attributes: Record<string, Record<string, unknown>> = {},
  account = "current",
) {
  const hass = {
    devices: { [account]: { id: account, name: account } },
    states: Object.fromEntries(
      Object.entries(states).map(([key, state]) => [
        key,
        {
          entity_id: key,
          state,
          attributes: { unit_of_measurement: "GBP", ...attributes[key] },
        },
      ]),
    ),
  } as unknown as HomeAssistant;
  return readOutlook(hass, account, Object.fromEntries(OUTLOOK_KEYS.map((key) => [key, key])));
}

function foreseen(account = "current", forecast: object[] = FORECAST) {
  const outlook = outlookWith(
    {
      left_to_spend: "400",
      left_to_spend_per_day: "26.66",
      lowest_balance_ahead: "400",
    },
    {
      left_to_spend: { until: "2026-12-16", exact: false },
      lowest_balance_ahead: { balance: 1000, date: "2026-12-01", exact: true, forecast },
    },
    account,
  );
  assert.ok(outlook);
  return outlook;
}

test("an outlook has what is left, the lowest balance and the days with payments", () => {
  assert.deepEqual(foreseen(), {
    account: "current",
    name: "current",
    currency: "GBP",
    balance: 1000,
    left: {
      amount: 400,
      perDay: 26.66,
      until: "2026-12-16",
      exact: false,
      entity: "left_to_spend",
    },
    lowest: { amount: 400, date: "2026-12-01", exact: true },
    days: FORECAST,
  });
});

test("without a pay day there are payments, and neither what is left nor a line", () => {
  const days = [{ date: "2026-12-01", balance: null, payments: [RENT] }];
  const outlook = outlookWith(
    { left_to_spend: "unknown", lowest_balance_ahead: "unknown" },
    { lowest_balance_ahead: { balance: null, forecast: days } },
  );
  assert.ok(outlook);
  assert.deepEqual([outlook.left, outlook.lowest], [undefined, undefined]);
  assert.equal(paymentsByDay([outlook]).length, 1);
  assert.deepEqual(forecastChart([outlook], "2026-11-26").lines, []);
});

test("without single payments there is what is left, and neither payments nor a line", () => {
  const outlook = outlookWith(
    { left_to_spend: "400", lowest_balance_ahead: "400" },
    { lowest_balance_ahead: { balance: 1000, date: "2026-12-01", exact: true } },
  );
  assert.ok(outlook);
  assert.equal(outlook.left?.amount, 400);
  assert.equal(outlook.days, undefined);
  assert.deepEqual(paymentsByDay([outlook]), []);
  assert.deepEqual(forecastChart([outlook], "2026-11-26").lines, []);
});

test("nothing is known without the entities, or while they are unavailable", () => {
  assert.equal(outlookWith({}), undefined);
  assert.equal(
    outlookWith({ left_to_spend: "unavailable", lowest_balance_ahead: "unavailable" }),
    undefined,
  );
});

test("the payments of several accounts are in the order of their days", () => {
  const joint = foreseen("joint", [{ date: "2026-12-04", balance: 400, payments: [WATER, RENT] }]);
  assert.deepEqual(
    paymentsByDay([foreseen(), joint]).map(({ date, name, outlook }) => [
      date,
      name,
      outlook.account,
    ]),
    [
      ["2026-12-01", "Rent", "current"],
      ["2026-12-04", "Water", "joint"],
      ["2026-12-04", "Rent", "joint"],
      ["2026-12-16", "Wages", "current"],
    ],
  );
});

test("the line goes in steps from today's balance to the last day", () => {
  const { lines, zero } = forecastChart([foreseen()], "2026-11-26");
  assert.equal(zero, 100);
  assert.deepEqual(lines[0]?.path, "M0,47.37H16.67V78.95H66.67V0H100");
  assert.deepEqual(lines[0].lowest, { x: 16.67, y: 78.95 });
});

test("an overdrawn account lies below the zero line", () => {
  const outlook = foreseen("current", [{ date: "2026-12-01", balance: -500, payments: [RENT] }]);
  const { lines, zero } = forecastChart([outlook], "2026-11-26");
  assert.equal(zero, 66.67);
  assert.equal(lines[0]?.path, "M0,0H16.67V100H100");
});

test("accounts in other currencies have no line, because the heights would not compare", () => {
  const abroad = { ...foreseen("abroad"), currency: "EUR" };
  assert.equal(forecastChart([foreseen(), abroad], "2026-11-26").lines.length, 1);
});
