/** The dialog with everything about a transaction. Administrators can write notes and attach files. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";

import type { HomeAssistant } from "../home-assistant.ts";
import { formatMoney } from "../shared/amounts.ts";
import { defineElement } from "../shared/define-element.ts";
import { deviceName } from "../shared/devices.ts";
import { store, StoreController } from "../shared/page-store.ts";
import { commonText, isolate, kindText, text, type TextKey } from "../shared/texts.ts";
import { ActionError, type Transaction } from "../store/backend.ts";
import { categoryStyle } from "./categories.ts";
import { withoutDetails } from "./hidden-details.ts";
import { categoryText, statusOf, titleOf } from "./transaction-texts.ts";

const TAG = "monzo-transaction-dialog";

// The types of files that Monzo shows.
const ACCEPTED = "image/*,application/pdf";

interface TransactionDialogTarget {
  /** The device of the account. */
  account: string;
  id: string;
  roundUp?: Transaction;
  areAmountsHidden: boolean;
}

/** What the dialog does with the transaction. */
type Task =
  | { is: "none" }
  | { is: "running" }
  | { is: "failed"; error: ActionError }
  | { is: "done"; message: string };

export function showTransactionDialog(card: HTMLElement, target: TransactionDialogTarget): void {
  const dialogImport = () => Promise.resolve();
  const detail = { dialogTag: TAG, dialogImport, dialogParams: target };
  card.dispatchEvent(new CustomEvent("show-dialog", { detail, bubbles: true, composed: true }));
}

class TransactionDialog extends LitElement {
  @property({ attribute: false }) hass!: HomeAssistant;
  @state() private target?: TransactionDialogTarget;
  @state() private isOpen = false;
  @state() private task: Task = { is: "none" };

  /** The notes that the user has written but not saved. */
  @state() private draft?: string;

  constructor() {
    super();
    new StoreController(this);
  }

  static override styles = css`
    ha-adaptive-dialog {
      --ha-dialog-width-sm: 440px;
    }
    .sum {
      font-size: 28px;
      margin: 0;
    }
    p {
      margin: 4px 0;
    }
    dl {
      display: grid;
      grid-template-columns: auto 1fr;
      gap: 8px 16px;
      margin: 16px 0;
    }
    dt {
      color: var(--secondary-text-color);
    }
    dd {
      margin: 0;
      text-align: end;
      overflow-wrap: anywhere;
    }
    ha-icon {
      --mdc-icon-size: 18px;
      color: var(--category-color);
    }
    textarea {
      box-sizing: border-box;
      width: 100%;
      min-height: 72px;
      margin-block-start: 4px;
      padding: 8px 12px;
      border: 1px solid var(--secondary-text-color);
      border-radius: 8px;
      font: inherit;
      color: inherit;
      background: none;
      resize: vertical;
    }
    a {
      color: var(--primary-color);
      display: block;
      padding-block: 8px;
    }
    [role="alert"] {
      color: var(--ha-color-on-danger-normal, var(--error-color));
    }
    input[type="file"] {
      display: none;
    }
  `;

  /** Open the dialog. Home Assistant calls this. */
  showDialog(target: TransactionDialogTarget): void {
    this.target = target;
    this.draft = undefined;
    this.task = { is: "none" };
    this.isOpen = true;
  }

  /** Close the dialog. Home Assistant calls this on navigation. */
  closeDialog(): boolean {
    this.isOpen = false;
    return true;
  }

