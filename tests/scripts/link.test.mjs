import assert from "node:assert/strict";
import { test } from "node:test";

import { BROKEN, MOST_CHARACTERS, strokesOfText, textOfStrokes, TOO_LONG } from "../../ui/draw/link.js";

const circle = (points, x = 0.5) =>
  Array.from({ length: points }, (_, i) => [x + 0.3 * Math.cos(i / 20), 0.5 + 0.3 * Math.sin(i / 20)]).flat();
const farthest = (a, b) => Math.max(...a.map((value, i) => Math.abs(value - b[i])));

test("strokes are read from their text as they were drawn, to a 512th of the pad", () => {
  const drawn = [circle(120), [0.25, 0.75], circle(80, 0.4)];
  const read = strokesOfText(textOfStrokes(drawn));
  assert.deepEqual(read.map(({ length }) => length), drawn.map(({ length }) => length));
  for (const [i, stroke] of drawn.entries()) assert.ok(farthest(stroke, read[i]) <= 0.5 / 512 + 1e-9);
});

test("a long step is made of several on the same line, and ink beside the pad lies at its edge", () => {
  const [stroke] = strokesOfText(textOfStrokes([[0, 0, 1.2, 0.5]]));
  assert.deepEqual([...stroke.slice(0, 2), ...stroke.slice(-2)], [0, 0, 1, 0.5]);
  for (let i = 0; i < stroke.length; i += 2) assert.ok(Math.abs(stroke[i + 1] - stroke[i] / 2) < 2 / 512);
});

test("more ink than a link holds is thinned, and what is still too much is refused in words", () => {
  const text = textOfStrokes([circle(1500)]);
  assert.ok(text.length <= MOST_CHARACTERS);
  assert.ok(strokesOfText(text)[0].length < 3000);
  assert.throws(() => textOfStrokes(Array.from({ length: 60 }, () => circle(1500))), new Error(TOO_LONG));
});

test("a picture goes with the strokes", () => {
  const picture = btoa(String.fromCharCode(...Array.from({ length: 784 }, (_, i) => i % 256)));
  assert.deepEqual(strokesOfText(textOfStrokes([picture, [0.5, 0.5]])), [picture, [0.5, 0.5]]);
});

const WRONG = ["", "1", "2.AAAA", "1.AAA", "1.AAAAA", "1.AA*A", "1.____", "1.AAAAAA", "1.*AAAA", "1.*%"];
for (const text of [...WRONG, `1.${"A".repeat(4000)}`]) {
  test(`a link with "${text.slice(0, 12)}" is refused in words`, () => {
    assert.throws(() => strokesOfText(text), new Error(BROKEN));
  });
}
