// A drawing as text that fits into a link: "1", then the strokes with a dot before each. A stroke is its first point,
// two characters a coordinate, then the steps from point to point, a character a coordinate; or, after a star, a
// picture. Coordinates are in 512ths of the pad's side.

import { isPicture, thin } from "./history.js";
import { SIDE } from "../shared/picture.js";

export const MOST_CHARACTERS = 2000;
export const TOO_LONG = "There is too much ink for a link. Save the picture instead.";
export const BROKEN = "This link holds no drawing, or only a part of one.";

const VERSION = "1";
const UNITS = 512; // of the pad's side
const FARTHEST = 31; // units of one step; what is farther is reached in several
const DISTANCES = [0, 0.006, 0.012, 0.02, 0.03]; // that points keep from each other, the first with which they fit
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"; // six bits each
const STROKE = /^[\w-]{4}(?:[\w-]{2})*$/;

/** Throws an Error with a sentence where it does not fit. */
export function textOfStrokes(strokes) {
  for (const distance of DISTANCES) {
    const pack = (stroke) => (isPicture(stroke) ? packPicture(stroke) : packStroke(thin(stroke, distance)));
    const text = [VERSION, ...strokes.map(pack)].join(".");
    if (text.length <= MOST_CHARACTERS) return text;
  }
  throw new Error(TOO_LONG);
}

/** Throws an Error with a sentence where the text is of no drawing. */
export function strokesOfText(text) {
  const [version, ...parts] = text.split(".");
  if (text.length > MOST_CHARACTERS || version !== VERSION || parts.length === 0) throw new Error(BROKEN);
  return parts.map((part) => (part.startsWith("*") ? unpackPicture(part.slice(1)) : unpackStroke(part)));
}

function packStroke(stroke) {
  const places = stroke.map((share) => Math.round(UNITS * Math.min(Math.max(share, 0), 1)));
  let [x, y] = places;
  let text = [x, y].map((place) => DIGITS[place >> 6] + DIGITS[place & 63]).join("");
  for (let i = 2; i < places.length; i += 2) {
    const farthest = Math.max(Math.abs(places[i] - x), Math.abs(places[i + 1] - y));
    for (let steps = Math.ceil(farthest / FARTHEST); steps > 0; steps--) {
      const step = [(places[i] - x) / steps, (places[i + 1] - y) / steps].map(Math.round);
      text += step.map((units) => DIGITS[units + FARTHEST]).join("");
      [x, y] = [x + step[0], y + step[1]];
    }
  }
  return text;
}

function unpackStroke(text) {
  if (!STROKE.test(text)) throw new Error(BROKEN);
  const values = [...text].map((character) => DIGITS.indexOf(character));
  const places = [64 * values[0] + values[1], 64 * values[2] + values[3]];
  for (let i = 4; i < values.length; i++) places.push(places.at(-2) + values[i] - FARTHEST);
  if (places.some((place) => place < 0 || place > UNITS)) throw new Error(BROKEN);
  return places.map((place) => place / UNITS);
}

const packPicture = (picture) =>
  `*${picture.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;

function unpackPicture(text) {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  const picture = base64.padEnd(Math.ceil(base64.length / 4) * 4, "=");
  try {
    if (atob(picture).length === SIDE * SIDE) return picture;
  } catch {
    // It is no base64 at all.
  }
  throw new Error(BROKEN);
}
