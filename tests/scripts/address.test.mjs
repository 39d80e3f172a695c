import assert from "node:assert/strict";
import { test } from "node:test";

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
