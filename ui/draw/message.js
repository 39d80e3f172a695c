// What the pad sends and is answered, as bytes: jobs/drawing_message.py has the format, and is the other side.

import { thin } from "./history.js";
import { SIDE } from "../shared/picture.js";

const WHITE_RUN = 0x00;
const BLACK_RUN = 0x40;
const GREY_RUN = 0x80;
const LONG_WHITE_RUN = 0xc0;
const LONGEST_RUN = 64; // pixels, and how many of these a long white run may have

const HEAD = 14; // bytes of a drawing before the name of its network
const ANSWER_HEAD = 7;
const UNITS = 16; // of a stroke's coordinate, in a pixel
const MIN_GAP = 3; // pixels between two points of a stroke
const MOST_STROKES = 60; // with more, the picture is sent alone: that is no number
const MOST_STROKE_BYTES = 16_000;
const SHARE = 65535;
const DIGIT = /[0-9?]/;
const KINDS = ["read", "superseded", "busy", "error", "refused"];

const kindOf = (grey) => (grey === 255 ? WHITE_RUN : grey === 0 ? BLACK_RUN : GREY_RUN);

/** {runs, greys} of pixels as a canvas has them, four bytes each, of which the first counts: they are grey. */
export function packPixels(rgba) {
  const runs = [];
  const greys = [];
  let i = 0;
  while (i < rgba.length) {
    const kind = kindOf(rgba[i]);
    const start = i;
    while (i < rgba.length && kindOf(rgba[i]) === kind) {
      if (kind === GREY_RUN) greys.push(rgba[i]);
      i += 4;
    }
    pushRuns(runs, kind, (i - start) / 4);
  }
  return { runs, greys };
}

function pushRuns(runs, kind, count) {
  while (kind === WHITE_RUN && count >= LONGEST_RUN) {
    const blocks = Math.min(Math.floor(count / LONGEST_RUN), LONGEST_RUN);
    runs.push(LONG_WHITE_RUN | (blocks - 1));
    count -= blocks * LONGEST_RUN;
  }
  for (; count > 0; count -= LONGEST_RUN) runs.push(kind | (Math.min(count, LONGEST_RUN) - 1));
}

/**
 * The bytes of strokes, flat lists [x, y, ...] in pixels of the picture like the width of the pen. None of a single
 * stroke, which is never parted, or of too many.
 */
export function packStrokes(strokes, pen) {
  if (strokes.length < 2 || strokes.length > MOST_STROKES) return [];
  const values = [pen];
  for (const stroke of strokes) {
    const points = thin(stroke, MIN_GAP);
    values.push(points.length / 2 / UNITS, ...points); // a number of points is no coordinate
  }
  if (2 * values.length > MOST_STROKE_BYTES) return [];
  const bytes = new Uint8Array(2 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setInt16(2 * i, Math.round(value * UNITS), true));
  return bytes;
}

/** picture: {width, height, runs, greys, strokes}; isMoving: whether the pen is down; network: its name. */
export function packDrawing(number, { width, height, runs, greys, strokes }, isMoving, network) {
  const parts = [new TextEncoder().encode(network), strokes, runs, greys];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, HEAD));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, number, true);
  view.setUint8(4, isMoving ? 1 : 0);
  view.setUint16(5, width, true);
  view.setUint16(7, height, true);
  view.setUint16(9, runs.length, true);
  view.setUint8(11, network.length);
  view.setUint16(12, strokes.length, true);
  let at = HEAD;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * The answer in a buffer: {number, took}, and of a reading {text, symbols, digits, message, isProvisional}, or one of
 * {superseded: true}, {busy: a sentence}, {error: a sentence}, {refused: a sentence}.
 */
export function unpackAnswer(buffer) {
  const view = new DataView(buffer);
  const kind = KINDS[view.getUint8(4)];
  const answer = { number: view.getUint32(0, true), took: view.getUint16(5, true) };
  const textFrom = (at) => new TextDecoder().decode(new Uint8Array(buffer, at));
  if (kind === "superseded") return { ...answer, superseded: true };
  if (kind !== "read") return { ...answer, [kind]: textFrom(ANSWER_HEAD) };

  const count = view.getUint16(ANSWER_HEAD + 1, true);
  const textLength = view.getUint16(ANSWER_HEAD + 3, true);
  let at = ANSWER_HEAD + 5;
  const text = new TextDecoder().decode(new Uint8Array(buffer, at, textLength));
  at += textLength;
  const next16 = () => view.getUint16((at += 2) - 2, true);
  const nextShare = () => next16() / SHARE;
  const [symbols, digits] = [[], []];
  for (let i = 0; i < count; i++) {
    const symbol = String.fromCharCode(view.getUint8(at++));
    const line = next16();
    const box = Array.from({ length: 4 }, next16);
    if (!DIGIT.test(symbol)) {
      symbols.push({ symbol, line, box, confidence: nextShare() });
      continue;
    }
    const probs = Array.from({ length: 10 }, nextShare);
    const rejectShare = nextShare();
    const shares = [...probs.map((share) => (1 - rejectShare) * share), rejectShare];
    const picture = btoa(String.fromCharCode(...new Uint8Array(buffer, at, SIDE * SIDE)));
    at += SIDE * SIDE;
    const confidence = Math.max(...probs);
    symbols.push({ symbol, line, box, confidence });
    digits.push({ digit: symbol === "?" ? null : Number(symbol), confidence, probs, shares, line, box, picture });
  }
  const isProvisional = view.getUint8(ANSWER_HEAD) === 1;
  return { ...answer, text, symbols, digits, message: textFrom(at), isProvisional };
}
