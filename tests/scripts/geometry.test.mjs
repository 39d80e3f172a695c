import assert from "node:assert/strict";
import { test } from "node:test";

import { boxOf, digitHeight, layOutForServer, newestDigit, PEN, penOf } from "../../ui/draw/geometry.js";
import { erased } from "../../ui/draw/history.js";

const PICTURE = "a picture";

function assertClose(actual, expected) {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-9, `${actual} is not ${expected}`));
}

test("the box of a stroke holds all its points, and a picture fills the pad", () => {
  assert.deepEqual(boxOf([0.2, 0.7, 0.5, 0.1, 0.3, 0.4]), [0.2, 0.1, 0.5, 0.7]);
  assert.deepEqual(boxOf([0.2, 0.7]), [0.2, 0.7, 0.2, 0.7]);
  assert.deepEqual(boxOf(PICTURE), [0, 0, 1, 1]);
});

const HEIGHT = 0.1;
const one = (x) => [x, 0.4, x, 0.4 + HEIGHT];
const dash = (x) => [x, 0.45, x + 0.02, 0.45];

test("a digit's height is that of most of what was drawn, in whatever order", () => {
  const [short, tall, comma] = [one(0.1), [0.3, 0.3, 0.3, 0.6], [0.2, 0.5, 0.19, 0.52]];
  for (const strokes of [[one(0.2), short, comma, one(0.25)], [comma, one(0.2), one(0.25), short]]) {
    assertClose([digitHeight(strokes)], [HEIGHT]);
  }
  assertClose([digitHeight([short, tall])], [0.3]); // a 4: its long stroke
});

test("digits joined by slashes and dashes are as high as digits apart", () => {
  const slash = [0.19, 0.5, 0.26, 0.37];
  const date = [one(0.1), one(0.14), dash(0.15), one(0.18), slash, one(0.22), one(0.26), one(0.3)];
  assertClose([digitHeight(date)], [HEIGHT]);
});

test("a bar alone begins a digit, and a dot has no height", () => {
  assertClose([digitHeight([[0.2, 0.3, 0.7, 0.3]])], [0.2]);
  assert.equal(digitHeight([[0.5, 0.5]]), 0);
  assert.equal(digitHeight([PICTURE]), 1);
});

test("there is nothing to send without ink on the pad", () => {
  assert.equal(layOutForServer([]), null);
  assert.equal(layOutForServer([[1.5, 0.5, 1.6, 0.5]]), null);
});

test("digits are sent at the same size, however large they were drawn", () => {
  const heights = [0.1, 0.3, 0.9].map((size) => layOutForServer([[0.05, 0.05, 0.05, 0.05 + size]]).height);
  for (const height of heights) assert.ok(Math.abs(height - 148) <= 1, `${heights}`); // 140 and the margin
});

test("the pen is finer for small digits, and never wider than the pad's", () => {
  const penFor = (height) => layOutForServer([[0.05, 0.05, 0.05, 0.05 + height]]).pen;
  assert.equal(penFor(0.01), 0.01);
  assertClose([penFor(0.1), penFor(0.3)], [0.015, 0.045]);
  assert.equal(penFor(0.9), PEN);
});

test("the digits of a long date are sent with open loops, not at the size and with the pen of the whole date", () => {
  const date = Array.from({ length: 8 }, (_, i) => (i % 3 === 2 ? dash(0.1 + i / 10) : one(0.1 + i / 10)));
  const slash = [0.1, 0.45, 0.85, 0.44]; // touches all of them
  for (const strokes of [date, [...date, slash.map((value, i) => (i % 2 ? value : 0.1 + (value - 0.1) / 9))]]) {
    const { pen, scale } = layOutForServer(strokes);
    assert.ok(pen <= 0.16 * HEIGHT, `${pen}`);
    assert.ok(scale * HEIGHT >= 50, `${scale}`);
  }
});

test("the pen on the pad is the one that is sent, once it is known how large the digits are", () => {
  assert.equal(penOf([]), PEN);
  assert.equal(penOf([PICTURE]), PEN);
  for (const size of [0.1, 0.3, 0.9]) {
    const strokes = [[0.05, 0.05, 0.05, 0.05 + size]];
    assert.equal(penOf(strokes), layOutForServer(strokes).pen);
  }
});

test("a long number fits what the server takes", () => {
  const digits = Array.from({ length: 40 }, (_, i) => [i / 40, 0.5, i / 40, 0.51]);
  const { width, height } = layOutForServer(digits);
  assert.ok(width <= 512 && height <= 512, `${width} x ${height}`);
});

test("a picture is sent pixel by pixel", () => {
  const { width, height, x, y, scale } = layOutForServer([PICTURE]);
  assert.deepEqual([width, height, x, y, scale], [36, 36, 4, 4, 28]);
});

test("a box of the sheet comes back to where its ink lies on the pad", () => {
  const { scale, x, y, toPad } = layOutForServer([[0.3, 0.2, 0.6, 0.8]]);
  const box = [x + 0.3 * scale, y + 0.2 * scale, 0.3 * scale, 0.6 * scale];
  const outset = 0.012;
  assertClose(toPad(box), [0.3 - outset, 0.2 - outset, 0.6 + outset, 0.8 + outset]);
});

test("ink beside the pad is cut off", () => {
  const { width, scale } = layOutForServer([[0.5, 0.5, 1.7, 0.5]]);
  assert.ok(width <= Math.ceil(0.5 * scale + (PEN / 2) * scale) + 8);
});

test("the newest digit holds most points of the last stroke", () => {
  const boxes = [[0, 0, 0.4, 1], [0.6, 0, 1, 1]];
  assert.equal(newestDigit([[0.1, 0.5], [0.8, 0.5, 0.9, 0.5, 0.3, 0.5]], boxes), 1);
  assert.equal(newestDigit([[0.8, 0.5], [0.1, 0.5]], boxes), 0);
  assert.equal(newestDigit([[0.8, 0.5], PICTURE], boxes), 1);
  assert.equal(newestDigit([[0.1, 0.5]], []), -1);
});

test("the eraser changes no pen", () => {
  const [line, bar] = [[0.2, 0.3, 0.2, 0.8], [0.4, 0.5, 0.6, 0.5]];
  const left = erased(erased([line, bar], 0.2, 0.5, 0.04), 0.2, 0.6, 0.04);
  assert.ok(left.length > 3, "the line is in pieces");
  assert.equal(penOf(left), penOf([line, bar]));
  assert.equal(layOutForServer(left).pen, layOutForServer([line, bar]).pen);
});
