import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { forgetStored } from "../../ui/shared/storage.js";
import { storedKey, visitorKey, withKey } from "../../ui/shared/visit.js";

/** As a browser's, with names as its own properties. */
function newStorage() {
  const methods = {
    getItem(name) { return Object.hasOwn(this, name) ? this[name] : null; },
    setItem(name, text) { this[name] = String(text); },
    removeItem(name) { delete this[name]; },
  };
  return Object.create(methods);
}

beforeEach(() => {
  globalThis.localStorage = newStorage();
  globalThis.sessionStorage = newStorage();
});

test("a key is made once, of 256 bits, and another one for another browser", () => {
  assert.equal(storedKey(), null);
  const key = visitorKey();
  assert.match(key, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(visitorKey(), key);
  globalThis.localStorage = newStorage();
  assert.notEqual(visitorKey(), key);
});

test("what is no key is not sent, and replaced", () => {
  localStorage.setItem("digits-from-scratch/visitor", "me");
  assert.equal(storedKey(), null);
  assert.match(visitorKey(), /^.{43}$/);
});

test("each call carries the key, and the payload alone where nothing is stored", async () => {
  const server = withKey({ watch: async (sent) => sent });
  assert.deepEqual(await server.watch(3), { visitor: visitorKey(), payload: 3 });
  assert.deepEqual(await server.watch(), { visitor: visitorKey(), payload: null });
  globalThis.localStorage = undefined;
  assert.equal(await server.watch(3), 3);
});

test("an answer is dropped where the key was deleted meanwhile, unless the call was made with that key", async () => {
  const server = withKey({ watch: async () => "theirs" });
  const answer = server.watch();
  const key = storedKey();
  forgetStored();
  assert.equal(await answer, undefined);
  assert.equal(await server.watch(null, key), "theirs");
});

test("all that is this page's is forgotten, and nothing of others", () => {
  const key = visitorKey();
  localStorage.setItem("another page's", "kept");
  sessionStorage.setItem("digits-from-scratch/strokes", "[]");
  forgetStored();
  assert.deepEqual([Object.keys(localStorage), Object.keys(sessionStorage)], [["another page's"], []]);
  assert.notEqual(visitorKey(), key);
});
