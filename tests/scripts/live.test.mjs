import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { gapAfter, LiveReader, retryDelay } from "../../ui/draw/live.js";
import { newClock } from "./clock.mjs";

let clock;
let requests; // each {image, answer(value), fail()}
let log; // of what the reader reports
let ink;

beforeEach(() => {
  clock = newClock();
  [requests, log, ink] = [[], [], "ink"];
});

function newReader(options = {}) {
  return new LiveReader({
    render: () => ink && { image: ink, toPad: `pad of ${ink}` },
    read: (image) => new Promise((resolve, reject) => requests.push({ image, answer: resolve, fail: reject })),
    onSend: () => log.push("send"),
    onAnswer: (answer, toPad) => log.push(`answer ${answer.text}, ${toPad}`),
    onEmpty: () => log.push("empty"),
    onFailure: (reason) => log.push(`failure: ${reason}`),
    onRecovery: () => log.push("recovery"),
    now: clock.now,
    ...options,
  });
}

const pass = (milliseconds) => clock.pass(milliseconds);

test("the gap between requests grows with how long the server takes, within bounds", () => {
  assert.equal(gapAfter(0), 33);
  assert.equal(gapAfter(40), 33);
  assert.equal(gapAfter(40, 25), 25);
  assert.equal(gapAfter(50), 120);
  assert.equal(gapAfter(60_000), 2000);
});

test("tries come ever later, up to four seconds apart", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 99].map(retryDelay), [500, 1000, 2000, 4000, 4000, 4000]);
});

test("the first ink is sent at once, the next with the gap, and only the newest of it", async () => {
  const reader = newReader();
  reader.request();
  for (const step of ["a", "b", "c"]) {
    ink = step;
    reader.request();
  }
  assert.deepEqual(requests.map(({ image }) => image), ["ink"]);
  await pass(33);
  assert.deepEqual(requests.map(({ image }) => image), ["ink", "c"]);
});

test("at most three requests are under way, and the next goes when one is answered", async () => {
  const reader = newReader();
  for (let i = 0; i < 6; i++) {
    reader.request();
    await pass(40);
  }
  assert.equal(requests.length, 3);
  requests[0].answer({ text: "1" });
  await pass();
  assert.equal(requests.length, 4);
});

test("an answer that is older than the one on the screen is not shown", async () => {
  const reader = newReader();
  reader.request();
  await pass(40);
  reader.request();
  requests[1].answer({ text: "new" });
  await pass();
  requests[0].answer({ text: "old" });
  await pass();
  assert.ok(log.includes("answer new, pad of ink"));
  assert.ok(!log.some((line) => line.startsWith("answer old")));
  assert.equal(reader.isUpToDate, true);
});

test("answers about ink that is gone are not shown", async () => {
  const reader = newReader();
  reader.request();
  reader.forget();
  requests[0].answer({ text: "7" });
  await pass();
  assert.deepEqual(log, ["send", "recovery"]);
});

test("a drawing that a newer one overtook on the server is not shown", async () => {
  newReader().request();
  requests[0].answer({ superseded: true });
  await pass();
  assert.deepEqual(log, ["send", "recovery"]);
});

test("a drawing at rest that an older one overtook on its way is read again", async () => {
  newReader().request();
  requests[0].answer({ superseded: true });
  await pass(40);
  assert.equal(requests.length, 2);
  requests[1].answer({ text: "7" });
  await pass(2000);
  assert.deepEqual([requests.length, log.at(-1)], [2, "answer 7, pad of ink"]);
});

test("no ink is not sent", () => {
  ink = null;
  newReader().request();
  assert.deepEqual(log, ["recovery", "empty"]);
  assert.equal(requests.length, 0);
});

test("a pen that is lifted does not wait for the gap", async () => {
  const reader = newReader();
  reader.request();
  requests[0].answer({ text: "7", took: 5000 });
  await pass(1);
  reader.request();
  assert.equal(requests.length, 1);
  reader.flush();
  assert.equal(requests.length, 2);
  reader.flush(); // there is nothing new
  assert.equal(requests.length, 2);
});

for (const [how, settle, reason] of [
  ["refused", (request) => request.answer(undefined), "undefined"],
  ["answered by a failure of the server", (request) => request.answer(null), "undefined"],
  ["cut off", (request) => request.fail(new Error("offline")), "undefined"],
  ["answered by a server that is busy", (request) => request.answer({ busy: "Very busy." }), "Very busy."],
]) {
  test(`a request that is ${how} is tried again until it succeeds`, async () => {
    const reader = newReader();
    reader.request();
    settle(requests[0]);
    await pass();
    assert.deepEqual(log, ["send", `failure: ${reason}`]);
    reader.request(); // the drawing goes on, and waits for the try
    await pass(499);
    assert.equal(requests.length, 1);
    await pass(1);
    assert.equal(requests.length, 2);
    settle(requests[1]);
    await pass(999);
    assert.equal(requests.length, 2);
    await pass(1);
    assert.equal(requests.length, 3);
    requests[2].answer({ text: "7" });
    await pass();
    assert.deepEqual(log.slice(-2), ["recovery", "answer 7, pad of ink"]);
  });
}

test("a request without an answer counts as lost after five seconds", async () => {
  newReader().request();
  await pass(4999);
  assert.deepEqual(log, ["send"]);
  await pass(1);
  assert.deepEqual(log, ["send", "failure: undefined"]);
});

test("a connection that is back is used at once", async () => {
  const reader = newReader();
  reader.retryNow(); // nothing failed
  assert.equal(requests.length, 0);
  reader.request();
  requests[0].answer(undefined);
  await pass();
  reader.retryNow();
  assert.equal(requests.length, 2);
});

test("what was read while the pen moved is read again once it rests, where there may be more to it", async () => {
  let isMoving = true;
  const reader = newReader({ isMoving: () => isMoving });
  reader.request();
  requests[0].answer({ text: "?", isProvisional: true });
  await pass(40);
  assert.equal(requests.length, 1);
  assert.equal(reader.isUpToDate, false); // there may be more to it
  isMoving = false;
  reader.flush();
  assert.equal(reader.isUpToDate, false);
  assert.equal(requests.length, 2);
  requests[1].answer({ text: "37" });
  await pass(100);
  reader.flush();
  assert.equal(requests.length, 2);
  assert.equal(reader.isUpToDate, true);
});

test("so it is where the answer comes after the pen was lifted, or there was no time for one", async () => {
  for (const early of [{ text: "?", isProvisional: true }, { superseded: true }]) {
    [requests, log] = [[], []];
    let isMoving = true;
    const reader = newReader({ isMoving: () => isMoving });
    reader.request();
    isMoving = false;
    reader.flush(); // nothing new
    assert.equal(requests.length, 1);
    requests[0].answer(early);
    await pass(40);
    assert.equal(requests.length, 2);
  }
});

test("a pen that stays down but does not move rests, too", async () => {
  let isMoving = true;
  const reader = newReader({ isMoving: () => isMoving });
  reader.request();
  requests[0].answer({ text: "?", isProvisional: true });
  await pass(399);
  isMoving = false;
  assert.equal(requests.length, 1);
  await pass(1);
  assert.equal(requests.length, 2);
  requests[1].answer({ text: "37" });
  await pass(2000);
  assert.equal(requests.length, 2);
});

test("what is whole already is not read again", async () => {
  let isMoving = true;
  const reader = newReader({ isMoving: () => isMoving });
  reader.request();
  requests[0].answer({ text: "7", isProvisional: false });
  await pass(40);
  isMoving = false;
  reader.flush();
  assert.equal(requests.length, 1);
});
