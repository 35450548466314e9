/** A dashboard of everything at the bank, which the server lays out; made anew when that changes. */
import { ACCOUNTS, form, moment, text, texts } from "./common.js";

const TAG = "ll-strategy-dashboard-monzo";

class Dashboard extends HTMLElement {
	static getCreateSuggestions = () => texts.then(() => ({ title: text("dashboard_title"), icon: "mdi:wallet" }));

	/** Return the visual editor: Home Assistant's own form. */
	static async getConfigElement() {
		const fields = form({ name: "accounts", selector: ACCOUNTS });
		const setConfig = (/** @type {object} */ data) => Object.assign(editor, { data });
		const editor = Object.assign(document.createElement("ha-form"), fields, { setConfig });
		editor.addEventListener("value-changed", ({ detail: { value: config } }) => {
			editor.dispatchEvent(new CustomEvent("config-changed", { detail: { config } }));
		});
		return editor;
	}

	/** Ask again while Home Assistant starts. @type {Generate} */
	static generate = (options, hass) =>
		hass.callWS({ ...options, type: "monzo/dashboard", language: hass.language }).catch(async (error) => {
			if (error.code !== "unknown_command") throw error;
			await moment();
			return Dashboard.generate(options, hass);
		});
}

if (!customElements.get(TAG)) {
	customElements.define(TAG, Dashboard);
	(window.customStrategies ??= []).push({
		type: "monzo",
		strategyType: "dashboard",
		name: "Monzo",
		get description() {
			return text("dashboard_description");
		},
	});
}
