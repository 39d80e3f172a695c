import assert from "node:assert/strict";
import { test } from "node:test";

import { formatAddress, parseAddress } from "../../ui/inside/address.js";
import { colourOf, largest } from "../../ui/inside/colours.js";
import { firstLabel } from "../../ui/inside/learn.js";
import * as maps from "../../ui/inside/maps.js";
import { verdictOf } from "../../ui/inside/side.js";
import { paced } from "../../ui/inside/paced.js";
import { decimalsFor, numeral, placeName, roundToSum, signed } from "../../ui/inside/sums.js";

const text = (levels) => String.fromCharCode(...levels.map((level) => 81 + level));
const conv = { kind: "conv", derived: false, shape: [2, 4, 2], window: [1, 1] };
const relu = { kind: "relu", derived: true, shape: [2, 4, 2], window: [1, 1] };
const pool = { kind: "pool", derived: true, shape: [1, 2, 2], window: [2, 2] };
const dense = { kind: "dense", derived: false, shape: [3], window: [1, 1] };
const flatten = { kind: "flatten", derived: true, shape: [4], window: [1, 1] };
const LEVELS = [45, -45, 3, 0, -9, 1, 2, 7, -1, -2, -3, -4, -5, -6, -7, -8];
const SENT = [
  { position: 0, levels: text(LEVELS), scales: [9, 4.5] },
  { position: 4, levels: text([0, -45, 9]), scales: [5] },
];

test("maps that are not sent are derived from those that are", () => {
  const [first, rectified, pooled, flat, vector] = maps.allMaps([conv, relu, pool, flatten, dense], SENT);
  assert.equal(maps.valueAt(first, 0, 1, 0), -9);
  assert.equal(maps.valueAt(first, 1, 3, 1), -0.8);
  assert.equal(Math.min(...rectified.values), 0);
  assert.deepEqual([...pooled.values], [45, 7, 0, 0]);
  assert.deepEqual([pooled.height, pooled.width, pooled.channels], [1, 2, 2]);
  assert.equal(flat, pooled);
  assert.equal(maps.valueAt(vector, 0, 0, 2), 1);
});

test("windows that overlap are pooled too", () => {
  const one = maps.decodeMaps({ levels: text([1, 5, 2, 4, 3]), scales: [1] }, [1, 5, 1]);
  assert.deepEqual([...maps.pooled({ ...one, height: 1 }, 1, 2).values], [1, 2, 3]);
  const square = maps.decodeMaps({ levels: text([1, 2, 3, 4, -5, 6, 7, 8, 9]), scales: [1] }, [3, 3, 1]);
  assert.deepEqual([...maps.pooled(square, 2, 1).values], [4, 6, 8, 9]);
});

test("blocks begin with a layer that computes, and leave out what shows nothing new", () => {
  assert.deepEqual(maps.blocksOf([conv, relu, pool, flatten, dense]), [[0, 1, 2], [4]]);
});

test("a point on the painted maps finds its cell, and a cell its place", () => {
  const first = maps.decodeMaps(SENT[0], conv.shape);
  const painted = maps.paintMaps(first, 1, [9, 4.5], colourOf);
  assert.deepEqual([painted.width, painted.height], [4, 5]);
  assert.equal(painted.pixels[0], colourOf(1));
  assert.equal(painted.pixels[1], colourOf(-1));
  assert.equal(painted.pixels[2 * 4], 0, "a gap");
  for (let channel = 0; channel < 2; channel++) {
    for (let row = 0; row < 2; row++) {
      for (let column = 0; column < 4; column++) {
        const field = [row, row + 1, column, column + 1];
        const { left, top } = maps.placeOf(first, 2, field, channel);
        assert.deepEqual(maps.cellAt(first, 2, left + 0.5, top + 0.5), [row, column, channel]);
      }
    }
  }
  assert.equal(maps.cellAt(first, 2, 4.5, 0), null, "between two maps");
  assert.equal(maps.cellAt(first, 2, -1, 0), null);
  assert.equal(maps.cellAt(first, 2, 10.5, 0), null);
  assert.equal(maps.cellAt(first, 1, 0, 6), null);
});

test("rows of maps are equally long where that can be", () => {
  assert.equal(maps.columnsFor(16, 24, 1000), 16);
  assert.equal(maps.columnsFor(16, 24, 300), 8);
  assert.equal(maps.columnsFor(10, 24, 5), 1);
});

test("scales are by unit, layer or network", () => {
  const first = maps.decodeMaps(SENT[0], conv.shape);
  assert.deepEqual(maps.divisorsOf(first, "unit", 20), [9, 4.5]);
  assert.deepEqual(maps.divisorsOf(first, "layer", 20), [9, 9]);
  assert.deepEqual(maps.divisorsOf(first, "network", 20), [20, 20]);
});

test("arrow keys move within a map, and from map to map", () => {
  const first = maps.decodeMaps(SENT[0], conv.shape);
  assert.deepEqual(maps.stepCell(first, [0, 1, 0], [1, 0], false), [0, 2, 0]);
  assert.deepEqual(maps.stepCell(first, [0, 3, 0], [1, 0], false), [0, 3, 0]);
  assert.deepEqual(maps.stepCell(first, [0, 3, 0], [1, 0], true), [0, 3, 1]);
  const vector = maps.decodeMaps(SENT[1], dense.shape);
  assert.deepEqual(maps.stepCell(vector, [0, 0, 1], [0, 1], false), [0, 0, 2]);
});

