// The Draw tab: a pad whose ink is read while the pen still moves.

import { createActions } from "../shared/actions.js";
import "../shared/leaving.js";
import { createReading } from "../shared/reading.js";
import { chooseNetwork, findSession, hasOwnReader, hasResult, sessionState } from "../shared/session.js";
import { createAnswer } from "./answer.js";
import { createSheet } from "./canvas.js";
import { drawing, onInk, storeDrawing, tellInk } from "./drawing.js";
import { createHand } from "./hand.js";
import { HARD } from "./hard.js";
import { mountExplanations } from "./how.js";
import { mountLayers } from "./layers.js";
import { LiveReader } from "./live.js";
import { Road } from "./road.js";
import { mountSharing } from "./share.js";
import { createSpeech } from "./speech.js";
import { mountTeaching } from "./teach.js";
import { mountNoDigits } from "../shared/no_digits.js";

const MIN_GAP = 25; // milliseconds from one drawing to the next
// Ghosts that show a newcomer what to do, in a box of 100 x 100.
const GHOSTS = [
  "M31 33C34 14 68 15 67 34C66 47 54 49 45 49C57 49 70 53 70 67C69 87 36 87 30 70",
  "M30 36C31 15 69 15 68 37C67 54 40 66 31 80H71",
  "M30 22H70C60 42 52 60 47 82",
  "M66 20H38L35 47C47 40 70 43 70 62C70 86 37 87 31 72",
];

/** The arguments are what Gradio hands to a component's script. */
export function mount({ element, server, upload, props }) {
  const find = (selector) => element.querySelector(selector);
  const canvas = find(".strokes");
  const { history } = drawing;
  const strokes = () => history.strokes;
  const reading = createReading(element);
  const speech = createSpeech(reading.announce, () => hand.isDrawing());
  const answer = createAnswer({ element, reading, strokes, announceLater: speech.later });
  const render = createSheet();

  const road = new Road({ address: new URL("live", document.baseURI), namePage: () => server.name_page() });
  const live = new LiveReader({
    render() {
      const ink = render(strokes());
      return ink && { image: ink.packed, toPad: ink.toPad };
    },
    read: (picture) => road.read(picture, hand.isMoving(), sessionState.network),
    isMoving: () => hand.isMoving(),
    minGap: MIN_GAP,
    onSend: () => (reading.section.dataset.state = "asked"),
    onAnswer: showAnswer,
    onEmpty: showEmpty,
    onFailure(reason = navigator.onLine ? "The server is not answering." : "No connection.") {
      answer.showUnread();
      showNotice(`${reason} Your drawing is safe; trying again\u2026`);
    },
    onRecovery: () => showNotice(""),
  });

  const hand = createHand({
    element,
    canvas,
    cursor: find(".cursor"),
    buttons: { undo: find(".undo"), redo: find(".redo"), erase: find(".erase"), clear: find(".clear") },
    history,
    announce: reading.announce,
    announceLater: speech.later,
    onInk: inkChanged,
    onRest: penRests,
  });

  // ---------------------------------------------------------------- what follows when the ink changes

  function inkChanged() {
    answer.inkChanged();
    showOrigin("");
    if (history.isEmpty) showEmpty();
    else live.request();
    tellInk(canvas);
  }

  function penRests() {
    storeDrawing();
    live.flush();
  }

  // ---------------------------------------------------------------- what is shown

  function showEmpty() {
    live.forget();
    reading.section.dataset.state = "empty";
    answer.showEmpty();
    speech.stop();
    requestAnimationFrame(() => showGhost(find(".ghost path")));
  }

  function showAnswer(result, toPad) {
    reading.section.dataset.state = live.isUpToDate ? "read" : "asked";
    reading.section.dataset.answers = Number(reading.section.dataset.answers) + 1;
    answer.showReading(result, toPad);
  }

  function showNotice(sentence) {
    const notice = find(".notice");
    if (notice.textContent !== sentence) notice.textContent = sentence;
  }

  let nextHard = Math.floor(Math.random() * HARD.length);

  /** Puts a drawing on the pad that is hard to read. */
  function showHard() {
    const { meant, strokes: drawn } = HARD[nextHard];
    nextHard = (nextHard + 1) % HARD.length;
    hand.takePen();
    history.replace(drawn);
    hand.inkChangedAtOnce();
    showOrigin(`Drawn by us: ${meant}.`);
  }

  /** Shows which networks can read, and which does. */
  function showNetworks() {
    const own = hasOwnReader();
    find(".networks .own").hidden = !own;
    find(".networks .result").hidden = !hasResult();
    find(".networks").classList.toggle("three", own || hasResult());
    find(`.networks input[value=${sessionState.network}]`).checked = true;
  }

  /** Says what is on the pad, where that is a test picture and not the visitor's own drawing; "" for that. */
  function showOrigin(sentence) {
    find(".of-picture").textContent = sentence;
    find(".of-picture").hidden = sentence === "";
  }

  // ---------------------------------------------------------------- wiring

  find(".hard").addEventListener("click", showHard);
  find(".networks").addEventListener("change", ({ target }) => chooseNetwork(target.value));
  window.addEventListener("pagehide", storeDrawing); // a stroke may be half drawn
  window.addEventListener("offline", () => road.drop());
  window.addEventListener("online", () => live.retryNow());
  sessionState.addEventListener("status", showNetworks);
  for (const event of ["model", "network"]) {
    sessionState.addEventListener(event, () => {
      showNetworks();
      if (!history.isEmpty) live.request();
    });
  }
  sessionState.addEventListener("picture", () => {
    history.replace([sessionState.picture]);
    hand.inkChangedAtOnce();
    showOrigin(sessionState.pictureSentence);
  });

  mountExplanations(element);
  mountLayers(find(".layers"), props.networks);
  onInk(canvas, hand.inkChangedAtOnce);

  const actions = createActions({ server, upload });
  mountTeaching({ element, ...actions });
  mountNoDigits(element, actions.act);
  road.prepare();
  hand.inkChanged();
  mountSharing({
    element,
    strokes,
    open(drawn) {
      history.replace(drawn);
      hand.inkChangedAtOnce();
    },
  });
  findSession(server.watch);
}

function showGhost(path) {
  path.setAttribute("d", GHOSTS[Math.floor(Math.random() * GHOSTS.length)]);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const draws = [{ strokeDashoffset: 1 }, { strokeDashoffset: 0 }];
  path.animate(draws, { duration: 1400, easing: "ease-in-out", delay: 200, fill: "backwards" });
}
