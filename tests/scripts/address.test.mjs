import assert from "node:assert/strict";
import { test } from "node:test";

import { tabAfterKey } from "../../ui/shared/tabs.js";
import { fragmentOf, parseFragment } from "../../ui/shared/address.js";

test("a fragment names a tab, and what a link brings for it", () => {
  assert.equal(parseFragment("#Train").tab, "train");
  const { tab, params } = parseFragment("#train?epochs=3&network=small_net");
  assert.equal(tab, "train");
  assert.deepEqual(Object.fromEntries(params), { epochs: "3", network: "small_net" });
  assert.equal(parseFragment("").tab, "");
});

test("a fragment that was made is read as what it was made of", () => {
  const params = new URLSearchParams({ strokes: "a?b&c=d" });
  const parsed = parseFragment(fragmentOf("draw", params));
  assert.deepEqual([parsed.tab, parsed.params.get("strokes")], ["draw", "a?b&c=d"]);
  assert.equal(fragmentOf("draw"), "#draw");
});

test("the arrow keys go round the tabs, Home and End to the first and the last", () => {
  assert.equal(tabAfterKey("ArrowRight", 1, 4), 2);
  assert.equal(tabAfterKey("ArrowRight", 3, 4), 0);
  assert.equal(tabAfterKey("ArrowLeft", 0, 4), 3);
  assert.equal(tabAfterKey("Home", 2, 4), 0);
  assert.equal(tabAfterKey("End", 2, 4), 3);
  assert.equal(tabAfterKey("a", 2, 4), undefined);
});
