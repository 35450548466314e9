/** The search field and the filter chips of the card. */
import { css, html, LitElement, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";

import { defineElement } from "../shared/define-element.ts";
import { text, type TextKey } from "../shared/texts.ts";
import { categoryStyle } from "./categories.ts";
import { type Filter, type Kind, NO_FILTER } from "./filter.ts";
import { categoryText } from "./transaction-texts.ts";

const KINDS: [Kind, TextKey][] = [
  ["in", "transactions_filter_in"],
  ["out", "transactions_filter_out"],
  ["declined", "transactions_filter_declined"],
];

/** Fires `filter-changed` with the new filter. */
export class TransactionsFilter extends LitElement {
  @property({ attribute: false }) filter: Filter = NO_FILTER;

  /** The categories to choose from. */
  @property({ attribute: false }) categories: string[] = [];

  static override styles = css`
    :host {
      display: block;
      padding: 0 16px 8px;
    }
    input {
      box-sizing: border-box;
      width: 100%;
      min-height: 44px;
      padding: 8px 12px;
      border: 1px solid var(--divider-color);
      border-radius: 22px;
      font: inherit;
      color: inherit;
      background: none;
    }
    div {
      display: flex;
      gap: 8px;
      margin-block-start: 8px;
      padding-block-end: 4px;
      overflow-x: auto;
      scrollbar-width: thin;
    }
    button {
      flex: none;
      display: flex;
      align-items: center;
      gap: 4px;
      min-height: 36px;
      padding-inline: 12px;
      border: 1px solid var(--divider-color);
      border-radius: 18px;
      font: inherit;
      color: inherit;
      background: none;
      cursor: pointer;
    }
    button[aria-pressed="true"] {
      color: var(--text-primary-color);
      background: var(--primary-color);
      border-color: var(--primary-color);
    }
    ha-icon {
      --mdc-icon-size: 18px;
    }
    button[aria-pressed="false"] ha-icon {
      color: var(--category-color);
    }
  `;

  protected override render(): TemplateResult {
    const { search, kind, category } = this.filter;
    const label = text("transactions_search");
    return html`
      <input
        type="search"
        dir="auto"
        placeholder=${label}
        aria-label=${label}
        .value=${search}
        @input=${this.#onInput}
      />
      <div role="group" aria-label=${label}>
        ${KINDS.map(([each, name]) => {
          const select = () => this.#change({ kind: each === kind ? undefined : each });
          return html`<button aria-pressed=${each === kind} @click=${select}>
            ${text(name)}
          </button>`;
        })}
        ${this.categories.map((each) => {
          const select = () => this.#change({ category: each === category ? undefined : each });
          const { icon, color } = categoryStyle(each);
          return html`<button aria-pressed=${each === category} @click=${select}>
            <ha-icon icon=${icon} style="--category-color: ${color}"></ha-icon>
            ${categoryText(each)}
          </button>`;
        })}
      </div>
    `;
  }

  override focus(): void {
    this.renderRoot.querySelector("input")?.focus();
  }

  readonly #onInput = (event: InputEvent): void => {
    this.#change({ search: (event.target as HTMLInputElement).value });
  };

  #change(change: Partial<Filter>): void {
    const detail: Filter = { ...this.filter, ...change };
    this.dispatchEvent(new CustomEvent("filter-changed", { detail }));
  }
}

const TAG = "monzo-transactions-filter";
defineElement(TAG, TransactionsFilter);
