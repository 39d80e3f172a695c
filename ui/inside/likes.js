// What a channel likes: the nine pictures of MNIST that excite it most, each with a frame around what it sees of it.

import { paintPicture, SIDE } from "../shared/picture.js";
import { newElement } from "./elements.js";
import { paced } from "./paced.js";
import { placeFrame } from "./side.js";

const AGAIN = 2000; // milliseconds until it is asked again whether a worker has found them

/** Fills `box`. Returns {show(position, channel), forget}; forget: nobody looks at it any more. */
export function createLikes({ box, looking }) {
  const pictures = newElement("div", { className: "liked" });
  const caption = newElement("p", { className: "hint" });
  caption.setAttribute("role", "status");
  box.append(newElement("h2", { textContent: "What it likes" }), pictures, caption);
  let timer = null;
  let shown = ""; // of which network, layer and channel the pictures are

  const ask = paced(
    (position, channel) => looking.explain("likes", { position, channel, picture: null, copy: null, moment: null }),
    (answer, position, channel, name) => {
      if (answer.pending) {
        pictures.replaceChildren();
        caption.textContent = "Your network is being shown 3,000 pictures of MNIST. That takes a few seconds\u2026";
        timer = setTimeout(() => ask(position, channel, name), AGAIN);
        return;
      }
      shown = name;
      pictures.replaceChildren(...answer.pictures.map(newPicture));
      caption.textContent = captionFor(answer.pictures);
    },
  );

  function show(position, channel) {
    const name = [looking.networkName, position, channel].join();
    if (name === shown) return;
    forget();
    ask(position, channel, name);
  }

  function forget() {
    clearTimeout(timer);
    ask.forget();
    shown = "";
  }

  return { show, forget };
}

function newPicture({ picture, field, value }) {
  const canvas = newElement("canvas");
  paintPicture(canvas, picture);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `A digit of MNIST, which gives ${value.toPrecision(3)}`);
  const frame = newElement("span", { className: "frame" });
  const [top, bottom, left, right] = field;
  frame.hidden = bottom - top === SIDE && right - left === SIDE;
  placeFrame(frame, field, SIDE, SIDE);
  return newElement("div", { className: "picture" }, canvas, frame);
}

function captionFor(pictures) {
  const [{ field }] = pictures;
  const isWhole = pictures.every(({ field: [top, bottom, left, right] }) => bottom - top + right - left === 2 * SIDE);
  const strongest = "The nine training pictures that excite it most, the strongest first.";
  if (isWhole) return `${strongest} It sees the whole picture.`;
  const [height, width] = [field[1] - field[0], field[3] - field[2]];
  return `${strongest} The frame, ${height} \u00d7 ${width} pixels here, is all that it sees of each.`;
}
