/** A dashboard of everything at the bank, which the server lays out; made anew when that changes. */
import { ACCOUNTS, form, loadTexts, ourTexts } from "./common.js";

const TAG = "ll-strategy-dashboard-monzo";

class Dashboard extends HTMLElement {
  static async getCreateSuggestions(/** @type {Hass} */ hass) {
    return { title: (await loadTexts(hass))("dashboard_title"), icon: "mdi:wallet" };
  }

  /** Return the visual editor: Home Assistant's own form. */
  static async getConfigElement() {
    const fields = await form({ name: "accounts", selector: ACCOUNTS });
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
  const text = await ourTexts();
  const description = text("dashboard_description");
  (window.customStrategies ??= []).push({ type: "monzo", strategyType: "dashboard", name: "Monzo", description });
}
