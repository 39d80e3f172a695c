import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Road } from "../../ui/draw/road.js";
import { newClock } from "./clock.mjs";

const KEY = "k".repeat(43);
const PICTURE = { width: 1, height: 1, runs: [0], greys: [], strokes: [] };

let clock;
let sockets; // each a FakeSocket, in the order of their opening
let posts; // each {address, type, text}
let postAnswer;
let names; // how often the server was asked for the page's name

class FakeSocket {
  readyState = 0;
  sent = [];

  constructor(address) {
    this.address = String(address);
    sockets.push(this);
  }

  send(message) {
    this.sent.push(message);
  }

  close() {
    this.readyState = 3;
    this.onclose?.();
  }

  /** The server has taken it, and said welcome. */
  welcome() {
    this.readyState = 1;
    this.onopen();
    this.onmessage({ data: new ArrayBuffer(0) });
  }

  answer(number, kind = 1) {
    this.onmessage({ data: answerTo(number, kind) });
  }
}

function answerTo(number, kind) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, number, true);
  bytes.set([kind, 0, 0, 33], 4);
  return bytes.buffer;
}

beforeEach(() => {
  clock = newClock();
  [sockets, posts, names] = [[], [], 0];
  postAnswer = { ok: true, arrayBuffer: async () => answerTo(1, 1) };
  globalThis.localStorage = { getItem: () => KEY, setItem() {} };
});

function newRoad(options = {}) {
  return new Road({
    address: new URL("https://here.example/digits/live"),
    namePage: async () => (names++, { page: "page1" }),
    now: clock.now,
    WebSocket: FakeSocket,
    async fetch(address, { headers, body }) {
      posts.push({ address: String(address), type: headers["content-type"], text: await body.text() });
      if (postAnswer instanceof Error) throw postAnswer;
      return postAnswer;
    },
    ...options,
  });
}

const read = (road) => road.read(PICTURE, false, "digits");
const hello = JSON.stringify({ session: "page1", visitor: KEY });

async function openRoad() {
  const road = newRoad();
  await read(road);
  sockets[0].welcome();
  return road;
}

test("the first drawing is posted, and a socket opened meanwhile, under the path of a proxy", async () => {
  const answer = await read(newRoad());
  assert.deepEqual(answer, { number: 1, took: 0, superseded: true });
  assert.equal(posts[0].address, "https://here.example/digits/live");
  assert.equal(posts[0].type, "application/octet-stream");
  assert.ok(posts[0].text.startsWith(`${hello}\n`));
  assert.equal(sockets[0].address, "wss://here.example/digits/live");
});

test("a page that asked for its name beforehand sends its first drawing at once", async () => {
  const road = newRoad();
  await road.prepare();
  await read(road);
  assert.equal(names, 1);
});

test("a name that does not come is asked for again", async () => {
  let answer = new Promise(() => {});
  const road = newRoad({ namePage: () => answer });
  const lost = read(road);
  answer = Promise.resolve({ page: "page1" });
  await clock.pass(4000);
  assert.equal(await lost, undefined);
  assert.equal((await read(road)).number, 1);
});

test("what follows goes over the socket, and each answer to whoever waits for it", async () => {
  const road = await openRoad();
  assert.deepEqual(sockets[0].sent, [hello]);
  const [second, third] = [read(road), read(road)];
  await clock.pass();
  sockets[0].answer(3);
  sockets[0].answer(2);
  assert.deepEqual((await second).number, 2);
  assert.deepEqual((await third).number, 3);
  assert.equal(posts.length, 1);
  assert.equal(names, 1);
});

test("where a proxy forbids sockets every drawing is posted, and a socket is tried ever less often", async () => {
  const road = newRoad();
  for (const [wait, opened] of [[0, 1], [900, 1], [200, 2], [4900, 2], [200, 3], [30_000, 4], [30_000, 4]]) {
    await clock.pass(wait);
    assert.equal((await read(road)).superseded, true);
    assert.equal(sockets.length, opened, `after ${wait}`);
    if (sockets.at(-1).readyState === 0) sockets.at(-1).close();
  }
});

test("a socket on which nobody answers is given up", async () => {
  await read(newRoad());
  await clock.pass(4999);
  assert.equal(sockets[0].readyState, 0);
  await clock.pass(1);
  assert.equal(sockets[0].readyState, 3);
});

test("without sockets at all, or where the page's policy forbids them, drawings are posted", async () => {
  const forbidden = function () {
    throw new Error("forbidden");
  };
  for (const WebSocket of [undefined, forbidden]) {
    assert.equal((await read(newRoad({ WebSocket }))).superseded, true);
  }
});

test("a socket that is lost leaves no drawing waiting, and the next is posted", async () => {
  const road = await openRoad();
  const waiting = read(road);
  await clock.pass();
  sockets[0].close();
  assert.equal(await waiting, undefined);
  await read(road);
  assert.equal(posts.length, 2);
  assert.equal(sockets.length, 2); // and another one opened
});

test("a socket on which an answer does not come is given up, whatever the browser still thinks of it", async () => {
  const road = await openRoad();
  const waiting = read(road);
  await clock.pass(4500);
  assert.equal(await waiting, undefined);
  assert.equal(sockets[0].readyState, 3);
  road.drop(); // there is none
  await read(road);
  assert.equal(posts.length, 2);
});

test("a drawing that is refused has no answer, on a socket or posted", async () => {
  const road = await openRoad();
  const waiting = read(road);
  await clock.pass();
  sockets[0].answer(2, 4);
  assert.equal(await waiting, undefined);
  sockets[0].close();
  postAnswer = { ok: false };
  assert.equal(await read(road), undefined);
});

test("without a name of the page nothing is sent, and it is asked for again", async () => {
  let name = { error: "Too much at once." };
  const road = newRoad({ namePage: async () => name });
  assert.equal(await read(road), undefined);
  name = undefined;
  assert.equal(await read(road), undefined);
  name = Promise.reject(new Error("offline"));
  assert.equal(await read(road), undefined);
  assert.equal(posts.length + sockets.length, 0);
  name = { page: "page1" };
  assert.equal((await read(road)).superseded, true);
});

test("another visitor in the same page has a socket of their own", async () => {
  const road = await openRoad();
  globalThis.localStorage = { getItem: () => "x".repeat(43), setItem() {} };
  await read(road);
  assert.equal(sockets[0].readyState, 3);
  assert.ok(posts[1].text.includes("x".repeat(43)));
  assert.equal(sockets.length, 2);
});
