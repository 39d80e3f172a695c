// What the server keeps for this visitor, and what the tabs tell each other. A module is evaluated once a page, so
// every tab that imports this one shares the same state.

import { forgetStored, readStored, store, storedName } from "./storage.js";
import { KEY, restoreKey, storedKey } from "./visit.js";
import { NO_CONNECTION } from "./wording.js";

export const BEST = "digits"; // the network that reads best, by its name in recognition/reader.py
// The visitor's own networks, by their names in ui/shared/visitors.py: the one in use, and the one that was trained or
// uploaded last and is not in use.
export const OWN = "own";
export const RESULT = "result";

const RETRY_DELAY = 2000; // milliseconds until a server that did not answer is asked again
const EXAMPLES = "your examples";
const CHOICE = "network"; // names in the browser's storage: of the network that was chosen in this tab
const SESSION = "session"; // and of the session's id, by which a tab finds what another one began

/**
 * Events: "status"; "model", the visitor's own network has changed; "network", the visitor chose another one to read
 * with; "drawing"; "picture"; "lost".
 */
export const sessionState = Object.assign(new EventTarget(), {
  status: null, // the latest answer of ui/shared/visitors.py; null until there is one
  mine: { own: false, reads_digits: true, examples: [], can_undo: false }, // the part of it that belongs to the visitor
  network: readStored("sessionStorage", CHOICE) ?? BEST, // name of the network that reads
  drawing: null, // the digit on the pad whose bars are shown
  isOneOfSeveral: false, // whether there are other digits on the pad
  picture: null, // the test image that was last sent to the pad, 28x28 grey bytes in base64
  pictureSentence: "", // what it is
  lostSentence: "", // what the server no longer has
  lostExamples: [], // the examples among that, which the page still has
});

let isPolling = false;
let watchServer = null; // the latest `watch` that applyStatus was given
let key = null; // of the visitor whose status is known

const emit = (event) => sessionState.dispatchEvent(new Event(event));

export function chooseNetwork(name) {
  setNetwork(name);
  emit("network");
}

function setNetwork(name) {
  sessionState.network = name;
  store("sessionStorage", CHOICE, name);
}

/** digit: as the server read it, or null where there is none; isOneOfSeveral: whether it was drawn with others. */
export function setDrawing(digit, isOneOfSeveral = false) {
  Object.assign(sessionState, { drawing: digit, isOneOfSeveral });
  emit("drawing");
}

/** network: which shall read it; sentence: what it is. */
export function sendToPad(picture, network, sentence) {
  Object.assign(sessionState, { picture, pictureSentence: sentence });
  chooseNetwork(network);
  emit("picture");
}

/** Whether the network in use is the visitor's own and reads digits. */
export const hasOwnReader = () => sessionState.mine.own && sessionState.mine.reads_digits;

/** Whether there is a network that was trained or uploaded, reads digits, and is not in use yet. */
export const hasResult = () =>
  Boolean(sessionState.status?.result && !sessionState.status.active && sessionState.mine.result_reads_digits);

/** Which network the mistakes that are shown are of. */
export const testedNetwork = () => (sessionState.mine.is_tested ? OWN : sessionState.status?.result ? RESULT : BEST);

/** What would be lost if the visitor left, in words. */
export function belongings() {
  const { mine, status } = sessionState;
  return [
    mine.own && "your own network",
    (status?.active || status?.resumable || status?.result) && "your training",
    mine.examples.length > 0 && EXAMPLES,
    mine.signs?.is_begun && "your signs",
  ].filter(Boolean);
}

/** Asks once what the server keeps for this visitor, whichever tab is the first to be opened. */
export async function findSession(watch) {
  if (watchServer) return;
  watchServer = watch;
  const answer = await watch(null).catch(() => undefined);
  if (answer && !answer.error && sessionState.status === null) applyStatus(answer, watch);
}

/**
 * Takes over an answer of the server, tells the tabs, and polls for the next one. watch: the server function of that
 * name, which answers as soon as the status is no longer the version that it is given.
 */
export function applyStatus(status, watch) {
  if (status.version === undefined) return; // the answer carries no status
  watchServer = watch;
  const { mine: { weights }, status: before } = sessionState;
  const isSameVisitor = key === storedKey();
  key = storedKey();
  if (before?.session && before.session !== status.session && isSameVisitor) reportLoss();
  sessionState.status = status;
  if (status.session && status.session !== before?.session) store("localStorage", SESSION, status.session);
  sessionState.mine = status.mine ?? sessionState.mine;
  emit("status");
  if (sessionState.mine.weights !== weights) {
    // A new network of the visitor's own reads at once; another one can still be chosen. What a page finds that was
    // loaded anew is not new: what was chosen before stays chosen.
    const isNew = before !== null || readStored("sessionStorage", CHOICE) === null;
    if (hasOwnReader() && isNew) setNetwork(OWN);
    else if (!hasOwnReader() && sessionState.network === OWN) setNetwork(BEST);
    emit("model");
  }
  if (sessionState.network === RESULT && !hasResult()) chooseNetwork(hasOwnReader() ? OWN : BEST);
  pollStatus(watch);
}

/** The server has started a new session for this page: it was restarted, or the page was offline for too long. */
function reportLoss() {
  const lost = belongings().filter((what) => what !== EXAMPLES).join(" and "); // draw/teach.js sends those again
  const sentence = `There was no connection for so long that ${lost} could not be kept. You can start again.`;
  sessionState.lostSentence = lost && sentence;
  sessionState.lostExamples = sessionState.mine.examples;
  emit("lost");
}

/**
 * Deletes all that is the visitor's, here and on the server. The key goes first: so no tab takes what it then misses
 * for lost. Resolves to a sentence where that failed, and nothing is deleted, or "".
 */
export async function forgetVisitor(server) {
  const secret = storedKey();
  forgetStored();
  const answer = await server.forget(null, secret).catch(() => undefined);
  if (answer && !answer.error) {
    applyStatus(answer, server.watch);
    return "";
  }
  restoreKey(secret);
  return answer?.error ?? NO_CONNECTION;
}

/** Another tab of this browser began something, or had its visitor forgotten. */
globalThis.window?.addEventListener("storage", async ({ key: name, newValue }) => {
  const isNews = name === storedName(SESSION) && newValue !== sessionState.status?.session;
  if (!watchServer || !(isNews || name === storedName(KEY) || name === null)) return;
  const answer = await watchServer(null).catch(() => undefined);
  if (answer && !answer.error) applyStatus(answer, watchServer);
});

/** Asks for news as long as the server keeps anything for this visitor. */
async function pollStatus(watch) {
  if (isPolling) return;
  isPolling = true;
  while (sessionState.status.version !== 0) {
    const known = sessionState.status;
    const answer = await watch(known.version).catch(() => undefined);
    if (sessionState.status !== known) continue; // an action brought a newer status meanwhile
    if (!answer || answer.error) await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY));
    else if (answer.version !== known.version || answer.session !== known.session) applyStatus(answer, watch);
  }
  isPolling = false;
}
