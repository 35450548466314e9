/** A card with the newest transactions of one account or more, by day. */
import { ACCOUNTS, Card, define, deviceName, explain, form, h, monzoDevices } from "./common.js";

const DAY = 86_400_000;
/** Notes, and what was pending, change without an event. */
const STALE = 900_000;
/** Payments come with their round-ups, a moment apart. */
const PAUSE = 1000;
const MORE = 20;
const MOST = 1000;

/** @type {Set<TransactionsCard>} */
const cards = new Set();

/** What all cards know of each account. @type {Record<string, Listing>} */
const listings = {};

/** See that a card has what it shows, and the newest after an event. @type {Ask} */
const want = (listing, card) => {
  const says = () => card.hass.states[listing.event]?.state;
  const isNews = says() !== listing.said;
  const isDue = card.limit > listing.limit || Date.now() - listing.asked > STALE;
  if (listing.busy || says() === "unavailable" || !(isNews || (isDue && !listing.error))) return;
  listing.busy = true;
  setTimeout(async () => {
    const now = Date.now();
    const limit = Math.max(card.limit, listing.limit);
    Object.assign(listing, { limit, asked: now, said: says() });
    // The bank shows the last 90 days.
    const since = new Date(now - 89 * DAY).toISOString();
    const service_data = { account: listing.id, limit, since, include_declined: true };
    const action = { domain: "monzo", service: "get_transactions", service_data, return_response: true };
    try {
      const { response } = await card.hass.callWS({ type: "call_service", ...action });
      Object.assign(listing, response, { error: "" });
    } catch (error) {
      listing.error = await explain(card.hass, error);
    }
    listing.busy = false;
    for (const card of cards) card.isConnected ? card.update() : cards.delete(card);
  }, isNews && listing.asked ? PAUSE : 0);
};

class TransactionsCard extends Card {
  static getStubConfig = () => ({});
  static getConfigForm = () =>
    form(
      { name: "account", selector: ACCOUNTS },
      { name: "title", selector: { text: {} } },
      { name: "logos", selector: { boolean: {} } },
    );
  getGridOptions = () => ({ columns: 12, min_columns: 6 });
  getCardSize = () => 8;

  limit = MORE;

  connectedCallback() {
    this.update();
  }

  content() {
    cards.add(this);
    const { config, hass, text } = this;
    const devices = monzoDevices(hass);
    const chosen = [config.account ?? []].flat();
    const accounts = chosen[0] ? chosen : Object.keys(devices).filter((id) => devices[id].transaction);
    const all = accounts.map((id) => {
      const listing = (listings[id] ??= { id, transactions: [], asked: 0, limit: 0 });
      Object.assign(listing, { event: devices[id]?.transaction, name: deviceName(hass, id) });
      want(listing, this);
      return listing;
    });
    this.watched = all.map(({ event }) => event);
    const busy = all.some((listing) => listing.busy);
    const failed = all.filter(({ error }) => error);
    const days = this.#days(all);
    /** @type {ChangeBy} */
    const button = (id, change) => {
      const onclick = () => (change(), this.update());
      return h("button", { id, onclick }, text(`transactions_${busy ? "loading" : id}`));
    };
    const again = () => failed.forEach((listing) => Object.assign(listing, { error: "", asked: 0 }));
    const state = busy ? "loading" : all[0] ? "none" : "no_account";
    const title = config.title || (all[1] ? text("transactions_title") : all[0]?.name);
    return [
      h("header", {}, h("h2", {}, title), this.eye()),
      ...failed.map(({ error }) => h("p", { role: "alert" }, error)),
      failed[0] ? button("again", again) : days[0] ? "" : h("p", {}, text(`transactions_${state}`)),
      ...days,
      days[0] && this.limit < MOST && !all.every(({ complete }) => complete) ? button("more", () => (this.limit += MORE)) : "",
    ];
  }

  /** @param {Listing[]} all */
  #days(all) {
    const { language, locale, config } = this.hass;
    const timeZone = locale.time_zone === "server" ? config.time_zone : undefined;
    const date = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long", timeZone });
    const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
    const recent = [1, 0].map((ago) => [date.format(Date.now() - ago * DAY), relative.format(-ago, "day")]);
    const names = Object.fromEntries(recent);
    const items = all.flatMap((listing) =>
      listing.transactions.map((item) => ({ item, listing, at: Date.parse(item.created) })),
    );
    /** @type {Record<string, HTMLElement>} */
    const days = {};
    for (const { item, listing, at } of items.sort((one, other) => other.at - one.at)) {
      const day = date.format(at);
      (days[names[day] ?? day] ??= h("ul", { role: "list" })).append(this.#row(item, listing, all.length > 1));
      // Before the oldest that is known of one account, those of another alone would be half of it.
      if (!listing.complete && item === listing.transactions.at(-1)) break;
    }
    return Object.entries(days).flatMap(([day, rows]) => [h("h3", {}, day), rows]);
  }

  /** @type {ShowRow} */
  #row(item, listing, isOneOfMany) {
    const { config, hass, text } = this;
    const { amount, declined, local_currency } = item;
    const event = hass.states[listing.event];
    const kind = event ? hass.formatEntityAttributeValue(event, "event_type", item.type) : "";
    const code = `${item.decline_reason}`.toLowerCase();
    const reason = text(`transactions_reason_${code}`) || code.replaceAll("_", " ");
    const details = [
      declined && text("transactions_declined", { reason }),
      item.pending && text("transactions_pending"),
      item.notes || (declined || item.type === "card_payment" ? text(`transactions_category_${item.category}`) : kind),
      isOneOfMany && listing.name,
    ];
    const name = item.name || kind;
    const icon = h("div", { className: "icon", ariaHidden: "true" }, item.emoji || [...name][0]);
    if (config.logos && item.logo) {
      const onload = () => icon.replaceChildren(image);
      const image = h("img", { alt: "", referrerPolicy: "no-referrer", onload, src: item.logo });
    }
    const className = amount > 0 && !declined && !this.masked ? "in sum" : "sum";
    const onclick = config.hide_amounts ? () => this.toggle() : null;
    const what = h("div", { className: "what" }, name, h("small", {}, details.filter(Boolean).join(" · ")));
    const sum = h(
      "div",
      { className, onclick },
      h(declined ? "s" : "span", {}, this.amount(amount, item.currency, "exceptZero")),
      local_currency ? h("small", {}, this.amount(Number(item.local_amount), local_currency, "exceptZero")) : "",
    );
    return h("li", {}, icon, what, sum);
  }
}

define("transactions", TransactionsCard, (device, its) => (its.transaction ? { account: [device] } : null));
