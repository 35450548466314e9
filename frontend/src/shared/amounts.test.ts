import assert from "node:assert/strict";
import { test } from "node:test";

import type { NumberFormat } from "../home-assistant.ts";
import { formatMoney, formatTypedAmount, type UserLocale } from "./amounts.ts";

function user(language: string, number_format: NumberFormat = "language"): UserLocale {
  return { language, locale: { language, number_format, time_zone: "local" } };
}

// The language, the amount, its currency, and the text.
const AMOUNTS: [string, number, string, string][] = [
  ["en-GB", 1234.5, "GBP", "£1,234.50"],
  ["de", 1234.5, "EUR", "1.234,50\u00a0€"],
  ["en-GB", 1234.56, "HUF", "HUF\u00a01,234.56"],
  ["en-GB", 1235, "JPY", "JP¥1,235"],
  ["en-GB", 1.5, "KWD", "KWD\u00a01.500"],
];

for (const [language, amount, currency, text] of AMOUNTS) {
  test(`${String(amount)} ${currency} in ${language} is written as ${text}`, () => {
    assert.equal(formatMoney(user(language), amount, currency), text);
  });
}

test("amounts follow the number format of the user", () => {
  assert.equal(formatMoney(user("en-GB", "decimal_comma"), 1234.5, "GBP"), "1.234,50\u00a0£");
  assert.equal(formatMoney(user("en-GB", "none"), 1234.5, "GBP"), "£1234.50");
});

test("an example of an amount has no thousands separators", () => {
  assert.equal(formatTypedAmount(user("de"), 1234.5, "EUR"), "1234,50");
});
