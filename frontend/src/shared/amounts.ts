/** Amounts of money as the user writes them. */
import type { HomeAssistant, NumberFormat } from "../home-assistant.ts";

/** For each number format, a language that writes numbers in it. */
const LANGUAGES: Partial<Record<NumberFormat, string>> = {
  none: "en",
  comma_decimal: "en",
  quote_decimal: "de-CH",
  decimal_comma: "de",
  space_comma: "fr",
};

type Locale = Pick<HomeAssistant, "language" | "locale">;

/** Return a formatter for the number format that the user has chosen. */
export function numberFormatter(
  { language, locale }: Locale,
  options: Intl.NumberFormatOptions,
): Intl.NumberFormat {
  const format = locale.number_format;
  const writtenIn = format === "language" ? language : LANGUAGES[format];
  return new Intl.NumberFormat(writtenIn, { useGrouping: format !== "none", ...options });
}

/** Return an amount in major units with its currency. */
export function formatMoney(
  locale: Locale,
  amount: number,
  currency: string,
  signDisplay?: Intl.NumberFormatOptions["signDisplay"],
): string {
  return numberFormatter(locale, { style: "currency", currency, signDisplay }).format(amount);
}

/** Return a formatter for the amounts that users type and see as examples. */
export function inputFormatter(locale: Locale): Intl.NumberFormat {
  return numberFormatter(locale, { useGrouping: false, minimumFractionDigits: 2 });
}

// Thousands are all separated or not at all. Three digits after the only separator are refused,
// because in some countries they are thousands and in others thousandths.
const AMOUNT =
  /^(?<whole>\d+|\d{1,3}(?:,\d{3})+(?=\.)|\d{1,3}(?:\.\d{3})+(?=,))(?:[.,](?<part>\d{1,2}))?$/;

/**
 * Return a typed amount as actions accept it: digits, and a point before the decimals.
 * Return undefined if the text is not an amount, or can be understood in two ways.
 */
export function readAmount(typed: string, formatter: Intl.NumberFormat): string | undefined {
  const digits = formatter.format(9_876_543_210);
  const mark = formatter.formatToParts(0.5).find(({ type }) => type === "decimal")?.value;
  const plain = typed.trim().replace(/[^.,\d]/g, (sign) => {
    const position = digits.indexOf(sign);
    if (sign === mark) return ".";
    return position < 0 ? "?" : "9876543210".charAt(position);
  });
  const { whole, part = "0" } = AMOUNT.exec(plain)?.groups ?? {};
  return whole && `${whole.replace(/\D/g, "")}.${part}`;
}
