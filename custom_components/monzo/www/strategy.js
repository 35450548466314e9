/** A dashboard of everything at the bank; made anew when that changes. */
import { ACCOUNTS, deviceName, form, loadTexts, monzoDevices, ourTexts } from "./common.js";

const TAG = "ll-strategy-dashboard-monzo";
const DAYS = 30;
const DEVICE = { type: "device" };
const ENTITY = { type: "entity" };

/** Return our devices, without entities that somebody hides. @type {(hass: Hass) => Subject[]} */
const find = (hass) => {
  const entities = Object.fromEntries(Object.entries(hass.entities).filter(([, { hidden }]) => !hidden));
  return Object.entries(monzoDevices({ ...hass, entities })).map(([id, keys]) => {
    const { model, via_device_id: above } = hass.devices[id] ?? {};
    return { ...keys, id, model, above, name: deviceName(hass, id) };
  });
};

/** @type {Sections} */
const sections = (accounts, all, text, { accounts: account, hide_amounts = false }, statistics) => {
  const main = accounts.filter(({ model }) => model === "Account");
  // Who chooses accounts does not want to see the total of all.
  const people = account?.[0] ? [] : all.filter(({ total }) => total);

  /** @type {MakeHeading} */
  const heading = (heading, icon) => ({ type: "heading", heading, icon });
  /** @type {MakeTile} */
  const tile = (entity, color, name = ENTITY, columns = 6) =>
    entity && { type: "tile", entity, color, name, hide_state: hide_amounts, grid_options: { columns } };
  /** @type {MakeGraph} */
  const graph = (subjects, key, options) => {
    const entities = subjects.map(({ [key]: entity }) => ({ entity, name: DEVICE })).filter(({ entity }) => statistics[entity]);
    const shape = { period: "day", days_to_show: DAYS, hide_legend: !entities[1], ...options };
    return entities[0] && { type: "statistics-graph", entities, ...shape };
  };
  const course = { stat_types: ["state"], fit_y_data: true };
  const spending = graph(main, "spend_today", { stat_types: ["change"], chart_type: "bar-stack" });
  return [
    [
      people[0] && heading(text("dashboard_everything"), "mdi:sigma"),
      ...people.map(({ total }) => tile(total, "purple", people[1] ? DEVICE : ENTITY, 12)),
      graph(people, "total", course),
      spending && heading(text("dashboard_spending"), "mdi:chart-bar"),
      spending,
    ],
    ...main.map(({ id, name, above, balance, spend_today, total_balance }) => {
      const owner = people[1] && people.find(({ id }) => id === above)?.name;
      const pots = all.filter(({ above, pot_balance }) => above === id && pot_balance);
      return [
        heading(owner ? `${name} · ${owner}` : name, "mdi:bank"),
        tile(balance, "teal", ENTITY, 12),
        graph([{ balance }], "balance", course),
        tile(spend_today, "deep-orange"),
        pots[0] && tile(total_balance, "teal"),
        ...pots
          .sort((one, other) => +!one.goal - +!other.goal)
          .map(({ id: pot }) => ({ type: "custom:monzo-pot-card", pot, hide_amounts })),
      ];
    }),
    [
      heading(text("dashboard_others"), "mdi:credit-card-outline"),
      ...accounts.filter((account) => !main.includes(account)).map(({ balance }) => tile(balance, "grey", DEVICE)),
    ],
    [{ type: "custom:monzo-transactions-card", account, hide_amounts, grid_options: { columns: "full" } }],
  ]
    .map((cards) => cards.filter((card) => card))
    .filter((cards) => cards.some(({ type }) => type !== "heading"))
    .map((cards) => ({ type: "grid", cards, column_span: cards[1] ? 1 : 2 }));
};

/** What Home Assistant calls. */
class Dashboard extends HTMLElement {
  static async getCreateSuggestions(/** @type {Hass} */ hass) {
    return { title: (await loadTexts(hass))("dashboard_title"), icon: "mdi:wallet" };
  }

  /** Return the visual editor: Home Assistant's own form. */
  static async getConfigElement() {
    const fields = await form({ name: "accounts", selector: ACCOUNTS });
    const setConfig = (/** @type {Options} */ data) => Object.assign(editor, { data });
    const editor = Object.assign(document.createElement("ha-form"), fields, { setConfig });
    editor.addEventListener("value-changed", (event) => {
      const detail = { config: /** @type {CustomEvent} */ (event).detail.value };
      editor.dispatchEvent(new CustomEvent("config-changed", { detail }));
    });
    return editor;
  }

  /** @type {Generate} */
  static generate = async (options, hass) => {
    const text = await loadTexts(hass);
    const title = text("dashboard_title");
    const all = find(hass);
    const chosen = options.accounts ?? [];
    const accounts = all.filter(({ id, balance }) => balance && (!chosen[0] || chosen.includes(id)));
    const tap_action = { action: "navigate", navigation_path: "/config/integrations" };
    const buttons = [{ text: text("dashboard_set_up"), tap_action }];
    const nothing = { title: text("dashboard_nothing"), content: text("dashboard_nothing_why"), buttons };
    // On the first day there is nothing to draw yet. Without the recorder there never is.
    const ask = {
      type: "recorder/statistics_during_period",
      start_time: new Date(Date.now() - DAYS * 86_400_000).toISOString(),
      statistic_ids: all.flatMap(({ total, balance, spend_today }) => [total, balance, spend_today]).filter((id) => id),
      period: "day",
      types: ["state"],
    };
    const statistics = options.hide_amounts ? {} : await hass.callWS(ask).catch(() => ({}));
    const view = accounts[0]
      ? { type: "sections", max_columns: 4, sections: sections(accounts, all, text, options, statistics) }
      : { type: "panel", cards: [{ type: "empty-state", ...nothing }] };
    return { title, views: [view] };
  };
}

if (!customElements.get(TAG)) {
  customElements.define(TAG, Dashboard);
  ourTexts().then((text) => {
    const description = text("dashboard_description");
    (window.customStrategies ??= []).push({ type: "monzo", strategyType: "dashboard", name: "Monzo", description });
  });
}
