import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { applyStatus, belongings, BEST, chooseNetwork, OWN, sessionState } from "../../ui/shared/session.js";
import { newClock, settle } from "./clock.mjs";

const NOTHING = { own: false, examples: [], can_undo: false, weights: BEST };
const EXAMPLE = { picture: "", label: 7 };
let events = [];
const record = ({ type }) => events.push(type);
for (const event of ["status", "model", "network", "lost"]) sessionState.addEventListener(event, record);

/** A server whose `watch` is answered by hand. */
function newWatch() {
  const calls = [];
  const watch = (version) => new Promise((resolve, reject) => calls.push({ version, answer: resolve, fail: reject }));
  return { watch, calls };
}

const status = (changes) => ({ version: 0, session: "a", active: false, mine: NOTHING, ...changes });

beforeEach(async () => {
  applyStatus(status(), newWatch().watch); // ends the polling of the test before
  await settle();
  chooseNetwork(BEST);
  events = [];
});

test("an answer without a status changes nothing", () => {
  const before = sessionState.status;
  applyStatus({ file: "..." }, newWatch().watch);
  assert.equal(sessionState.status, before);
  assert.deepEqual(events, []);
});

test("a network of the visitor's own reads at once, and the best one again when it is gone", () => {
  const { watch } = newWatch();
  applyStatus(status({ mine: { ...NOTHING, own: true, reads_digits: true, weights: "mine" } }), watch);
  assert.equal(sessionState.network, OWN);
  assert.deepEqual(events, ["status", "model"]);
  applyStatus(status(), watch);
  assert.equal(sessionState.network, BEST);
});

test("a network that was chosen stays chosen while the visitor's own does not change", () => {
  const { watch } = newWatch();
  const mine = { ...NOTHING, own: true, reads_digits: true, weights: "mine" };
  applyStatus(status({ mine }), watch);
  chooseNetwork("seed");
  applyStatus(status({ mine: { ...mine } }), watch);
  assert.equal(sessionState.network, "seed");
});

test("what belongs to the visitor stays known where an answer leaves it out", () => {
  const { watch } = newWatch();
  applyStatus(status({ mine: { ...NOTHING, examples: [EXAMPLE] } }), watch);
  applyStatus({ version: 0, session: "a", active: true }, watch);
  assert.deepEqual(belongings(), ["your training", "your examples"]);
});

test("a version that is not 0 is polled, once for all tabs, until there is nothing more", async () => {
  const { watch, calls } = newWatch();
  applyStatus(status({ version: 1 }), watch);
  applyStatus(status({ version: 2 }), newWatch().watch); // from another tab
  assert.deepEqual(calls.map(({ version }) => version), [1]);
  calls[0].answer(status({ version: 1 })); // overtaken
  await settle();
  assert.deepEqual(calls.map(({ version }) => version), [1, 2]);
  assert.equal(sessionState.status.version, 2);
  calls[1].answer(status({ version: 3 }));
  await settle();
  assert.equal(sessionState.status.version, 3);
  calls[2].answer(status({ version: 0 }));
  await settle();
  assert.equal(calls.length, 3);
});

test("a server that does not answer is asked again after two seconds", async () => {
  const clock = newClock();
  const { watch, calls } = newWatch();
  applyStatus(status({ version: 1 }), watch);
  calls[0].fail(new Error("offline"));
  await clock.pass(1999);
  assert.equal(calls.length, 1);
  await clock.pass(1);
  assert.equal(calls.length, 2);
  calls[1].answer(status({ version: 0 }));
  await settle();
});

test("another session says what was lost, and keeps the examples to be sent again", () => {
  const { watch } = newWatch();
  const mine = { ...NOTHING, own: true, reads_digits: true, weights: "mine", examples: [EXAMPLE] };
  applyStatus(status({ result: true, mine }), watch);
  events = [];
  applyStatus(status({ session: "b" }), watch);
  assert.deepEqual(events, ["lost", "status", "model"]);
  assert.match(sessionState.lostSentence, /your own network and your training could not be kept/);
  assert.deepEqual(sessionState.lostExamples, [EXAMPLE]);
});

test("another session is no loss to who had nothing but examples", () => {
  const { watch } = newWatch();
  applyStatus(status({ session: "b", mine: { ...NOTHING, examples: [EXAMPLE] } }), watch);
  applyStatus(status({ session: "c" }), watch);
  assert.equal(sessionState.lostSentence, "");
  assert.deepEqual(sessionState.lostExamples, [EXAMPLE]);
});
