// The photo with its boxes and answers drawn on it, as a picture to keep.

import { isDoubtful } from "../shared/wording.js";
import { isCorrected } from "./digits.js";

const BLUE = "#1f4fd8"; // the colours of the boxes in photo.css
const DOUBTFUL = "#b3420a";
const CORRECTED = "#1b6e3c";

/** photo: the image; symbols: their boxes are in pixels of a photo `width` wide. Resolves to a JPEG. */
export function markedPhoto(photo, symbols, answers, width) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [photo.naturalWidth, photo.naturalHeight];
  const context = canvas.getContext("2d");
  context.drawImage(photo, 0, 0);
  const scale = photo.naturalWidth / width;
  symbols.forEach((symbol, i) => {
    const [left, top, boxWidth, boxHeight] = symbol.box.map((length) => length * scale);
    const colour = isCorrected(symbol, answers[i]) ? CORRECTED : isDoubtful(symbol) ? DOUBTFUL : BLUE;
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = Math.max(2, boxHeight / 20);
    context.strokeRect(left, top, boxWidth, boxHeight);
    if (answers[i] === "") return;
    const size = Math.max(12, boxHeight / 3);
    context.font = `bold ${size}px system-ui, sans-serif`;
    const label = context.measureText(answers[i]).width + size / 2;
    context.fillRect(left, top - 1.2 * size, label, 1.2 * size);
    context.fillStyle = "white";
    context.fillText(answers[i], left + size / 4, top - 0.25 * size);
  });
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
}
