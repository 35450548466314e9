/** The texts of a transaction. */
import { kindText, optionalText, text } from "../shared/texts.ts";
import type { Transaction } from "../store/backend.ts";

/** Return the name of the other side, or the kind of transaction. */
export function titleOf(transaction: Transaction): string {
  return transaction.name || kindText(transaction.kind);
}

/** Return what is unusual about a transaction: that it is pending or was declined. */
export function statusOf(transaction: Transaction): string {
  if (transaction.declined) {
    return text("transactions_declined", { reason: declineReason(transaction) });
  }
  return transaction.pending ? text("transactions_pending") : "";
}

/**
 * Return the notes, or else the kind of transaction.
 *
 * The category says more about a payment by card, and about a transaction whose title is its kind.
 */
export function descriptionOf({ name, declined, notes, kind, category }: Transaction): string {
  if (notes) return notes;
  return declined || !name || kind === "card_payment" ? categoryText(category) : kindText(kind);
}

/** Return the name of a category. Categories that the user has created have no readable name. */
export function categoryText(category: string | null): string {
  return category ? optionalText(`transactions_category_${category}`) : "";
}

function declineReason({ decline_reason: reason }: Transaction): string {
  const code = String(reason).toLowerCase();
  return optionalText(`transactions_reason_${code}`) || code.replaceAll("_", " ");
}
