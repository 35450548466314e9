/** Transactions as the card shows them while the amounts are hidden. */
import type { Transaction } from "../store/backend.ts";

/** Return a transaction without everything from which one could guess who was paid, and for what. */
export function withoutDetails(transaction: Transaction): Transaction {
  return {
    ...transaction,
    name: "",
    description: "",
    pot: null,
    notes: null,
    tags: [],
    emoji: null,
    logo: null,
    attachments: [],
  };
}
