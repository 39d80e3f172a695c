// The Draw tab: a pad whose ink is read while the pen still moves.

import { createActions } from "../shared/actions.js";
import "../shared/leaving.js";
import { createReading } from "../shared/reading.js";
import { chooseNetwork, sessionState } from "../shared/session.js";
import { createAnswer } from "./answer.js";
import { createScreen, createSheet } from "./canvas.js";
import { drawing, onInk, storeDrawing, tellInk } from "./drawing.js";
import { drawWithKeyboard } from "./keyboard.js";
import { LiveReader } from "./live.js";
import { drawWithPointer } from "./pointer.js";
import { mountTeaching } from "./teach.js";

const ANNOUNCE_AFTER = 700; // milliseconds of rest before a screen reader hears the answer
// Ghosts that show a newcomer what to do, in a box of 100 x 100.
const GHOSTS = [
  "M31 33C34 14 68 15 67 34C66 47 54 49 45 49C57 49 70 53 70 67C69 87 36 87 30 70",
  "M30 36C31 15 69 15 68 37C67 54 40 66 31 80H71",
  "M30 22H70C60 42 52 60 47 82",
  "M66 20H38L35 47C47 40 70 43 70 62C70 86 37 87 31 72",
];

/** The arguments are what Gradio hands to a component's script. */
export function mount({ element, server, upload }) {
  const find = (selector) => element.querySelector(selector);
  const canvas = find(".strokes");
  const buttons = { undo: find(".undo"), redo: find(".redo"), clear: find(".clear") };
  const { history } = drawing;
  const strokes = () => history.strokes;
  const reading = createReading(element);
  const answer = createAnswer({ element, reading, strokes, announceLater });
  const repaint = createScreen(canvas, strokes);
  const render = createSheet();

  const live = new LiveReader({
    render: () => render(strokes()),
    read: (image) => server.live({ image, network: sessionState.network }),
    onSend: () => (reading.section.dataset.state = "asked"),
    onAnswer: showAnswer,
    onEmpty: showEmpty,
    onFailure(reason = navigator.onLine ? "The server does not answer now." : "No connection.") {
      showNotice(`${reason} Your drawing is safe, trying again\u2026`);
    },
    onRecovery: () => showNotice(""),
  });

  const pen = {
    isDown: () => history.current !== null,
    down(x, y) {
      pen.lift(); // another pointer's, or the keyboard's
      history.begin(x, y);
      inkChanged();
    },
    /** Returns whether there is a pen down that has moved. */
    move(points) {
      const hasMoved = pen.isDown() && points.map((point) => history.extend(...point)).includes(true);
      if (hasMoved) inkChanged();
      return hasMoved;
    },
    lift: () => history.finish() && penRests(),
  };
  const pad = {
    pen,
    announce: reading.announce,
    announceLater,
    undo: () => history.undo() && inkChangedAtOnce(),
    redo: () => history.redo() && inkChangedAtOnce(),
    clear() {
      keyboard.centre();
      if (!history.clear()) return;
      inkChangedAtOnce();
      reading.announce("Cleared.");
    },
  };
  const pointer = drawWithPointer({ canvas, pen, onDown: () => keyboard.hide() });
  const keyboard = drawWithKeyboard({
    element,
    canvas,
    cursor: find(".cursor"),
    pad,
    isPointerDrawing: pointer.isDrawing,
  });

  // ---------------------------------------------------------------- what follows when the ink changes

  function inkChanged() {
    repaint();
    element.classList.toggle("inked", !history.isEmpty);
    answer.inkChanged();
    if (history.isEmpty) showEmpty();
    else live.request();
    tellInk(canvas);
  }

  /** Time for what need not happen thirty times a second. */
  function penRests() {
    storeDrawing();
    showTools();
    live.flush();
  }

  function inkChangedAtOnce() {
    inkChanged();
    penRests();
  }

  function showTools() {
    const enable = (button, isOn) => button.setAttribute("aria-disabled", String(!isOn));
    enable(buttons.undo, history.canUndo);
    enable(buttons.redo, history.canRedo);
    enable(buttons.clear, history.finished.length > 0);
  }

  // ---------------------------------------------------------------- what is shown

  let speech = null;

  function showEmpty() {
    live.forget();
    reading.section.dataset.state = "empty";
    answer.showEmpty();
    clearTimeout(speech);
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

  /** A screen reader hears the answer once the pen rests, not thirty times a second. */
  function announceLater(sentence) {
    clearTimeout(speech);
    const isDrawing = () => pen.isDown() && !keyboard.isShown();
    speech = setTimeout(() => (isDrawing() ? announceLater(sentence) : reading.announce(sentence)), ANNOUNCE_AFTER);
  }

  /** Shows which network reads, and has the drawing read with it. */
  function showNetworks() {
    const { own } = sessionState.mine;
    find(".networks .own").hidden = !own;
    find(".networks").classList.toggle("three", own);
    find(`.networks input[value=${sessionState.network}]`).checked = true;
    if (!history.isEmpty) live.request();
  }

  // ---------------------------------------------------------------- wiring

  for (const [name, button] of Object.entries(buttons)) button.addEventListener("click", pad[name]);
  find(".networks").addEventListener("change", ({ target }) => chooseNetwork(target.value));
  window.addEventListener("pagehide", storeDrawing); // a stroke may be half drawn
  window.addEventListener("online", () => live.retryNow());
  for (const event of ["model", "network"]) sessionState.addEventListener(event, showNetworks);
  sessionState.addEventListener("picture", () => {
    history.replace(sessionState.picture);
    inkChangedAtOnce();
  });

  onInk(canvas, inkChangedAtOnce);

  mountTeaching({ element, ...createActions({ server, upload }) });
  showTools();
  inkChanged();
}

function showGhost(path) {
  path.setAttribute("d", GHOSTS[Math.floor(Math.random() * GHOSTS.length)]);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const draws = [{ strokeDashoffset: 1 }, { strokeDashoffset: 0 }];
  path.animate(draws, { duration: 1400, easing: "ease-in-out", delay: 200, fill: "backwards" });
}
