import assert from "node:assert/strict";
import { test } from "node:test";

import { encodeBytes } from "../../ui/shared/base64.js";
import { describeOther } from "../../ui/shared/no_digits.js";
import { coloursOfRgb } from "../../ui/train/kernels.js";
import { describeComparison } from "../../ui/train/outcome.js";
import { splitPictures } from "../../ui/train/samples.js";
import { describeGuess } from "../../ui/train/trying.js";
import { buttonsOf, describeDetails, describeModel, hasNotLearned } from "../../ui/train/wording.js";

const CLASSES = ["Coat", "Dress", "Bag"];
const IN_USE = { own: true, reads_digits: false, is_tested: true, dataset: "fashion-mnist" };
const DONE = { phase: "done", message: "", result: false, resumable: false, active: false, now: null };

test("what a picture is taken for is said by its name, and what else it could be", () => {
  const guess = { name: "Dress", sure: "70% sure", second: "Or it could be: Coat." };
  assert.deepEqual(describeGuess([0.25, 0.7, 0.05], CLASSES), guess);
  assert.deepEqual(describeGuess([0, 0, 1], CLASSES), { name: "Bag", sure: ">99% sure", second: "" });
});

test("pictures that come together are told apart by their shape", () => {
  const bytes = Uint8Array.from({ length: 24 }, (_, i) => i);
  const pictures = splitPictures(encodeBytes(bytes), [2, 2, 3]);
  assert.deepEqual(pictures, [encodeBytes(bytes.subarray(0, 12)), encodeBytes(bytes.subarray(12))]);
  assert.deepEqual(splitPictures("", [2, 2, 3]), []);
});

test("a kernel of colours is grey where it does not care", () => {
  assert.deepEqual([...coloursOfRgb(Float32Array.of(0, 0, 0, 1, -1, 0), 1)], [128, 128, 128, 255, 255, 1, 128, 255]);
});

test("a network for other pictures is compared with none that reads digits", () => {
  const after = { wrong: 1234, accuracy: 0.8766 };
  assert.equal(describeComparison({ images: 10000, after, before: null }), "1,234 of 10,000 are wrong.");
});

test("the network in use says that it does not read digits, and nobody is led to draw with it", () => {
  const status = { ...DONE, comparison: { dataset: "fashion-mnist", after: { accuracy: 0.9 } } };
  assert.match(describeDetails(status, IN_USE), /does not read digits/);
  assert.match(describeModel(IN_USE), /does not read digits/);
  assert.equal(buttonsOf(status, IN_USE)["in-use"], false);
  assert.equal(buttonsOf(status, IN_USE).main, "start");
  assert.match(describeOther(IN_USE), /^Your network in use knows Fashion-MNIST and does not read digits/);
  for (const mine of [{ own: false, reads_digits: true }, { own: true, reads_digits: true }]) {
    assert.equal(describeOther(mine), "");
  }
});

test("of pictures that are harder than digits, less is called learned", () => {
  const of = (dataset, accuracy) => hasNotLearned({ phase: "done", comparison: { dataset, after: { accuracy } } });
  assert.deepEqual([of("mnist", 0.4), of("cifar10", 0.4), of("cifar10", 0.2)], [true, false, true]);
});
