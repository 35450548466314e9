/** A pot: what is in it, how far its goal is, and ways to put money in and to take it out. */
import { Card, define, deviceName, explain, form, h, monzoDevices } from "./common.js";

/** By pot. No card outlives a lost connection; what is `kept` comes to its end first. @type {Dialogs} */
const dialogs = {};

class PotCard extends Card {
  static getConfigForm() {
    const device = { filter: { integration: "monzo", model: "Pot" } };
    return form({ name: "pot", required: true, selector: { device } });
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
    const shown = ["pot_balance", "goal_progress", "left_to_goal", "locked"];
    const [balance, progress, left, lock] = shown.map((key) => hass.states[keys[key]]);
    if (!balance) return [h("p", {}, text("pot_choose"))];

    const amount = (/** @type {HassEntity} */ its, currency = balance.attributes.unit_of_measurement) =>
      isNaN(+its.state) ? hass.formatEntityState(its) : this.amount(+its.state, currency);
    const percent = Math.floor(Number(progress?.state));
    const goal = { role: "img", ariaLabel: text("pot_goal", { percent }), style: `--goal: ${percent}%` };
    // A lock is off when it is locked.
    const locked = lock?.state === "off";
    const name = deviceName(hass, config.pot);
    const buttons = [
      ["withdraw_from_pot", text("pot_take_out"), "mdi:minus"],
      ["deposit_into_pot", text("pot_put_in"), "mdi:plus"],
    ].map(([id, title, icon], index) => {
      const ariaLabel = `${title}: ${name}`;
      const onclick = () => this.#move(id, ariaLabel);
      return h("button", { id, title, ariaLabel, disabled: locked && !index, onclick }, h("ha-icon", { icon }));
    });
    const what = [
      h("h2", {}, name),
      amount(balance),
      left && h("small", {}, text("pot_left"), " ", amount(left)),
      locked && h("small", {}, text("pot_locked")),
    ];
    const icon = Object.assign(h("ha-state-icon"), { stateObj: balance, hass });
    return [
      h("div", { className: "ring", ...(percent >= 0 && goal) }, icon),
      h("div", { className: "what" }, ...what),
      this.eye(),
      ...(hass.user?.is_admin ? buttons : []),
    ];
  }

  /** Show a step, and wait until somebody goes on. @type {ShowStep} */
  #step = (dialog, said, label, kept = false) =>
    new Promise((go) => {
      const onclick = () => dialog.close();
      const onsubmit = (/** @type {Event} */ event) => {
        event.preventDefault();
        step.inert = dialog.kept = true;
        go();
      };
      const close = this.hass.localize(`ui.common.${label ? "cancel" : "close"}`);
      const back = h("button", { type: "button", onclick }, close);
      const next = label ? h("button", {}, label) : back;
      const step = h("form", { onsubmit }, h("h2", {}, dialog.ariaLabel), ...said, h("nav", {}, back, next));
      dialog.replaceChildren(step);
      (dialog.querySelector("input") ?? next).focus();
      dialog.kept = kept;
    });

  /** Ask for an amount, show what would be moved, and move it. @type {(service: string, title: string) => void} */
  async #move(service, title) {
    const { config, hass, text } = this;
    const dialog = (dialogs[config.pot] ??= h("dialog"));
    dialog.close();
    this.shadowRoot?.append(dialog);
    dialog.showModal();
    if (dialog.kept) return;
    // The button that opened it may have been made anew.
    dialog.onclose = () => this.shadowRoot?.getElementById(service)?.focus();
    dialog.ariaLabel = title;
    const input = h("input", { inputMode: "decimal", required: true });
    const wrong = h("p", { role: "alert" });
    const point = /1(.)5/.exec(this.money(1.5, "GBP"))?.[1];
    // With this it moves once, however often it is sent.
    const dedupe_id = crypto.getRandomValues(new Uint32Array(4)).join("-");
    /** Return the answer; none if it is refused. @type {(dry_run: boolean) => Promise<any>} */
    const call = async (dry_run) => {
      // The other mark may be meant to group thousands, so it must not pass for a number.
      const amount = input.value.replaceAll(/[.,]/g, (mark) => (mark === point ? "." : "_"));
      const service_data = { pot: config.pot, amount, keep_at_least: 0, dedupe_id, dry_run };
      const action = { domain: "monzo", service, service_data, return_response: true };
      try {
        const { response } = await hass.callWS({ type: "call_service", ...action });
        for (const { reason } of response.problems ?? []) throw { code: reason, translation_key: reason };
        return response;
      } catch (/** @type {any} */ error) {
        const { code, translation_key: key } = error;
        const poor = key === "below_keep_at_least" && text("pot_not_enough");
        wrong.textContent = poor || (code ? await explain(hass, error) : text("pot_unknown"));
        if (dry_run || code === "service_validation_error") return;
      }
      await this.#step(dialog, [wrong], text("pot_again"), true);
      return call(false);
    };
    for (;;) {
      await this.#step(dialog, [h("label", {}, text("pot_amount"), input), wrong], hass.localize("ui.common.continue"));
      const plan = await call(true);
      if (!plan) continue;
      const sum = (/** @type {number} */ amount) => this.money(amount, plan.currency);
      const [amount, into] = [sum(plan.amount), service === "deposit_into_pot" ? plan.amount : -plan.amount];
      const after = { pot: sum(plan.pot_balance + into), account: sum(plan.account_balance - into) };
      await this.#step(dialog, [h("p", {}, text("pot_afterwards", after))], text("pot_move", { amount }));
      const done = await call(false);
      if (!done) continue;
      const holds = done.pot_balance === null ? "" : text("pot_now", { pot: sum(done.pot_balance) });
      return this.#step(dialog, [h("p", { role: "status" }, text("pot_moved", { amount }), " ", holds)]);
    }
  }
}

define("pot", PotCard, (pot, keys) => (keys.pot_balance ? { pot } : null));
