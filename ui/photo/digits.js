// The digits of a photo: lines, places, and the visitor's corrections. A digit is as the server answers it, with its
// `line` and its `box` [x, y, width, height] in pixels of the photo; an answer is what stands for it after
// corrections, "" where it is left out.

import { textOf } from "../shared/wording.js";

/** Indices of the digits, line by line from the top. */
export function linesOf(digits) {
  const lines = new Map();
  digits.forEach(({ line }, i) => lines.set(line, [...(lines.get(line) ?? []), i]));
  return [...lines.values()];
}

export const isCorrected = (digit, answer) => answer !== textOf(digit);

/** The text of each line that has any. */
export function textLines(digits, answers) {
  return linesOf(digits)
    .map((line) => line.map((i) => answers[i]).join(""))
    .filter(Boolean);
}

/** Index of the digit in the next line (step 1) or the one before (-1) that is nearest to digit i's column. */
export function nearestInLine(digits, i, step) {
  const lines = linesOf(digits);
  const line = lines[lines.findIndex((indices) => indices.includes(i)) + step];
  if (!line) return i;
  const centre = (at) => digits[at].box[0] + digits[at].box[2] / 2;
  const distance = (at) => Math.abs(centre(at) - centre(i));
  return line.reduce((best, at) => (distance(at) < distance(best) ? at : best));
}

/** Index of the digit that a key of the keyboard goes to from digit i; undefined for other keys. */
export function indexAfterKey(key, digits, i) {
  switch (key) {
    case "ArrowRight":
      return Math.min(i + 1, digits.length - 1);
    case "ArrowLeft":
      return Math.max(i - 1, 0);
    case "ArrowDown":
      return nearestInLine(digits, i, 1);
    case "ArrowUp":
      return nearestInLine(digits, i, -1);
    case "Home":
      return 0;
    case "End":
      return digits.length - 1;
  }
}

/** The CSS that lays a box over a photo of this size. */
export function placeOf([x, y, width, height], photo) {
  const percentOf = (length, whole) => `${(100 * length) / whole}%`;
  return {
    left: percentOf(x, photo.width),
    top: percentOf(y, photo.height),
    width: percentOf(width, photo.width),
    height: percentOf(height, photo.height),
  };
}

/** The square around a box, with paper of so large a share of its size on each side: [x, y, side, side]. */
export function squareAround([x, y, width, height], margin) {
  const side = Math.max(width, height) * (1 + 2 * margin);
  return [x + width / 2 - side / 2, y + height / 2 - side / 2, side, side];
}
