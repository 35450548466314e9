import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { ActionError } from "./backend.ts";
import { FakeBackend } from "./fake-backend.ts";
import { Store } from "./store.ts";

const MINUTE = 60_000;
const LIST = { transactions: [], complete: true };
const DOWN = new ActionError("unreachable", "The bank did not answer", { isDefinite: true });

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000_000_000 });
});

function openFeed() {
  const backend = new FakeBackend();
  return { backend, feed: new Store(backend).feed("current account") };
}

/** Return a feed whose first request for a revision was answered. */
async function readFeed(revision: string) {
  const parts = openFeed();
  parts.feed.request(revision, 20);
  mock.timers.tick(0);
  await parts.backend.reads[0]?.answer(LIST);
  return parts;
}

test("the first request is sent at once, and shared by all cards", () => {
  const { backend, feed } = openFeed();
  feed.request("a", 20);
  feed.request("a", 40);
  mock.timers.tick(0);
  assert.deepEqual(
    backend.reads.map(({ request: { account, limit, refresh } }) => [account, limit, refresh]),
    [["current account", 40, false]],
  );
  assert.equal(feed.status.is, "loading");
});

test("without news nothing is requested", async () => {
  const { backend, feed } = await readFeed("a");
  feed.request("a", 20);
  mock.timers.tick(MINUTE);
  assert.equal(backend.reads.length, 1);
  assert.equal(feed.status.is, "current");
});

test("after news one request waits for what else comes with them", async () => {
  const { backend, feed } = await readFeed("a");
  feed.request("b", 20);
  mock.timers.tick(500);
  assert.equal(backend.reads.length, 1);
  feed.request("c", 20);
  mock.timers.tick(500);
  await backend.reads[1]?.answer(LIST);
  feed.request("c", 20);
  mock.timers.tick(MINUTE);
  assert.equal(backend.reads.length, 2);
});

test("news during a request start another one", async () => {
  const { backend, feed } = openFeed();
  feed.request("a", 20);
  mock.timers.tick(0);
  feed.request("b", 20);
  await backend.reads[0]?.answer(LIST);
  feed.request("b", 20);
  mock.timers.tick(1000);
  assert.equal(backend.reads.length, 2);
});

test("more rows are requested at once", async () => {
  const { backend, feed } = await readFeed("a");
  feed.request("a", 40);
  mock.timers.tick(0);
  assert.equal(backend.reads[1]?.request.limit, 40);
});

test("more rows that are requested during a request are requested after it", async () => {
  const { backend, feed } = openFeed();
  feed.request("a", 20);
  mock.timers.tick(0);
  feed.request("a", 40);
  await backend.reads[0]?.answer(LIST);
  feed.request("a", 40);
  mock.timers.tick(0);
  assert.equal(backend.reads[1]?.request.limit, 40);
});

test("notes and pending payments are requested again after a quarter of an hour", async () => {
  const { backend, feed } = await readFeed("a");
  mock.timers.tick(16 * MINUTE);
  feed.request("a", 20);
  mock.timers.tick(0);
  assert.equal(backend.reads.length, 2);
});

test("an error is shown, and disappears after a minute", async () => {
  const { backend, feed } = openFeed();
  feed.request("a", 20);
  mock.timers.tick(0);
  await backend.reads[0]?.fail(DOWN);
  assert.deepEqual(feed.status, { is: "failed", error: DOWN });
  feed.request("a", 40);
  mock.timers.tick(MINUTE - 1);
  assert.equal(backend.reads.length, 1);
  mock.timers.tick(1);
  feed.request("a", 40);
  mock.timers.tick(0);
  assert.equal(backend.reads.length, 2);
});

test("after an error the user can retry at once", async () => {
  const { backend, feed } = openFeed();
  feed.request("a", 20);
  mock.timers.tick(0);
  await backend.reads[0]?.fail(DOWN);
  feed.retry();
  feed.request("a", 20);
  mock.timers.tick(0);
  assert.equal(backend.reads.length, 2);
});

test("transactions that only administrators can read are forgotten, and not requested again", async () => {
  const { backend, feed } = await readFeed("a");
  feed.remember([{ transaction_id: "tx_1" }] as never[]);
  feed.request("b", 20);
  mock.timers.tick(1000);
  const error = new ActionError("only_administrators", "Ask Ann", { isDefinite: true });
  await backend.reads[1]?.fail(error);
  assert.deepEqual(feed.status, { is: "failed", error });
  assert.deepEqual([feed.transactions, feed.complete, feed.find("tx_1")], [[], true, undefined]);
  mock.timers.tick(16 * MINUTE);
  feed.request("b", 20);
  mock.timers.tick(1000);
  assert.equal(backend.reads.length, 2);
});

test("new values of a transaction are shown at once, and then fetched from the bank", async () => {
  const backend = new FakeBackend();
  const store = new Store(backend);
  const feed = store.feed("current account");
  feed.request("a", 20);
  mock.timers.tick(0);
  const transactions = [{ transaction_id: "tx_1", notes: "" }] as never[];
  await backend.reads[0]?.answer({ transactions, complete: true });
  void store.annotate({ account: "current account", id: "tx_1" }, "lunch");
  await backend.annotations[0]?.answer({ notes: "lunch" });
  assert.equal(feed.find("tx_1")?.notes, "lunch");
  assert.equal(feed.find("tx_2"), undefined);
  assert.equal(backend.reads[1]?.request.refresh, true);
  await backend.reads[1].answer(LIST);
  assert.equal(feed.find("tx_1"), undefined);
});

test("the last transactions stay while newer ones are requested", async () => {
  const { backend, feed } = openFeed();
  feed.request("a", 20);
  mock.timers.tick(0);
  const transactions = [{ transaction_id: "tx_1" }] as never[];
  await backend.reads[0]?.answer({ transactions, complete: false });
  feed.request("b", 20);
  mock.timers.tick(1000);
  await backend.reads[1]?.fail(DOWN);
  assert.equal(feed.transactions, transactions);
});