  get #transaction(): Transaction | undefined {
    if (!this.target) return undefined;
    const { account, id, areAmountsHidden } = this.target;
    const transaction = store.feed(account).find(id);
    return transaction && areAmountsHidden ? withoutDetails(transaction) : transaction;
  }

  protected override render(): TemplateResult | typeof nothing {
    const transaction = this.#transaction;
    if (!this.target || !transaction) return nothing;
    const canChange = this.hass.user?.is_admin && !this.target.areAmountsHidden;
    return html`
      <ha-adaptive-dialog
        .open=${this.isOpen}
        width="small"
        header-title=${isolate(titleOf(transaction))}
        @closed=${this.#onClosed}
      >
        <p class="sum"><bdi>${this.#money(transaction.amount, transaction.currency)}</bdi></p>
        <p>${statusOf(transaction)}</p>
        <dl>
          ${this.#facts(this.target, transaction).map(
            ([label, value]) =>
              html`<dt>${text(label)}</dt>
                <dd><bdi>${value}</bdi></dd>`,
          )}
        </dl>
        ${canChange ? this.#renderNotesField(transaction) : this.#renderNotes(transaction)}
        ${this.#renderAttachments(transaction)} ${this.#renderTask()}
        ${canChange ? this.#renderButtons() : nothing}
      </ha-adaptive-dialog>
    `;
  }

  /** Return what is known about the transaction: labels and values. */
  #facts({ account, roundUp }: TransactionDialogTarget, transaction: Transaction) {
    const { created, category, kind, pot, local_amount, local_currency } = transaction;
    const { icon, color } = categoryStyle(category);
    const categoryValue = html`<ha-icon icon=${icon} style="--category-color: ${color}"></ha-icon>
      ${categoryText(category)}`;
    const facts: [TextKey, unknown][] = [
      ["details_time", this.#time(created)],
      ["details_account", deviceName(this.hass, account)],
      ["details_type", kindText(kind)],
      ["details_category", categoryText(category) && categoryValue],
      ["details_pot", pot],
      [
        "details_amount_abroad",
        local_amount !== null && local_currency && this.#money(local_amount, local_currency),
      ],
      ["details_round_up", roundUp && this.#money(-roundUp.amount, roundUp.currency)],
    ];
    return facts.filter(([, value]) => value);
  }

  #renderNotes({ notes }: Transaction): unknown {
    return notes ? html`<p><bdi>${notes}</bdi></p>` : nothing;
  }

  #renderNotesField({ notes }: Transaction): TemplateResult {
    return html`<label>
      ${text("details_notes")}
      <textarea dir="auto" .value=${this.draft ?? notes ?? ""} @input=${this.#onInput}></textarea>
    </label>`;
  }

  #renderAttachments({ attachments = [] }: Transaction): unknown {
    return attachments.map(
      ({ url }, index) =>
        html`<a href=${url} target="_blank" rel="noreferrer">
          ${text("details_attachment", { number: index + 1 })}
        </a>`,
    );
  }

  #renderTask(): unknown {
    switch (this.task.is) {
      case "failed":
        return html`<p role="alert"><bdi>${this.task.error.message}</bdi></p>`;
      case "done":
        return html`<p role="status">${this.task.message}</p>`;
      default:
        return nothing;
    }
  }

  #renderButtons(): TemplateResult {
    const isRunning = this.task.is === "running";
    return html`
      <div slot="footer">
        <input type="file" accept=${ACCEPTED} @change=${this.#onFileChosen} />
        <ha-button appearance="plain" ?disabled=${isRunning} @click=${this.#chooseFile}>
          ${text("details_attach")}
        </ha-button>
        <ha-button
          ?disabled=${isRunning || this.draft === undefined}
          @click=${() => this.#saveNotes()}
        >
          ${commonText("save")}
        </ha-button>
      </div>
    `;
  }

  readonly #onInput = (event: InputEvent): void => {
    this.draft = (event.target as HTMLTextAreaElement).value;
  };

  readonly #chooseFile = (): void => {
    this.renderRoot.querySelector<HTMLInputElement>("input[type=file]")?.click();
  };

  readonly #onFileChosen = (event: Event): void => {
    const [file] = (event.target as HTMLInputElement).files ?? [];
    const target = this.target;
    if (file && target) {
      void this.#run(() => store.attachFile(target, file), text("details_attached"));
    }
  };

  async #saveNotes(): Promise<void> {
    const { target, draft } = this;
    if (!target || draft === undefined) return;
    await this.#run(async () => {
      await store.annotate(target, draft);
      this.draft = undefined;
    }, text("details_saved"));
  }

  async #run(action: () => Promise<void>, message: string): Promise<void> {
    this.task = { is: "running" };
    try {
      await action();
      this.task = { is: "done", message };
    } catch (error) {
      this.task = { is: "failed", error: ActionError.from(error) };
    }
  }

  readonly #onClosed = (): void => {
    this.isOpen = false;
    this.target = undefined;
    const detail = { dialog: TAG };
    this.dispatchEvent(new CustomEvent("dialog-closed", { detail, bubbles: true, composed: true }));
  };

  #money(amount: number, currency: string): string {
    if (this.target?.areAmountsHidden) return "••••";
    return formatMoney(this.hass, amount, currency, "exceptZero");
  }

  #time(created: string): string {
    const { language, locale, config } = this.hass;
    const timeZone = locale.time_zone === "server" ? config.time_zone : undefined;
    const format = { dateStyle: "full", timeStyle: "short", timeZone } as const;
    return new Intl.DateTimeFormat(language, format).format(Date.parse(created));
  }
}

defineElement(TAG, TransactionDialog);
