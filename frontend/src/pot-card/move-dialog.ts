/** The dialog that moves money between a pot and its account. */
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";

import type { HomeAssistant } from "../home-assistant.ts";
import { formatMoney, inputFormatter, readAmount } from "../shared/amounts.ts";
import { store, StoreController } from "../shared/page-store.ts";
import { commonText, text } from "../shared/texts.ts";
import type { ActionError, PotAction } from "../store/backend.ts";
import type { Move, MoveState, Plan } from "../store/move.ts";

const TAG = "monzo-move-dialog";

// A user who presses twice has not read the next step.
const READING_TIME = 700;

interface MoveDialogTarget {
  /** The device of the pot. */
  pot: string;
  action: PotAction;
  heading: string;
  currency: string;
}

/** Open the dialog above the page, where it outlives the card. */
export function showMoveDialog(card: HTMLElement, dialogParams: MoveDialogTarget): void {
  const dialogImport = () => Promise.resolve();
  const detail = { dialogTag: TAG, dialogImport, dialogParams };
  card.dispatchEvent(new CustomEvent("show-dialog", { detail, bubbles: true, composed: true }));
}

class MoveDialog extends LitElement {
  @property({ attribute: false }) hass!: HomeAssistant;
  @state() private target?: MoveDialogTarget;
  @state() private move?: Move;
  @state() private isOpen = false;
  @state() private typed = "";

  /** Whether the typed amount was not understood. */
  @state() private isUnclear = false;

  /** The state whose button works, because the user had time to read it. */
  @state() private readState?: MoveState;

  #shownState?: MoveState;

  constructor() {
    super();
    new StoreController(this);
  }

  static override styles = css`
    p {
      margin: 0;
    }
    p:focus {
      outline: 0;
    }
    [role="alert"] {
      color: var(--ha-color-on-danger-normal, var(--error-color));
      margin-block: 8px;
    }
    [role="alert"]:empty {
      margin: 0;
    }
    input {
      box-sizing: border-box;
      width: 100%;
      margin-block-start: 8px;
      padding: 8px 12px;
      border: 1px solid var(--secondary-text-color);
      border-radius: 8px;
      font: inherit;
      font-size: 24px;
      color: inherit;
      background: none;
    }
  `;

  /** Open the dialog. Home Assistant calls this. */
  showDialog(target: MoveDialogTarget): void {
    this.target = target;
    this.move = store.move(target.pot, target.action);
    this.typed = "";
    this.isUnclear = false;
    this.readState = undefined;
    this.#shownState = undefined;
    this.isOpen = true;
  }

  /** Close the dialog unless money is moving. Home Assistant calls this on navigation. */
  closeDialog(): boolean {
    if (this.#isBusy) return false;
    this.isOpen = false;
    return true;
  }

  protected override render(): TemplateResult | typeof nothing {
    const { target, move } = this;
    if (!target || !move) return nothing;
    const { state } = move;
    return html`
      <ha-adaptive-dialog
        .open=${this.isOpen}
        width="small"
        header-title=${target.heading}
        ?prevent-scrim-close=${this.#isBusy}
        @after-show=${this.#onShown}
        @closed=${this.#onClosed}
        @keydown=${onKeydown}
      >
        ${this.#isBusy ? html`<span slot="headerNavigationIcon"></span>` : nothing}
        <div ?inert=${this.#isBusy}>${this.#renderStep(state, target)}</div>
        <div slot="footer" ?inert=${this.#isBusy}>${this.#renderButtons(state)}</div>
      </ha-adaptive-dialog>
    `;
  }

  #renderStep(state: MoveState, { currency }: MoveDialogTarget): TemplateResult {
    switch (state.step) {
      case "amount":
      case "checking":
        return html`
          <form @submit=${this.#check}>
            <label>
              ${text("pot_amount", { currency })}
              <input required inputmode="decimal" .value=${this.typed} @input=${this.#onInput} />
            </label>
          </form>
          ${renderAlert(this.#problem(state))}
        `;
      case "confirm":
      case "sending":
        return html`<p tabindex="-1" dir="auto">${this.#afterwards(state.plan)}</p>`;
      case "unknown":
        return html`
          ${renderAlert(errorText(state.error))}
          <p dir="auto">${text("pot_unknown")}</p>
        `;
      case "resending":
        return html`<p tabindex="-1" dir="auto">${text("pot_unknown")}</p>`;
      case "done":
        return html`<p role="status" tabindex="-1" dir="auto">${this.#outcome(state)}</p>`;
    }
  }

