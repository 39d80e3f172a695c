// Beside every view: the pad, what the network sees with a frame of what is pointed at, and the eleven shares.

import { createSheet } from "../draw/canvas.js";
import { drawing, onInk, storeDrawing, tellInk } from "../draw/drawing.js";
import { createHand } from "../draw/hand.js";
import { isPicture } from "../draw/history.js";
import { paintPicture, SIDE } from "../shared/picture.js";
import { certainty, percentsOf, percentText } from "../shared/wording.js";
import { CLASSES, newElement } from "./elements.js";
import { pointOnSheet } from "./looking.js";

/** Returns what renders the pad's ink, with the point of the pen on it, or null. */
export function createRender() {
  const render = createSheet();
  return () => {
    const { strokes } = drawing.history;
    const ink = render(strokes);
    const last = strokes.findLast((stroke) => !isPicture(stroke));
    if (!ink) return null;
    const { image, toPad } = ink; // it packs what is taken
    return { image, toPad, point: last ? pointOnSheet(toPad, ...last.slice(-2)) : null };
  };
}

/** The pad: the same drawing as on the Draw tab. Returns {repaint}. */
export function createPad({ element, looking, announce }) {
  const canvas = element.querySelector(".ink");
  const hand = createHand({
    element: element.querySelector(".pad"),
    canvas,
    cursor: element.querySelector(".cursor"),
    buttons: { undo: element.querySelector(".back"), clear: element.querySelector(".wipe") },
    history: drawing.history,
    announce,
    announceLater: announce,
    onInk: () => looking.inkChanged(),
    onRest() {
      storeDrawing();
      tellInk(canvas);
      looking.live.flush();
    },
  });
  onInk(canvas, hand.inkWasChanged);
  return { repaint: hand.repaint };
}

/** What the network sees, and a frame on it. Returns {show, frame}. */
export function createSeen(element) {
  const canvas = element.querySelector(".looked canvas");
  const frame = element.querySelector(".looked .frame");
  return {
    show(picture) {
      if (picture) paintPicture(canvas, picture);
      else canvas.getContext("2d").clearRect(0, 0, SIDE, SIDE);
    },
    /** field: [top, bottom, left, right] in pixels, or null. */
    frame(field) {
      frame.hidden = !field;
      if (field) placeFrame(frame, field, SIDE, SIDE);
    },
  };
}

/** Lays a frame around rows and columns of something `width` x `height` that it stands on. */
export function placeFrame(frame, [top, bottom, left, right], width, height) {
  frame.style.left = `${(100 * left) / width}%`;
  frame.style.top = `${(100 * top) / height}%`;
  frame.style.width = `${(100 * (right - left)) / width}%`;
  frame.style.height = `${(100 * (bottom - top)) / height}%`;
}

/** The answer and eleven bars. Returns what shows `shares`, or null for none. */
export function createShares(element) {
  const answer = element.querySelector(".said");
  const box = element.querySelector(".shares");
  const bars = CLASSES.map((label) => {
    const text = newElement("span", { className: "percent" });
    const track = newElement("span", { className: "track" }, newElement("span", { className: "fill" }));
    const bar = newElement("div", { className: "share" }, newElement("span", { textContent: label }), track, text);
    bar.setAttribute("role", "meter");
    bar.setAttribute("aria-label", label === "not a digit" ? label : `digit ${label}`);
    bar.setAttribute("aria-valuemin", "0");
    bar.setAttribute("aria-valuemax", "100");
    box.append(bar);
    return { bar, text };
  });
  return (shares) => {
    const all = shares ? allShares(shares) : Array(CLASSES.length).fill(0);
    const best = all.indexOf(Math.max(...all));
    const percents = shares ? percentsOf(all) : all;
    bars.forEach(({ bar, text }, i) => {
      bar.style.setProperty("--share", all[i]);
      bar.setAttribute("aria-valuenow", percents[i]);
      bar.classList.toggle("best", shares !== null && i === best);
      text.textContent = shares ? percentText(percents[i]) : "";
    });
    answer.textContent = shares ? verdictOf(shares) : "Draw a digit here, and watch it travel.";
  };
}

/** Of the ten digits, and last of the reject class; they sum to 1. */
export const allShares = ({ probs, reject }) => [...probs.map((share) => share * (1 - reject)), reject];

/** What is said of the shares, as a sentence or two. */
export function verdictOf(shares) {
  const all = allShares(shares);
  if (shares.digit === null) return `Not a digit: ${percentText(percentsOf(all).at(-1))} sure.`;
  return `It reads ${shares.digit}. ${certainty({ digit: shares.digit, shares: all })}.`;
}
