import assert from "node:assert/strict";
import { test } from "node:test";

import { needsOf } from "../../ui/signs/cards.js";
import { Pictures } from "../../ui/signs/pictures.js";
import {
  adviceOn,
  canLearn,
  confusionRows,
  describeTask,
  listed,
  misread,
  nextSign,
  sizeOfName,
  verdictOf,
} from "../../ui/signs/wording.js";

const LIMITS = { least: 5, least_signs: 2 };
const sign = (id, name, count) => ({ id, name, examples: Array.from({ length: count }, (_, i) => 100 * id + i) });
const MINE = { signs: [sign(1, "heart", 5), sign(2, "star", 5)], is_learning: false, trouble: "", learned: null };
/** What was learned, from the answers to the examples of each sign. */
const learned = (names, ...answers) => ({
  names,
  is_current: true,
  examples: answers.flatMap((row, k) => row.map((answer, i) => [10 * k + i, k, answer])),
});

test("what is missing is named until every sign has enough, and then learning is offered", () => {
  const task = (...signs) => describeTask({ ...MINE, signs }, null, LIMITS);
  assert.equal(task(), "Add two signs or more, below.");
  assert.equal(task(sign(1, "heart", 9)), "Add another sign, to tell this one from.");
  const some = [sign(1, "heart", 0), sign(2, "star", 4)];
  assert.equal(task(...some), "Draw \u201cheart\u201d 5 times and \u201cstar\u201d 1 more time.");
  assert.equal(nextSign({ signs: some }, 5).name, "heart");
  assert.equal(canLearn({ signs: some }, LIMITS), false);
  assert.equal(task(...MINE.signs), "Ready: press Learn my signs.");
  assert.equal(canLearn(MINE, LIMITS), true);
  assert.equal(canLearn({ signs: [sign(1, "heart", 9)] }, LIMITS), false);
  assert.equal(nextSign(MINE, 5), null);
});

test("twelve signs are not all named in one sentence", () => {
  assert.equal(listed(["a", "b", "c", "d"]), "a, b, c and d");
  assert.equal(listed(["a", "b", "c", "d", "e"]), "a, b, c and 2 others");
  assert.deepEqual([[], ["a"], ["a", "b"]].map(listed), ["", "a", "a and b"]);
});

test("it is said how learning goes, what came of it, and that it is out of date", () => {
  const task = (changes, status = null) => describeTask({ ...MINE, ...changes }, status, LIMITS);
  assert.match(task({ is_learning: true }, { phase: "learning", position: 0 }), /few seconds/);
  assert.equal(task({ is_learning: true }, { phase: "waiting", position: 3 }), "Waiting: number 3 in the queue.");
  assert.equal(task({ trouble: "The disk is full." }), "The disk is full.");
  assert.match(task({ learned: learned(["a", "b"], [0, 0], [1, 2]) }), /it read 3 of 4 right/);
  assert.match(task({ learned: learned(["a", "b"], [0, 0], [1, 1]) }), /it read all 4 right/);
  assert.match(task({ learned: { ...learned(["a", "b"], [0], [1]), is_current: false } }), /changed something/);
});

test("confusions are counted by name, most often first, and none are made up", () => {
  const found = learned(["a", "b"], [0, 1, 1, 0], [2, 1]);
  assert.deepEqual(confusionRows(found), [["a", "b", "2 of 4"], ["b", "anything else", "1 of 2"]]);
  assert.deepEqual([...misread(found)], [[1, "b"], [2, "b"], [10, "anything else"]]);
  assert.deepEqual(confusionRows(learned(["a", "b"], [0], [1])), []);
});

test("two signs that look alike are named, and one that is taken for none; a single slip is not", () => {
  const advice = (...answers) => adviceOn(learned(["love", "heart"], ...answers));
  assert.match(advice([0, 0, 1, 1, 0], [1, 0, 1, 1, 1]), /^“love” and “heart” look alike/);
  assert.match(advice([2, 2, 0, 0, 0], [1, 1, 1, 1, 1]), /^“love” was taken 2 times for none of your signs/);
  assert.equal(advice([0, 0, 1, 0, 0], [1, 1, 1, 1, 1]), "");
  assert.equal(advice([0, 0, 0, 0, 0], [1, 1, 1, 1, 1]), "");
});

test("a reading is put into words, with the second thought where it is likely enough", () => {
  const names = ["heart", "star"];
  const sure = verdictOf({ names, shares: [0.999, 0.001, 0] });
  assert.deepEqual(sure, { best: 0, answer: "heart", sure: "Over 99% sure", doubt: "" });
  assert.equal(verdictOf({ names, shares: [0.2, 0.7, 0.1] }).doubt, "Or it could be “heart”.");
  assert.equal(verdictOf({ names, shares: [0.1, 0.6, 0.3] }).doubt, "Or it could be none of your signs.");
  const none = verdictOf({ names, shares: [0.3, 0.1, 0.6] });
  assert.deepEqual([none.best, none.answer, none.sure], [2, "?", "None of your signs"]);
  assert.equal(none.doubt, "It looks most like “heart”.");
});

test("a name stands as large as it fits, an emoji of several characters as one letter", () => {
  assert.deepEqual(["\u2665", "\u{1F469}\u200D\u{1F680}", "rune", "x".repeat(40)].map(sizeOfName), [
    "short",
    "short",
    "long",
    "longer",
  ]);
});

test("a card says how many drawings it needs", () => {
  assert.deepEqual([0, 3, 5, 9].map((count) => needsOf(count, 5)), [
    "5 drawings needed",
    "3 of 5: 2 more",
    "5 drawings",
    "9 drawings",
  ]);
});

test("only pictures that are not known are asked for, and those of another session are forgotten", async () => {
  const asked = [];
  let arrivals = 0;
  const ask = async (ids) => (asked.push(ids), { pictures: ids.map((id) => [id, `picture ${id}`]) });
  const pictures = new Pictures(ask, () => (arrivals += 1));
  await pictures.want("a", [1, 2]);
  await pictures.want("a", [2, 3]);
  assert.deepEqual(asked, [[1, 2], [3]]);
  assert.deepEqual([...pictures.known.keys()], [2, 3]);
  await pictures.want("b", [2]);
  assert.deepEqual(asked.at(-1), [2]);
  assert.equal(arrivals, 3);
});

test("pictures that are nowhere any more are not asked for without end", async () => {
  let calls = 0;
  const pictures = new Pictures(async () => ((calls += 1), { pictures: [] }), () => {});
  await pictures.want("a", [1]);
  assert.equal(calls, 1);
  pictures.ask = async () => Promise.reject(new Error("offline"));
  await pictures.want("a", [1]);
  assert.equal(pictures.known.size, 0);
});
