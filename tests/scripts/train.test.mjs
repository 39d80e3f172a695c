import assert from "node:assert/strict";
import { test } from "node:test";

import { describeTeaching } from "../../ui/draw/teach.js";
import { coloursOf } from "../../ui/train/kernels.js";
import { describeComparison, mostConfused } from "../../ui/train/outcome.js";
import { HEIGHT, heightOf, latestOf, pathOf, SCALES, WIDTH } from "../../ui/train/scales.js";
import { csvOfCurve } from "../../ui/train/export.js";
import { describeWatched } from "../../ui/train/watched.js";
import { progressOf } from "../../ui/train/progress.js";
import { buttonsOf, describeDetails, describePhase, duration } from "../../ui/train/wording.js";

const STATUS = { phase: "idle", active: false, position: 0, resumable: false, result: false, message: "", now: null };
const MINE = { own: false, reads_digits: true, is_tested: false };
const PROGRESS = { epoch: 1, epochs: 3, step: 2, steps_per_epoch: 10 };
const NOW = { ...PROGRESS, images_per_second: 1234.5, seconds: 5, seconds_left: 100 };

test("the loss falls to the lower end of its scale, and the accuracy rises to the upper end", () => {
  const { loss, accuracy } = SCALES;
  assert.equal(heightOf(loss, loss.max), 0);
  assert.equal(heightOf(loss, loss.min), HEIGHT);
  assert.equal(heightOf(accuracy, accuracy.max), HEIGHT);
  assert.equal(heightOf(accuracy, accuracy.min), 0);
  assert.equal(heightOf(loss, 0), HEIGHT); // beyond the scale
  assert.equal(heightOf(loss, 99), 0);
});

test("every tenth of the loss is the same way down", () => {
  const [one, tenth, hundredth] = SCALES.loss.ticks.map((tick) => heightOf(SCALES.loss, tick));
  assert.ok(Math.abs(tenth - one - (hundredth - tenth)) < 1e-9);
});

test("the ticks are named as the visitor reads them", () => {
  assert.deepEqual(SCALES.loss.ticks.map(SCALES.loss.nameOf), ["1", "0.1", "0.01"]);
  assert.deepEqual(SCALES.accuracy.ticks.map(SCALES.accuracy.nameOf), ["0%", "90%", "99%", "99.9%"]);
});

test("a curve spans the epochs, and a validation is drawn where it changes", () => {
  const curve = [
    { epoch: 0, loss: 3, accuracy: 0, validation_loss: null, validation_accuracy: null },
    { epoch: 1, loss: 0.3, accuracy: 0.9, validation_loss: 0.2, validation_accuracy: 0.95 },
    { epoch: 2, loss: 0.01, accuracy: 0.99, validation_loss: 0.2, validation_accuracy: 0.95 },
  ];
  const middle = heightOf(SCALES.loss, 0.3).toFixed(1);
  const path = `M0.0 0.0L${WIDTH / 2}.0 ${middle}L${WIDTH}.0 ${HEIGHT}.0`;
  assert.equal(pathOf(SCALES.loss, curve, SCALES.loss.training, 2), path);
  assert.match(pathOf(SCALES.loss, curve, SCALES.loss.validation, 2), /^M[\d.]+ [\d.]+m-3 0h6$/); // one point is a dash
  assert.equal(pathOf(SCALES.loss, [], SCALES.loss.training, 2), "");
  assert.equal(latestOf(SCALES.loss, curve), "0.20");
  assert.equal(latestOf(SCALES.accuracy, curve), "95.00%");
  assert.equal(latestOf(SCALES.loss, curve.slice(0, 1)), "");
});

test("a kernel's colours say sign and size", () => {
  const [positive, negative, zero] = [[58, 104, 232, 255], [232, 128, 32, 128], [232, 128, 32, 0]];
  assert.deepEqual([...coloursOf(Float32Array.of(1, -0.25, 0), 1)], [...positive, ...negative, ...zero]);
});

test("the largest confusion is off the diagonal", () => {
  assert.equal(mostConfused([[90, 2], [5, 80]]), 5);
  assert.equal(mostConfused([[90, 0], [0, 80]]), 1);
});

test("two models are compared in one sentence", () => {
  const [after, before] = [{ accuracy: 0.98765, wrong: 1235 }, { accuracy: 0.5 }];
  assert.equal(
    describeComparison({ images: 10_000, after, before, newly_right: 4000, newly_wrong: 1 }),
    "1,235 of 10,000 are wrong. The network before it reads 50% correctly: " +
      "4,000 pictures are newly right, 1 newly wrong.",
  );
});

test("each phase is said in words", () => {
  assert.match(describePhase(STATUS), /press Start/);
  assert.equal(describePhase({ ...STATUS, phase: "waiting", position: 2 }), "Waiting: number 2 in the queue");
  assert.equal(describePhase({ ...STATUS, phase: "training", now: NOW }), "Epoch 1 of 3, step 2 of 10");
  const comparison = { after: { accuracy: 0.9876 } };
  const done = { ...STATUS, phase: "done", comparison };
  assert.match(describePhase({ ...done, now: { ...NOW, done: 1 } }), /^Done: 98.76% of the test pictures/);
  assert.match(describePhase({ ...done, now: { ...NOW, done: 0.4 } }), /^Stopped early: 98.76%/);
  assert.match(describePhase(done), /^Tested: 98.76%/); // it was uploaded
  assert.match(describePhase({ ...STATUS, phase: "done", comparison, lesson: {} }), /^Taught: 98.76%/);
});

