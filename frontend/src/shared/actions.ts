/** Calls of the integration's actions. */
import { currentHass, exceptionText, text } from "./texts.ts";
import {
  ActionError,
  type Backend,
  type PotMoveResult,
  type TransactionList,
} from "../store/backend.ts";

/** The parts of an error that Home Assistant answers with. A lost connection has none of them. */
interface ErrorResponse {
  code?: string;
  message?: string;
  translation_key?: string;
  translation_placeholders?: Record<string, string>;
}

interface PotMoveResponse extends PotMoveResult {
  /** Why the transfer of a dry run would be refused. */
  problems?: { reason: string; message: string }[];
}

async function callAction(action: string, data: object): Promise<unknown> {
  const hass = currentHass();
  if (!hass) throw readError({});
  try {
    const { response } = await hass.callService("monzo", action, data, undefined, false, true);
    return response;
  } catch (error) {
    throw readError(error as ErrorResponse);
  }
}

function readError({
  code,
  message,
  translation_key: key,
  translation_placeholders: placeholders,
}: ErrorResponse): ActionError {
  const translated = key && exceptionText(key, placeholders);
  return new ActionError(key ?? code, translated || message || text("unreachable"), {
    isDefinite: code !== undefined && code !== "unknown_error",
  });
}

/** The backend of a page in Home Assistant. */
export const homeAssistant: Backend = {
  async getTransactions(account, { limit, since }) {
    const data = {
      account,
      limit,
      since: since.toISOString(),
      include_declined: true,
      // Home Assistant knows the newest transactions, and asks Monzo only for older ones.
      refresh: false,
    };
    return (await callAction("get_transactions", data)) as TransactionList;
  },

  async movePot({ action, pot, amount, dedupeId, dryRun }) {
    const data = { pot, amount, keep_at_least: 0, dedupe_id: dedupeId, dry_run: dryRun };
    const response = (await callAction(action, data)) as PotMoveResponse;
    const [refusal] = response.problems ?? [];
    if (refusal) throw readError({ code: refusal.reason, message: refusal.message });
    return response;
  },
};
