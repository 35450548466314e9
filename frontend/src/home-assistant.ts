/**
 * The parts of Home Assistant's frontend that the cards use.
 *
 * Home Assistant publishes types only for its WebSocket client. These follow the frontend of
 * 2026.10 and 2026.11.
 */
import type { HassConfig, HassEntity, HassUser } from "home-assistant-js-websocket";

export type { HassEntity };

/** An entity of the registry, as all users see it. */
export interface EntityEntry {
  entity_id: string;
  platform?: string;
  device_id?: string;
  translation_key?: string;
}

export interface DeviceEntry {
  id: string;
  name: string | null;
  name_by_user?: string | null;
  via_device_id?: string | null;
}

/** How the user wants numbers to be written. */
export type NumberFormat =
  | "language"
  | "system"
  | "none"
  | "comma_decimal"
  | "decimal_comma"
  | "quote_decimal"
  | "space_comma";

export interface Locale {
  language: string;
  number_format: NumberFormat;
  time_zone: "local" | "server";
}

export type Placeholders = Record<string, string | number>;

/** The state of Home Assistant. The frontend replaces the object at every change. */
export interface HomeAssistant {
  states: Record<string, HassEntity | undefined>;
  entities: Record<string, EntityEntry>;
  devices: Record<string, DeviceEntry | undefined>;
  config: HassConfig;
  language: string;
  locale: Locale;
  user?: HassUser;
  callWS(message: { type: string; [key: string]: unknown }): Promise<unknown>;
  callService(
    domain: string,
    service: string,
    data: object,
    target: undefined,
    notifyOnError: boolean,
    returnResponse: boolean,
  ): Promise<{ response: unknown }>;
  fetchWithAuth(path: string, init: RequestInit): Promise<Response>;
  /** Returns a translated text; an empty one if it is not loaded. */
  localize: (key: string, placeholders?: Placeholders) => string;
  /** Loads texts of an integration for `localize`, once for each category. */
  loadBackendTranslation(category: string, integration: string): Promise<unknown>;
  formatEntityState(state: HassEntity): string;
  formatEntityAttributeValue(state: HassEntity, attribute: string): string;
}

/** A field of a form. */
export interface FormField {
  name: string;
  required?: boolean;
  selector: {
    boolean?: object;
    device?: { multiple?: boolean; filter: object };
    icon?: object;
    text?: object;
    ui_color?: object;
  };
}

/** Home Assistant's form element. */
export interface FormElement extends HTMLElement {
  schema: FormField[];
  computeLabel: (field: FormField) => string;
  data: object;
}

/** An entry of the card picker. */
export interface CustomCard {
  type: string;
  preview: boolean;
  readonly name: string;
  readonly description: string;
  /** Returns the configuration of the card for an entity; null if the card does not suit it. */
  getEntitySuggestion(hass: HomeAssistant, entityId: string): { config: object } | null;
}

/** An entry of the list of community dashboards. */
export interface CustomStrategy {
  type: string;
  strategyType: "dashboard";
  name: string;
  readonly description: string;
}

declare global {
  interface Window {
    customCards?: CustomCard[];
    customStrategies?: CustomStrategy[];
  }

  interface HTMLElementTagNameMap {
    "home-assistant": HTMLElement & { hass?: HomeAssistant };
    "ha-form": FormElement;
  }
}
