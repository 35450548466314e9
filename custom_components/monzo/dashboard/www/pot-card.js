/** A pot: what is in it, how far its goal is, and buttons to move money. */
import { Card, define, form, h, monzoDevices, text } from "./common.js";

/** By pot and action, for no card outlives a lost connection. What is `kept` comes to its end first. @type {Dialogs} */
const dialogs = {};

/** After these it may have moved. */
const IN_DOUBT = /^transfer_(unconfirmed|not_found|rejected_later)$/;

// Thousands apart, or not at all. What has three digits after its only mark may be either.
const AMOUNT = /^(\d+|\d{1,3}(?:,\d{3})+(?=\.)|\d{1,3}(?:\.\d{3})+(?=,))(?:[.,](\d{1,2}))?$/;

/** Return what was typed as actions take it; none if unclear. @type {ReadAmount} */
export const readAmount = (typed, writer) => {
	const digits = writer.format(9876543210);
	const mark = writer.formatToParts(0.5).find(({ type }) => type === "decimal")?.value;
	const plain = typed.trim().replace(/[^.,\d]/g, (sign) => (sign === mark ? "." : `${"9876543210?".at(digits.indexOf(sign))}`));
	const [, whole, part = "0"] = AMOUNT.exec(plain) ?? [];
	return whole && `${whole.replace(/\D/g, "")}.${part}`;
};

/** Return what is read out, and has the focus. */
const say = (said = "", role = "none") => h("p", { role, tabIndex: -1, dir: "auto" }, said);

class PotCard extends Card {
	static getConfigForm() {
		const device = { filter: { integration: "monzo", model: "Pot" } };
		return form({ name: "pot", required: true, selector: { device } });
	}

	static getStubConfig(/** @type {Hass} */ hass) {
		return { pot: Object.entries(monzoDevices(hass)).find(([, keys]) => keys.pot_balance)?.[0] };
	}

	content() {
		const { config, hass } = this;
		const keys = monzoDevices(hass)[config.pot] ?? {};
		this.watched = Object.values(keys);
		const shown = ["pot_balance", "goal_progress", "left_to_goal", "locked"];
		const [balance, progress, left, lock] = shown.map((key) => hass.states[keys[key]]);
		if (!balance) return [h("p", {}, text("pot_choose"))];

		const amount = (/** @type {HassEntity} */ its) =>
			isNaN(+its.state) ? hass.formatEntityState(its) : this.amount(+its.state, its.attributes.unit_of_measurement);
		const percent = Math.floor(Number(progress?.state));
		const goal = { role: "img", ariaLabel: text("pot_goal", { percent }), style: `--goal: ${percent}%` };
		// A lock is off when it is locked.
		const locked = lock?.state === "off";
		const name = this.nameOf(config.pot);
		const buttons = [
			["withdraw_from_pot", text("pot_take_out"), "mdi:minus"],
			["deposit_into_pot", text("pot_put_in"), "mdi:plus"],
		].map(([id, title, icon], index) => {
			const ariaLabel = `${title}: ${name}`;
			const onclick = () => this.#move(id, ariaLabel, balance.attributes.unit_of_measurement);
			const disabled = isNaN(+balance.state) || (locked && !index);
			return h("button", { id, title, ariaLabel, disabled, onclick }, h("ha-icon", { icon }));
		});
		const notes = [
			left && h("small", {}, text("pot_left"), " ", amount(left)),
			locked && h("small", {}, text("pot_locked")),
		];
		const icon = Object.assign(h("ha-state-icon"), { stateObj: balance, hass });
		return [
			h("div", { className: "ring", ...(percent >= 0 && goal) }, icon),
			h("div", { className: "what" }, h("h2", {}, name), amount(balance), ...notes),
			this.eye(),
			...(hass.user?.is_admin ? buttons : []),
		];
	}

