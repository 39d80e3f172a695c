// The drawing and its history. A stroke is a flat list [x, y, x, y, ...] in shares of the pad's side, so that it means
// the same on every screen; or it is a picture that fills the pad, a string of 28x28 grey bytes in base64.

const MIN_STEP = 0.002; // a movement shorter than this share of the side adds no point

/** Strokes with undo and redo. What changes them returns whether it did. */
export class DrawingHistory {
  #past; // earlier states of `finished`
  #future = []; // states that were undone

  constructor(strokes = []) {
    this.finished = strokes;
    this.current = null; // the stroke under the pen
    this.#past = strokes.map((_, count) => strokes.slice(0, count));
  }

  get strokes() {
    return this.current ? [...this.finished, this.current] : this.finished;
  }

  get isEmpty() {
    return this.strokes.length === 0;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  begin(x, y) {
    this.current = [x, y];
  }

  extend(x, y) {
    const [lastX, lastY] = this.current.slice(-2);
    if (Math.hypot(x - lastX, y - lastY) < MIN_STEP) return false;
    this.current.push(x, y);
    return true;
  }

  /** The stroke under the pen is complete. */
  finish() {
    if (this.current === null) return false;
    const stroke = this.current;
    this.current = null;
    this.#change([...this.finished, stroke]);
    return true;
  }

  /** Takes back the stroke under the pen, or else the last change. */
  undo() {
    if (this.current !== null) {
      this.current = null;
      return true;
    }
    if (!this.canUndo) return false;
    this.#future.push(this.finished);
    this.finished = this.#past.pop();
    return true;
  }

  /** A stroke under the pen is a change of its own, after which there is nothing to redo. */
  redo() {
    if (this.current !== null || !this.canRedo) return false;
    this.#past.push(this.finished);
    this.finished = this.#future.pop();
    return true;
  }

  /** Can be undone, too. */
  clear() {
    this.finish();
    if (this.finished.length === 0) return false;
    this.#change([]);
    return true;
  }

  /** Puts others in place of all strokes. */
  replace(strokes) {
    this.finish();
    this.#change(strokes);
  }

  #change(strokes) {
    this.#past.push(this.finished);
    this.#future = [];
    this.finished = strokes;
  }
}

export const isPicture = (stroke) => typeof stroke === "string";

/** The strokes that were stored as JSON; none where the text is something else. */
export function parseStrokes(text) {
  const isDrawn = (stroke) => Array.isArray(stroke) && stroke.length >= 2 && stroke.every(Number.isFinite);
  const isStoredPicture = (stroke) => isPicture(stroke) && atob(stroke).length === 28 * 28;
  try {
    const stored = JSON.parse(text);
    return Array.isArray(stored) ? stored.filter((stroke) => isDrawn(stroke) || isStoredPicture(stroke)) : [];
  } catch {
    return [];
  }
}
