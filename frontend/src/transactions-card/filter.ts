/** The search and the filters of the card. */
import type { Entry } from "./entries.ts";

export type Kind = "in" | "out" | "declined";

export interface Filter {
  /**
   * Words, each of which must be in the name, the notes, the category or the amount. A word after a
   * # must be the beginning of a tag.
   */
  search: string;
  kind?: Kind;
  category?: string;
}

export const NO_FILTER: Filter = { search: "" };

export function isFiltering({ search, kind, category }: Filter): boolean {
  return Boolean(search.trim() || kind || category);
}

/**
 * Return the entries that match a filter.
 *
 * `textOf` returns the text of an entry that is searched.
 */
export function filterEntries(
  entries: Entry[],
  { search, kind, category }: Filter,
  textOf: (entry: Entry) => string,
): Entry[] {
  const words = normalize(search).split(/\s+/).filter(Boolean);
  return entries.filter((entry) => {
    const { transaction } = entry;
    if (kind && !isOfKind(entry, kind)) return false;
    if (category && transaction.category !== category) return false;
    if (!words.length) return true;
    const text = normalize(textOf(entry));
    return words.every((word) =>
      word.startsWith("#") ? hasTag(entry, word.slice(1)) : text.includes(word),
    );
  });
}

/** Return the categories of the entries, those with the most transactions first. */
export function categoriesOf(entries: Entry[]): string[] {
  const counts = new Map<string, number>();
  for (const { transaction } of entries) {
    const { category } = transaction;
    if (category) counts.set(category, (counts.get(category) ?? 0) + 1);
  }
  return [...counts].sort(([, one], [, other]) => other - one).map(([category]) => category);
}

/** Return whether a tag begins with a text, so that tags are found while the user types. */
function hasTag({ transaction: { tags } }: Entry, beginning: string): boolean {
  return tags.some((tag) => normalize(tag).startsWith(beginning));
}

function isOfKind({ transaction: { amount, declined } }: Entry, kind: Kind): boolean {
  if (kind === "declined") return declined;
  return !declined && (kind === "in" ? amount > 0 : amount < 0);
}

/**
 * Return a text without case and accents, because users search without them.
 *
 * The action `get_transactions` searches by the same rule, `search_text.py`.
 */
function normalize(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toUpperCase();
}