test("the line under it says how fast it is and how long it takes", () => {
  const details = (changes) => describeDetails({ ...STATUS, ...changes }, MINE);
  assert.equal(details({ phase: "training", now: NOW }), "1,235 pictures a second \u00b7 1 min 40 s left");
  assert.equal(details({ phase: "testing", now: NOW }), "1,235 pictures a second \u00b7 5 s of training");
  assert.equal(details({ phase: "failed", message: "It died." }), "It died.");
  assert.deepEqual([0.2, 89, 90, 3600].map(duration), ["1 s", "89 s", "1 min 30 s", "60 min 0 s"]);
});

/** Names of the buttons that can be seen, the main one in capitals. */
function seen(changes, mine = MINE) {
  const { main, ...buttons } = buttonsOf({ ...STATUS, ...changes }, mine);
  const names = Object.keys(buttons).filter((button) => buttons[button]);
  return names.map((button) => (button === main ? button.toUpperCase() : button));
}

test("every phase offers what can be done in it", () => {
  assert.deepEqual(seen({}), ["START"]);
  assert.deepEqual(seen({ phase: "waiting", active: true }), ["stop"]);
  assert.deepEqual(seen({ phase: "training", active: true }), ["pause", "stop"]);
  assert.deepEqual(seen({ phase: "paused", resumable: true }), ["RESUME", "stop"]);
  assert.deepEqual(seen({ phase: "done", result: true }), ["start", "after"]);
  assert.deepEqual(seen({ phase: "done" }, { ...MINE, is_tested: true }), ["start", "in-use"]);
  assert.equal(buttonsOf({ ...STATUS, phase: "done", result: true }, MINE).main, "use");
  assert.equal(buttonsOf({ ...STATUS, phase: "done" }, { ...MINE, is_tested: true }).main, "try");
});

test("a network that has learned nothing is not offered for use, and it is said what to do", () => {
  const comparison = { dataset: "mnist", after: { accuracy: 0.1135 } };
  const failed = { ...STATUS, phase: "done", result: true, comparison, now: NOW };
  const tooFast = { ...failed, settings: { learning_rate: 1 } };
  assert.equal(buttonsOf(tooFast, MINE).main, "start");
  assert.ok(buttonsOf(tooFast, MINE).after); // it can still be used
  assert.match(describeDetails(tooFast, MINE), /A learning rate of 1 is too large/);
  const useless = { ...tooFast, phase: "failed", message: "It has learned nothing." };
  assert.match(describeDetails(useless, MINE), /^It has learned nothing. A learning rate of 1 is too large/);
  const slow = { ...failed, settings: { learning_rate: 0.001 } };
  assert.match(describeDetails(slow, MINE), /learned very little. Give it more pictures or more epochs/);
  assert.equal(buttonsOf({ ...failed, comparison: { dataset: "mnist", after: { accuracy: 0.9 } } }, MINE).main, "use");
});

test("what an uploaded file that holds an unfinished training can do is said", () => {
  const good = { dataset: "mnist", after: { accuracy: 0.9 } };
  const uploaded = { ...STATUS, phase: "done", resumable: true, comparison: good };
  assert.match(describeDetails(uploaded, MINE), /^The file holds a training that is not finished: Resume/);
});

test("teaching is reported from the queue to the comparison", () => {
  const readings = (...digits) => digits.map((digit) => ({ digit }));
  const lesson = { before: readings(1, 7), after: readings(7, 7) };
  assert.match(describeTeaching(null, []), /^Examples of your handwriting/);
  assert.match(describeTeaching({ phase: "waiting", position: 3 }, []), /number 3/);
  assert.match(describeTeaching({ phase: "training" }, []), /once the training has ended/);
  assert.match(describeTeaching({ phase: "testing", lesson }, [7, 7]), /^Done: .* 2 of your 2 .*, 1 before. Checking/);
  assert.match(describeTeaching({ phase: "done", lesson }, [7, 3]), / 1 of your 2 .*, 0 before. The others/);
  assert.match(describeTeaching({ phase: "done", lesson }, [1, 1]), /^Nothing was learned/);
  const comparison = { after: { accuracy: 0.99 }, before: { accuracy: 0.9912 } };
  assert.match(describeTeaching({ phase: "done", lesson, comparison }, [7, 7]), /99.00%, before 99.12%/);
});

test("progress is said in a word, and nothing where there is nothing to say", () => {
  assert.equal(progressOf(STATUS), "");
  assert.equal(progressOf({ ...STATUS, phase: "training", now: { ...NOW, done: 0.434 } }), "43%");
  assert.equal(progressOf({ ...STATUS, phase: "done", result: true }), "done");
  assert.equal(progressOf({ ...STATUS, phase: "done" }), ""); // it is in use
  assert.equal(progressOf({ ...STATUS, phase: "paused" }), "paused");
});

test("a curve is a line a point in a CSV file, with nothing where nothing was measured", () => {
  const point = { epoch: 0.5, loss: 2, accuracy: 0.3, validation_loss: null, validation_accuracy: null };
  const later = { ...point, epoch: 1, validation_loss: 1.5, validation_accuracy: 0.6 };
  const [head, ...lines] = csvOfCurve([point, later]).trimEnd().split("\n");
  assert.equal(head, "epoch,training loss,validation loss,training accuracy,validation accuracy");
  assert.deepEqual(lines, ["0.5,2,,0.3,", "1,2,1.5,0.3,0.6"]);
});

test("of the pictures that are watched, those in the column of their digit are right", () => {
  const right = Array.from({ length: 40 }, (_, i) => i % 10);
  assert.equal(describeWatched(right), "40 of these 40 are read correctly.");
  assert.equal(describeWatched(right.with(13, 8)), "39 of these 40 are read correctly.");
  assert.equal(describeWatched(null), "");
});
