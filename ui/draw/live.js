// Has the drawing read while it grows: the newest ink first, no more often than the server can bear, and again and
// again where an answer fails to come.

import { within } from "../shared/within.js";

const MIN_GAP = 33; // milliseconds from one request to the next, unless whoever reads can bear more
const EASY = 40; // milliseconds that a server takes for a drawing while it is not busy
const THINNING = 12; // milliseconds by which the gap grows with each that it takes longer
const MAX_GAP = 2000; // milliseconds; a pen that is lifted does not wait for it
const MAX_IN_FLIGHT = 3; // requests under way at once
const TIMEOUT = 5000; // milliseconds after which a request counts as lost
const RETRY_DELAYS = [500, 1000, 2000, 4000]; // milliseconds before each new try; the last one repeats

export const RESTS_AFTER = 400; // milliseconds without new ink after which a pen rests, even if it is not lifted

/** Milliseconds from one request to the next, where the server took so many for the last. */
export const gapAfter = (took, minGap = MIN_GAP) => Math.min(Math.max(minGap, THINNING * (took - EASY)), MAX_GAP);

/** Milliseconds before the next try after so many failures in a row. */
export const retryDelay = (failures) => RETRY_DELAYS[Math.min(failures, RETRY_DELAYS.length) - 1];

export class LiveReader {
  #hasNewInk = false; // since the last request
  #inFlight = 0;
  #sent = 0; // number of the latest request
  #shown = 0; // number of the request whose answer is shown; earlier answers are stale
  #sentAt = -Infinity;
  #timer = null;
  #failures = 0; // in a row
  #isUnfinished = false; // whether the latest was not read, or while the pen moved, and there may be more to it
  #took = 0; // milliseconds that the server took for the last drawing

  /**
   * render: returns {image, toPad}, or null where there is no ink.
   * read: sends an image; resolves to the server's answer, of which `isProvisional` says that there may be more to
   * it once the pen rests. isMoving: whether it does not.
   * onSend, onAnswer(answer, toPad), onEmpty: what became of the ink.
   * onFailure(reason): nothing came back, and it is tried again; onRecovery: something did.
   * minGap: milliseconds from one request to the next. now: milliseconds of a clock that only goes forward.
   */
  constructor({ isMoving = () => false, minGap = MIN_GAP, now = () => performance.now(), ...others }) {
    Object.assign(this, { isMoving, minGap, now, ...others });
  }

  /** Whether the reading that is shown is of the ink as it is. */
  get isUpToDate() {
    return this.#sent === this.#shown && !this.#hasNewInk && !this.#isUnfinished;
  }

  /** There is new ink: reads it as soon as its turn comes. */
  request() {
    this.#hasNewInk = true;
    if (this.#timer !== null || this.#inFlight >= MAX_IN_FLIGHT || this.#failures > 0) return;
    const wait = this.#sentAt + gapAfter(this.#took, this.minGap) - this.now();
    if (wait <= 0) this.#send();
    else this.#timer = setTimeout(() => this.#send(), wait);
  }

  /** The pen is up and no ink will follow: reads the last of it now. */
  flush() {
    this.#hasNewInk ||= this.#isUnfinished;
    if (this.#hasNewInk && this.#inFlight < MAX_IN_FLIGHT && this.#failures === 0) this.#send();
  }

  /** The connection is back: does not wait for the next try. */
  retryNow() {
    if (this.#timer !== null && this.#failures > 0) this.#send();
  }

  /** The ink is gone: answers that are under way are not shown. */
  forget() {
    this.#shown = this.#sent;
    this.#hasNewInk = this.#isUnfinished = false;
  }

  async #send() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#hasNewInk = false;
    const ink = this.render();
    if (ink === null) {
      this.#recover(); // there is nothing left to try again with
      this.onEmpty();
      return;
    }
    const number = ++this.#sent;
    const wasMoving = this.isMoving();
    this.#isUnfinished = false;
    this.#sentAt = this.now();
    this.#inFlight += 1;
    this.onSend();
    const answer = await within(TIMEOUT, this.read(ink.image)); // undefined: no connection, or refused; null: it failed
    this.#inFlight -= 1;
    if (!answer || answer.busy) return this.#fail(number, answer?.busy);
    this.#recover();
    this.#took = answer.took ?? this.#took;
    // A drawing at rest may be superseded too: POSTs overtake each other on their way.
    if (number === this.#sent) this.#isUnfinished = Boolean(answer.superseded || (wasMoving && answer.isProvisional));
    if (number > this.#shown && !answer.superseded) {
      this.#shown = number;
      this.onAnswer(answer, ink.toPad);
    }
    if (this.#hasNewInk) this.request();
    else if (this.#isUnfinished) this.#finish();
  }

  /** Reads the latest ink again, once the pen rests, unless there is newer ink by then. */
  #finish() {
    if (!this.isMoving()) return this.request();
    setTimeout(() => this.#isUnfinished && !this.#hasNewInk && this.#finish(), RESTS_AFTER);
  }

  #recover() {
    this.#failures = 0;
    this.onRecovery();
  }

  #fail(number, reason) {
    this.#hasNewInk ||= number > this.#shown;
    this.onFailure(reason);
    if (this.#timer !== null) return;
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#send(), retryDelay(this.#failures));
  }
}
