/** The colours of accounts on cards that show several. */

// The dashboard gives its tiles these colours, too.
const ACCOUNT_COLORS = [
  "teal",
  "indigo",
  "deep-orange",
  "purple",
  "green",
  "amber",
  "cyan",
  "pink",
];

/** Return the colour of an account by its place on the card. */
export function accountColor(place: number): string {
  return `var(--${ACCOUNT_COLORS[place % ACCOUNT_COLORS.length] ?? ""}-color)`;
}
