/**
 * What Home Assistant's frontend hands to cards and strategies, as far as ours use it.
 *
 * Only the type checker reads this; browsers are never sent here.
 */

interface HassEntity {
  state: string;
  attributes: Record<string, any>;
}

/** An entity as the registry shows it to everybody. */
interface HassRegistryEntity {
  entity_id: string;
  platform?: string;
  device_id?: string;
  translation_key?: string;
  hidden?: boolean;
}

interface HassDevice {
  id: string;
  name: string | null;
  name_by_user?: string | null;
  model?: string | null;
  via_device_id?: string | null;
  parent_device_id?: string | null;
}

interface Hass {
  states: Record<string, HassEntity>;
  entities: Record<string, HassRegistryEntity>;
  devices: Record<string, HassDevice>;
  config: { currency: string; time_zone: string };
  language: string;
  locale: { language: string; number_format: string; time_zone: string; time_format: string };
  user?: { is_admin: boolean };
  callWS<Answer = any>(message: { type: string; [key: string]: unknown }): Promise<Answer>;
  callService(domain: string, service: string, data?: object, target?: object): Promise<any>;
  formatEntityState(state: HassEntity): string;
}

/** A text of ours in the language of the person, with what its placeholders stand for. */
type Texts = (key: string, placeholders?: Record<string, string | number>) => string;

interface CardConfig {
  type: string;
  title?: string;
  hide_amounts?: boolean;
  [option: string]: unknown;
}

interface Window {
  customCards?: object[];
  customStrategies?: object[];
}
