import assert from "node:assert/strict";
import { test } from "node:test";

import { inkBox } from "../../ui/draw/how.js";

test("the 20x20 box is centred on the ink's own box, wherever its centre of mass is", () => {
  const pixels = Array(784).fill("\0");
  for (let row = 5; row < 25; row++) pixels[28 * row + 10] = "\xff";
  assert.deepEqual(inkBox(btoa(pixels.join(""))), [0.5, 5]);
  assert.equal(inkBox(btoa("\0".repeat(784))), null);
});
