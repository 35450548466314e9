/** A card with the newest transactions of one account or more, by day. */
import { ACCOUNTS, Card, define, deviceName, explain, form, h, monzoDevices } from "./common.js";

const DAY = 86_400_000;
/** The bank shows the last 90 days. */
const SPAN = 89 * DAY;
/** Notes, and what was pending, change without an event: what is older is asked for anew. */
const STALE = 900_000;
/** Payments come with their round-ups, a moment apart. */
const PAUSE = 1000;
const MORE = 20;
/** @type {Intl.NumberFormatOptions} */
const SIGNED = { signDisplay: "exceptZero" };

/** The cards on the screen. @type {Set<TransactionsCard>} */
const shown = new Set();

/** What all cards know of an account's transactions. */
class Listing {
  /** @type {MonzoTransaction[]} */ transactions = [];
  /** Whether there are no older ones. */
  complete = false;
  error = "";
  asked = 0;
  limit = 0;
  busy = false;
  /** What the account's event entity said then. @type {string | undefined} */ said;

  /** See that a card has as many as it wants, and the newest after an event. @type {Want} */
  want(card, account, event) {
    const says = card.hass.states[event]?.state;
    const isNews = says !== this.said;
    const isDue = card.limit > this.limit || Date.now() - this.asked > STALE;
    if (this.busy || says === "unavailable" || !(isNews || (isDue && !this.error))) return;
    this.busy = true;
    setTimeout(() => this.#ask(card, account, event), isNews && this.asked ? PAUSE : 0);
  }

  /** @type {Want} */
  async #ask({ hass, limit }, account, event) {
    this.said = hass.states[event]?.state;
    this.asked = Date.now();
    this.limit = Math.max(limit, this.limit);
    const since = new Date(this.asked - SPAN).toISOString();
    const service_data = { account, limit: this.limit, since, include_declined: true };
    const action = { domain: "monzo", service: "get_transactions", service_data, return_response: true };
    try {
      const { response } = await hass.callWS({ type: "call_service", ...action });
      Object.assign(this, response, { error: "" });
    } catch (error) {
      this.error = await explain(hass, error);
    }
    this.busy = false;
    for (const card of shown) card.update();
  }
}

/** By the device of the account. @type {Record<string, Listing>} */
const listings = {};

class TransactionsCard extends Card {
  static getStubConfig = () => ({});
  static getConfigForm = () =>
    form(
      { name: "account", selector: ACCOUNTS },
      { name: "title", selector: { text: {} } },
      { name: "hide_amounts", selector: { boolean: {} } },
      { name: "logos", selector: { boolean: {} } },
    );
  getGridOptions = () => ({ columns: 12, min_columns: 6 });
  getCardSize = () => 8;

  limit = MORE;

  connectedCallback() {
    shown.add(this);
    this.update();
  }

  disconnectedCallback() {
    shown.delete(this);
  }

  content() {
    const { config, hass, text } = this;
    const devices = monzoDevices(hass);
    const chosen = [config.account ?? []].flat();
    const accounts = chosen.length ? chosen : Object.keys(devices).filter((id) => devices[id].transaction);
    const names = accounts.map((id) => deviceName(hass, id));
    this.watched = accounts.map((id) => devices[id]?.transaction ?? "");
    const all = accounts.map((id, index) => {
      const listing = (listings[id] ??= new Listing());
      listing.want(this, id, this.watched[index]);
      return listing;
    });
    const busy = all.some((listing) => listing.busy);
    const failed = all.filter(({ error }) => error);
    const days = this.#days(all, names);
    /** @type {(id: string, change: () => void) => HTMLElement} */
    const button = (id, change) => {
      const onclick = () => {
        change();
        this.update();
      };
      return h("button", { id, onclick }, text(`transactions_${busy ? "loading" : id}`));
    };
    const again = () => failed.forEach((listing) => Object.assign(listing, { error: "", asked: 0 }));
    const state = busy ? "loading" : all.length ? "none" : "no_account";
    const list = [
      ...failed.map(({ error }) => h("p", { role: "alert" }, error)),
      failed[0] && button("again", again),
      ...days,
      !days[0] && !failed[0] && h("p", {}, text(`transactions_${state}`)),
      days[0] && !all.every(({ complete }) => complete) && button("more", () => (this.limit += MORE)),
    ];
    const title = config.title || (names[1] ? text("transactions_title") : names[0]);
    return [h("header", {}, h("h2", {}, title), this.eye()), h("div", { className: "list", ariaBusy: `${busy}` }, ...list)];
  }

  /** Return the transactions below their days, the newest first. @type {(all: Listing[], names: string[]) => Node[]} */
  #days(all, names) {
    const { language, locale, config } = this.hass;
    const timeZone = locale.time_zone === "server" ? config.time_zone : undefined;
    const date = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long", timeZone });
    const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
    const now = Date.now();
    const recent = Object.fromEntries([1, 0].map((ago) => [date.format(now - ago * DAY), relative.format(-ago, "day")]));
    const items = all.flatMap(({ complete, transactions }, index) =>
      transactions.map((item, place) => ({
        ...{ item, index, at: Date.parse(item.created) },
        isEnd: !complete && place === transactions.length - 1,
      })),
    );
    /** @type {Record<string, HTMLElement>} */
    const days = {};
    for (const { item, index, at, isEnd } of items.sort((one, other) => other.at - one.at)) {
      const day = date.format(at);
      const row = this.#row(item, this.watched[index], names[1] && names[index]);
      (days[recent[day] ?? day] ??= h("ul", { role: "list" })).append(row);
      // Before the oldest that is known of one account, those of another alone would be half of it.
      if (isEnd) break;
    }
    return Object.entries(days).flatMap(([day, rows]) => [h("h3", {}, day), rows]);
  }

  /** @type {(item: MonzoTransaction, event: string, account: string) => HTMLElement} */
  #row(item, event, account) {
    const { config, hass, text } = this;
    const { amount, declined, emoji, local_amount, local_currency, logo, notes, type } = item;
    const kind = hass.states[event] ? hass.formatEntityAttributeValue(hass.states[event], "event_type", type) : "";
    const code = item.decline_reason?.toLowerCase() ?? "";
    const reason = text(`transactions_reason_${code}`) || code.replaceAll("_", " ");
    const category = text(`transactions_category_${item.category}`);
    const details = [
      declined && text("transactions_declined", { reason }),
      item.pending && text("transactions_pending"),
      notes || (declined || type === "card_payment" ? category : kind),
      account,
    ];
    const name = item.name || kind;
    const icon = h("div", { className: "icon", ariaHidden: "true" }, emoji || [...name][0]);
    if (config.logos && logo) {
      const onload = () => icon.replaceChildren(image);
      const image = h("img", { alt: "", referrerPolicy: "no-referrer", onload, src: logo });
    }
    const isIn = amount > 0 && !declined && !this.masked;
    const sum = {
      className: isIn ? "sum in" : "sum",
      onclick: config.hide_amounts ? () => this.toggle() : null,
    };
    return h(
      "li",
      {},
      icon,
      h("div", { className: "what" }, name, h("small", {}, details.filter(Boolean).join(" · "))),
      h(
        "div",
        sum,
        h(declined ? "s" : "span", {}, this.amount(amount, item.currency, SIGNED)),
        h("small", {}, local_currency && this.amount(local_amount ?? 0, local_currency, SIGNED)),
      ),
    );
  }
}

define("transactions", TransactionsCard, (device, its) => (its.transaction ? { account: [device] } : null));