  #renderButtons(state: MoveState): TemplateResult {
    const close = html`<ha-button appearance="plain" @click=${() => this.closeDialog()}>
      ${commonText(state.step === "done" ? "close" : "cancel")}
    </ha-button>`;
    switch (state.step) {
      case "amount":
      case "checking":
        return html`${close}
          <ha-button @click=${this.#submit}>${commonText("continue")}</ha-button>`;
      case "confirm":
      case "sending":
        return html`${close}
        ${this.#renderSend(text("pot_move", { amount: this.#amountOf(state.plan) }))}`;
      case "unknown":
      case "resending":
        return html`
          <ha-button appearance="plain" @click=${this.#dismiss}>${text("pot_forget")}</ha-button>
          ${close} ${this.#renderSend(text("pot_again"))}
        `;
      case "done":
        return close;
    }
  }

  #renderSend(label: string): TemplateResult {
    return html`<ha-button
      ?disabled=${this.readState !== this.move?.state}
      @click=${() => void this.move?.send()}
    >
      ${label}
    </ha-button>`;
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    const state = this.move?.state;
    if (!state || state === this.#shownState) return;
    this.#shownState = state;
    setTimeout(() => (this.readState = state), READING_TIME);
    this.#focusStep();
  }

  // Home Assistant's dialog takes the focus in the frame after it opens.
  readonly #onShown = (): void => {
    requestAnimationFrame(() => this.#focusStep());
  };

  #focusStep(): void {
    this.renderRoot.querySelector<HTMLElement>("input, [tabindex]")?.focus();
  }

  get #isBusy(): boolean {
    const step = this.move?.state.step ?? "";
    return this.isOpen && ["checking", "sending", "resending"].includes(step);
  }

  readonly #onInput = (event: InputEvent): void => {
    this.typed = (event.target as HTMLInputElement).value;
  };

  readonly #submit = (): void => {
    this.renderRoot.querySelector("form")?.requestSubmit();
  };

  readonly #check = (event: SubmitEvent): void => {
    event.preventDefault();
    const requested = readAmount(this.typed, inputFormatter(this.hass));
    this.isUnclear = requested === undefined;
    if (requested !== undefined) void this.move?.check(requested);
  };

  readonly #dismiss = (): void => {
    if (this.move) store.dismiss(this.move);
    this.closeDialog();
  };

  readonly #onClosed = (): void => {
    this.isOpen = false;
    this.target = undefined;
    const detail = { dialog: TAG };
    this.dispatchEvent(new CustomEvent("dialog-closed", { detail, bubbles: true, composed: true }));
  };

  #problem(state: MoveState): string {
    if (this.isUnclear) {
      return text("pot_unclear", { example: inputFormatter(this.hass).format(12.5) });
    }
    return "error" in state && state.error ? errorText(state.error) : "";
  }

  #afterwards(plan: Plan): string {
    const change = this.target?.action === "deposit_into_pot" ? plan.amount : -plan.amount;
    return text("pot_afterwards", {
      pot: this.#money(plan.potBalance + change, plan),
      account: this.#money(plan.accountBalance - change, plan),
    });
  }

  #outcome({ plan, potBalance }: Extract<MoveState, { step: "done" }>): string {
    const moved = text("pot_moved", { amount: this.#amountOf(plan) });
    if (potBalance === null) return moved;
    return `${moved} ${text("pot_now", { pot: this.#money(potBalance, plan) })}`;
  }

  #amountOf(plan: Plan): string {
    return this.#money(plan.amount, plan);
  }

  #money(amount: number, { currency }: Plan): string {
    return formatMoney(this.hass, amount, currency);
  }
}

function renderAlert(message: string): TemplateResult {
  return html`<p role="alert" tabindex="-1" dir="auto">${message}</p>`;
}

function errorText(error: ActionError): string {
  return error.key === "below_keep_at_least" ? text("pot_not_enough") : error.message;
}

function onKeydown(event: KeyboardEvent): void {
  if (event.repeat && event.key === "Enter") event.preventDefault();
}

if (!customElements.get(TAG)) customElements.define(TAG, MoveDialog);
