// The road that drawings take to the server: a WebSocket, or a POST each for as long as there is none, because a proxy
// forbids it or the connection was lost a moment ago. The answers are the same (ui/server/road.py).

import { visitorKey } from "../shared/visit.js";
import { within } from "../shared/within.js";
import { packDrawing, unpackAnswer } from "./message.js";

const RETRY_DELAYS = [1000, 5000, 30_000, 300_000]; // milliseconds before a socket is tried again; the last repeats
const NAME_WITHIN = 4000; // milliseconds in which the server tells the page's name, or is asked again
const WELCOME_WITHIN = 5000; // milliseconds in which the server says that a socket is open, or there is none
const ANSWER_WITHIN = 4500; // milliseconds after which a socket counts as lost; live.js waits a little longer

export class Road {
  #socket = null; // one that is open
  #isOpening = false;
  #failures = 0; // in a row, to open one
  #retryAt = -Infinity;
  #sent = 0; // number of the latest drawing
  #waiting = new Map(); // by the number of a drawing: what takes its answer
  #page = null; // the name of this page, once the server has told
  #naming = null; // a promise that it will be known, or could not be asked for

  /** address: of the road, as a URL; namePage: resolves to {page}. The others are the browser's. */
  constructor({ address, namePage, now = () => performance.now(), WebSocket = globalThis.WebSocket, fetch = null }) {
    Object.assign(this, { address, namePage, now, WebSocket });
    this.fetch = fetch ?? ((...request) => globalThis.fetch(...request));
  }

  /** Asks for the name of the page, so that the first drawing need not wait for it. */
  prepare() {
    return (this.#naming ??= this.#nameIt());
  }

  async #nameIt() {
    this.#page = (await within(NAME_WITHIN, this.namePage()))?.page ?? null;
    if (this.#page === null) this.#naming = null; // it is asked for again
  }

  /** Sends a picture of the drawing; resolves to its answer, or to undefined where there is none. */
  async read(picture, isMoving, network) {
    const number = ++this.#sent;
    const answer = await this.#answerTo(number, packDrawing(number, picture, isMoving, network));
    return answer?.refused === undefined ? answer : undefined;
  }

  async #answerTo(number, drawing) {
    const key = visitorKey();
    if (this.#socket?.key !== key) this.drop(); // another visitor, from now on
    if (this.#socket?.readyState === 1) return this.#sendOn(this.#socket, number, drawing);
    await this.prepare();
    if (this.#page === null) return undefined;
    this.#open(key);
    return this.#post(drawing, key);
  }

  #sendOn(socket, number, drawing) {
    return new Promise((resolve) => {
      const late = setTimeout(() => this.#waiting.has(number) && this.drop(), ANSWER_WITHIN);
      this.#waiting.set(number, (answer) => {
        clearTimeout(late);
        resolve(answer);
      });
      socket.send(drawing);
    });
  }

  async #post(drawing, key) {
    const response = await this.fetch(this.address, {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: new Blob([`${this.#hello(key)}\n`, drawing]),
    });
    return response.ok ? unpackAnswer(await response.arrayBuffer()) : undefined;
  }

  #hello = (key) => JSON.stringify({ session: this.#page, visitor: key });

  #open(key) {
    if (this.#isOpening || this.#socket || !this.WebSocket || this.now() < this.#retryAt) return;
    const address = new URL(this.address);
    address.protocol = address.protocol.replace("http", "ws");
    let socket;
    try {
      socket = new this.WebSocket(address);
    } catch {
      return this.#failed(); // a policy of the page forbids it
    }
    this.#isOpening = true;
    socket.binaryType = "arraybuffer";
    socket.key = key;
    const giveUp = () => {
      clearTimeout(late);
      socket.onclose = null;
      socket.close();
      this.#failed();
    };
    const late = setTimeout(giveUp, WELCOME_WITHIN);
    socket.onclose = giveUp;
    socket.onopen = () => socket.send(this.#hello(key));
    socket.onmessage = () => {
      clearTimeout(late);
      this.#isOpening = false;
      this.#failures = 0;
      this.#socket = socket;
      socket.onmessage = ({ data }) => this.#take(unpackAnswer(data));
      socket.onclose = () => this.drop();
    };
  }

  #failed() {
    this.#isOpening = false;
    this.#retryAt = this.now() + RETRY_DELAYS[Math.min(this.#failures, RETRY_DELAYS.length - 1)];
    this.#failures += 1;
  }

  #take(answer) {
    this.#waiting.get(answer.number)?.(answer);
    this.#waiting.delete(answer.number);
  }

  /** The connection is lost: does not wait for what was sent on the socket. Nothing happens where there is none. */
  drop() {
    if (!this.#socket) return;
    this.#socket.onclose = this.#socket.onmessage = null;
    this.#socket.close();
    this.#socket = null;
    for (const resolve of this.#waiting.values()) resolve(undefined);
    this.#waiting.clear();
  }
}
