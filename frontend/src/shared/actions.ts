/** Calls of the integration's actions. */
import { currentHass, exceptionText, text } from "./texts.ts";
import {
  ActionError,
  type Backend,
  type PotMoveResult,
  type TransactionList,
} from "../store/backend.ts";

const MEDIA = "media_source/local_source";
const MEDIA_FOLDER = "media-source://media_source/local/.";

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

interface Annotation {
  notes: string | null;
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

/** Store a file in Home Assistant's local media, and return its id. */
async function uploadMedia(file: File): Promise<string> {
  // A name of its own, because an upload replaces a file of the same name.
  const number = crypto.getRandomValues(new Uint32Array(2)).join("-");
  const suffix = /\.\w+$/.exec(file.name)?.[0] ?? "";
  const body = new FormData();
  body.append("media_content_id", MEDIA_FOLDER);
  body.append("file", file, `monzo-${number}${suffix}`);
  const response = await currentHass()?.fetchWithAuth(`/api/${MEDIA}/upload`, {
    method: "POST",
    body,
  });
  if (!response?.ok) throw readError({ code: "upload", message: text("details_not_uploaded") });
  return ((await response.json()) as { media_content_id: string }).media_content_id;
}

async function removeMedia(media: string): Promise<void> {
  await currentHass()?.callWS({ type: `${MEDIA}/remove`, media_content_id: media });
}

/** The backend of a page in Home Assistant. */
export const homeAssistant: Backend = {
  async getTransactions(account, { since, ...options }) {
    const data = { account, ...options, since: since.toISOString(), include_declined: true };
    return (await callAction("get_transactions", data)) as TransactionList;
  },

  async movePot({ action, pot, amount, dedupeId, dryRun }) {
    const data = { pot, amount, keep_at_least: 0, dedupe_id: dedupeId, dry_run: dryRun };
    const response = (await callAction(action, data)) as PotMoveResponse;
    const [refusal] = response.problems ?? [];
    if (refusal) throw readError({ code: refusal.reason, message: refusal.message });
    return response;
  },

  async annotate({ account, id }, notes) {
    const data = { account, transaction_id: id, notes };
    return { notes: ((await callAction("annotate_transaction", data)) as Annotation).notes };
  },

  async attachFile({ account, id }, file) {
    const media = await uploadMedia(file);
    try {
      await callAction("attach_file", { account, transaction_id: id, file: media });
    } finally {
      await removeMedia(media);
    }
  },
};
