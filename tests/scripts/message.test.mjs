import assert from "node:assert/strict";
import { test } from "node:test";

import { packDrawing, packPixels, packStrokes, unpackAnswer } from "../../ui/draw/message.js";

// Of the same drawing and answers as in tests/test_drawing_message.py.
const DRAWING =
  "020100000146000300070004120073656564" + "3800" + "020058001800980018000100f0ff0800" + "c00a41813c7f4511c8";
const READING =
  "02010000000c0001020002002d372d010005000600070008000080370100" +
  "010002002c0104000000004000000000000000000000ffbf000000003333";
const BUSY = "03000000020500427573792e";

const bytesOf = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));

test("a drawing is packed as the server unpacks it", () => {
  const [width, height] = [70, 3];
  const greys = new Uint8Array(width * height).fill(255);
  greys.set([0, 0, 17, 200], width + 5);
  greys.fill(0, 2 * width);
  const rgba = Uint8ClampedArray.from([...greys].flatMap((grey) => [grey, grey, grey, 255]));
  const strokes = packStrokes([[5.5, 1.5, 6.5, 1.5, 9.5, 1.5], [-1, 0.5]], 3.5); // the middle point is near the first
  const bytes = packDrawing(258, { width, height, ...packPixels(rgba), strokes }, true, "seed");
  assert.deepEqual(bytes, bytesOf(DRAWING));
});

test("no strokes are sent of a single one, of very many, or of very long ones", () => {
  const long = Array.from({ length: 9000 }, (_, i) => 4 * (i % 100));
  for (const strokes of [[], [[1, 2, 3, 4]], Array(61).fill([1, 2]), [long, long]]) {
    assert.equal(packStrokes(strokes, 3).length, 0);
  }
  assert.equal(packStrokes(Array(60).fill([1, 2]), 3).length, 2 + 60 * 6);
});

test("long runs take few bytes", () => {
  const white = new Uint8ClampedArray(4 * 64 * 65).fill(255);
  assert.deepEqual(packPixels(white), { runs: [0xff, 0xc0], greys: [] });
  const grey = new Uint8ClampedArray(4 * 65).fill(9);
  assert.deepEqual(packPixels(grey).runs, [0xbf, 0x80]);
});

test("a reading is unpacked", () => {
  const bytes = new Uint8Array(bytesOf(READING).length + 784 + 3);
  bytes.set(bytesOf(READING));
  bytes.set(new TextEncoder().encode("Hm."), bytes.length - 3);
  bytes[bytesOf(READING).length] = 9;
  const { digits: [digit], symbols, ...answer } = unpackAnswer(bytes.buffer);
  assert.deepEqual(answer, { number: 258, took: 12, text: "-7", message: "Hm.", isProvisional: true });
  assert.deepEqual(symbols.map(({ symbol, line, box }) => [symbol, line, box]), [
    ["-", 1, [5, 6, 7, 8]],
    ["7", 1, [1, 2, 300, 4]],
  ]);
  assert.ok(Math.abs(symbols[0].confidence - 0.5) < 1e-4);
  assert.deepEqual([digit.digit, digit.line, digit.box], [7, 1, [1, 2, 300, 4]]);
  assert.ok(Math.abs(digit.probs[7] - 0.75) < 1e-4);
  assert.ok(Math.abs(digit.shares[7] - 0.6) < 1e-4);
  assert.ok(Math.abs(digit.shares[10] - 0.2) < 1e-4);
  assert.equal(digit.shares.length, 11);
  assert.equal(atob(digit.picture).length, 28 * 28);
  assert.equal(atob(digit.picture).charCodeAt(0), 9);
});

test("where there is no reading there is a sentence", () => {
  assert.deepEqual(unpackAnswer(bytesOf(BUSY).buffer), { number: 3, took: 5, busy: "Busy." });
});
