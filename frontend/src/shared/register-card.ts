/** Offers a card in Home Assistant's card picker. */
import type { HomeAssistant } from "../home-assistant.ts";
import { type EntityIds, monzoDevices } from "./devices.ts";
import { text } from "./texts.ts";

/**
 * Register a card under its name.
 *
 * `suggest` returns the options of the card for one of the integration's devices, or null.
 */
export function registerCard(
  name: "budgets" | "pot" | "transactions" | "upcoming",
  card: CustomElementConstructor,
  suggest: (device: string, entities: EntityIds) => object | null,
): void {
  const type = `monzo-${name}-card`;
  // After an update, a page that is still open loads the new module as well.
  if (customElements.get(type)) return;
  customElements.define(type, card);
  (window.customCards ??= []).push({
    type,
    preview: true,
    get name() {
      return text(`${name}_name`);
    },
    get description() {
      return text(`${name}_description`);
    },
    getEntitySuggestion(hass: HomeAssistant, entityId: string) {
      const device = hass.entities[entityId]?.device_id ?? "";
      const options = suggest(device, monzoDevices(hass)[device] ?? {});
      return options && { config: { type: `custom:${type}`, ...options } };
    },
  });
}
