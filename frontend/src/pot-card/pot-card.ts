/** A pot: its balance, its progress toward the goal, and buttons to move money. */
import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";

import type { HomeAssistant } from "../home-assistant.ts";
import { monzoDevices, POT_SELECTOR } from "../shared/devices.ts";
import { createEditor } from "../shared/editor.ts";
import { type CardConfig, MonzoCard } from "../shared/monzo-card.ts";
import { registerCard } from "../shared/register-card.ts";
import { cardStyles } from "../shared/styles.ts";
import { text } from "../shared/texts.ts";
import "./goal-ring.ts";
import { showMoveDialog } from "./move-dialog.ts";
import { canMove, leadingEmoji, nameWithoutEmoji, type Pot, readPot } from "./pot.ts";

interface PotCardConfig extends CardConfig {
  /** The device of the pot. */
  pot: string;
  /** An icon instead of that of the balance. */
  icon?: string;
  /** A color of Home Assistant's theme, such as `teal`, or any CSS color. */
  color?: string;
}

const BUTTONS = [
  { action: "withdraw_from_pot", label: "pot_take_out", icon: "mdi:minus" },
  { action: "deposit_into_pot", label: "pot_put_in", icon: "mdi:plus" },
] as const;

class PotCard extends MonzoCard<PotCardConfig> {
  static getConfigElement(): HTMLElement {
    return createEditor(
      { name: "pot", required: true, selector: POT_SELECTOR },
      { name: "icon", selector: { icon: {} } },
      { name: "color", selector: { ui_color: {} } },
    );
  }

  static getStubConfig(hass: HomeAssistant): object {
    return { pot: Object.entries(monzoDevices(hass)).find(([, ids]) => ids.pot_balance)?.[0] };
  }

  static override styles = [
    cardStyles,
    css`
      :host {
        display: block;
        height: 100%;
        container-type: inline-size;
      }
      ha-card {
        position: relative;
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
      .emoji {
        font-size: 24px;
      }
      .open {
        display: none;
        position: absolute;
        inset: 0;
        border-radius: var(--ha-card-border-radius, 12px);
      }
      /* A card that is half as wide as a section has no room for the buttons. */
      @container (width < 300px) {
        .open {
          display: block;
        }
        .move {
          display: none;
        }
        .what {
          padding-inline: 8px 0;
        }
        h2 {
          font-size: 14px;
        }
        /* As low as a tile, because a wall tablet shows many pots. */
        ha-card {
          padding-block: 4px;
          line-height: 1.35;
        }
      }
    `,
  ];

  #pot?: Pot;

  protected override willUpdate(changed: PropertyValues): void {
    super.willUpdate(changed);
    this.#pot = readPot(this.hass, this.config.pot);
    this.watched = this.#pot?.entityIds ?? [];
  }

  protected override renderContent(): TemplateResult {
    const pot = this.#pot;
    if (!pot) return html`<p>${text("pot_choose")}</p>`;
    return html`
      ${this.#renderRing(pot)}
      <div class="what">
        <h2><bdi>${nameWithoutEmoji(pot.name)}</bdi></h2>
        ${this.#renderBalance(pot)} ${this.#renderGoal(pot)}
        ${pot.isLocked ? html`<small><bdi>${text("pot_locked")}</bdi></small>` : nothing}
      </div>
      ${this.renderEye()} ${this.hass.user?.is_admin ? this.#renderActions(pot) : nothing}
    `;
  }

  #renderRing({ entity, name, percent }: Pot): TemplateResult {
    const { icon, color } = this.config;
    const emoji = leadingEmoji(name);
    const face = emoji
      ? html`<span class="emoji">${emoji}</span>`
      : html`<ha-state-icon .hass=${this.hass} .stateObj=${entity} .icon=${icon}></ha-state-icon>`;
    const style = color ? `color: var(--${color}-color, ${color})` : "";
    if (percent === undefined) return html`<div class="ring" style=${style}>${face}</div>`;
    const label = text("pot_goal", { percent });
    return html`<monzo-goal-ring
      class="ring"
      role="img"
      style=${style}
      aria-label=${label}
      .percent=${percent}
      >${face}</monzo-goal-ring
    >`;
  }

  #renderBalance({ balance, currency, entity }: Pot): unknown {
    return isNaN(balance) ? this.hass.formatEntityState(entity) : this.amount(balance, currency);
  }

  #renderGoal({ percent, leftToGoal, currency }: Pot): unknown {
    if (percent !== undefined && percent >= 100) {
      return html`<small><bdi>${text("pot_goal_reached")}</bdi></small>`;
    }
    if (leftToGoal === undefined) return nothing;
    const amount = this.moneyOrDots(leftToGoal, currency);
    return html`<small><bdi>${text("pot_left", { amount })}</bdi></small>`;
  }

  /** Return the buttons; if there is no room for them, the whole card opens the dialog. */
  #renderActions(pot: Pot): unknown {
    const open = () => showMoveDialog(this, { pot: this.config.pot, action: "deposit_into_pot" });
    return html`${this.#renderButtons(pot)}
      <button
        class="open"
        aria-label="${text("pot_move_money")}: ${pot.name}"
        ?disabled=${!canMove(pot, "deposit_into_pot")}
        @click=${open}
      ></button>`;
  }

  #renderButtons(pot: Pot): unknown {
    return BUTTONS.map(({ action, label, icon }) => {
      const show = () => showMoveDialog(this, { pot: this.config.pot, action });
      return html`<button
        class="move"
        title=${text(label)}
        aria-label="${text(label)}: ${pot.name}"
        ?disabled=${!canMove(pot, action)}
        @click=${show}
      >
        <ha-icon icon=${icon}></ha-icon>
      </button>`;
    });
  }
}

registerCard("pot", PotCard, (pot, entities) => (entities.pot_balance ? { pot } : null));
