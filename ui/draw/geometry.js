// Where ink lies, in shares of the pad's side. A box here is [left, top, right, bottom].

import { asDrawn, isPicture } from "./history.js";
import { SIDE } from "../shared/picture.js";

export const PEN = 0.07; // width of the pen, while nothing is known of how large the digits are
const SENT_SIDE = 140; // pixels of a digit's height as sent: seven times what the network keeps of it
const MAX_SENT_SIDE = 480; // pixels of the longer side of all ink as sent: ui/draw/tab.py takes 512 x 512
const SENT_MARGIN = 4; // pixels of paper around it
const MIN_PEN = 0.01; // width of the finest pen
const PEN_OF_HEIGHT = 0.15; // width of the pen as a share of the digits' height, up to PEN: the reader likes 0.13
const HEIGHT_OF_WIDTH = 0.4; // height, in its own widths, of what a low stroke begins: a bar of a 5 or a 7
const FRAME_GAP = 0.012; // between a digit and the frame around it

/** The box around a stroke's points. */
export function boxOf(stroke) {
  if (isPicture(stroke)) return [0, 0, 1, 1];
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < stroke.length; i += 2) {
    box[0] = Math.min(box[0], stroke[i]);
    box[1] = Math.min(box[1], stroke[i + 1]);
    box[2] = Math.max(box[2], stroke[i]);
    box[3] = Math.max(box[3], stroke[i + 1]);
  }
  return box;
}

const unionOf = (a, b) => a.map((edge, i) => (i < 2 ? Math.min(edge, b[i]) : Math.max(edge, b[i])));

function lengthOf(stroke) {
  let length = 0;
  for (let i = 2; i < stroke.length; i += 2) {
    length += Math.hypot(stroke[i] - stroke[i - 2], stroke[i + 1] - stroke[i - 1]);
  }
  return length;
}

/**
 * About how high the digits are: half of all that was drawn is strokes at least as high. Strokes say so where the
 * picture would not: a slash may join all digits of a date to one piece of ink.
 */
export function digitHeight(strokes) {
  const sizes = strokes.map((stroke) => {
    const [left, top, right, bottom] = boxOf(asDrawn(stroke)); // the eraser changes no pen
    const height = Math.max(bottom - top, HEIGHT_OF_WIDTH * (right - left));
    return { height, length: isPicture(stroke) ? 1 : lengthOf(stroke) };
  });
  let rest = sizes.reduce((sum, { length }) => sum + length, 0) / 2;
  sizes.sort((a, b) => b.height - a.height);
  for (const { height, length } of sizes) {
    rest -= length;
    if (rest <= 0) return height;
  }
  return sizes.at(-1).height; // what rounding left over
}

const penFor = (height) => Math.min(Math.max(PEN_OF_HEIGHT * height, MIN_PEN), PEN);

/** Width of the pen that suits what is drawn: the fat one of a large digit would close the loops of small ones. */
export function penOf(strokes) {
  const drawn = strokes.filter((stroke) => !isPicture(stroke));
  return drawn.length > 0 ? penFor(digitHeight(drawn)) : PEN;
}

/**
 * How ink is drawn for the server: cut to its bounding box, at a scale that gives digits a fixed size, small ones as
 * sharp as large ones, and with the pen that suits it.
 *
 * Returns {width, height, x, y, scale, pen, toPad}: the sheet in pixels, where the pad's corner lies on it, pixels
 * per side, the pen, and what takes a server's box [x, y, width, height] in pixels of the sheet to the box of a
 * frame around the ink on the pad. Null where there is no ink on the pad: what lies beside it does not count.
 */
export function layOutForServer(strokes) {
  if (strokes.length === 0) return null;
  const box = strokes.map(boxOf).reduce(unionOf);
  const digit = digitHeight(strokes);
  const pen = penFor(digit);
  const left = Math.max(box[0] - pen / 2, 0);
  const top = Math.max(box[1] - pen / 2, 0);
  const width = Math.min(box[2] + pen / 2, 1) - left;
  const height = Math.min(box[3] + pen / 2, 1) - top;
  if (width <= 0 || height <= 0) return null;

  const longest = Math.max(width, height);
  const scale = strokes.every(isPicture)
    ? SIDE // a pixel of the picture is a pixel of the sheet
    : Math.min(SENT_SIDE / Math.min(digit + pen, longest), MAX_SENT_SIDE / longest);
  return {
    width: Math.ceil(width * scale) + 2 * SENT_MARGIN,
    height: Math.ceil(height * scale) + 2 * SENT_MARGIN,
    x: SENT_MARGIN - left * scale,
    y: SENT_MARGIN - top * scale,
    scale,
    pen,
    toPad: ([x, y, w, h]) => [
      (x - SENT_MARGIN) / scale + left - FRAME_GAP,
      (y - SENT_MARGIN) / scale + top - FRAME_GAP,
      (x + w - SENT_MARGIN) / scale + left + FRAME_GAP,
      (y + h - SENT_MARGIN) / scale + top + FRAME_GAP,
    ],
  };
}

/** Index of the digit written last: the one that holds most points of the last stroke. boxes: of the digits. */
export function newestDigit(strokes, boxes) {
  const last = strokes.findLast((stroke) => !isPicture(stroke)) ?? [];
  const counts = boxes.map(([left, top, right, bottom]) => {
    const isInside = (x, y) => x >= left && x <= right && y >= top && y <= bottom;
    return last.filter((x, i) => i % 2 === 0 && isInside(x, last[i + 1])).length;
  });
  return counts.lastIndexOf(Math.max(...counts));
}
