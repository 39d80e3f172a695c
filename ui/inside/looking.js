// What is looked at: the drawing or a changed picture, the network or a copy of it after steps, and what the server
// says of them. The views show it.

import { decodeBytes } from "../shared/base64.js";
import { BEST, RESULT, sessionState } from "../shared/session.js";
import { within } from "../shared/within.js";
import { LiveReader } from "../draw/live.js";
import { allMaps } from "./maps.js";

const REST = 350; // milliseconds without a new look, until what takes longer is asked for
const PATIENCE = 60_000; // milliseconds for an answer; some take seconds, and wait for those of others
const NO_ANSWER = "The server does not answer now. Trying again\u2026";

/** Where on the sheet that is sent a point of the pad lies. toPad: takes a box of the sheet to the pad's. */
export function pointOnSheet(toPad, x, y) {
  const middle = ([left, top, right, bottom]) => [(left + right) / 2, (top + bottom) / 2];
  const [left, top] = middle(toPad([0, 0, 0, 0]));
  const [across, down] = middle(toPad([1, 1, 0, 0]));
  return [(x - left) / (across - left), (y - top) / (down - top)];
}

/**
 * Events: "network", another one is looked into; "look", there are new maps; "rest", and they stay for a moment;
 * "empty"; "trouble".
 */
export class Looking extends EventTarget {
  network = null; // as `explain` describes it
  shares = null; // of the newest look
  maps = []; // by the position of their layer
  picture = null; // 28x28 grey bytes in base64, as the network saw it
  isOneOfSeveral = false; // whether there are other digits on the pad
  base = null; // the same before variations
  amounts = {}; // of variations
  moment = null; // of the network's training, as a number; null: as it is now
  copies = []; // the steps that were taken: answers of `learn`, each with the token of its copy
  trouble = ""; // a sentence
  isShown = false; // whether anybody sees the tab; nothing is asked for where nobody does

  #server;
  #render;
  #isOfPad = true; // whether the pad's ink is looked at, or `base`
  #results = 0; // how many networks were trained or uploaded since the page was opened
  #described = ""; // which network is asked for, or is `network`
  #describing = Promise.resolve();
  #resting = null;

  /** render: returns {image, toPad, point} of the pad's ink, or null. */
  constructor(server, render) {
    super();
    this.#server = server;
    this.#render = render;
    this.live = new LiveReader({
      render: () => this.#asked(),
      read: (asked) => this.#look(asked),
      onSend: () => {},
      onAnswer: (answer) => this.#show(answer),
      onEmpty: () => {
        this.live.forget();
        this.#showEmpty();
      },
      onFailure: (reason = NO_ANSWER) => this.#tellTrouble(reason),
      onRecovery: () => this.#tellTrouble(""),
    });
  }

