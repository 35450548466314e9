import assert from "node:assert/strict";
import { test } from "node:test";

import type { NumberFormat } from "../home-assistant.ts";
import { readAmount } from "./read-amount.ts";

// The language, the typed text, and the amount that is read; undefined if it is refused.
const POUNDS: [string, string, string | undefined][] = [
  ["en", "12", "12"],
  ["en", " 12.5 ", "12.5"],
  ["en", "12,50", "12.50"],
  ["de", "12.50", "12.50"],
  ["de", "12,50", "12.50"],
  ["en", "0", "0"],
  ["en", "1,000", "1000"],
  ["en", "1.000", undefined],
  ["de", "1.000", "1000"],
  ["de", "1,000", undefined],
  ["de", "0,001", undefined],
  ["en", "0,001", undefined],
  ["en", "1,234.50", "1234.50"],
  ["en", "1.234,50", "1234.50"],
  ["de", "1.234.567,8", "1234567.8"],
  ["en", "1,234,567", "1234567"],
  ["en", "1.234.567", undefined],
  ["en", "1,23.50", undefined],
  ["en", "1.234.50", undefined],
  ["en", "1,234.567", undefined],
  ["fr", "1 000", "1000"],
  ["fr", "1\u202f000,50", "1000.50"],
  ["en", "1 000", undefined],
  ["de-CH", "1’000.50", "1000.50"],
  ["de-CH", "1'000", "1000"],
  ["fa", "۱۲٫۵۰", "12.50"],
  ["fa", "۱۲.۵", "12.5"],
  ["fa", "12.5", "12.5"],
  ["fa", "۱٬۰۰۰", "1000"],
  ["ar-EG", "١٢٫٥٠", "12.50"],
  ["ar-EG", "٩٨٧٦٥٤٣٢١٠", "9876543210"],
  ["en", "१२", undefined],
  ["hi-u-nu-deva", "१२.५", "12.5"],
  ["en", "£5", "5"],
  ["en", "£ 1,000.50", "1000.50"],
  ["de", "5 £", "5"],
  ["en", "GBP 5", "5"],
  ["en", "$5", undefined],
  ["en", "-5", undefined],
  ["en", "£-5", undefined],
  ["en", "1e3", undefined],
  ["en", "5.", undefined],
  ["en", ".5", undefined],
  ["en", ".", undefined],
  ["en", "£", undefined],
  ["en", "", undefined],
];

function read(
  typed: string,
  { language = "en", currency = "GBP", format = "language" as NumberFormat },
): string | undefined {
  const locale = { language, number_format: format, time_zone: "local" } as const;
  return readAmount(typed, { language, locale }, currency);
}

for (const [language, typed, amount] of POUNDS) {
  test(`"${typed}" in ${language} is read as ${amount ?? "no amount"}`, () => {
    assert.equal(read(typed, { language }), amount);
  });
}

test("a user who writes no thousands separators means neither with a comma", () => {
  assert.equal(read("1,000", { format: "none" }), undefined);
});

test("the currency decides how many decimals there can be", () => {
  assert.equal(read("1,000", { currency: "JPY" }), "1000");
  assert.equal(read("1.5", { currency: "JPY" }), undefined);
  assert.equal(read("1.234", { currency: "KWD" }), "1.234");
  assert.equal(read("12.34", { currency: "HUF" }), "12.34");
});
