/** What the cards and the dashboard have in common. */

/** Has a `hass` as soon as Home Assistant is there. */
const [app] = document.getElementsByTagName("home-assistant");

/** Return a text of ours; none before they are loaded. @type {FindText} */
export const text = (key, values) => app.hass?.localize(`component.monzo.common.${key}`, values) ?? "";

const loadTexts = () => {
	for (const category of ["common", "exceptions"]) app.hass?.loadBackendTranslation(category, "monzo");
};

export const moment = () => new Promise((go) => setTimeout(go, 200));

/** Ready when ours are there. */
export const texts = (async () => {
	while (!text("unreachable")) {
		loadTexts();
		await moment();
	}
})();

/** Return the ids of our entities by translation key, for each device. @param {Hass} hass */
export const monzoDevices = ({ entities }) => {
	/** @type {Record<string, EntityIds>} */
	const devices = {};
	for (const { platform, device_id: id, translation_key: key, entity_id } of Object.values(entities)) {
		if (platform === "monzo" && id && key) (devices[id] ??= {})[key] = entity_id;
	}
	return devices;
};

/** @type {Build} */
export const h = (tag, properties = {}, ...children) => {
	const element = /** @type {any} */ (document.createElement(tag));
	for (const [name, value] of Object.entries(properties)) {
		if (name in element) element[name] = value;
		else element.setAttribute(name, value);
	}
	element.append(...children.filter(Boolean));
	return element;
};

const filter = ["Account", "Flex", "Loan", "Cashback"].map((model) => ({ integration: "monzo", model }));
export const ACCOUNTS = { device: { multiple: true, filter } };

/** Return a visual editor, also of what all have. @type {MakeForm} */
export const form = (...schema) => {
	schema.push({ name: "hide_amounts", selector: { boolean: {} } });
	return { schema, computeLabel: ({ name }) => text(`option_${name}`) };
};

/** Changes every quarter of an hour, so at midnight everywhere. */
export const quarter = () => Math.floor(Date.now() / 900_000);

const style = new CSSStyleSheet();
fetch(new URL("cards.css", import.meta.url)).then(async (answer) => style.replace(await answer.text()));

/** Shows its `content`, anew when something `watched` changes. What keeps the focus has an id, else `next` gets it. */
export class Card extends HTMLElement {
	/** @type {CardConfig} */ config;
	/** @type {Hass} */ #hass;
	/** @type {unknown[]} */ #seen = [];
	#root = this.attachShadow({ mode: "open" });
	/** The ids of entities. @type {string[]} */ watched = [];
	/** Whether hidden amounts are shown. */
	revealed = false;

	constructor() {
		super();
		this.#root.adoptedStyleSheets = [style];
		this.#root.append(h("ha-card"));
	}

	getGridOptions = () => ({ columns: 12, min_columns: 6 });

	/** @param {CardConfig} config */
	setConfig(config) {
		this.config = config;
		this.update();
	}

	get hass() {
		return this.#hass;
	}

	set hass(hass) {
		this.#hass = hass;
		loadTexts();
		const { devices, entities, locale, localize, states } = hass;
		const parts = [localize, quarter(), devices, entities, locale, ...this.watched.map((id) => states[id])];
		if (parts.some((part, index) => part !== this.#seen[index])) this.update();
		this.#seen = parts;
	}

	update() {
		if (!this.config || !this.hass || !text("unreachable")) return;
		const focused = this.#root.activeElement?.id;
		this.#root.firstElementChild?.replaceChildren(...this.content().filter(Boolean));
		if (focused) (this.#root.getElementById(focused) ?? this.#root.getElementById("next"))?.focus();
	}

	/** @returns {any[]} */
	content() {
		return [];
	}

	nameOf(/** @type {string} */ device) {
		const { name_by_user, name } = this.hass.devices[device] ?? {};
		return name_by_user || name || "";
	}

	/** Return what an action of ours answers with. @type {Act} */
	act = async (action, data) => (await this.hass.callService("monzo", action, data, undefined, false, true)).response;

	/** Return what went wrong. @type {Explain} */
	explain = ({ message, translation_key: key, translation_placeholders: values }) =>
		(key && this.hass.localize(`component.monzo.exceptions.${key}.message`, values)) || message || text("unreachable");

	get masked() {
		return this.config.hide_amounts && !this.revealed;
	}

	toggle = () => {
		this.revealed = !this.revealed;
		this.update();
	};

	/** Return what writes numbers as the person does. @param {Intl.NumberFormatOptions} options */
	writer(options) {
		const { language, locale: { number_format: chosen } } = this.hass;
		// Who writes numbers like that.
		const points = { none: "en", comma_decimal: "en", quote_decimal: "de-CH" };
		const writers = { language, system: undefined, ...points, decimal_comma: "de", space_comma: "fr" };
		return new Intl.NumberFormat(writers[chosen], { useGrouping: chosen !== "none", ...options });
	}

	/** @type {Money<string>} */
	money(amount, currency, signDisplay) {
		return this.writer({ style: "currency", currency, signDisplay }).format(amount);
	}

	/** @type {Money<HTMLElement>} */
	amount(...sum) {
		const onclick = this.config.hide_amounts && this.toggle;
		if (!this.masked) return h("bdi", { onclick }, this.money(...sum));
		return h("span", { role: "img", ariaLabel: text("amount_hidden"), onclick }, "••••");
	}

	/** Return what shows and hides the amounts. */
	eye() {
		const ariaLabel = text(this.masked ? "amounts_show" : "amounts_hide");
		const icon = h("ha-icon", { icon: this.masked ? "mdi:eye" : "mdi:eye-off" });
		return this.config.hide_amounts && h("button", { id: "eye", ariaLabel, onclick: this.toggle }, icon);
	}
}

/** Make a card known. @type {Define} */
export const define = (name, card, suggest) => {
	const type = `monzo-${name}-card`;
	if (customElements.get(type)) return;
	customElements.define(type, card);
	/** @type {Suggest} */
	const getEntitySuggestion = (hass, entity) => {
		const device = hass.entities[entity]?.device_id ?? "";
		const options = suggest(device, monzoDevices(hass)[device] ?? {});
		return options && { config: { type: `custom:${type}`, ...options } };
	};
	(window.customCards ??= []).push({
		type,
		preview: true,
		get name() {
			return text(`${name}_name`);
		},
		get description() {
			return text(`${name}_description`);
		},
		getEntitySuggestion,
	});
};
