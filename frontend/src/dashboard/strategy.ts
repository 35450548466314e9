/** The dashboard, which the integration lays out whenever a user opens it. */
import type { HomeAssistant } from "../home-assistant.ts";
import { ACCOUNTS_SELECTOR } from "../shared/devices.ts";
import { createEditor } from "../shared/editor.ts";
import { delay, text, waitForTexts } from "../shared/texts.ts";
import { visibility } from "../shared/visibility.ts";

interface Options {
  hide_amounts?: boolean;
}

const TAG = "ll-strategy-dashboard-monzo";

const RETRY_DELAY = 200;

class MonzoDashboardStrategy extends HTMLElement {
  /** Return the title and the icon of a new dashboard. */
  static async getCreateSuggestions(): Promise<{ title: string; icon: string }> {
    await waitForTexts();
    return { title: text("dashboard_title"), icon: "mdi:wallet" };
  }

  static getConfigElement(): HTMLElement {
    return createEditor({ name: "accounts", selector: ACCOUNTS_SELECTOR });
  }

  /** Return the configuration of the dashboard, once Home Assistant has started. */
  static async generate(options: Options, hass: HomeAssistant): Promise<unknown> {
    const request = {
      ...options,
      type: "monzo/dashboard",
      language: hass.language,
      hide_amounts: visibility.areHidden(Boolean(options.hide_amounts)),
    };
    for (;;) {
      try {
        return await hass.callWS(request);
      } catch (error) {
        if ((error as { code?: string }).code !== "unknown_command") throw error;
        await delay(RETRY_DELAY);
      }
    }
  }
}

// After an update, a page that is still open loads the new module as well.
if (!customElements.get(TAG)) {
  customElements.define(TAG, MonzoDashboardStrategy);
  (window.customStrategies ??= []).push({
    type: "monzo",
    strategyType: "dashboard",
    name: "Monzo",
    get description() {
      return text("dashboard_description");
    },
  });
}
