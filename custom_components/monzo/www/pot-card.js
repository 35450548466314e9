/** A pot: what is in it, how far its goal is, and ways to put money in and to take it out. */
import { Card, define, deviceName, explain, form, h, monzoDevices } from "./common.js";

const PUT_IN = "deposit_into_pot";

class PotCard extends Card {
  static getConfigForm() {
    const device = { filter: { integration: "monzo", model: "Pot" } };
    const hide_amounts = { name: "hide_amounts", selector: { boolean: {} } };
    return form({ name: "pot", required: true, selector: { device } }, hide_amounts);
  }

  static getStubConfig(/** @type {Hass} */ hass) {
    return { pot: Object.entries(monzoDevices(hass)).find(([, keys]) => keys.pot_balance)?.[0] };
  }

  #dialog = h("dialog");
  /** What is to be moved, with an id for it to move once. */
  #order = { service: "", amount: "", dedupe_id: "" };
  #title = "";
  /** Whether nobody knows if the order was carried out. */
  #unknown = false;

  constructor() {
    super();
    this.shadowRoot?.append(this.#dialog);
    // The button that opened it may have been made anew.
    this.#dialog.onclose = () => this.shadowRoot?.getElementById(this.#order.service)?.focus();
  }

  getCardSize = () => 2;

  getGridOptions = () => ({ columns: 12, min_columns: 6, rows: "auto" });

  content() {
    const { config, hass, text } = this;
    const keys = Object.entries(monzoDevices(hass)[config.pot] ?? {});
    this.watched = keys.map(([, id]) => id);
    /** @type {Record<string, HassEntity | undefined>} */
    const states = Object.fromEntries(keys.map(([key, id]) => [key, hass.states[id]]));
    const { pot_balance: balance, goal_progress: progress, left_to_goal: left } = states;
    if (!balance) return [h("p", {}, text("pot_choose"))];

    const name = deviceName(hass, config.pot);
    const { entity_picture: picture, unit_of_measurement: currency } = balance.attributes;
    const amount = (/** @type {HassEntity} */ state) =>
      isNaN(+state.state) ? hass.formatEntityState(state) : this.amount(+state.state, currency);
    const percent = Math.floor(Number(progress?.state));
    const circle = '<circle cx="24" cy="24" r="22" pathLength="100" ';
    const ring = percent >= 0 && {
      role: "img",
      ariaLabel: text("pot_goal", { percent }),
      innerHTML: `<svg viewBox="0 0 48 48">${circle}/>${circle}stroke-dasharray="${percent} 100"/></svg>`,
    };
    // A lock is off when it is locked.
    const locked = states.locked?.state === "off";
    /** @type {MakeButton} */
    const button = (id, title, icon, disabled = false) => {
      const ariaLabel = `${title}: ${name}`;
      const onclick = () => this.#begin(id, ariaLabel);
      return hass.user?.is_admin && h("button", { id, title, ariaLabel, disabled, onclick }, h("ha-icon", { icon }));
    };
    const image = picture?.startsWith("/")
      ? h("img", { src: picture, alt: "" })
      : Object.assign(h("ha-state-icon"), { stateObj: balance, hass });
    const what = [
      h("h2", {}, name),
      amount(balance),
      left && h("small", {}, text("pot_left"), " ", amount(left)),
      locked && h("small", {}, text("pot_locked")),
    ];
    return [
      h("div", { className: "ring", ...ring }, image),
      h("div", { className: "what" }, ...what),
      this.eye(),
      button("withdraw_from_pot", text("pot_take_out"), "mdi:minus", locked) || "",
      button(PUT_IN, text("pot_put_in"), "mdi:plus") || "",
    ];
  }

  /** @type {(service: string, title: string) => void} */
  #begin(service, title) {
    this.#dialog.showModal();
    // How the last one ends comes first, whatever is wanted now.
    if (this.#dialog.querySelector(":disabled")) return;
    if (this.#unknown) return this.#preview();
    const dedupe_id = crypto.getRandomValues(new Uint32Array(4)).join("-");
    this.#order = { service, amount: "", dedupe_id };
    this.#title = title;
    this.#ask();
  }

  /** Show a step, and the button that goes on, if it does. @type {ShowStep} */
  #show(said, label, next) {
    const localize = (/** @type {string} */ key) => this.hass.localize(`ui.common.${key}`);
    const onclick = () => this.#dialog.close();
    const onsubmit = (/** @type {Event} */ event) => {
      event.preventDefault();
      (next ?? onclick)();
    };
    const go = h("button", {}, label ?? localize(next ? "continue" : "close"));
    const cancel = next && h("button", { type: "button", onclick }, localize("cancel"));
    const parts = [h("h2", {}, this.#title), ...said, h("nav", {}, cancel, go)];
    this.#dialog.ariaLabel = this.#title;
    this.#dialog.replaceChildren(h("form", { onsubmit }, ...parts));
    (this.#dialog.querySelector("input") ?? go).focus();
  }

  #ask(error = "") {
    const input = h("input", { inputMode: "decimal", required: true, value: this.#order.amount });
    this.#show([h("label", {}, this.text("pot_amount"), input), alert(error)], undefined, () => {
      this.#order.amount = input.value;
      this.#preview();
    });
  }

  /** Show what would be moved, or why it cannot be. */
  #preview() {
    this.#call(true, (answer) => {
      const { result, amount, currency, problems, pot_balance, account_balance } = answer;
      if (result === "already_moved") return this.#done(answer);
      for (const { reason } of problems) throw { code: reason, translation_key: reason };
      const into = this.#order.service === PUT_IN ? amount : -amount;
      const pot = this.money(pot_balance + into, currency);
      const account = this.money(account_balance - into, currency);
      const said = h("p", {}, this.text("pot_afterwards", { pot, account }));
      this.#show([said], this.text("pot_move", { amount: this.money(amount, currency) }), () => {
        this.#unknown = true;
        this.#call(false, (answer) => this.#done(answer));
      });
    });
  }

  /** Show what was moved. @param {any} answer */
  #done({ amount, currency, pot_balance: now }) {
    this.#unknown = false;
    const said = [this.text("pot_moved", { amount: this.money(amount, currency) })];
    if (now !== null) said.push(this.text("pot_now", { pot: this.money(now, currency) }));
    this.#show([h("p", { role: "status" }, said.join(" "))]);
  }

  /** Call the action, and go on with its answer or to where an error is mended. @type {CallAction} */
  async #call(dry_run, then) {
    const { config, hass, text } = this;
    const point = /1(.)5/.exec(this.money(1.5, "GBP"))?.[1];
    const { service, amount: typed, dedupe_id } = this.#order;
    // The other one may be meant to group thousands, so it must not pass for a number.
    const amount = typed.replaceAll(/[.,]/g, (mark) => (mark === point ? "." : "_"));
    const service_data = { pot: config.pot, amount, keep_at_least: 0, dedupe_id, dry_run };
    for (const part of this.#dialog.querySelectorAll("button, input")) part.toggleAttribute("disabled", true);
    try {
      const call = { type: "call_service", domain: "monzo", service, service_data, return_response: true };
      then((await hass.callWS(call)).response);
    } catch (/** @type {any} */ error) {
      const { code, translation_key: key } = error;
      if (!dry_run && code === "service_validation_error") this.#unknown = false;
      const poor = key === "below_keep_at_least" && text("pot_not_enough");
      const said = poor || (code ? await explain(hass, error) : text("pot_unknown"));
      if (this.#unknown) this.#show([alert(said)], text("pot_again"), () => this.#call(dry_run, then));
      else this.#ask(said);
    }
  }
}

const alert = (/** @type {string} */ error) => h("p", { role: "alert" }, error);

define("pot", PotCard, (pot, keys) => (keys.pot_balance ? { pot } : null));
