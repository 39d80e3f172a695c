// The key by which the server knows this browser again after a reload: 256 random bits in its storage, sent with all
// that the page's scripts send (ui/shared/visit.py). It is a secret: it goes into no address, and is shown nowhere.

import { readStored, store } from "./storage.js";

export const KEY = "visitor"; // its name in the storage
const BYTES = 32;
const FORM = /^[A-Za-z0-9_-]{43}$/;

/** null where there is none, because none was made yet, or another tab deleted it, or the browser stores nothing. */
export function storedKey() {
  const key = readStored("localStorage", KEY);
  return key !== null && FORM.test(key) ? key : null;
}

/** The key, made where there is none; null where the browser stores nothing. */
export function visitorKey() {
  if (storedKey() === null) store("localStorage", KEY, newKey());
  return storedKey();
}

/** Puts back a key that was deleted. */
export const restoreKey = (key) => key !== null && store("localStorage", KEY, key);

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** server: its functions, by name, as Gradio has them. The same, each called with the payload and the key. */
export function withKey(server) {
  const call = (name) => async (payload = null, given = undefined) => {
    const visitor = given === undefined ? visitorKey() : given;
    const answer = await server[name](visitor === null ? payload : { visitor, payload });
    // Where another tab had the visitor forgotten meanwhile, it is the answer to somebody who is no more.
    return given !== undefined || visitor === storedKey() ? answer : undefined;
  };
  return new Proxy(server, { get: (_, name) => call(name) });
}
