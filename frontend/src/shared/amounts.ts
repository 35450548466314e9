/** Amounts of money as the user reads them. */
import currencyDecimals from "../../../custom_components/monzo/api/currency_decimals.json" with { type: "json" };
import type { HomeAssistant, NumberFormat } from "../home-assistant.ts";

/** The language and the formats of the user. */
export type UserLocale = Pick<HomeAssistant, "language" | "locale">;

/** For each number format, a language that writes numbers in it. */
const LANGUAGES: Partial<Record<NumberFormat, string>> = {
  none: "en",
  comma_decimal: "en",
  quote_decimal: "de-CH",
  decimal_comma: "de",
  space_comma: "fr",
};

const DECIMALS: Partial<Record<string, number>> = currencyDecimals;

// Creating a formatter takes longer than using it for a hundred rows.
const formatters = new Map<string, Intl.NumberFormat>();

/** Return the number of decimals of a currency. */
export function decimalsOf(currency: string): number {
  return DECIMALS[currency] ?? 2;
}

/** Return an amount in major units with its currency. */
export function formatMoney(
  user: UserLocale,
  amount: number,
  currency: string,
  signDisplay?: Intl.NumberFormatOptions["signDisplay"],
): string {
  const options = { style: "currency", currency, signDisplay } as const;
  return numberFormatter(user, { ...options, ...exactly(decimalsOf(currency)) }).format(amount);
}

/** Return an amount in major units as users type it. */
export function formatTypedAmount(user: UserLocale, amount: number, currency: string): string {
  const options = { useGrouping: false, ...exactly(decimalsOf(currency)) };
  return numberFormatter(user, options).format(amount);
}

/** Return a formatter for the number format that the user has chosen. */
export function numberFormatter(
  { language, locale }: UserLocale,
  options: Intl.NumberFormatOptions,
): Intl.NumberFormat {
  const format = locale.number_format;
  const key = JSON.stringify([language, format, options]);
  let formatter = formatters.get(key);
  if (!formatter) {
    const writtenIn = format === "language" ? language : LANGUAGES[format];
    formatter = new Intl.NumberFormat(writtenIn, { useGrouping: format !== "none", ...options });
    formatters.set(key, formatter);
  }
  return formatter;
}

function exactly(decimals: number): Intl.NumberFormatOptions {
  return { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
}
