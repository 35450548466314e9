import assert from "node:assert/strict";
import { test } from "node:test";

import type { HomeAssistant } from "../home-assistant.ts";
import type { Transaction } from "../store/backend.ts";
import type { AccountSearch } from "../store/search.ts";
import { groupByDay } from "./days.ts";
import { type Entry, foldRoundUps, mergeTransactions, type ShownAccount } from "./entries.ts";
import { categoriesOf, filterEntries, isFiltering, NO_FILTER } from "./filter.ts";

function transaction(id: string, values: Partial<Transaction> = {}): Transaction {
  return {
    transaction_id: id,
    amount: -1,
    currency: "GBP",
    category: "groceries",
    created: "2026-11-20T12:00:00Z",
    declined: false,
    round_up_of: null,
    tags: [],
    ...values,
  } as Transaction;
}

function account(transactions: Transaction[], complete = true): ShownAccount {
  return { id: "", name: "", feed: { transactions, complete } } as unknown as ShownAccount;
}

function entries(...transactions: Transaction[]): Entry[] {
  return transactions.map((each) => ({ transaction: each, account: account([]) }));
}

function ids(found: Entry[]): string[] {
  return found.map((entry) => entry.transaction.transaction_id);
}

const HASS = {
  language: "en-GB",
  locale: { time_zone: "server" },
  config: { time_zone: "Europe/London" },
} as HomeAssistant;

test("transactions of several accounts are in order of time", () => {
  const one = account([
    transaction("a", { created: "2026-11-20T12:00:00Z" }),
    transaction("c", { created: "2026-11-18T12:00:00Z" }),
  ]);
  const other = account([transaction("b", { created: "2026-11-19T12:00:00Z" })]);
  assert.deepEqual(ids(mergeTransactions([one, other])), ["a", "b", "c"]);
});

test("the list ends where the transactions of an account are unknown", () => {
  const long = account([
    transaction("a", { created: "2026-11-20T12:00:00Z" }),
    transaction("d", { created: "2026-11-01T12:00:00Z" }),
  ]);
  const busy = account(
    [
      transaction("b", { created: "2026-11-19T12:00:00Z" }),
      transaction("c", { created: "2026-11-18T12:00:00Z" }),
    ],
    false,
  );
  assert.deepEqual(ids(mergeTransactions([long, busy])), ["a", "b", "c"]);
});

/** Return an account whose kept transactions were searched. */
function searched(loaded: ShownAccount, found: Transaction[], hasMore = false): ShownAccount {
  const search = { isAnswered: true, transactions: found, hasMore } as unknown as AccountSearch;
  return { ...loaded, search };
}

test("what a search finds is among the loaded rows, each once and in order of time", () => {
  const newest = transaction("a", { created: "2026-11-20T12:00:00Z" });
  const loaded = transaction("b", { created: "2026-11-10T12:00:00Z" });
  const old = transaction("c", { created: "2020-01-01T12:00:00Z" });
  const one = searched(account([loaded], false), [newest, loaded, old]);
  assert.deepEqual(ids(mergeTransactions([one])), ["a", "b", "c"]);
});

test("while a search has more matches, the list ends where they are unknown", () => {
  const found = transaction("a", { created: "2025-11-20T12:00:00Z" });
  const one = searched(account([], false), [found], true);
  const older = transaction("b", { created: "2024-11-20T12:00:00Z" });
  const other = searched(account([], false), [older]);
  assert.deepEqual(ids(mergeTransactions([one, other])), ["a"]);
});

test("an account whose history is not kept does not hide what is found in another one", () => {
  const recent = transaction("a", { created: "2026-11-20T12:00:00Z" });
  const old = transaction("b", { created: "2020-11-20T12:00:00Z" });
  const accounts = [account([recent], false), searched(account([], false), [old])];
  assert.deepEqual(ids(mergeTransactions(accounts)), ["a", "b"]);
});

test("a round-up is folded into its payment", () => {
  const roundUp = transaction("round-up", { round_up_of: "payment", amount: -0.5 });
  const folded = foldRoundUps(entries(roundUp, transaction("payment"), transaction("other")));
  assert.deepEqual(ids(folded), ["payment", "other"]);
  assert.deepEqual(
    folded.map((entry) => entry.roundUp),
    [roundUp, undefined],
  );
});

test("a round-up whose payment is not in the list keeps its row", () => {
  const roundUp = transaction("round-up", { round_up_of: "payment" });
  assert.deepEqual(ids(foldRoundUps(entries(roundUp))), ["round-up"]);
});