  /** Another one for another network: a visitor's own may change while its name stays. */
  get networkName() {
    return [sessionState.network, sessionState.mine.weights, this.#results].join();
  }

  get networkChoice() {
    return sessionState.network;
  }

  get copy() {
    return this.copies.at(-1)?.copy ?? null;
  }

  get isEmpty() {
    return this.picture === null;
  }

  /** The pad has new ink: it is looked at again, whatever was changed by hand. */
  inkChanged() {
    this.#isOfPad = true;
    this.amounts = {};
    this.#request();
  }

  /** The tab is shown or hidden. */
  show(isShown) {
    this.isShown = isShown;
    if (isShown) this.#describe(); // an empty pad shows the layers too
    this.#request();
  }

  /** Another picture in place of the pad's ink. */
  change(base, amounts = {}) {
    this.#isOfPad = false;
    this.base = base;
    this.amounts = amounts;
    this.#request();
  }

  /** Steps are kept while the network stays the same. */
  takeStep(step) {
    this.copies.push(step);
    this.#request();
  }

  takeBack() {
    this.copies.pop();
    this.#request();
  }

  networkChanged() {
    this.copies = [];
    this.moment = null;
    this.#request();
  }

  /** Another network was trained or uploaded. */
  resultChanged() {
    this.#results += 1;
    if (sessionState.network === RESULT) this.networkChanged();
  }

  /** The network as it was at a moment of its training, or null: as it is now. */
  showMoment(moment) {
    if (moment === this.moment) return;
    this.moment = moment;
    this.#request();
  }

  /** Has another network look at the same picture. undefined: there is no answer yet; null: there will be none. */
  async lookBy(network) {
    const asked = { network, picture: this.picture };
    const answer = await within(PATIENCE, this.#server.look(asked));
    return answerOrNot(answer, answer?.shares);
  }

  /** What layers another network has; undefined and null as above. */
  async layersOf(network) {
    const answer = await within(PATIENCE, this.#server.explain({ what: "network", network }));
    return answerOrNot(answer, answer?.layers);
  }

  /**
   * Asks for an explanation of the picture. undefined: there was none yet, and it may be asked again; null: there is
   * none, because it is of another network than is looked into by now, or because of what `trouble` says.
   */
  async explain(what, asked = {}) {
    const name = this.networkName;
    const whose = { network: sessionState.network, copy: this.copy, moment: this.moment };
    const question = { what, picture: this.picture, ...whose, ...asked };
    const answer = await within(PATIENCE, this.#server.explain(question));
    if (name !== this.networkName) return null;
    if (answer?.superseded) return undefined;
    if (!answer || answer.busy) return this.#tellTrouble(answer?.busy ?? NO_ANSWER);
    this.#tellTrouble(answer.error ?? "");
    if (!answer.error) return answer;
    if (this.copies.length > 0 && answer.error.includes("not kept")) this.networkChanged();
    return null;
  }

  #request() {
    if (this.isShown) this.live.request();
  }

  #asked() {
    const whose = { network: sessionState.network, copy: this.copy, moment: this.moment };
    if (!this.#isOfPad) return { image: { ...whose, picture: this.base, amounts: this.amounts } };
    const ink = this.#render();
    return ink && { image: { ...whose, image: ink.image, point: ink.point } };
  }

  /** undefined, so that it is tried again, where it is not known of which layers the maps would be. */
  async #look(asked) {
    await this.#describe();
    return this.network && this.#described === this.networkName ? this.#server.look(asked) : undefined;
  }

  /** Asks for the layers, where the network is another one than before. */
  #describe() {
    const name = this.networkName; // a copy has the same layers
    if (this.#described !== name) {
      this.#described = name;
      this.#describing = this.#askForLayers(name);
    }
    return this.#describing;
  }

  async #askForLayers(name) {
    const asked = { what: "network", network: sessionState.network };
    const answer = await within(PATIENCE, this.#server.explain(asked));
    if (this.#described !== name) return;
    if (!answer?.layers) {
      this.#described = ""; // the next look asks again
      return;
    }
    this.network = answer;
    this.dispatchEvent(new Event("network"));
  }

  #show(answer) {
    if (answer.error) {
      this.#tellTrouble(answer.error);
      if (this.copies.length > 0) this.networkChanged();
      else if (sessionState.network !== BEST) this.#described = "";
      return;
    }
    if (answer.empty) {
      this.#showEmpty();
      return;
    }
    if (this.network === null) return;
    this.shares = answer.shares;
    this.picture = answer.picture;
    this.isOneOfSeveral = answer.digits > 1;
    if (this.#isOfPad) this.base = answer.picture;
    this.maps = allMaps(this.network.layers, answer.maps);
    this.dispatchEvent(new Event("look"));
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => this.dispatchEvent(new Event("rest")), REST);
  }

  /** Nothing is read in the ink, or there is none. What newer ink is read as still comes. */
  #showEmpty() {
    clearTimeout(this.#resting);
    [this.picture, this.base, this.shares, this.maps] = [null, null, null, []];
    this.dispatchEvent(new Event("empty"));
  }

  #tellTrouble(sentence) {
    if (this.trouble === sentence) return;
    this.trouble = sentence;
    this.dispatchEvent(new Event("trouble"));
  }
}

function answerOrNot(answer, isThere) {
  if (isThere) return answer;
  return answer?.error || answer?.empty ? null : undefined;
}

/** float32 in base64 -> numbers. */
export const decodeFloats = (base64) => new Float32Array(decodeBytes(base64).buffer);
