// The hand that draws on a pad: a pointer's or the keyboard's, with pen or eraser, and the buttons that undo and clear.

import { createScreen } from "./canvas.js";
import { penOf } from "./geometry.js";
import { drawWithKeyboard } from "./keyboard.js";
import { RESTS_AFTER } from "./live.js";
import { drawWithPointer } from "./pointer.js";

/**
 * element: that gets the classes "inked" and "erasing", and with it Ctrl+Z; canvas, cursor: of the pad; buttons: some
 * of {undo, redo, erase, clear}, and without `erase` there is no eraser; history: a DrawingHistory; announce,
 * announceLater: say a sentence to screen readers.
 * onInk: the ink has changed, up to sixty times a second; onRest: and stays for a moment. Neither is called before
 * something is drawn.
 */
export function createHand({ element, canvas, cursor, buttons, history, announce, announceLater, onInk, onRest }) {
  // Of the strokes that are done: the pen does not change its width while it draws.
  const repaint = createScreen(canvas, () => history.strokes, () => penOf(history.finished));
  let inkChangedAt = 0;

  const pen = {
    isEraser: false,
    isDown: () => history.current !== null || history.isErasing,
    down(x, y) {
      pen.lift(); // another pointer's, or the keyboard's
      if (pen.isEraser) return history.beginErasing(x, y) && inkChanged();
      history.begin(x, y);
      inkChanged();
    },
    /** Returns whether there is a pen down that has moved. */
    move(points) {
      if (history.isErasing) {
        if (points.map((point) => history.eraseTo(...point)).includes(true)) inkChanged();
        return true;
      }
      const hasMoved = pen.isDown() && points.map((point) => history.extend(...point)).includes(true);
      if (hasMoved) inkChanged();
      return hasMoved;
    },
    lift: () => history.finish() && penRests(),
  };
  const pad = {
    pen,
    announce,
    announceLater,
    undo: () => history.undo() && inkChangedAtOnce(),
    redo: () => history.redo() && inkChangedAtOnce(),
    erase() {
      if (!buttons.erase) return;
      pen.isEraser = !pen.isEraser;
      buttons.erase.ariaPressed = String(pen.isEraser);
      element.classList.toggle("erasing", pen.isEraser);
      announce(pen.isEraser ? "Eraser." : "Pen.");
    },
    clear() {
      keyboard.centre();
      if (!history.clear()) return;
      inkChangedAtOnce();
      announce("Cleared.");
    },
  };
  const pointer = drawWithPointer({ canvas, pen, onDown: () => keyboard.hide() });
  const keyboard = drawWithKeyboard({ element, canvas, cursor, pad, isPointerDrawing: pointer.isDrawing });

  function inkChanged() {
    inkChangedAt = performance.now();
    repaint();
    element.classList.toggle("inked", !history.isEmpty);
    onInk();
  }

  /** Time for what need not happen sixty times a second. */
  function penRests() {
    repaint(); // now that the size of what is drawn is known, and with it the pen's
    showTools();
    onRest();
  }

  function inkChangedAtOnce() {
    inkChanged();
    penRests();
  }

  function showTools() {
    element.classList.toggle("inked", !history.isEmpty);
    const isOn = { undo: history.canUndo, redo: history.canRedo, clear: history.finished.length > 0 };
    for (const [name, can] of Object.entries(isOn)) buttons[name]?.setAttribute("aria-disabled", String(!can));
  }

  for (const [name, button] of Object.entries(buttons)) button.addEventListener("click", pad[name]);
  showTools();

  return {
    repaint,
    inkChanged,
    inkChangedAtOnce,
    /** Somebody else has changed the ink, and stores it. */
    inkWasChanged() {
      inkChanged();
      showTools();
    },
    isMoving: () => pen.isDown() && performance.now() - inkChangedAt < RESTS_AFTER,
    /** Whether something is drawn right now that whoever hears of the ink does not ask for yet. */
    isDrawing: () => pen.isDown() && !keyboard.isShown(),
    takePen: () => pen.isEraser && pad.erase(),
  };
}
