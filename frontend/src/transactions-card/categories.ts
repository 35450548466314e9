/** Icons and colours of Monzo's categories. */

export interface CategoryStyle {
  icon: string;
  /** A colour of Home Assistant's themes. */
  color: string;
}

const STYLES: Partial<Record<string, CategoryStyle>> = {
  bills: { icon: "mdi:file-document-outline", color: "var(--light-blue-color)" },
  cash: { icon: "mdi:cash", color: "var(--light-green-color)" },
  charity: { icon: "mdi:hand-heart", color: "var(--pink-color)" },
  eating_out: { icon: "mdi:silverware-fork-knife", color: "var(--orange-color)" },
  entertainment: { icon: "mdi:movie-open", color: "var(--deep-orange-color)" },
  expenses: { icon: "mdi:briefcase-outline", color: "var(--brown-color)" },
  family: { icon: "mdi:human-male-female-child", color: "var(--purple-color)" },
  finances: { icon: "mdi:chart-line", color: "var(--indigo-color)" },
  general: { icon: "mdi:circle-outline", color: "var(--blue-grey-color)" },
  gifts: { icon: "mdi:gift", color: "var(--red-color)" },
  groceries: { icon: "mdi:cart", color: "var(--amber-color)" },
  holidays: { icon: "mdi:palm-tree", color: "var(--cyan-color)" },
  income: { icon: "mdi:cash-plus", color: "var(--green-color)" },
  personal_care: { icon: "mdi:face-woman-shimmer", color: "var(--pink-color)" },
  savings: { icon: "mdi:piggy-bank", color: "var(--teal-color)" },
  shopping: { icon: "mdi:shopping", color: "var(--purple-color)" },
  transfers: { icon: "mdi:swap-horizontal", color: "var(--blue-color)" },
  transport: { icon: "mdi:bus", color: "var(--teal-color)" },
};

const UNKNOWN: CategoryStyle = { icon: "mdi:tag-outline", color: "var(--blue-grey-color)" };

/** Return the style of a category, also of one that the user has created. */
export function categoryStyle(category: string | null): CategoryStyle {
  return STYLES[category ?? "general"] ?? UNKNOWN;
}
