/** A dashboard of everything at the bank, which the server lays out; made anew when that changes. */
import { ACCOUNTS, form, text, textsAreLoaded } from "./common.js";

const TAG = "ll-strategy-dashboard-monzo";

class Dashboard extends HTMLElement {
	static getCreateSuggestions = async () => ({ title: text("dashboard_title"), icon: "mdi:wallet" });

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

	/** @type {Generate} */
	static generate = (options, { callWS, language }) => callWS({ ...options, type: "monzo/dashboard", language });
}

if (!customElements.get(TAG)) {
	customElements.define(TAG, Dashboard);
	await textsAreLoaded();
	const description = text("dashboard_description");
	(window.customStrategies ??= []).push({ type: "monzo", strategyType: "dashboard", name: "Monzo", description });
}
