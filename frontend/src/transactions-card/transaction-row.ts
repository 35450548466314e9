/** The text of a transaction's row. */
import { kindText, optionalText, text } from "../shared/texts.ts";
import type { Transaction } from "../store/backend.ts";

/** Return the name of the other side, or the kind of transaction. */
export function titleOf(transaction: Transaction): string {
  return transaction.name || kindText(transaction.kind);
}

/** Return the emoji of a transaction, or the first character of its name. */
export function emojiOf(transaction: Transaction): string {
  if (transaction.emoji) return transaction.emoji;
  if (transaction.pot) return "🐷";
  return Array.from(titleOf(transaction))[0] ?? "";
}

/** Return the second line: what is unusual, then notes, category or kind. */
export function detailsOf(transaction: Transaction): string[] {
  const { declined, pending, notes, kind, category } = transaction;
  const description = declined || kind === "card_payment" ? categoryText(category) : kindText(kind);
  return [
    declined ? text("transactions_declined", { reason: declineReason(transaction) }) : "",
    pending ? text("transactions_pending") : "",
    notes || description,
  ].filter(Boolean);
}

function categoryText(category: string | null): string {
  return category ? optionalText(`transactions_category_${category}`) : "";
}

function declineReason({ decline_reason: reason }: Transaction): string {
  const code = String(reason).toLowerCase();
  return optionalText(`transactions_reason_${code}`) || code.replaceAll("_", " ");
}
