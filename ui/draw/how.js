// "How it works": five sentences, each beside what it explains, and the box and centre of mass in the picture.

import { decodeBytes } from "../shared/base64.js";
import { SIDE } from "../shared/picture.js";
import { sessionState } from "../shared/session.js";

const BOX = 20; // pixels of the ink's longer side, as in MNIST

// The element that each stands behind, in the order of what happens.
const SENTENCES = [
  [".pad .tools", "Your ink is cut out and scaled until its longer side is 20 pixels: the square in the picture."],
  [".seen", "It is shifted until its centre of mass, the cross, is in the middle of 28 \u00d7 28 pixels."],
  [".networks legend", "The network turns these 784 grey values into ten scores, the logits, one for each digit."],
  [".bars", "Softmax turns the logits into shares: the higher a logit, the larger the share, and all add up to 100%."],
  [".bars", "The reject class takes what looks like no digit: above one half, the answer is a question mark."],
];

/** [left, top] of the 20x20 box around the ink of a picture, in pixels; null where there is none. */
export function inkBox(picture) {
  const inked = [...decodeBytes(picture)].flatMap((value, i) => (value > 0 ? [i] : []));
  if (inked.length === 0) return null;
  const middle = (values) => (Math.min(...values) + Math.max(...values) + 1) / 2;
  return [inked.map((i) => i % SIDE), inked.map((i) => Math.floor(i / SIDE))].map((at) => middle(at) - BOX / 2);
}

/** element: the tab, with a button `.how-it-works` in it. */
export function mountExplanations(element) {
  const button = element.querySelector(".how-it-works");
  const overlay = document.createElement("span");
  overlay.className = "measures";
  overlay.append(document.createElement("i"), document.createElement("b"));
  const canvas = element.querySelector(".seen canvas");
  const view = document.createElement("span");
  view.className = "view";
  canvas.replaceWith(view);
  view.append(canvas, overlay);
  const sentences = SENTENCES.map(([selector, text], i) => {
    const sentence = document.createElement("p");
    sentence.className = "how";
    sentence.textContent = `${i + 1}. ${text}`;
    return [element.querySelector(selector), sentence];
  });
  for (const [place, sentence] of sentences.toReversed()) place.after(sentence); // so that two of one place keep order

  function show() {
    const isOn = button.ariaExpanded === "true";
    for (const [, sentence] of sentences) sentence.hidden = !isOn;
    const box = isOn && sessionState.drawing ? inkBox(sessionState.drawing.picture) : null;
    overlay.hidden = box === null;
    if (box === null) return;
    const [left, top] = box.map((pixels) => `${(100 * pixels) / SIDE}%`);
    Object.assign(overlay.firstChild.style, { left, top });
  }

  button.addEventListener("click", () => {
    button.ariaExpanded = String(button.ariaExpanded !== "true");
    show();
  });
  sessionState.addEventListener("drawing", show);
  show();
}