	/** Show a step, and wait until somebody goes on. @type {ShowStep} */
	#step = (dialog, said, label, forget) =>
		new Promise((go) => {
			const onclick = () => dialog.close();
			const close = this.hass.localize(`ui.common.${label ? "cancel" : "close"}`);
			const back = h("button", { type: "button", onclick }, close);
			const next = label ? h("button", {}, label) : back;
			const step = h("form", {}, h("h2", {}, dialog.ariaLabel), ...said, h("nav", {}, forget, back, next));
			step.onsubmit = (event) => {
				event.preventDefault();
				step.inert = dialog.kept = true;
				// Keys come by here.
				dialog.focus();
				go();
			};
			dialog.replaceChildren(step);
			const input = dialog.querySelector("input");
			// Who presses twice has not read what is asked now.
			next.disabled = !input;
			setTimeout(() => (next.disabled = false), 700);
			(input ?? said[0]).focus();
			dialog.kept = !!forget;
		});

	/** Ask for an amount, and move it once confirmed. @type {Move} */
	async #move(service, title, currency) {
		const { config, hass } = this;
		const dialog = (dialogs[config.pot + service] ??= h("dialog", { tabIndex: -1 }));
		dialog.close();
		this.shadowRoot?.append(dialog);
		// Nobody may miss what becomes of it. The button that opened it may have been made anew.
		dialog.onclose = () => {
			if (dialog.querySelector("[inert]")) dialog.showModal();
			else this.shadowRoot?.getElementById(service)?.focus();
		};
		dialog.onkeydown = (event) => {
			// Around a preview is another dialog, which would close with this one.
			event.stopPropagation();
			if (event.repeat && event.key === "Enter") event.preventDefault();
		};
		dialog.showModal();
		if (dialog.kept) return;
		dialog.ariaLabel = title;
		const input = h("input", { inputMode: "decimal", required: true });
		const wrong = say("", "alert");
		const writer = this.writer({ useGrouping: false, minimumFractionDigits: 2 });
		// With this it moves once, however often it is sent.
		const dedupe_id = crypto.getRandomValues(new Uint32Array(4)).join("-");
		/** Return the answer; none if it is refused. @type {Call} */
		const call = async (dry_run, in_doubt = false) => {
			const amount = readAmount(input.value, writer);
			try {
				const response = await this.act(service, { pot: config.pot, amount, keep_at_least: 0, dedupe_id, dry_run });
				for (const { reason, message } of response.problems ?? []) throw { code: reason, message };
				return response;
			} catch (/** @type {any} */ error) {
				const { code, translation_key: key = code } = error;
				// Later refusals say nothing about what was sent before.
				in_doubt ||= !dry_run && (!code || code === "unknown_error" || IN_DOUBT.test(key));
				wrong.textContent = key === "below_keep_at_least" ? text("pot_not_enough") : this.explain(error);
				if (!in_doubt) return;
			}
			const forget = h("button", { type: "button" }, text("pot_forget"));
			forget.onclick = () => {
				dialog.kept = false;
				dialog.close();
			};
			await this.#step(dialog, [wrong, say(text("pot_unknown"))], text("pot_again"), forget);
			return call(false, true);
		};
		for (;;) {
			const label = h("label", {}, text("pot_amount", { currency }), input);
			await this.#step(dialog, [label, wrong], hass.localize("ui.common.continue"));
			wrong.textContent = text("pot_unclear", { example: writer.format(12.5) });
			const plan = readAmount(input.value, writer) && (await call(true));
			if (!plan) continue;
			const sum = (/** @type {number} */ amount) => this.money(amount, plan.currency);
			const [amount, into] = [sum(plan.amount), service === "deposit_into_pot" ? plan.amount : -plan.amount];
			const after = { pot: sum(plan.pot_balance + into), account: sum(plan.account_balance - into) };
			await this.#step(dialog, [say(text("pot_afterwards", after))], text("pot_move", { amount }));
			const done = await call(false);
			if (!done) continue;
			const holds = done.pot_balance === null ? "" : text("pot_now", { pot: sum(done.pot_balance) });
			return this.#step(dialog, [say(`${text("pot_moved", { amount })} ${holds}`, "status")]);
		}
	}
}

define("pot", PotCard, (pot, keys) => (keys.pot_balance ? { pot } : null));
