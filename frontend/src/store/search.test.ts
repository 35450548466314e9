import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { ActionError, type Transaction } from "./backend.ts";
import { FakeBackend } from "./fake-backend.ts";
import { Store } from "./store.ts";

const ONE = "current account";
const OTHER = "joint account";
const NOT_KEPT = new ActionError("span_too_long", "Too long", { isDefinite: true });

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000_000_000 });
});

function openSearch() {
  const backend = new FakeBackend();
  const store = new Store(backend);
  return { backend, store, search: store.search() };
}

/** Return a search whose first requests were sent. */
function startSearch(words: string, accounts = [ONE]) {
  const parts = openSearch();
  parts.search.request(words, accounts);
  mock.timers.tick(300);
  return parts;
}

function transactions(...ids: string[]): Transaction[] {
  return ids.map((id) => ({ transaction_id: id, notes: null }) as Transaction);
}

function pageOf(count: number): Transaction[] {
  return transactions(...Array.from({ length: count }, (_, index) => `tx_${String(index)}`));
}

test("a search waits for a pause in the typing, and asks once for each account", () => {
  const { backend, search } = openSearch();
  search.request("caf", [ONE, OTHER]);
  mock.timers.tick(299);
  search.request("cafe", [ONE, OTHER]);
  mock.timers.tick(299);
  assert.equal(backend.reads.length, 0);
  assert.equal(search.of(ONE)?.isLoading, true);
  mock.timers.tick(1);
  search.request("cafe", [ONE, OTHER]);
  mock.timers.tick(1000);
  assert.deepEqual(
    backend.reads.map(({ request: { account, text, refresh } }) => [account, text, refresh]),
    [
      [ONE, "cafe", false],
      [OTHER, "cafe", false],
    ],
  );
});

test("of several words, the longest one is sent", () => {
  const { backend } = startSearch(" red  bicycle shop ");
  assert.equal(backend.reads[0]?.request.text, "bicycle");
});

test("a match counts as one although the card does not show where the text is", async () => {
  const { backend, search } = startSearch("bicycle shop");
  await backend.reads[0]?.answer({ transactions: transactions("tx_1"), complete: true });
  assert.equal(search.of(ONE)?.foundIn("tx_1"), "bicycle");
  assert.equal(search.of(ONE)?.foundIn("tx_2"), "");
});

test("what is found can be opened and annotated like a newer transaction", async () => {
  const { backend, store, search } = startSearch("cafe");
  await backend.reads[0]?.answer({ transactions: transactions("tx_1", "tx_2"), complete: true });
  assert.deepEqual(search.of(ONE)?.transactions, transactions("tx_1", "tx_2"));
  assert.equal(search.of(ONE)?.isComplete, true);
  assert.equal(search.of(ONE)?.hasMore, false);
  void store.annotate({ account: ONE, id: "tx_2" }, "lunch");
  await backend.annotations[0]?.answer({ notes: "lunch" });
  assert.equal(store.feed(ONE).find("tx_2")?.notes, "lunch");
  assert.equal(search.of(ONE)?.transactions[1]?.notes, "lunch");
});

test("more matches follow after the last one, one page at a time", async () => {
  const { backend, search } = startSearch("cafe");
  await backend.reads[0]?.answer({ transactions: pageOf(100), complete: false });
  const matches = search.of(ONE);
  assert.equal(matches?.hasMore, true);
  matches.more();
  matches.more();
  assert.equal(backend.reads.length, 2);
  assert.equal(backend.reads[1]?.request.after, "tx_99");
  await backend.reads[1].answer({ transactions: transactions("old"), complete: true });
  assert.equal(matches.transactions.length, 101);
  assert.equal(matches.hasMore, false);
  matches.more();
  assert.equal(backend.reads.length, 2);
});

test("the last page of a history that is not whole is incomplete", async () => {
  const { backend, search } = startSearch("cafe");
  await backend.reads[0]?.answer({ transactions: transactions("tx_1"), complete: false });
  assert.equal(search.of(ONE)?.isAnswered, true);
  assert.equal(search.of(ONE)?.hasMore, false);
  assert.equal(search.of(ONE)?.isComplete, false);
});

test("without a kept history there is no answer, and it is not asked for again", async () => {
  const { backend, search } = startSearch("cafe");
  await backend.reads[0]?.fail(NOT_KEPT);
  assert.equal(search.of(ONE)?.isLoading, false);
  assert.equal(search.of(ONE)?.isAnswered, false);
  search.request("cafe", [ONE]);
  mock.timers.tick(1000);
  assert.equal(backend.reads.length, 1);
});

test("after an error on a later page, the page can be asked for again", async () => {
  const { backend, search } = startSearch("cafe");
  await backend.reads[0]?.answer({ transactions: pageOf(100), complete: false });
  search.of(ONE)?.more();
  await backend.reads[1]?.fail(new Error("connection lost"));
  assert.equal(search.of(ONE)?.transactions.length, 100);
  search.of(ONE)?.more();
  assert.equal(backend.reads[2]?.request.after, "tx_99");
});

test("a cleared search sends nothing, and forgets an answer that is on its way", async () => {
  const { backend, search } = openSearch();
  search.request("cafe", [ONE]);
  search.request("", [ONE]);
  mock.timers.tick(1000);
  assert.equal(backend.reads.length, 0);
  search.request("cafe", [ONE]);
  mock.timers.tick(300);
  search.request(" ", [ONE]);
  await backend.reads[0]?.answer({ transactions: transactions("tx_1"), complete: true });
  assert.equal(search.of(ONE), undefined);
});
