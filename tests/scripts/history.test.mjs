import assert from "node:assert/strict";
import { test } from "node:test";

import { HARD } from "../../ui/draw/hard.js";
import { DrawingHistory, parseStrokes, erased } from "../../ui/draw/history.js";

const LINE = [0.1, 0.1, 0.2, 0.2];
const DOT = [0.5, 0.5];

function drawn(...strokes) {
  const history = new DrawingHistory();
  for (const [x, y, ...rest] of strokes) {
    history.begin(x, y);
    for (let i = 0; i < rest.length; i += 2) history.extend(rest[i], rest[i + 1]);
    history.finish();
  }
  return history;
}

test("a stroke grows point by point, and tremors add none", () => {
  const history = new DrawingHistory();
  history.begin(0.1, 0.1);
  assert.equal(history.extend(0.1005, 0.1), false);
  assert.equal(history.extend(0.2, 0.2), true);
  assert.deepEqual(history.strokes, [LINE]);
  assert.deepEqual(history.finished, []);
  assert.equal(history.finish(), true);
  assert.deepEqual(history.finished, [LINE]);
  assert.equal(history.finish(), false);
});

test("undo and redo go through all strokes and back", () => {
  const history = drawn(LINE, DOT);
  assert.equal(history.undo(), true);
  assert.deepEqual(history.strokes, [LINE]);
  assert.equal(history.undo(), true);
  assert.equal(history.undo(), false);
  assert.equal(history.isEmpty, true);
  assert.equal(history.redo() && history.redo(), true);
  assert.equal(history.redo(), false);
  assert.deepEqual(history.strokes, [LINE, DOT]);
});

test("undo takes back the stroke under the pen first", () => {
  const history = drawn(LINE);
  history.begin(0.9, 0.9);
  assert.equal(history.undo(), true);
  assert.deepEqual(history.strokes, [LINE]);
});

test("a new stroke leaves nothing to redo", () => {
  const history = drawn(LINE, DOT);
  history.undo();
  history.begin(0.9, 0.9);
  history.finish();
  assert.equal(history.canRedo, false);
});

test("redo while the pen is down changes nothing", () => {
  const history = drawn(LINE, DOT);
  history.undo();
  history.begin(0.9, 0.9);
  assert.equal(history.redo(), false);
  assert.deepEqual(history.strokes, [LINE, [0.9, 0.9]]);
});

test("clear can be undone, and an empty pad cannot be cleared", () => {
  const history = drawn(LINE, DOT);
  assert.equal(history.clear(), true);
  assert.equal(history.clear(), false);
  history.undo();
  assert.deepEqual(history.strokes, [LINE, DOT]);
});

test("a picture takes the place of all strokes, and undo brings them back", () => {
  const history = drawn(LINE);
  history.begin(0.5, 0.5);
  history.replace(["picture"]);
  assert.deepEqual(history.strokes, ["picture"]);
  history.undo();
  assert.deepEqual(history.strokes, [LINE, DOT]);
});

test("strokes that were stored can be undone one by one", () => {
  const history = new DrawingHistory([LINE, DOT]);
  history.undo();
  assert.deepEqual(history.strokes, [LINE]);
  history.undo();
  assert.equal(history.canUndo, false);
});

test("what is stored is taken only where it is strokes", () => {
  const picture = btoa("\0".repeat(784));
  assert.deepEqual(parseStrokes(JSON.stringify([LINE, [0.1], ["a", 2], null, {}, picture, btoa("short")])), [
    LINE,
    picture,
  ]);
  for (const text of [null, "", "{", "7", '{"length": 2}', '["not base64!"]']) assert.deepEqual(parseStrokes(text), []);
});

test("the eraser cuts a stroke in two, and what it takes away while it is down is one change", () => {
  const history = new DrawingHistory([[0.1, 0.5, 0.9, 0.5], DOT]);
  const before = history.strokes;
  assert.equal(history.beginErasing(0.3, 0.2), false);
  assert.equal(history.eraseTo(0.3, 0.8), true);
  assert.equal(history.finish(), true);
  const [left, right, dot] = history.strokes;
  assert.ok(Math.max(...left.filter((_, i) => i % 2 === 0)) < 0.27, `${left}`);
  assert.ok(Math.min(...right.filter((_, i) => i % 2 === 0)) > 0.33, `${right}`);
  assert.deepEqual(dot, DOT);
  history.undo();
  assert.deepEqual(history.strokes, before);
});

test("an eraser that meets no ink changes nothing", () => {
  const history = new DrawingHistory([[0.1, 0.5, 0.9, 0.5]]);
  history.beginErasing(0.5, 0.1);
  assert.equal(history.finish(), false);
  assert.equal(erased(history.strokes, 0.5, 0.1, 0.04), history.strokes);
});

test("the eraser takes pixels from a picture", () => {
  const white = btoa("\xff".repeat(784));
  const [left] = erased([white], 0.5, 0.5, 0.1);
  const gone = [...atob(left)].filter((pixel) => pixel === "\0").length;
  assert.ok(gone > 10 && gone < 40, `${gone}`);
});

test("drawings to try are strokes on the pad, and each says what it is meant to be", () => {
  assert.ok(HARD.length >= 10);
  for (const { meant, strokes } of HARD) {
    assert.match(meant, /^an? /);
    assert.deepEqual(parseStrokes(JSON.stringify(strokes)), strokes);
    assert.ok(strokes.flat().every((share) => share > 0.05 && share < 0.95), meant);
    assert.ok(strokes.every((stroke) => stroke.length % 2 === 0), meant);
  }
});
