/** The newest transactions of one account or more, by day. */
import { ACCOUNTS, Card, define, form, h, monzoDevices, quarter, text } from "./common.js";

const DAY = 86_400_000;
const MORE = 20;
const GONE = "unavailable";

/** @type {Set<Transactions>} */
const cards = new Set();

/** What all cards know of each account. @type {Record<string, Book>} */
const books = {};

const refresh = () => {
	for (const card of cards) card.isConnected ? card.update() : cards.delete(card);
};

/** Ask anew what could not be answered. @param {Book[]} failed */
const again = (failed) => failed.forEach((book) => Object.assign(book, { error: "", asked: 0 }));

/** See that a card has what it shows, and the newest after what tells of them. @type {Ask} */
const want = (book, card) => {
	const says = () => book.tellers.map((id) => card.hass.states[id]?.state ?? GONE).join() || GONE;
	const isNews = says() !== book.said;
	// Notes, and what was pending, change without an event.
	const isDue = card.limit > book.limit || book.asked !== quarter();
	if (book.busy || says().includes(GONE) || !(isNews || (isDue && !book.error))) return;
	book.busy = true;
	setTimeout(async () => {
		const limit = Math.max(card.limit, book.limit);
		Object.assign(book, { limit, asked: quarter(), said: says() });
		// The bank shows the last 90 days.
		const since = new Date(Date.now() - 89 * DAY).toISOString();
		const asked = { account: book.id, limit, since, include_declined: true };
		try {
			Object.assign(book, await card.act("get_transactions", asked), { error: "" });
		} catch (error) {
			book.error = card.explain(error);
			setTimeout(() => {
				again([book]);
				refresh();
			}, 60_000);
		} finally {
			book.busy = false;
			refresh();
		}
		// Payments come with their round-ups, a moment apart.
	}, isNews && book.asked ? 1000 : 0);
};

class Transactions extends Card {
	static getConfigForm = () =>
		form(
			{ name: "account", selector: ACCOUNTS },
			{ name: "title", selector: { text: {} } },
			{ name: "logos", selector: { boolean: {} } },
		);

	limit = MORE;

	/** The first new row. */
	next = 0;

	connectedCallback() {
		this.update();
	}

	content() {
		cards.add(this);
		const { config, hass } = this;
		const devices = monzoDevices(hass);
		const chosen = [config.account ?? []].flat();
		const accounts = chosen[0] ? chosen : Object.keys(devices).filter((id) => devices[id].balance);
		const all = accounts.map((id) => {
			const book = (books[id] ??= { id, tellers: [], transactions: [], asked: 0, limit: 0 });
			const { transaction, balance } = devices[id] ?? {};
			// People may disable one of them.
			book.tellers = [transaction, balance].filter(Boolean);
			book.name = this.nameOf(id);
			want(book, this);
			return book;
		});
		this.watched = all.flatMap(({ tellers }) => tellers);
		const busy = all.some((book) => book.busy);
		const failed = all.filter(({ error }) => error);
		const days = this.#days(all);
		/** @type {ChangeBy} */
		const button = (id, change) => {
			const onclick = () => (change(), this.update());
			return h("button", { id, onclick }, text(`transactions_${busy ? "loading" : id}`));
		};
		const more = () => {
			this.limit += MORE;
			this.next = days.reduce((sum, { childElementCount }) => sum + childElementCount, 0);
		};
		const answered = all.every(({ complete }) => complete !== undefined);
		const state = busy ? "loading" : !all[0] ? "no_account" : answered ? "none" : GONE;
		const title = config.title || (all[1] ? text("transactions_title") : all[0]?.name);
		return [
			h("header", {}, h("h2", {}, title), this.eye()),
			...Array.from(new Set(failed.map(({ error }) => error)), (error) => h("p", { role: "alert" }, error)),
			failed[0] ? button("again", () => again(failed)) : !days[0] && h("p", {}, text(`transactions_${state}`)),
			...days,
			days[0] && this.limit < 1000 && !all.every(({ complete }) => complete) && button("more", more),
		];
	}

	/** @param {Book[]} all */
	#days(all) {
		const { language, locale, config } = this.hass;
		const timeZone = locale.time_zone === "server" ? config.time_zone : undefined;
		const date = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long", timeZone });
		const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
		const named = [1, 0].map((ago) => [date.format(Date.now() - ago * DAY), relative.format(-ago, "day")]);
		const names = Object.fromEntries(named);
		const items = all.flatMap((book) => book.transactions.map((item) => ({ item, book, at: Date.parse(item.created) })));
		/** @type {Record<string, HTMLElement>} */
		const days = {};
		for (const [index, { item, book, at }] of items.sort((one, other) => other.at - one.at).entries()) {
			const day = date.format(at);
			const row = this.#row(item, book, all.length > 1);
			if (index === this.next) Object.assign(row, { id: "next", tabIndex: -1 });
			(days[names[day] ?? day] ??= h("ul", { role: "list" })).append(row);
			// Before the oldest that is known of one account, those of another alone would be half of it.
			if (!book.complete && item === book.transactions.at(-1)) break;
		}
		return Object.entries(days).flatMap(([day, rows]) => [h("h3", {}, day), rows]);
	}

	/** @type {ShowRow} */
	#row(item, book, isOneOfMany) {
		const { config, hass } = this;
		const { amount, currency, declined, local_amount, local_currency } = item;
		const kind = hass.localize(`component.monzo.entity.event.transaction.state_attributes.event_type.state.${item.kind}`);
		const code = `${item.decline_reason}`.toLowerCase();
		const reason = text(`transactions_reason_${code}`) || code.replaceAll("_", " ");
		const details = [
			declined && text("transactions_declined", { reason }),
			item.pending && text("transactions_pending"),
			item.notes || (declined || item.kind === "card_payment" ? text(`transactions_category_${item.category}`) : kind),
			isOneOfMany && book.name,
		];
		const name = item.name || kind;
		const icon = h("div", { className: "icon", ariaHidden: "true" }, item.emoji || (item.pot ? "🐷" : [...name][0]));
		if (config.logos && item.logo) {
			const onload = () => icon.replaceChildren(image);
			const image = h("img", { alt: "", referrerPolicy: "no-referrer", onload, src: item.logo });
		}
		const className = amount > 0 && !declined && !this.masked ? "in sum" : "sum";
		const what = h("div", { className: "what" }, name, h("small", {}, details.filter(Boolean).join(" · ")));
		const abroad = local_currency && h("small", {}, this.amount(Number(local_amount), local_currency, "exceptZero"));
		const sum = h(declined ? "s" : "span", {}, this.amount(amount, currency, "exceptZero"));
		return h("li", {}, icon, what, h("div", { className }, sum, abroad));
	}
}

define("transactions", Transactions, (device, its) => (its.balance ? { account: [device] } : null));
