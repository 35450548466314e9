/** A pot: its balance, its progress toward the goal, and buttons to move money. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";

import type { HassEntity, HomeAssistant } from "../home-assistant.ts";
import { deviceName, type EntityIds, monzoDevices, POT_SELECTOR } from "../shared/devices.ts";
import { createEditor } from "../shared/editor.ts";
import { type CardConfig, MonzoCard } from "../shared/monzo-card.ts";
import { registerCard } from "../shared/register-card.ts";
import { cardStyles } from "../shared/styles.ts";
import { text } from "../shared/texts.ts";
import type { PotAction } from "../store/backend.ts";
import "./goal-ring.ts";
import { showMoveDialog } from "./move-dialog.ts";

interface PotCardConfig extends CardConfig {
  /** The device of the pot. */
  pot: string;
}

const BUTTONS = [
  { action: "withdraw_from_pot", label: "pot_take_out", icon: "mdi:minus" },
  { action: "deposit_into_pot", label: "pot_put_in", icon: "mdi:plus" },
] as const;

class PotCard extends MonzoCard<PotCardConfig> {
  static getConfigElement(): HTMLElement {
    return createEditor({ name: "pot", required: true, selector: POT_SELECTOR });
  }

  static getStubConfig(hass: HomeAssistant): object {
    return { pot: Object.entries(monzoDevices(hass)).find(([, ids]) => ids.pot_balance)?.[0] };
  }

  static override styles = [
    cardStyles,
    css`
      ha-card {
        display: flex;
        align-items: center;
        padding: 8px;
      }
      .what {
        flex: 1;
        min-width: 0;
        padding-inline: 12px;
        overflow-wrap: anywhere;
      }
      ha-card > p {
        margin: 8px;
      }
    `,
  ];

  #ids: EntityIds = {};

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    this.#ids = monzoDevices(this.hass)[this.config.pot] ?? {};
    this.watched = Object.values(this.#ids).filter((id) => id !== undefined);
  }

  protected override renderContent(): TemplateResult {
    const balance = this.#entity("pot_balance");
    if (!balance) return html`<p>${text("pot_choose")}</p>`;
    const left = this.#entity("left_to_goal");
    return html`
      ${this.#renderRing(balance)}
      <div class="what">
        <h2>${deviceName(this.hass, this.config.pot)}</h2>
        ${this.#renderAmount(balance)}
        ${left ? html`<small>${text("pot_left")} ${this.#renderAmount(left)}</small>` : nothing}
        ${this.#isLocked ? html`<small>${text("pot_locked")}</small>` : nothing}
      </div>
      ${this.renderEye()} ${this.hass.user?.is_admin ? this.#renderButtons(balance) : nothing}
    `;
  }

  #renderRing(balance: HassEntity): TemplateResult {
    const icon = html`<ha-state-icon .hass=${this.hass} .stateObj=${balance}></ha-state-icon>`;
    const percent = Math.floor(Number(this.#entity("goal_progress")?.state));
    if (!(percent >= 0)) return html`<div class="ring">${icon}</div>`;
    const label = text("pot_goal", { percent });
    return html`<monzo-goal-ring class="ring" role="img" aria-label=${label} .percent=${percent}
      >${icon}</monzo-goal-ring
    >`;
  }

  #renderAmount(entity: HassEntity): unknown {
    const amount = Number(entity.state);
    if (isNaN(amount)) return this.hass.formatEntityState(entity);
    return this.amount(amount, currencyOf(entity));
  }

  #renderButtons(balance: HassEntity): unknown {
    const name = deviceName(this.hass, this.config.pot);
    const isUnknown = isNaN(Number(balance.state));
    return BUTTONS.map(({ action, label, icon }) => {
      const isForbidden = action === "withdraw_from_pot" && this.#isLocked;
      return html`<button
        title=${text(label)}
        aria-label="${text(label)}: ${name}"
        ?disabled=${isUnknown || isForbidden}
        @click=${() => this.#openDialog(action, `${text(label)}: ${name}`, balance)}
      >
        <ha-icon icon=${icon}></ha-icon>
      </button>`;
    });
  }

  #openDialog(action: PotAction, heading: string, balance: HassEntity): void {
    showMoveDialog(this, {
      pot: this.config.pot,
      action,
      heading,
      currency: currencyOf(balance),
    });
  }

  #entity(key: string): HassEntity | undefined {
    return this.hass.states[this.#ids[key] ?? ""];
  }

  get #isLocked(): boolean {
    // A lock is off when it is locked.
    return this.#entity("locked")?.state === "off";
  }
}

function currencyOf(entity: HassEntity): string {
  return entity.attributes.unit_of_measurement ?? "";
}

registerCard("pot", PotCard, (pot, entities) => (entities.pot_balance ? { pot } : null));
