/** A dashboard of everything at the bank, made anew when something comes or goes. */
import { ACCOUNTS, deviceName, form, loadTexts, monzoDevices } from "./common.js";

const TAG = "ll-strategy-dashboard-monzo";
const DEVICE = { type: "device" };
const ENTITY = { type: "entity" };

/** Return what to show, without entities that somebody hides. @type {Find} */
const find = ({ accounts: chosen = [] }, hass) => {
  const all = Object.entries(monzoDevices(hass)).map(([id, entities]) => {
    const shown = Object.entries(entities).filter(([, entity]) => !hass.entities[entity].hidden);
    /** @type {Subject} */
    const subject = { id, name: deviceName(hass, id), above: hass.devices[id]?.via_device_id };
    return Object.assign(subject, Object.fromEntries(shown));
  });
  const open = all.filter(({ balance }) => balance);
  const accounts = open.filter(({ id }) => !chosen.length || chosen.includes(id));
  return {
    // Who leaves out an account does not want to see what it adds to the total.
    people: all.filter(({ id, total }) => total && open.every((each) => each.above !== id || accounts.includes(each))),
    accounts,
    pots: all.filter(({ above, pot_balance }) => pot_balance && accounts.some(({ id }) => id === above)),
  };
};

/** Return the sections, each a list of cards. @type {Sections} */
const sections = ({ accounts: account, hide_amounts = false }, { people, accounts, pots }, text) => {
  const potsOf = (/** @type {Subject} */ { id }) => pots.filter(({ above }) => above === id);
  const withPots = accounts.filter((account) => potsOf(account).length);
  const main = withPots.length ? withPots : accounts;
  const heading = (/** @type {string} */ heading, /** @type {string} */ icon) => ({ type: "heading", heading, icon });
  /** @type {MakeTile} */
  const tile = (entity, color, name = ENTITY, columns = 6) =>
    entity && { type: "tile", entity, color, name, hide_state: hide_amounts, grid_options: { columns } };
  /** @type {MakeGraph} */
  const graph = (subjects, key, options) => {
    const entities = subjects.map(({ [key]: entity }) => ({ entity, name: DEVICE })).filter(({ entity }) => entity);
    const shape = { period: "day", days_to_show: 30, hide_legend: entities.length < 2, ...options };
    return !hide_amounts && entities.length > 0 && { type: "statistics-graph", entities, ...shape };
  };
  const course = { stat_types: ["state"], fit_y_data: true };
  const spending = graph(accounts, "spend_today", { stat_types: ["change"], chart_type: "bar-stack" });
  return [
    [
      heading(text("dashboard_everything"), "mdi:sigma"),
      ...people.map(({ total }) => tile(total, "purple", people.length > 1 ? DEVICE : ENTITY, 12)),
      graph(people, "total", course),
      spending && heading(text("dashboard_spending"), "mdi:chart-bar"),
      spending,
    ],
    ...main.map((account) => [
      heading(account.name, "mdi:bank"),
      tile(account.balance, "teal", ENTITY, 12),
      graph([account], "balance", course),
      tile(account.spend_today, "deep-orange"),
      tile(account.total_balance, "teal"),
      ...potsOf(account)
        .sort((one, other) => +!one.goal - +!other.goal)
        .map(({ id: pot }) => ({ type: "custom:monzo-pot-card", pot, hide_amounts })),
    ]),
    [{ type: "custom:monzo-transactions-card", account, hide_amounts }],
    [
      heading(text("dashboard_others"), "mdi:credit-card-outline"),
      ...accounts.filter((account) => !main.includes(account)).map(({ balance }) => tile(balance, "grey", DEVICE)),
    ],
  ]
    .map((cards) => ({ type: "grid", cards: cards.filter((card) => card) }))
    .filter(({ cards }) => cards.some(({ type }) => type !== "heading"));
};

/** What Home Assistant asks for the dashboard; it is never put into a page. */
class Dashboard extends HTMLElement {
  static async getCreateSuggestions(/** @type {Hass} */ hass) {
    return { title: (await loadTexts(hass))("dashboard_title"), icon: "mdi:wallet" };
  }

  /** Return the visual editor: Home Assistant's own form. */
  static async getConfigElement() {
    const hide = { name: "hide_amounts", selector: { boolean: {} } };
    const fields = await form({ name: "accounts", selector: ACCOUNTS }, hide);
    /** @type {any} */
    const editor = Object.assign(document.createElement("ha-form"), fields);
    editor.setConfig = (/** @type {Options} */ data) => Object.assign(editor, { data });
    editor.addEventListener("value-changed", (/** @type {CustomEvent} */ { detail: { value: config } }) =>
      editor.dispatchEvent(new CustomEvent("config-changed", { detail: { config } })),
    );
    return editor;
  }

  static shouldRegenerate(/** @type {Options} */ options, /** @type {Hass} */ before, /** @type {Hass} */ now) {
    const [then, today] = [before, now].map((hass) => () => JSON.stringify(find(options, hass)));
    return (before.entities !== now.entities || before.devices !== now.devices) && then() !== today();
  }

  static async generate(/** @type {Options} */ options, /** @type {Hass} */ hass) {
    const text = await loadTexts(hass);
    const title = text("dashboard_title");
    const found = find(options, hass);
    const tap_action = { action: "navigate", navigation_path: "/config/integrations/dashboard" };
    const nothing = {
      type: "empty-state",
      icon: "mdi:bank-off-outline",
      title: text("dashboard_nothing"),
      content: text("dashboard_nothing_why"),
      buttons: [{ text: text("dashboard_set_up"), tap_action }],
    };
    const view = found.accounts.length
      ? { type: "sections", max_columns: 4, dense_section_placement: true, sections: sections(options, found, text) }
      : { type: "panel", cards: [nothing] };
    return { title, views: [{ title, path: "monzo", ...view }] };
  }
}

if (!customElements.get(TAG)) {
  customElements.define(TAG, Dashboard);
  const description = "Your accounts, pots, spending and latest transactions";
  (window.customStrategies ??= []).push({ type: "monzo", strategyType: "dashboard", name: "Monzo", description });
}
