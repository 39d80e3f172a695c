import assert from "node:assert/strict";
import { test } from "node:test";

import {
  changeAt,
  describeNetwork,
  describePace,
  describeShape,
  insertAt,
  moveTo,
  newBlock,
  parseBlocks,
  removeAt,
  rowAt,
  shapeBefore,
} from "../../ui/train/blocks.js";

const [RELU, FLATTEN, NORM] = ["ReLU", "Flatten", "BatchNorm"].map((kind) => ({ kind }));
const BLOCK = { kind: "Residual", layers: [RELU, NORM] };
const LIST = [RELU, BLOCK, FLATTEN];

test("a layer is put, moved, changed and removed at the top and inside of a block, and the list itself stays", () => {
  const before = JSON.stringify(LIST);
  assert.deepEqual(insertAt(LIST, [1], NORM), [RELU, NORM, BLOCK, FLATTEN]);
  assert.deepEqual(insertAt(LIST, [1, 2], RELU)[1].layers, [RELU, NORM, RELU]);
  assert.deepEqual(moveTo(LIST, [2], 0), [FLATTEN, RELU, BLOCK]);
  assert.deepEqual(moveTo(LIST, [1, 1], 0)[1].layers, [NORM, RELU]);
  assert.deepEqual(removeAt(LIST, [0]), [BLOCK, FLATTEN]);
  assert.deepEqual(removeAt(LIST, [1, 0])[1].layers, [NORM]);
  assert.deepEqual(changeAt(LIST, [1, 0], "kind", "GELU")[1].layers[0], { kind: "GELU" });
  assert.equal(JSON.stringify(LIST), before);
});

test("beyond the ends of its list a layer does not move", () => {
  assert.equal(moveTo(LIST, [0], -1), LIST);
  assert.equal(moveTo(LIST, [1, 1], 2), LIST);
});

test("a new layer has what it usually has, and a residual block the channels that reach it", () => {
  const pool = { name: "MaxPool2D", fields: [{ name: "pool_size", default: 2 }, { name: "stride", default: 2 }] };
  assert.deepEqual(newBlock(pool, null), { kind: "MaxPool2D", pool_size: 2, stride: 2 });
  const channels = (shape) => newBlock({ name: "Residual", fields: [] }, shape).layers[0].out_channels;
  assert.deepEqual([channels([14, 14, 24]), channels(null), channels([784])], [24, 16, 16]);
});

test("the shape that reaches a layer is the one after the layer before, or the picture's", () => {
  const inner = [{ shape: [9, 9, 1], rows: [] }, { shape: null, rows: [] }];
  const rows = [{ shape: [8, 8, 1], rows: [] }, { shape: null, rows: inner }];
  assert.deepEqual(shapeBefore(rows, [0], [28, 28, 1]), [28, 28, 1]);
  assert.deepEqual(shapeBefore(rows, [1], [28, 28, 1]), [8, 8, 1]);
  assert.deepEqual(shapeBefore(rows, [1, 0], [28, 28, 1]), [8, 8, 1]);
  assert.deepEqual(shapeBefore(rows, [1, 1], [28, 28, 1]), [9, 9, 1]);
  assert.equal(shapeBefore(rows, [2], [28, 28, 1]), null);
  assert.equal(shapeBefore([], [3], [28, 28, 1]), null);
  assert.equal(rowAt(rows, [1, 1]), inner[1]);
  assert.equal(rowAt([], [1, 1]), undefined);
});

test("only a list of layers is taken from a link or from storage", () => {
  assert.deepEqual(parseBlocks(JSON.stringify(LIST)), LIST);
  const others = ["", "null", "{}", "[]", "[1]", '[{"kind":1}]', '[{"kind":"Residual","layers":[null]}]'];
  for (const text of [...others, '[{"kind":"Residual","layers":7}]', "[".repeat(9)]) {
    assert.equal(parseBlocks(text), null, text);
  }
});

test("what a network is and costs is said in a line, as roughly as it is known", () => {
  const rows = [{ rows: [] }, { rows: [{}, {}] }];
  const line = "4 layers \u00b7 1,234 parameters \u00b7 about 8 s an epoch";
  assert.equal(describeNetwork({ rows, parameters: 1234, seconds: 7.9 }), line);
  assert.equal(describePace(0.4), "less than a second an epoch");
  assert.equal(describePace(43), "about 45 s an epoch");
  assert.equal(describePace(200), "about 3 min an epoch");
  assert.equal(describeShape([14, 14, 1024]), "14 \u00d7 14 \u00d7 1,024");
  assert.equal(describeShape(null), "\u2013");
});
