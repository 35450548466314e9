/** An icon in a ring that shows the progress toward a goal. */
import { css, html, LitElement, type TemplateResult } from "lit";
import { property } from "lit/decorators.js";

import { defineElement } from "../shared/define-element.ts";

export class GoalRing extends LitElement {
  /** Without a goal there is no ring. */
  @property({ type: Number }) percent?: number;

  static override styles = css`
    :host {
      flex: none;
      display: grid;
      place-items: center;
      width: 48px;
      height: 48px;
      color: var(--state-icon-color);
    }
    div,
    ::slotted(*) {
      grid-area: 1 / 1;
    }
    div {
      width: 100%;
      height: 100%;
      border-radius: 50%;
      background: conic-gradient(var(--success-color) var(--goal), var(--divider-color) 0);
      mask: radial-gradient(closest-side, transparent 82%, black 85%);
    }
  `;

  protected override render(): TemplateResult {
    return html`<div style="--goal: ${this.percent ?? 0}%"></div>
      <slot></slot>`;
  }
}

defineElement("monzo-goal-ring", GoalRing);
