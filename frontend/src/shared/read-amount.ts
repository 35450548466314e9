/** Amounts of money as the user types them. */
import { decimalsOf, numberFormatter, type UserLocale } from "./amounts.ts";

// Written in the digits of the user, it contains each of them in this order.
const ALL_DIGITS = "9876543210";

/**
 * Return a typed amount as actions accept it: digits, and a point before the decimals.
 * Return undefined if the text is not an amount, or can be understood in two ways.
 *
 * Decimals follow a point or a comma, whichever the user prefers. Thousands are separated as in the
 * number format of the user, because "1,000" is a thousand in some countries and one in others.
 */
export function readAmount(typed: string, user: UserLocale, currency: string): string | undefined {
  const format = numberFormat(user);
  const number = toPlainDigits(withoutCurrency(typed, user, currency), format);
  if (/^\d+$/.test(number)) return number;
  if (isGrouped(number, format.separator)) return digitsOf(number);
  const [, whole = "", mark = "", part = ""] = /^(.*)([.,])(\d+)$/.exec(number) ?? [];
  const other = mark === "," ? "." : ",";
  const isWhole = /^\d+$/.test(whole) || isGrouped(whole, other);
  return isWhole && part.length <= decimalsOf(currency) ? `${digitsOf(whole)}.${part}` : undefined;
}

/** How the user writes numbers. */
interface NumberFormat {
  digits: string;
  mark: string;
  group: string;
  /** The point or the comma that stands for `group` in plain digits; empty without thousands. */
  separator: "" | "." | ",";
}

function numberFormat(user: UserLocale): NumberFormat {
  const parts = numberFormatter(user, { minimumFractionDigits: 1 }).formatToParts(1_234_567);
  const part = (type: string) => parts.find((each) => each.type === type)?.value ?? "";
  const mark = part("decimal");
  const group = part("group");
  const separator = mark === "," ? "." : ",";
  return {
    digits: numberFormatter(user, { useGrouping: false }).format(Number(ALL_DIGITS)),
    mark,
    group,
    separator: group && separator,
  };
}

/** Write a number with Latin digits, points and commas only. Question marks stand for the rest. */
function toPlainDigits(text: string, { digits, mark, group, separator }: NumberFormat): string {
  return text.replace(/[^.,\d]/g, (sign) => {
    if (sign === mark) return ".";
    if (sign === group || isSpelling(sign, group)) return separator;
    const position = digits.indexOf(sign);
    return position < 0 ? "?" : ALL_DIGITS.charAt(position);
  });
}

function withoutCurrency(typed: string, user: UserLocale, currency: string): string {
  const text = typed.trim();
  for (const currencyDisplay of ["symbol", "narrowSymbol", "code"] as const) {
    const options = { style: "currency", currency, currencyDisplay } as const;
    const parts = numberFormatter(user, options).formatToParts(0);
    const name = parts.find(({ type }) => type === "currency")?.value ?? "";
    if (name && text.startsWith(name)) return text.slice(name.length).trim();
    if (name && text.endsWith(name)) return text.slice(0, -name.length).trim();
  }
  return text;
}

function isGrouped(number: string, separator: string): boolean {
  return separator !== "" && new RegExp(`^[1-9]\\d{0,2}(\\${separator}\\d{3})+$`).test(number);
}

function digitsOf(number: string): string {
  return number.replace(/\D/g, "");
}

/** Return whether two signs are the same to users: both spaces, or both apostrophes. */
function isSpelling(one: string, other: string): boolean {
  return [/^\s$/, /^['’]$/].some((kind) => kind.test(one) && kind.test(other));
}
