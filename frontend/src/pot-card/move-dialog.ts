/** The dialog that moves money between a pot and its account. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";

import type { HomeAssistant } from "../home-assistant.ts";
import { formatMoney, formatTypedAmount } from "../shared/amounts.ts";
import { defineElement } from "../shared/define-element.ts";
import { store, StoreController } from "../shared/page-store.ts";
import { readAmount } from "../shared/read-amount.ts";
import { commonText, isolate, text } from "../shared/texts.ts";
import type { ActionError, PotAction } from "../store/backend.ts";
import type { Move, MoveState, Plan } from "../store/move.ts";
import { moveDialogStyles } from "./move-dialog-styles.ts";
import { canMove, type Holding, type Pot, quickAmounts, type QuickAmount, readPot } from "./pot.ts";

const TAG = "monzo-move-dialog";

// A user who presses twice has not read the next step.
const READING_TIME = 700;

const EXAMPLE = 12.5;

interface MoveDialogTarget {
  /** The device of the pot. */
  pot: string;
  action: PotAction;
}

/** Open the dialog above the page, where it outlives the card. */
export function showMoveDialog(card: HTMLElement, dialogParams: MoveDialogTarget): void {
  const dialogImport = () => Promise.resolve();
  const detail = { dialogTag: TAG, dialogImport, dialogParams };
  card.dispatchEvent(new CustomEvent("show-dialog", { detail, bubbles: true, composed: true }));
}

class MoveDialog extends LitElement {
  @property({ attribute: false }) hass!: HomeAssistant;
  @state() private move?: Move;
  @state() private isOpen = false;
  @state() private typed = "";

  /** Whether the typed amount was not understood. */
  @state() private isUnclear = false;

  /** The state whose button works, because the user had time to read it. */
  @state() private readState?: MoveState;

  /** The pot while the dialog is open; it stays as it was if its device disappears. */
  #pot?: Pot;

  #shownState?: MoveState;

  constructor() {
    super();
    new StoreController(this);
  }

  static override styles = moveDialogStyles;

  /** Open the dialog. Home Assistant calls this. */
  showDialog({ pot, action }: MoveDialogTarget): void {
    this.move = store.move(pot, action);
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

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    if (this.move) this.#pot = readPot(this.hass, this.move.pot) ?? this.#pot;
  }

  protected override render(): TemplateResult | typeof nothing {
    const move = this.move;
    const pot = this.#pot;
    if (!move || !pot) return nothing;
    const action = text(move.action === "deposit_into_pot" ? "pot_put_in" : "pot_take_out");
    const title = isolate(`${action}: ${isolate(pot.name)}`);
    return html`
      <ha-adaptive-dialog
        .open=${this.isOpen}
        width="small"
        header-title=${title}
        ?prevent-scrim-close=${this.#isBusy}
        @after-show=${this.#onShown}
        @closed=${this.#onClosed}
        @keydown=${onKeydown}
      >
        ${this.#isBusy ? html`<span slot="headerNavigationIcon"></span>` : nothing}
        <div ?inert=${this.#isBusy}>${this.#renderStep(move, pot)}</div>
        <div slot="footer" ?inert=${this.#isBusy}>${this.#renderButtons(move.state)}</div>
      </ha-adaptive-dialog>
    `;
  }

