import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { AmountVisibility } from "./visibility.ts";

void test("amounts that the user has shown are hidden again after a minute", () => {
  mock.timers.enable({ apis: ["Date"], now: 0 });
  const visibility = new AmountVisibility();
  assert.equal(visibility.areHidden(true), true);
  visibility.show();
  assert.equal(visibility.areHidden(true), false);
  mock.timers.tick(59_000);
  assert.equal(visibility.areHidden(true), false);
  mock.timers.tick(1_000);
  assert.equal(visibility.areHidden(true), true);
  mock.timers.reset();
});

void test("amounts that are usually visible stay hidden until the user shows them", () => {
  mock.timers.enable({ apis: ["Date"], now: 0 });
  const visibility = new AmountVisibility();
  visibility.hide();
  mock.timers.tick(3_600_000);
  assert.equal(visibility.areHidden(false), true);
  visibility.show();
  mock.timers.tick(3_600_000);
  assert.equal(visibility.areHidden(false), false);
  mock.timers.reset();
});
