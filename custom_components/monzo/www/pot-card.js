/** A pot: what is in it, how far its goal is, and ways to put money in and to take it out. */
import { Card, define, deviceName, explain, form, h, monzoDevices } from "./common.js";

/**
 * The dialog of each pot; `kept` while what it shows has to come to its end, whatever is pressed meanwhile. A card would
 * not outlive a lost connection, after which Home Assistant makes it anew.
 * @type {Record<string, HTMLDialogElement & { kept?: boolean }>}
 */
const dialogs = {};

class PotCard extends Card {
  static getConfigForm() {
    const device = { filter: { integration: "monzo", model: "Pot" } };
    const hide_amounts = { name: "hide_amounts", selector: { boolean: {} } };
    return form({ name: "pot", required: true, selector: { device } }, hide_amounts);
  }

  static getStubConfig(/** @type {Hass} */ hass) {
    return { pot: Object.entries(monzoDevices(hass)).find(([, keys]) => keys.pot_balance)?.[0] };
  }

  getCardSize = () => 2;

  getGridOptions = () => ({ columns: 12, min_columns: 6, rows: "auto" });

  content() {
    const { config, hass, text } = this;
    const keys = monzoDevices(hass)[config.pot] ?? {};
    this.watched = Object.values(keys);
    /** @type {(key: string) => HassEntity | undefined} */
    const state = (key) => hass.states[keys[key]];
    const balance = state("pot_balance");
    if (!balance) return [h("p", {}, text("pot_choose"))];

    const currency = balance.attributes.unit_of_measurement;
    const amount = (/** @type {HassEntity} */ state) =>
      isNaN(+state.state) ? hass.formatEntityState(state) : this.amount(+state.state, currency);
    const percent = Math.floor(Number(state("goal_progress")?.state));
    const circle = '<circle cx="24" cy="24" r="22" pathLength="100" ';
    const ring = percent >= 0 && {
      role: "img",
      ariaLabel: text("pot_goal", { percent }),
      innerHTML: `<svg viewBox="0 0 48 48">${circle}/>${circle}stroke-dasharray="${percent} 100"/></svg>`,
    };
    const left = state("left_to_goal");
    // A lock is off when it is locked.
    const locked = state("locked")?.state === "off";
    const name = deviceName(hass, config.pot);
    /** @type {MakeButton} */
    const button = (id, title, icon, disabled = false) => {
      const ariaLabel = `${title}: ${name}`;
      const onclick = () => this.#move(id, ariaLabel);
      return h("button", { id, title, ariaLabel, disabled, onclick }, h("ha-icon", { icon }));
    };
    const buttons = [
      button("withdraw_from_pot", text("pot_take_out"), "mdi:minus", locked),
      button("deposit_into_pot", text("pot_put_in"), "mdi:plus"),
    ];
    const what = [
      h("h2", {}, name),
      amount(balance),
      left && h("small", {}, text("pot_left"), " ", amount(left)),
      locked && h("small", {}, text("pot_locked")),
    ];
    return [
      h("div", { className: "ring", ...ring }, Object.assign(h("ha-state-icon"), { stateObj: balance, hass })),
      h("div", { className: "what" }, ...what),
      this.eye(),
      ...(hass.user?.is_admin ? buttons : []),
    ];
  }

  get #dialog() {
    return (dialogs[this.config.pot] ??= h("dialog"));
  }

  /** Show a step, and wait until somebody goes on. @type {ShowStep} */
  #step = (said, label, kept = false) =>
    new Promise((go) => {
      const dialog = this.#dialog;
      const onclick = () => dialog.close();
      const onsubmit = (/** @type {Event} */ event) => {
        event.preventDefault();
        for (const part of dialog.querySelectorAll("button, input")) part.toggleAttribute("disabled", true);
        dialog.kept = true;
        go();
      };
      const close = this.hass.localize(`ui.common.${label ? "cancel" : "close"}`);
      const buttons = [h("button", { type: "button", onclick }, close), ...(label ? [h("button", {}, label)] : [])];
      const parts = [h("h2", {}, dialog.ariaLabel), ...said, h("nav", {}, ...buttons)];
      dialog.replaceChildren(h("form", { onsubmit }, ...parts));
      (dialog.querySelector("input") ?? buttons.at(-1))?.focus();
      dialog.kept = kept;
    });

  /** Ask for an amount, show what would be moved, and move it. @type {(service: string, title: string) => void} */
  async #move(service, title) {
    const { config, hass, text } = this;
    const dialog = this.#dialog;
    dialog.close();
    this.shadowRoot?.append(dialog);
    dialog.showModal();
    // Nobody knows yet what came of the last one.
    if (dialog.kept) return;
    dialog.ariaLabel = title;
    // The button that opened it may have been made anew.
    dialog.onclose = () => this.shadowRoot?.getElementById(service)?.focus();
    const input = h("input", { inputMode: "decimal", required: true });
    const point = /1(.)5/.exec(this.money(1.5, "GBP"))?.[1];
    // With this it moves once, however often it is sent.
    const dedupe_id = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const call = async (/** @type {boolean} */ dry_run) => {
      // The other mark may be meant to group thousands, so it must not pass for a number.
      const amount = input.value.replaceAll(/[.,]/g, (mark) => (mark === point ? "." : "_"));
      const service_data = { pot: config.pot, amount, keep_at_least: 0, dedupe_id, dry_run };
      const action = { type: "call_service", domain: "monzo", service, service_data };
      return (await hass.callWS({ ...action, return_response: true })).response;
    };
    const failed = async (/** @type {any} */ error) => {
      const poor = error.translation_key === "below_keep_at_least" && text("pot_not_enough");
      const said = poor || (error.code ? await explain(hass, error) : text("pot_unknown"));
      return h("p", { role: "alert" }, said);
    };
    const send = async () => {
      for (;;) {
        try {
          return await call(false);
        } catch (/** @type {any} */ error) {
          if (error.code === "service_validation_error") throw error;
          await this.#step([await failed(error)], text("pot_again"), true);
        }
      }
    };
    for (let wrong = h("p"); ; ) {
      input.disabled = false;
      await this.#step([h("label", {}, text("pot_amount"), input), wrong], hass.localize("ui.common.continue"));
      try {
        const { amount, currency, problems, pot_balance, account_balance } = await call(true);
        for (const { reason } of problems) throw { code: reason, translation_key: reason };
        const sum = (/** @type {number} */ amount) => this.money(amount, currency);
        const into = service === "deposit_into_pot" ? amount : -amount;
        const after = { pot: sum(pot_balance + into), account: sum(account_balance - into) };
        await this.#step([h("p", {}, text("pot_afterwards", after))], text("pot_move", { amount: sum(amount) }));
        const { pot_balance: now } = await send();
        const moved = text("pot_moved", { amount: sum(amount) });
        const holds = now === null ? "" : text("pot_now", { pot: sum(now) });
        this.#step([h("p", { role: "status" }, moved, " ", holds)]);
        return;
      } catch (error) {
        wrong = await failed(error);
      }
    }
  }
}

define("pot", PotCard, (pot, keys) => (keys.pot_balance ? { pot } : null));
