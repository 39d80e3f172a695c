// The drawing and its history. A stroke is a flat list [x, y, x, y, ...] in shares of the pad's side, so that it means
// the same on every screen; or it is a picture that fills the pad, a string of 28x28 grey bytes in base64.

const ERASER = 0.04; // radius of the eraser
const MIN_STEP = 0.002; // a movement shorter than this share of the side adds no point

const drawn = new WeakMap(); // of what the eraser left of a stroke: the stroke as it was drawn

/** The stroke that this one is a part of, since the eraser cut it; or else the very same. */
export const asDrawn = (stroke) => drawn.get(stroke) ?? stroke;

/** Strokes with undo and redo. What changes them returns whether it did. */
export class DrawingHistory {
  #erased = null; // what was there before the eraser that is down, and where that was last
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

  get isErasing() {
    return this.#erased !== null;
  }

  /** The eraser goes down, and until `finish` all that it takes away is one change. */
  beginErasing(x, y) {
    this.#erased = { before: this.finished, at: [x, y] };
    return this.eraseTo(x, y);
  }

  /** Moves the eraser in a straight line. */
  eraseTo(x, y) {
    const [left, top] = this.#erased.at;
    const steps = Math.ceil(Math.hypot(x - left, y - top) / ERASER) || 1;
    const before = this.finished;
    for (let i = 1; i <= steps; i++) {
      const place = [left + ((x - left) * i) / steps, top + ((y - top) * i) / steps];
      this.finished = erased(this.finished, ...place, ERASER);
    }
    this.#erased.at = [x, y];
    return this.finished !== before;
  }

  #finishErasing() {
    const [{ before }, after] = [this.#erased, this.finished];
    this.#erased = null;
    if (before === after) return false;
    this.finished = before;
    this.#change(after);
    return true;
  }

  /** The stroke under the pen is complete. */
  finish() {
    if (this.isErasing) return this.#finishErasing();
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

  /** Puts these strokes in place of all others. */
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

/** The first point of a stroke and the last, and those between that are far enough from the one before. */
export function thin(stroke, distance) {
  const kept = stroke.slice(0, 2);
  for (let i = 2; i < stroke.length; i += 2) {
    const [x, y] = kept.slice(-2);
    const isFar = Math.hypot(stroke[i] - x, stroke[i + 1] - y) >= distance;
    if (isFar || i === stroke.length - 2) kept.push(stroke[i], stroke[i + 1]);
  }
  return kept;
}

export const isPicture = (stroke) => typeof stroke === "string";

/**
 * The strokes without what lies within a radius of (x, y): a stroke that is cut becomes several, a picture loses its
 * pixels there. The very same list where nothing does.
 */
export function erased(strokes, x, y, radius) {
  const isHit = (atX, atY) => Math.hypot(atX - x, atY - y) < radius;
  const left = strokes.flatMap((stroke) => {
    if (isPicture(stroke)) return [withoutPixels(stroke, isHit)];
    const path = withMorePoints(stroke, radius / 2);
    const parts = [[]];
    let isCut = false;
    for (let i = 0; i < path.length; i += 2) {
      if (!isHit(path[i], path[i + 1])) parts.at(-1).push(path[i], path[i + 1]);
      else {
        isCut = true;
        parts.push([]);
      }
    }
    if (!isCut) return [stroke];
    const rest = parts.filter((part) => part.length > 0);
    for (const part of rest) drawn.set(part, asDrawn(stroke));
    return rest;
  });
  const isSame = left.length === strokes.length && left.every((stroke, i) => stroke === strokes[i]);
  return isSame ? strokes : left;
}

/** The same path, with no two points further apart than `gap`. */
function withMorePoints(stroke, gap) {
  const path = stroke.slice(0, 2);
  for (let i = 2; i < stroke.length; i += 2) {
    const [fromX, fromY, toX, toY] = stroke.slice(i - 2, i + 2);
    const steps = Math.ceil(Math.hypot(toX - fromX, toY - fromY) / gap) || 1;
    for (let k = 1; k <= steps; k++) {
      const round = (value) => Math.round(1e4 * value) / 1e4;
      path.push(round(fromX + ((toX - fromX) * k) / steps), round(fromY + ((toY - fromY) * k) / steps));
    }
  }
  return path;
}

function withoutPixels(picture, isHit) {
  const side = Math.sqrt(atob(picture).length);
  const pixels = [...atob(picture)].map((pixel, i) => {
    const [atX, atY] = [((i % side) + 0.5) / side, (Math.floor(i / side) + 0.5) / side];
    return isHit(atX, atY) ? "\0" : pixel;
  });
  const left = btoa(pixels.join(""));
  return left === picture ? picture : left;
}

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