test("a round-up at the end waits for its payment on the next page", () => {
  const all = [
    transaction("a", { created: "2026-11-20T12:00:00Z" }),
    transaction("round-up", { created: "2026-11-19T12:00:00Z", round_up_of: "payment" }),
  ];
  assert.deepEqual(ids(foldRoundUps(mergeTransactions([account(all, false)]))), ["a"]);
});

test("days have totals of what was spent, and months have names", () => {
  const days = groupByDay(
    HASS,
    entries(
      transaction("a", { amount: -5, counts_as_spending: true }),
      transaction("b", { amount: 2, counts_as_spending: true }),
      transaction("c", { amount: 1000, counts_as_spending: false }),
      transaction("d", { created: "2026-11-20T00:00:00Z" }),
      // In London this is another day than in UTC.
      transaction("e", { created: "2026-06-30T23:30:00Z" }),
      transaction("f", { created: "2026-06-30T22:30:00Z" }),
    ),
  );
  assert.deepEqual(
    days.map(({ name, entries: found }) => [name, ids(found).join()]),
    [
      ["Friday 20 November", "a,b,c,d"],
      ["Wednesday 1 July", "e"],
      ["Tuesday 30 June", "f"],
    ],
  );
  assert.deepEqual([...(days[0]?.spent ?? [])], [["GBP", 3]]);
  assert.deepEqual(
    days.slice(1).map(({ month }) => month),
    ["July 2026", "June 2026"],
  );
});

test("filters can be combined with a search", () => {
  const all = entries(
    transaction("shop", { name: "Café Zoë", amount: -3 }),
    transaction("salary", { name: "Employer", amount: 2000, category: "income" }),
    transaction("declined", { name: "Boat Yard", amount: -9, declined: true }),
    transaction("refund", { name: "Café Zoë", amount: 3 }),
  );
  const found = (filter: object) =>
    ids(filterEntries(all, { ...NO_FILTER, ...filter }, (entry) => entry.transaction.name)).join();
  assert.equal(found({}), "shop,salary,declined,refund");
  assert.equal(found({ kind: "in" }), "salary,refund");
  assert.equal(found({ kind: "out" }), "shop");
  assert.equal(found({ kind: "declined" }), "declined");
  assert.equal(found({ category: "income" }), "salary");
  assert.equal(found({ search: "  cafe ZOE " }), "shop,refund");
  assert.equal(found({ search: "cafe", kind: "in" }), "refund");
  assert.equal(found({ search: "nothing" }), "");
});

test("a search finds the same as the action get_transactions", () => {
  // The pairs of tests/transactions/test_search_text.py.
  const pairs = [
    ["café", "CAFE"],
    ["Straße", "STRASSE"],
    ["STRASSE", "straße"],
    ["ΚΑΦΕΣ", "καφές"],
    ["İstanbul", "istanbul"],
    ["ﬁsh & chips", "Fish & Chips"],
    ["Žižkov", "zizkov"],
  ] as const;
  for (const [name, search] of pairs) {
    const all = entries(transaction("a", { name }));
    const found = filterEntries(all, { ...NO_FILTER, search }, (each) => each.transaction.name);
    assert.deepEqual(ids(found), ["a"], `${search} finds ${name}`);
  }
});

test("a word after a # finds tags that begin with it", () => {
  const all = entries(
    transaction("trip", { name: "#3 Bar", tags: ["holiday", "zoë"] }),
    transaction("plan", { name: "Holiday Shop" }),
    transaction("more", { name: "Bar", tags: ["holidays-2026"] }),
  );
  const found = (search: string) =>
    ids(filterEntries(all, { search }, (entry) => entry.transaction.name)).join();
  assert.equal(found("#holi"), "trip,more");
  assert.equal(found("#HOLIDAYS"), "more");
  assert.equal(found("#zoe bar"), "trip");
  assert.equal(found("#3"), "");
  assert.equal(found("#"), "trip,more");
});

test("the categories that occur most often come first", () => {
  const found = entries(
    transaction("a", { category: "bills" }),
    transaction("b"),
    transaction("c"),
    transaction("d", { category: null }),
  );
  assert.deepEqual(categoriesOf(found), ["groceries", "bills"]);
});

test("spaces are no search", () => {
  assert.equal(isFiltering({ search: "  " }), false);
  assert.equal(isFiltering({ search: "x" }), true);
  assert.equal(isFiltering({ search: "", kind: "in" }), true);
});
