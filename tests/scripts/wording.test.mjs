import assert from "node:assert/strict";
import { test } from "node:test";

import { moved } from "../../ui/draw/keyboard.js";
import { decodeBytes } from "../../ui/shared/base64.js";
import {
  certainty,
  exactPercent,
  isDoubtful,
  percentsOf,
  percentText,
  secondThought,
  shortCertainty,
  textOf,
} from "../../ui/shared/wording.js";

/** A digit with these shares of the eleven, by index. */
const digitOf = (digit, shares) => ({ digit, shares: Object.assign(Array(11).fill(0), shares) });

test("a non-digit is a question mark, and doubtful however sure it is", () => {
  assert.equal(textOf({ digit: 0 }), "0");
  assert.equal(textOf({ digit: null }), "?");
  assert.deepEqual([0.89, 0.9].map((share) => isDoubtful(digitOf(7, { 7: share }))), [true, false]);
  assert.equal(isDoubtful(digitOf(null, { 10: 1 })), true);
});

test("the bars' percentages always add up to 100", () => {
  for (const shares of [[0.9949, 0.003, 0.0021], [1 / 3, 1 / 3, 1 / 3], [0.9999, 0.0001], Array(11).fill(1 / 11)]) {
    assert.equal(percentsOf(shares).reduce((a, b) => a + b), 100, `${shares}`);
  }
  assert.deepEqual(percentsOf([0.124, 0.876]), [12, 88]);
  assert.deepEqual(percentsOf([0.6667, 0.3333]), [67, 33]);
});

test("words and bar agree, and nothing is ever quite sure", () => {
  for (const share of [0.5, 0.9949, 0.9951, 0.99951, 1]) {
    const read = digitOf(7, { 7: share, 1: 0.6 * (1 - share), 10: 0.4 * (1 - share) });
    const percent = percentsOf(read.shares)[7];
    const isCertain = percent === 100;
    assert.equal(percentText(percent), isCertain ? ">99%" : `${percent}%`);
    assert.equal(certainty(read), isCertain ? "Over 99% sure" : `${percent}% sure`);
    assert.equal(shortCertainty(read), percentText(percent));
  }
  assert.equal(certainty(digitOf(null, { 10: 0.8, 4: 0.2 })), "Not a digit");
  assert.equal(shortCertainty(digitOf(null, { 10: 1 })), "not a digit");
  assert.deepEqual([0.5, 0.8999, 0.9, 0.99665].map(exactPercent), ["50%", "90%", "90.00%", "99.67%"]);
});

test("a second thought is said where it is likely enough", () => {
  assert.equal(secondThought(digitOf(7, { 7: 0.85, 1: 0.15 })), "Or it could be a 1.");
  assert.equal(secondThought(digitOf(7, { 7: 0.85, 8: 0.15 })), "Or it could be an 8.");
  assert.equal(secondThought(digitOf(7, { 7: 0.95, 1: 0.05 })), "");
  assert.equal(secondThought(digitOf(7, { 7: 0.6, 10: 0.4 })), "Or it could be no digit at all.");
  assert.equal(secondThought(digitOf(null, { 10: 0.9, 4: 0.1 })), "It looks most like a 4.");
});

test("base64 becomes bytes", () => {
  assert.deepEqual([...decodeBytes("AAH/")], [0, 1, 255]);
});

test("the keyboard's cursor moves by all arrows that are held, and stays on the pad", () => {
  assert.deepEqual(moved([0.5, 0.5], ["ArrowLeft"], 0.25), [0.25, 0.5]);
  assert.deepEqual(moved([0.5, 0.5], ["ArrowRight", "ArrowDown"], 0.25), [0.75, 0.75]);
  assert.deepEqual(moved([0.9, 0.1], ["ArrowRight", "ArrowUp"], 0.25), [1, 0]);
});
