import assert from "node:assert/strict";
import { test } from "node:test";

import { inputFormatter, readAmount } from "./amounts.ts";

// The language, the typed text, and the amount that is read; undefined if it is refused.
const TYPED: [string, string, string | undefined][] = [
  ["en", "12", "12.0"],
  ["en", " 12.5 ", "12.5"],
  ["en", "12,50", "12.50"],
  ["de", "12.50", "12.50"],
  ["de", "12,50", "12.50"],
  // Thousands in one country are thousandths in another.
  ["en", "1,000", undefined],
  ["en", "1.000", undefined],
  ["de", "1.000", undefined],
  ["de", "0,001", undefined],
  ["en", "1,234.50", "1234.50"],
  ["en", "1.234,50", "1234.50"],
  ["de", "1.234.567,8", "1234567.8"],
  ["en", "1,234,567", undefined],
  ["en", "1,23.50", undefined],
  ["en", "1.234.50", undefined],
  ["en", "1,234.567", undefined],
  ["fa", "۱۲٫۵۰", "12.50"],
  ["fa", "۱۲.۵", "12.5"],
  ["fa", "12.5", "12.5"],
  ["fa", "۱٬۰۰۰", undefined],
  ["ar-EG", "١٢٫٥٠", "12.50"],
  ["ar-EG", "٩٨٧٦٥٤٣٢١٠", "9876543210.0"],
  ["en", "१२", undefined],
  ["hi-u-nu-deva", "१२.५", "12.5"],
  ["en", "£5", undefined],
  ["en", "-5", undefined],
  ["en", "1e3", undefined],
  ["en", "5.", undefined],
  ["en", ".", undefined],
  ["en", "", undefined],
];

for (const [language, typed, amount] of TYPED) {
  test(`"${typed}" in ${language} is read as ${amount ?? "no amount"}`, () => {
    const locale = { language, number_format: "language", time_zone: "local" } as const;
    assert.equal(readAmount(typed, inputFormatter({ language, locale })), amount);
  });
}
