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
}

interface HassDevice {
  id: string;
  name: string | null;
  name_by_user?: string | null;
}

interface Hass {
  states: Record<string, HassEntity>;
  entities: Record<string, HassRegistryEntity>;
  devices: Record<string, HassDevice>;
  config: { currency: string; time_zone: string };
  language: string;
  locale: { language: string; number_format: NumberFormat; time_zone: string; time_format: string };
  user?: { is_admin: boolean };
  callWS<Answer = any>(message: { type: string; [key: string]: unknown }): Promise<Answer>;
  callService(
    domain: string,
    service: string,
    data: object,
    target: undefined,
    notifyOnError: boolean,
    returnResponse: boolean,
  ): Promise<any>;
  /** Texts that are not loaded are empty. */
  localize(key: string, placeholders?: object): string;
  /** Loads what `localize` knows of an integration; the same only once. */
  loadBackendTranslation(category: string, integration: string): Promise<unknown>;
  formatEntityState(state: HassEntity): string;
}

/** How people want numbers to be written. */
type NumberFormat = "language" | "system" | "none" | "comma_decimal" | "decimal_comma" | "quote_decimal" | "space_comma";

/** A text of ours in the language of the person, with what its placeholders stand for. */
type FindText = (key: string, placeholders?: Record<string, string | number>) => string;

interface CardConfig {
  type: string;
  account?: string | string[];
  pot: string;
  title?: string;
  hide_amounts?: boolean;
  logos?: boolean;
  [option: string]: unknown;
}

type Explain = (error: any) => string;
type Act = (action: string, data: object) => Promise<any>;
type EntityIds = Record<string, string>;

/** What Home Assistant needs for a card's visual editor. */
interface ConfigForm {
  schema: object[];
  computeLabel: (field: { name: string }) => string;
}

type MakeForm = (...schema: object[]) => ConfigForm;

/** An element that holds these; what it has as a property is set as one, the rest as attributes. */
type Build = <Tag extends string>(
  tag: Tag,
  properties?: Record<string, unknown>,
  ...children: (Node | string | false | null | undefined)[]
) => Tag extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[Tag] : HTMLElement;

type Money<Shown> = (
  amount: number,
  currency: string,
  signDisplay?: Intl.NumberFormatOptions["signDisplay"],
) => Shown;

/** What `monzo.get_transactions` answers with for each of them; the fields that are shown. */
interface MonzoTransaction {
  kind: string;
  pot: string | null;
  name: string;
  amount: number;
  currency: string;
  local_amount: number | null;
  local_currency: string | null;
  emoji: string | null;
  logo: string | null;
  category: string | null;
  notes: string | null;
  pending: boolean;
  declined: boolean;
  decline_reason: string | null;
  created: string;
}

/** What is known of an account: its device, the entities that tell of news, and its newest transactions. */
interface Book {
  id: string;
  name?: string;
  tellers: string[];
  transactions: MonzoTransaction[];
  /** Whether there are no older ones. */
  complete?: boolean;
  error?: string;
  busy?: boolean;
  /** In which quarter of an hour they were asked for, how many, and what the tellers said then. */
  asked: number;
  limit: number;
  said?: string;
}

type ShowRow = (item: MonzoTransaction, book: Book, isOneOfMany: boolean) => HTMLElement;
type ChangeBy = (id: string, change: () => void) => HTMLElement;
type Ask = (book: Book, card: { hass: Hass; limit: number; act: Act; explain: Explain }) => void;

interface HTMLElementEventMap {
  "value-changed": CustomEvent;
}

interface HTMLElementTagNameMap {
  "home-assistant": HTMLElement & { hass?: Hass };
}

interface Window {
  customCards?: object[];
  customStrategies?: object[];
}

/** What suits an entity in the card picker. */
type Suggest = (hass: Hass, entity: string) => object | null;

/** `suggest` returns the options for a device of ours, by the ids of its entities. */
type Define = (
  name: string,
  card: CustomElementConstructor,
  suggest: (device: string, entities: Record<string, string>) => object | null,
) => void;

/** `options` are what people choose about the dashboard. */
type Generate = (options: object, hass: Hass) => Promise<object>;

/** A step of a dialog: what is said, what the button that goes on says, and which ends what else is kept. */
type ShowStep = (dialog: Dialogs[string], said: HTMLElement[], label?: string, forget?: Node) => Promise<void>;

/** The writer is the person's, without marks between thousands. */
type ReadAmount = (typed: string, writer: Intl.NumberFormat) => string | undefined;

type Dialogs = Record<string, HTMLDialogElement & { kept?: boolean }>;

/** Moves the amount that was typed, or only plans it; `in_doubt` if it may have moved before. */
type Call = (dry_run: boolean, in_doubt?: boolean) => Promise<any>;

/** By the action's name, under this title. */
type Move = (service: string, title: string, currency: string) => void;