test("colours are clear at 0, and cut beyond 1", () => {
  assert.equal(colourOf(0) >>> 24, 0);
  assert.equal(colourOf(2), colourOf(1));
  assert.equal(colourOf(-2), colourOf(-1));
  assert.notEqual(colourOf(1), colourOf(-1));
  assert.equal(colourOf(1) >>> 24, 255);
  assert.equal(largest([1, -3, 2]), 3);
});

test("rounded terms add up to the rounded sum, each off by less than a unit", () => {
  let seed = 1;
  const random = () => ((seed = (seed * 16807) % 2147483647) / 2147483647) * 2 - 1;
  for (let trial = 0; trial < 300; trial++) {
    const values = Array.from({ length: 1 + (trial % 27) }, random);
    const decimals = trial % 5;
    const { values: shown, sum } = roundToSum(values, decimals);
    const added = shown.reduce((a, b) => a + b, 0);
    assert.equal(added.toFixed(decimals).replace("-0", "0"), sum.toFixed(decimals).replace("-0", "0"));
    shown.forEach((value, i) => assert.ok(Math.abs(value - values[i]) < 10 ** -decimals + 1e-9));
  }
});

test("numbers are written as people write them", () => {
  assert.equal(numeral(-0.5, 2), "\u22120.50");
  assert.equal(numeral(-0.001, 2), "0.00");
  assert.equal(signed(0.5, 2), "+ 0.50");
  assert.equal(decimalsFor(0.52), 3);
  assert.equal(decimalsFor(52), 1);
  assert.equal(decimalsFor(0), 3);
  assert.equal(placeName([2, 3, 4]), "map 5, row 3, column 4");
  assert.equal(placeName([16]), "number 17");
});

test("every view, step and cell has an address that leads back to it", () => {
  for (const place of [{ view: "why" }, { view: "flow", layer: "relu3", cell: [2, 4, 17] }, { step: 3 }]) {
    const found = parseAddress(formatAddress(place));
    for (const [key, value] of Object.entries(place)) assert.deepEqual(found[key], value);
  }
  assert.equal(parseAddress("#draw"), null);
  assert.equal(parseAddress(""), null);
  assert.deepEqual(parseAddress("#inside"), {});
  assert.deepEqual(parseAddress("#inside/nonsense"), {});
  assert.equal(parseAddress("#inside/tour/x").step, 1);
  assert.equal(parseAddress("#inside/flow/relu3/1,<b>").cell, undefined);
});

test("a step is first towards what is read, or, where that is sure, towards the next most likely digit", () => {
  const [logits, probs] = [[0, 0, 0, 9, 0, 0, 0, 0, 5, 0], [0, 0, 0, 0.995, 0, 0, 0, 0, 0.005, 0]];
  assert.equal(firstLabel({ digit: 3, logits, probs, reject: 0 }), 8);
  assert.equal(firstLabel({ digit: 3, logits, probs, reject: 0.1 }), 3);
  assert.equal(firstLabel({ digit: null, logits, probs, reject: 0.9 }), 3);
});

test("the verdict says the same as the bars", () => {
  const probs = [0, 0, 0, 0.9, 0, 0, 0, 0, 0.1, 0];
  assert.equal(verdictOf({ digit: 3, probs, reject: 0.5 }), "It reads 3. 45% sure.");
  assert.equal(verdictOf({ digit: 3, probs: [0, 0, 0, 1, 0, 0, 0, 0, 0, 0], reject: 0 }), "It reads 3. Over 99% sure.");
  assert.equal(verdictOf({ digit: null, probs, reject: 0.8 }), "Not a digit: 80% sure.");
});

test("questions are asked one at a time and in a pace, and of those that came meanwhile the newest", async () => {
  const [asked, answers, rests, shown] = [[], [], [], []];
  const later = (list) => new Promise((resolve) => list.push(resolve));
  const ask = paced(
    (question) => {
      asked.push(question);
      return later(answers);
    },
    (answer, question) => shown.push([answer, question]),
    { pause: () => later(rests) },
  );
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  for (const question of ["a", "b", "c"]) ask(question);
  await settle();
  assert.deepEqual(asked, ["a"]);
  answers.shift()("A");
  await settle();
  assert.deepEqual(shown, [["A", "a"]], "it is shown at once");
  assert.deepEqual(asked, ["a"], "but the pace is kept");
  rests.shift()();
  await settle();
  assert.deepEqual(asked, ["a", "c"]);
  ask.forget();
  answers.shift()("C");
  rests.shift()();
  await settle();
  assert.deepEqual(shown, [["A", "a"]], "what was forgotten is not shown");
  ask("d");
  await settle();
  answers.shift()(null);
  rests.shift()();
  await settle();
  assert.deepEqual([asked.at(-1), shown.length], ["d", 1]);
});

test("a question that was not answered is asked again, until there is another one or it is forgotten", async () => {
  const [asked, answers] = [[], []];
  const ask = paced(
    (question) => (asked.push(question), new Promise((resolve) => answers.push(resolve))),
    () => {},
    { pause: async () => {} },
  );
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const answerWith = async (answer) => {
    answers.shift()(answer);
    await settle();
  };
  ask("a");
  await answerWith(undefined);
  await answerWith(undefined);
  assert.deepEqual(asked, ["a", "a", "a"]);
  ask("b");
  await answerWith(undefined);
  assert.deepEqual(asked.slice(3), ["b"], "the newer one instead");
  ask.forget();
  await answerWith(undefined);
  assert.equal(asked.length, 4, "what was forgotten is not asked again");
});
