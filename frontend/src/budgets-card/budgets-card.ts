/** Budgets: how much of each is used, and what is left. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { state } from "lit/decorators.js";

import { numberFormatter } from "../shared/amounts.ts";
import { monzoDevices } from "../shared/devices.ts";
import { createEditor } from "../shared/editor.ts";
import { type CardConfig, MonzoCard } from "../shared/monzo-card.ts";
import { showMoreInfo } from "../shared/more-info.ts";
import { registerCard } from "../shared/register-card.ts";
import { cardStyles } from "../shared/styles.ts";
import { text } from "../shared/texts.ts";
import { type Budget, BUDGET_KEYS, mostUsedFirst, type Numbers, readBudget } from "./budget.ts";

interface BudgetsCardConfig extends CardConfig {
  /** The devices of budgets; all budgets if it is empty. */
  budget?: string | string[];
}

const BUDGETS_SELECTOR = {
  device: { multiple: true, filter: { integration: "monzo", model: "Budget" } },
};

/** With a hundred budgets, a card shows those that are used most. */
const ROWS = 5;

class BudgetsCard extends MonzoCard<BudgetsCardConfig> {
  static getConfigElement(): HTMLElement {
    return createEditor({ name: "budget", selector: BUDGETS_SELECTOR });
  }

  static override styles = [
    cardStyles,
    css`
      ha-card {
        padding-block: 8px;
      }
      ha-card > p {
        margin: 0;
        padding: 8px 16px;
      }
      ha-card > .icon-button {
        float: inline-end;
      }
      .budget {
        display: block;
        width: 100%;
        padding: 4px 16px;
        border-radius: 0;
        color: inherit;
        text-align: start;
      }
      @media (hover: hover) {
        .budget:hover {
          background: var(--secondary-background-color);
        }
      }
      .head {
        display: flex;
        justify-content: space-between;
        gap: 12px;
      }
      .head > :first-child {
        min-width: 0;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .bar {
        display: block;
        height: 8px;
        margin-block: 2px;
        border-radius: 4px;
        overflow: hidden;
        background: var(--divider-color);
      }
      .bar > i {
        display: block;
        height: 100%;
        border-radius: 4px;
        background: var(--success-color);
      }
      .fast .bar > i {
        background: var(--warning-color);
      }
      .over .bar > i {
        background: var(--error-color);
      }
      .over small {
        color: var(--ha-color-on-danger-normal, var(--error-color));
      }
      .wide {
        width: 100%;
      }
    `,
  ];

  /** Whether all budgets are shown. */
  @state() private isExpanded = false;

  #budgets: Budget[] = [];

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    const devices = monzoDevices(this.hass);
    const chosen = [this.config.budget ?? []].flat();
    const ids = chosen[0]
      ? chosen
      : Object.keys(devices).filter((id) => devices[id]?.budget_used !== undefined);
    const budgets = ids.flatMap((id) => readBudget(this.hass, id, devices[id] ?? {}) ?? []);
    this.#budgets = mostUsedFirst(budgets);
    this.watched = ids.flatMap((id) => BUDGET_KEYS.map((key) => devices[id]?.[key] ?? ""));
  }

  protected override renderContent(): unknown {
    const all = this.#budgets;
    if (!all.length) return html`<p>${text("budgets_none")}</p>`;
    const shown = this.isExpanded ? all : all.slice(0, ROWS);
    return html`
      ${this.renderEye()} ${shown.map((budget) => this.#renderBudget(budget))}
      ${all.length > ROWS ? this.#renderToggle(all.length) : nothing}
    `;
  }

  #renderToggle(number: number): TemplateResult {
    return html`<button
      type="button"
      class="wide"
      aria-expanded=${this.isExpanded}
      @click=${() => (this.isExpanded = !this.isExpanded)}
    >
      ${this.isExpanded ? text("show_fewer") : text("show_all", { number })}
    </button>`;
  }

  #renderBudget({ name, used, numbers }: Budget): TemplateResult {
    return html`<button
      type="button"
      class="budget ${numbers?.pace ?? ""}"
      @click=${() => showMoreInfo(this, used.entity_id)}
    >
      <span class="head"><bdi>${name}</bdi><bdi>${this.#percent(numbers)}</bdi></span>
      <span class="bar"
        ><i style="width: ${Math.min(100, Math.max(0, numbers?.used ?? 0))}%"></i
      ></span>
      <small>${this.#renderDetails(used, numbers)}</small>
    </button>`;
  }

  #percent(numbers: Numbers | undefined): string {
    if (!numbers) return "–";
    // A budget of which a penny is left is not used up.
    const share = Math.floor(numbers.used) / 100;
    return numberFormatter(this.hass, { style: "percent" }).format(share);
  }

  #renderDetails(used: Budget["used"], numbers: Numbers | undefined): unknown {
    if (!numbers) return html`<bdi>${this.#unknownReason(used)}</bdi>`;
    const details = this.areAmountsHidden ? [] : this.#amounts(numbers);
    const parts = [this.#warning(numbers), ...details].filter(Boolean);
    return html`<bdi>${parts.join(" · ")}</bdi>`;
  }

  #amounts({ left, leftPerDay, currency }: Numbers): string[] {
    if (isNaN(left) || left < 0) return [];
    const details = [text("budgets_left", { amount: this.money(left, currency) })];
    if (leftPerDay > 0) {
      details.push(text("per_day", { amount: this.money(leftPerDay, currency) }));
    }
    return details;
  }

  /** Return why the money does not last; an empty text if it does. */
  #warning({ pace, left, projected, currency }: Numbers): string {
    const isAmountShown = !this.areAmountsHidden && !isNaN(left);
    switch (pace) {
      case "good":
        return "";
      case "fast":
        return isAmountShown
          ? text("budgets_projected", { amount: this.money(projected, currency) })
          : text("budgets_too_fast");
      case "over":
        return isAmountShown
          ? text("budgets_over", { amount: this.money(-left, currency) })
          : text("budgets_exceeded");
    }
  }

  #unknownReason(used: Budget["used"]): string {
    const { reason } = used.attributes;
    return reason
      ? this.hass.formatEntityAttributeValue(used, "reason")
      : this.hass.formatEntityState(used);
  }
}

registerCard("budgets", BudgetsCard, (budget, entities) =>
  entities.budget_used ? { budget: [budget] } : null,
);