  #renderStep({ state, action }: Move, pot: Pot): TemplateResult {
    switch (state.step) {
      case "amount":
      case "checking":
        return html`
          ${this.#renderHolding(pot, pot)} ${this.#renderHolding(pot.account, pot)}
          <form @submit=${this.#check}>
            <label>
              <bdi>${text("pot_amount", { currency: pot.currency })}</bdi>
              <input required inputmode="decimal" .value=${this.typed} @input=${this.#onInput} />
            </label>
          </form>
          <div class="quick">
            ${quickAmounts(pot, action).map((quick) => this.#renderQuickAmount(quick, pot))}
          </div>
          ${this.#renderOtherDirection(action, pot)} ${renderAlert(this.#problem(state, pot))}
        `;
      case "confirm":
      case "sending":
        return html`<p tabindex="-1"><bdi>${this.#afterwards(state.plan, pot)}</bdi></p>`;
      case "unknown":
        return html`
          ${renderAlert(errorText(state.error))}
          <p><bdi>${text("pot_unknown")}</bdi></p>
        `;
      case "resending":
        return html`<p tabindex="-1"><bdi>${text("pot_unknown")}</bdi></p>`;
      case "done":
        return html`<p role="status" tabindex="-1"><bdi>${this.#outcome(state)}</bdi></p>`;
    }
  }

  #renderHolding({ name, balance }: Holding, { currency }: Pot): TemplateResult {
    const amount = isNaN(balance) ? "–" : formatMoney(this.hass, balance, currency);
    return html`<div class="holding">
      <bdi>${name}</bdi>
      <bdi>${amount}</bdi>
    </div>`;
  }

  #renderQuickAmount({ kind, amount }: QuickAmount, { currency }: Pot): TemplateResult {
    const enter = () => {
      this.typed = formatTypedAmount(this.hass, amount, currency);
      this.#focusStep();
    };
    const label = kind === "fixed" ? formatMoney(this.hass, amount, currency) : text(`pot_${kind}`);
    return html`<button type="button" @click=${enter}>${label}</button>`;
  }

  #renderOtherDirection(action: PotAction, pot: Pot): TemplateResult {
    const isDeposit = action === "deposit_into_pot";
    const other: PotAction = isDeposit ? "withdraw_from_pot" : "deposit_into_pot";
    const change = () => {
      if (this.move) this.showDialog({ pot: this.move.pot, action: other });
    };
    return html`<button class="link" ?disabled=${!canMove(pot, other)} @click=${change}>
      ${text(isDeposit ? "pot_take_out_instead" : "pot_put_in_instead")}
    </button>`;
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
        ${this.#renderSend(text("pot_move", { amount: this.#money(state.plan.amount, state.plan) }))}`;
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
      <bdi>${label}</bdi>
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
    const requested = readAmount(this.typed, this.hass, this.#pot?.currency ?? "");
    this.isUnclear = requested === undefined;
    if (requested !== undefined) void this.move?.check(requested);
  };

  readonly #dismiss = (): void => {
    if (this.move) store.dismiss(this.move);
    this.closeDialog();
  };

  readonly #onClosed = (): void => {
    this.isOpen = false;
    this.move = undefined;
    const detail = { dialog: TAG };
    this.dispatchEvent(new CustomEvent("dialog-closed", { detail, bubbles: true, composed: true }));
  };

  #problem(state: MoveState, { currency }: Pot): string {
    if (this.isUnclear) {
      return text("pot_unclear", { example: formatTypedAmount(this.hass, EXAMPLE, currency) });
    }
    return "error" in state && state.error ? errorText(state.error) : "";
  }

  #afterwards(plan: Plan, pot: Pot): string {
    const change = this.move?.action === "deposit_into_pot" ? plan.amount : -plan.amount;
    return text("pot_afterwards", {
      pot: isolate(this.#money(plan.potBalance + change, plan)),
      pot_name: isolate(pot.name),
      account: isolate(this.#money(plan.accountBalance - change, plan)),
      account_name: isolate(pot.account.name),
    });
  }

  #outcome({ plan, potBalance }: Extract<MoveState, { step: "done" }>): string {
    const moved = text("pot_moved", { amount: this.#money(plan.amount, plan) });
    if (potBalance === null) return moved;
    return `${moved} ${text("pot_now", { pot: this.#money(potBalance, plan) })}`;
  }

  #money(amount: number, { currency }: Plan): string {
    return formatMoney(this.hass, amount, currency);
  }
}

function renderAlert(message: string): TemplateResult {
  return html`<p role="alert" tabindex="-1">${message && html`<bdi>${message}</bdi>`}</p>`;
}

function errorText(error: ActionError): string {
  return error.key === "below_keep_at_least" ? text("pot_not_enough") : error.message;
}

function onKeydown(event: KeyboardEvent): void {
  if (event.repeat && event.key === "Enter") event.preventDefault();
}

defineElement(TAG, MoveDialog);
