// What the server keeps for this visitor, and what the tabs tell each other. It stands before every tab's own
// script, in the same function.

const RETRY = 2000; // milliseconds until a server that does not answer is asked again
const EXAMPLES = "your examples";
const BEST = "digits"; // among the networks, as in recognition/reader.py
const OWN = "own"; // among the networks: the visitor's, as in ui/visitors.py

// One for the page, whichever tab is there first. status: what ui/visitors.py shows, null before it is known;
// mine: the part of it that is the visitor's own; drawing: the digit that was read last on the pad, or null;
// picture: the one that was last chosen for the pad; network: the name of the one that reads; lost: a sentence
// about what the server put away, and left: the examples that it had.
const visit = (window.digitsFromScratch ??= Object.assign(new EventTarget(), {
  status: null,
  mine: { own: false, examples: [], can_undo: false },
  drawing: null,
  picture: null,
  network: BEST,
  lost: "",
  left: [],
  isFollowed: false,
  isGuarded: false,
}));

/** What there is of the visitor's own, in words. */
function belongings() {
  const { mine, status } = visit;
  return [
    mine.own && "your own network",
    (status?.active || status?.resumable || status?.result) && "your training",
    mine.examples.length > 0 && EXAMPLES,
  ].filter(Boolean);
}

// A page that is left or loaded anew begins anew: the browser asks before, where there is something to lose.
if (!visit.isGuarded) {
  visit.isGuarded = true;
  addEventListener("beforeunload", (event) => belongings().length > 0 && event.preventDefault());
}

/**
 * Tells the tabs: "status", "model" when the visitor's own is another one, "network" when they chose another to
 * read, "drawing", "picture" or "lost".
 */
const announce = (what) => visit.dispatchEvent(new Event(what));

/** Has the server do something for this visitor. Returns a sentence where it did not, else "". */
async function act(action, asked = null) {
  const answer = await server[action](asked).catch(() => undefined);
  if (!answer) return "There is no connection. Please try again.";
  if (answer.error) return answer.error;
  learn(answer);
  return "";
}

/** Fetches a file from the server, and has the browser save it. Returns a sentence where it did not. */
async function save(action, asked, name) {
  const answer = await server[action](asked).catch(() => undefined);
  if (!answer?.file) return answer?.error ?? "There is no connection. Please try again.";
  const content = Uint8Array.from(atob(answer.file), (character) => character.charCodeAt(0));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content]));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), RETRY);
  return "";
}

/** Sends a file, and has the server do something with it. */
async function bring(action, file) {
  const [, ending] = /([.][a-z]+)$/i.exec(file.name) ?? [];
  // Its name is nobody's business; a new one, so that the server can delete it when it was read.
  const name = Math.random().toString(36).slice(2) + (ending ?? "");
  const sent = await upload(new File([file], name)).catch(() => undefined);
  return sent ? act(action, { path: sent.path }) : "The file could not be sent. Is it larger than 20 MB?";
}

/** There is something new to show, on whichever tab. */
function learn(status) {
  if (status.version === undefined) return; // an answer that says nothing
  const before = visit.mine.weights;
  if (visit.status?.session && visit.status.session !== status.session) sayWhatIsLost();
  visit.status = status;
  visit.mine = status.mine ?? visit.mine;
  announce("status");
  if (visit.mine.weights !== before) {
    // Who has a network of their own is read by it, and may still choose another.
    if (visit.mine.own) visit.network = OWN;
    else if (visit.network === OWN) visit.network = BEST;
    announce("model");
  }
  follow();
}

/** The server has begun anew with this visitor: after a long sleep, or because it was started again. */
function sayWhatIsLost() {
  const lost = belongings().filter((what) => what !== EXAMPLES); // those the page still has: teach.js
  const and = lost.join(" and ");
  visit.lost = and && `There was no connection for so long that ${and} could not be kept. You can start again.`;
  visit.left = visit.mine.examples;
  announce("lost");
}

/** Asks what is new for as long as the server keeps something for this visitor; it answers when there is. */
async function follow() {
  if (visit.isFollowed || visit.status.version === 0) return;
  visit.isFollowed = true;
  while (visit.status.version !== 0) {
    const known = visit.status;
    const answer = await server.watch(known.version).catch(() => undefined);
    if (visit.status !== known) continue; // an action told more meanwhile
    if (!answer || answer.error) await new Promise((resolve) => setTimeout(resolve, RETRY));
    else if (answer.version !== known.version || answer.session !== known.session) learn(answer);
  }
  visit.isFollowed = false;
}
