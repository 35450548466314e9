/** The integration's devices and entities in Home Assistant's registries. */
import type { HomeAssistant } from "../home-assistant.ts";

/** The ids of a device's entities, by translation key. */
export type EntityIds = Partial<Record<string, string>>;

/** The models of devices that have a balance but are no pots. */
const ACCOUNT_MODELS = ["Account", "Flex", "Loan", "Cashback"];

export const ACCOUNTS_SELECTOR = {
  device: {
    multiple: true,
    filter: ACCOUNT_MODELS.map((model) => ({ integration: "monzo", model })),
  },
};

export const POT_SELECTOR = { device: { filter: { integration: "monzo", model: "Pot" } } };

/** Return the integration's entities, by device. */
export function monzoDevices({ entities }: HomeAssistant): Record<string, EntityIds> {
  const devices: Record<string, EntityIds> = {};
  for (const entity of Object.values(entities)) {
    const { platform, device_id: device, translation_key: key } = entity;
    if (platform === "monzo" && device && key) {
      (devices[device] ??= {})[key] = entity.entity_id;
    }
  }
  return devices;
}

/** Return the name of a device as the user sees it; an empty text for an unknown device. */
export function deviceName(hass: HomeAssistant, device: string): string {
  const entry = hass.devices[device];
  return entry?.name_by_user || entry?.name || "";
}
