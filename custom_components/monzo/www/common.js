/** What the cards and the dashboard have in common. */

/** Tags of languages that write numbers as the person has chosen in their profile. */
const NUMBER_LOCALES = /** @type {Record<string, string | undefined>} */ ({
  comma_decimal: "en-US",
  decimal_comma: "de",
  space_comma: "fr",
  quote_decimal: "de-CH",
  none: "en-US",
  system: undefined,
});

/** @type {Record<string, Promise<Texts>>} */
const texts = {};

/**
 * Return what knows our texts in the person's language; asked for once, whoever needs them.
 * @param {Hass} hass
 */
export const loadTexts = ({ language, callWS }) =>
  (texts[language] ??= callWS({
    type: "frontend/get_translations",
    language,
    category: "common",
    integration: "monzo",
  }).then(
    ({ resources }) =>
      (key, placeholders = {}) =>
        String(resources[`component.monzo.common.${key}`] ?? "").replace(/{(\w+)}/g, (_, name) =>
          String(placeholders[name]),
        ),
    (error) => {
      delete texts[language];
      throw error;
    },
  ));

/**
 * Return an amount in major units as the person writes numbers.
 * @param {Hass} hass
 * @param {number} amount
 * @param {string} currency
 * @param {Intl.NumberFormatOptions} [options]
 */
export const money = ({ locale, language }, amount, currency, options) =>
  new Intl.NumberFormat(
    locale.number_format in NUMBER_LOCALES ? NUMBER_LOCALES[locale.number_format] : language,
    { style: "currency", currency, useGrouping: locale.number_format !== "none", ...options },
  ).format(amount);

/**
 * Return the ids of our entities by their translation key, for each of our devices.
 * @param {Hass} hass
 */
export const monzoDevices = ({ entities }) => {
  /** @type {Record<string, Record<string, string>>} */
  const devices = {};
  for (const { platform, device_id, translation_key, entity_id } of Object.values(entities)) {
    if (platform === "monzo" && device_id && translation_key) {
      (devices[device_id] ??= {})[translation_key] = entity_id;
    }
  }
  return devices;
};

/**
 * Return what the person calls a device.
 * @param {Hass} hass
 * @param {string} id
 */
export const deviceName = ({ devices }, id) => devices[id]?.name_by_user || devices[id]?.name || "";

/**
 * Build an element. What it has as a property is set as one, the rest as attributes.
 * @template {string} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties]
 * @param {(Node | string | false | null | undefined)[]} children
 * @returns {Tag extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[Tag] : HTMLElement}
 */
export const h = (tag, properties = {}, ...children) => {
  const element = /** @type {any} */ (document.createElement(tag));
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else if (value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child || child === ""));
  return element;
};

const STYLE = `
  ha-card { height: 100%; overflow: hidden; display: flex; flex-direction: column; }
  button { font: inherit; color: inherit; background: none; border: 0; cursor: pointer; min-width: 44px; min-height: 44px; border-radius: 8px; }
  button:focus-visible { outline: 2px solid var(--primary-color); outline-offset: -2px; }
  header { display: flex; align-items: center; justify-content: space-between; min-height: 44px; padding-block: 4px; padding-inline: 16px 4px; }
  h2 { margin: 0; font-size: var(--ha-font-size-l, 16px); font-weight: 500; }
`;

/**
 * A card: gives what it shows as `content`, which is called again when something it `watches` has changed.
 *
 * An element that should keep the focus then needs an id.
 */
export class Card extends HTMLElement {
  static style = "";

  /** @type {CardConfig | undefined} */
  config;

  /** @type {Texts | undefined} */
  text;

  /** Whether the amounts are shown, where the configuration hides them at first. */
  revealed = false;

  /** @type {Hass | undefined} */
  #hass;

  #waiting = false;

  constructor() {
    super();
    const style = /** @type {typeof Card} */ (this.constructor).style;
    this.attachShadow({ mode: "open" }).append(h("style", {}, STYLE + style), h("ha-card"));
  }

  /** @param {CardConfig} config */
  setConfig(config) {
    this.config = config;
    this.update();
  }

  get hass() {
    return /** @type {Hass} */ (this.#hass);
  }

  set hass(hass) {
    const old = this.#hass;
    this.#hass = hass;
    if (hass.language !== old?.language) {
      loadTexts(hass).then((text) => {
        this.text = text;
        this.update();
      });
    }
    const changed = (/** @type {"locale" | "entities" | "devices"} */ part) =>
      hass[part] !== old?.[part];
    if (
      changed("locale") ||
      changed("entities") ||
      changed("devices") ||
      this.watches().some((id) => hass.states[id] !== old?.states[id])
    ) {
      this.update();
    }
  }

  /**
   * Return the ids of the entities that the content depends on.
   * @returns {string[]}
   */
  watches() {
    return [];
  }

  /**
   * Return what the card shows. Configuration, texts and hass are there.
   * @returns {Node[]}
   */
  content() {
    return [];
  }

  /** Show what is now, once, after whatever else changes at this moment. */
  update() {
    if (this.#waiting) return;
    this.#waiting = true;
    queueMicrotask(() => {
      this.#waiting = false;
      if (!this.config || !this.text || !this.#hass) return;
      const root = /** @type {ShadowRoot} */ (this.shadowRoot);
      const focused = root.activeElement?.id;
      root.querySelector("ha-card")?.replaceChildren(...this.content());
      if (focused) root.getElementById(focused)?.focus();
    });
  }

  get masked() {
    return Boolean(this.config?.hide_amounts) && !this.revealed;
  }

  /** Show the amounts, or hide them again. */
  toggle() {
    this.revealed = !this.revealed;
    this.update();
  }

  /**
   * Return an amount, or what stands for one that is hidden.
   * @param {number} amount
   * @param {string} currency
   * @param {Intl.NumberFormatOptions} [options]
   */
  amount(amount, currency, options) {
    return this.masked
      ? h("span", { role: "img", ariaLabel: this.text?.("amount_hidden") }, "••••")
      : h("bdi", {}, money(this.hass, amount, currency, options));
  }

  /** Return the button that shows and hides the amounts; none where they are never hidden. */
  eye() {
    return (
      this.config?.hide_amounts &&
      h(
        "button",
        {
          id: "eye",
          ariaLabel: this.text?.(this.masked ? "amounts_show" : "amounts_hide"),
          onclick: () => this.toggle(),
        },
        h("ha-icon", { icon: this.masked ? "mdi:eye" : "mdi:eye-off" }),
      )
    );
  }
}

/**
 * Make a card known to Home Assistant, and offer it in the card picker; once, however often this is loaded.
 * @param {string} type
 * @param {typeof Card} card
 * @param {{name: string, description: string, getEntitySuggestion: (hass: Hass, entityId: string) => object | null}} entry
 */
export const define = (type, card, entry) => {
  if (customElements.get(type)) return;
  customElements.define(type, card);
  (window.customCards ??= []).push({ type, preview: true, ...entry });
};
