/** The integration's texts in the language of the user, from `translations/en.json`. */
import type translations from "../../../custom_components/monzo/translations/en.json";
import type { HomeAssistant, Placeholders } from "../home-assistant.ts";

export type TextKey = keyof typeof translations.common;

const RETRY_DELAY = 200;

/** Return the current state of Home Assistant; nothing before its frontend has started. */
export function currentHass(): HomeAssistant | undefined {
  return document.querySelector("home-assistant")?.hass;
}

/** Return a text; an empty one before the texts are loaded. */
export function text(key: TextKey, placeholders?: Placeholders): string {
  return optionalText(key, placeholders);
}

/** Return a text whose key comes from data; an empty one if there is no such text. */
export function optionalText(key: string, placeholders?: Placeholders): string {
  return currentHass()?.localize(`component.monzo.common.${key}`, placeholders) ?? "";
}

/** Return a part of a text that keeps its own direction, for example a name in Hebrew. */
export function isolate(part: string): string {
  return `\u2068${part}\u2069`;
}

/** Return the name of a kind of transaction. */
export function kindText(kind: string): string {
  const entity = kind === "round_up" ? "round_up" : "transaction";
  const path = `entity.event.${entity}.state_attributes.event_type.state`;
  return currentHass()?.localize(`component.monzo.${path}.${kind}`) ?? "";
}

/** Return a text of Home Assistant's own frontend. */
export function commonText(key: "cancel" | "close" | "continue" | "save"): string {
  return currentHass()?.localize(`ui.common.${key}`) ?? "";
}

/** Return the text of an error; an empty one if Home Assistant has no translation. */
export function exceptionText(key: string, placeholders?: Placeholders): string {
  return currentHass()?.localize(`component.monzo.exceptions.${key}.message`, placeholders) ?? "";
}

export function areTextsLoaded(): boolean {
  return text("unreachable") !== "";
}

/** Start to load the texts. Repeated calls for the same language cost nothing. */
export function loadTexts(): void {
  for (const category of ["common", "exceptions"]) {
    // It fails while the connection is lost. Then the next call repeats it.
    currentHass()
      ?.loadBackendTranslation(category, "monzo")
      .catch(() => undefined);
  }
}

export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Wait until the texts are loaded. */
export async function waitForTexts(): Promise<void> {
  while (!areTextsLoaded()) {
    loadTexts();
    await delay(RETRY_DELAY);
  }
}
