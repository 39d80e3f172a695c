import assert from "node:assert/strict";
import { test } from "node:test";

import { moved } from "../../ui/draw/keyboard.js";
import { decodeBytes } from "../../ui/shared/base64.js";
import {
  certainty,
  exactPercent,
  isDoubtful,
  secondThought,
  shortCertainty,
  textOf,
} from "../../ui/shared/wording.js";

test("a non-digit is a question mark, and doubtful however sure it is", () => {
  assert.equal(textOf({ digit: 0 }), "0");
  assert.equal(textOf({ digit: null }), "?");
  assert.deepEqual([0.89, 0.9].map((confidence) => isDoubtful({ digit: 7, confidence })), [true, false]);
  assert.equal(isDoubtful({ digit: null, confidence: 1 }), true);
});

test("nothing is ever quite sure", () => {
  assert.deepEqual([0.5, 0.994, 0.995, 1].map(certainty), ["50% sure", "99% sure", "Over 99% sure", "Over 99% sure"]);
  assert.deepEqual(
    [{ digit: 7, confidence: 1 }, { digit: 7, confidence: 0.5 }, { digit: null, confidence: 1 }].map(shortCertainty),
    ["> 99%", "50%", "no digit"],
  );
  assert.deepEqual([0.5, 0.8999, 0.9, 0.99665].map(exactPercent), ["50%", "90%", "90.00%", "99.67%"]);
});

test("a second thought is said where it is likely enough", () => {
  const probsOf = (shares) => Object.assign(Array(10).fill(0), shares);
  assert.equal(secondThought({ digit: 7, probs: probsOf({ 7: 0.85, 1: 0.15 }) }), "Or it could be a 1.");
  assert.equal(secondThought({ digit: 7, probs: probsOf({ 7: 0.85, 8: 0.15 }) }), "Or it could be an 8.");
  assert.equal(secondThought({ digit: 7, probs: probsOf({ 7: 0.95, 1: 0.05 }) }), "");
  assert.match(secondThought({ digit: null, probs: probsOf({}) }), /comes nearest/);
});

test("base64 becomes bytes", () => {
  assert.deepEqual([...decodeBytes("AAH/")], [0, 1, 255]);
});

test("the keyboard's cursor moves by all arrows that are held, and stays on the pad", () => {
  assert.deepEqual(moved([0.5, 0.5], ["ArrowLeft"], 0.25), [0.25, 0.5]);
  assert.deepEqual(moved([0.5, 0.5], ["ArrowRight", "ArrowDown"], 0.25), [0.75, 0.75]);
  assert.deepEqual(moved([0.9, 0.1], ["ArrowRight", "ArrowUp"], 0.25), [1, 0]);
});
