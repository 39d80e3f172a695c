// The drawing, which the Draw and the Inside tab share, and which outlives a reload.

import { DrawingHistory, parseStrokes } from "./history.js";

const STORED_AS = "digits-from-scratch/strokes";

/** Event: "ink", the drawing has changed; `detail` is whoever changed it. */
export const drawing = Object.assign(new EventTarget(), { history: new DrawingHistory(storedStrokes()) });

let isTelling = false; // whoever hears of new ink and shows it does not tell of it again

/** author: who changed the ink, and does not want to hear of it. */
export function tellInk(author) {
  if (isTelling) return;
  isTelling = true;
  drawing.dispatchEvent(new CustomEvent("ink", { detail: author }));
  isTelling = false;
}

/** Calls `hear` when anybody but `author` has changed the ink. */
export function onInk(author, hear) {
  drawing.addEventListener("ink", ({ detail }) => detail !== author && hear());
}

export function storeDrawing() {
  try {
    sessionStorage.setItem(STORED_AS, JSON.stringify(drawing.history.strokes));
  } catch {
    // Storage is full or forbidden: the drawing just does not outlive a reload.
  }
}

function storedStrokes() {
  try {
    return parseStrokes(sessionStorage.getItem(STORED_AS));
  } catch {
    return []; // storage is forbidden here
  }
}
