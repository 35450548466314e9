/** The interface between the store and Home Assistant, so that tests can run without a browser. */

/** A transaction as the action `get_transactions` returns it; the fields that the cards use. */
export interface Transaction {
  transaction_id: string;
  kind: string;
  pot: string | null;
  name: string;
  /** The text of the bank statement. */
  description: string;
  /** In major units; negative if money went out. */
  amount: number;
  currency: string;
  local_amount: number | null;
  local_currency: string | null;
  emoji: string | null;
  logo: string | null;
  category: string | null;
  notes: string | null;
  /** The tags in the notes, without the #, in lower case and without accents. */
  tags: string[];
  pending: boolean;
  declined: boolean;
  decline_reason: string | null;
  created: string;
  /** Whether the bank counts it as spending, or as a refund of spending. */
  counts_as_spending: boolean;
  /** For a round-up, the id of the payment whose spare change it is. */
  round_up_of: string | null;
  /** Missing if the transaction comes from the archive, which keeps no attachments. */
  attachments?: Attachment[];
}

export interface Attachment {
  attachment_id: string;
  url: string;
  file_type: string;
}

/** The newest transactions of an account, the newest first. */
export interface TransactionList {
  transactions: Transaction[];
  /** Whether there are no older transactions in the requested time. */
  complete: boolean;
}

/** A transaction of an account, which is given by its device. */
export interface TransactionId {
  account: string;
  id: string;
}

export type PotAction = "deposit_into_pot" | "withdraw_from_pot";

export interface PotMove {
  action: PotAction;
  /** The device of the pot. */
  pot: string;
  /** In major units, as text. */
  amount: string;
  /** With the same id the money moves once, however often the call is repeated. */
  dedupeId: string;
  dryRun: boolean;
}

/** The answer to a transfer or a dry run. Balances are null if they are unknown. */
export interface PotMoveResult {
  amount: number;
  currency: string;
  pot_balance: number | null;
  account_balance: number | null;
}

/** The actions that the store calls. All raise ActionError. */
export interface Backend {
  getTransactions(
    account: string,
    options: {
      /** A part of a name, the description or the notes. */
      text?: string;
      /** The id of a transaction; only older ones are returned. */
      after?: string;
      limit: number;
      since: Date;
      /** Whether to ask Monzo for all. Otherwise, Home Assistant asks only for those that it has not read. */
      refresh: boolean;
    },
  ): Promise<TransactionList>;
  movePot(move: PotMove): Promise<PotMoveResult>;
  annotate(transaction: TransactionId, notes: string): Promise<{ notes: string | null }>;
  attachFile(transaction: TransactionId, file: File): Promise<void>;
}

/** A failed action, with a message for the user. */
export class ActionError extends Error {
  /** The translation key or the code of the error. */
  readonly key: string | undefined;
  /** Whether Home Assistant has answered, and knows the reason. */
  readonly isDefinite: boolean;

  constructor(key: string | undefined, message: string, { isDefinite }: { isDefinite: boolean }) {
    super(message);
    this.key = key;
    this.isDefinite = isDefinite;
  }

  /** Whether only administrators can read the transactions, and the user is not one. */
  get needsAdministrator(): boolean {
    return this.key === "only_administrators";
  }

  /** Return any error as one of these. The outcome of an action is open after an unknown error. */
  static from(error: unknown): ActionError {
    if (error instanceof ActionError) return error;
    return new ActionError(undefined, String(error), { isDefinite: false });
  }
}
