/** Names of dates in the language of the user. Dates are texts such as `2026-12-01`. */
import type { HomeAssistant } from "../home-assistant.ts";

export interface DateNames {
  /** The date of today. */
  today: string;
  /** The day with its month. */
  day(date: string): string;
  /** The same in short. */
  shortDay(date: string): string;
  /** "Today", "Tomorrow" or the weekday. */
  weekday(date: string): string;
  dayOfMonth(date: string): string;
  /** The short name of the month. */
  month(date: string): string;
}

const DAY = 24 * 60 * 60 * 1000;

export function dateNames({ language, locale, config }: HomeAssistant): DateNames {
  const timeZone = locale.time_zone === "server" ? config.time_zone : undefined;
  const today = currentDate(timeZone);
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const formatter = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(language, { ...options, timeZone: "UTC" });
    return (date: string) => format.format(Date.parse(date));
  };
  const weekday = formatter({ weekday: "long" });
  return {
    today,
    day: formatter({ day: "numeric", month: "long" }),
    shortDay: formatter({ day: "numeric", month: "short" }),
    weekday(date) {
      const days = Math.round((Date.parse(date) - Date.parse(today)) / DAY);
      const name = days === 0 || days === 1 ? relative.format(days, "day") : weekday(date);
      return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
    },
    dayOfMonth: formatter({ day: "numeric" }),
    month: formatter({ month: "short" }),
  };
}

/** Return the date of today as `2026-12-01`. */
function currentDate(timeZone: string | undefined): string {
  // By its parts, because languages that the browser does not know are written like another one.
  const parts = new Intl.DateTimeFormat("en", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    calendar: "gregory",
    numberingSystem: "latn",
    timeZone,
  }).formatToParts(Date.now());
  return (["year", "month", "day"] as const)
    .map((type) => parts.find((part) => part.type === type)?.value)
    .join("-");
}
