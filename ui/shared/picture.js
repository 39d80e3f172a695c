// What a network sees: 28x28 grey bytes in base64, ink white on black.

import { decodeBytes } from "./base64.js";

export const SIDE = 28; // pixels

/** Paints a picture onto a canvas, a pixel each. */
export function paintPicture(canvas, picture) {
  canvas.width = canvas.height = SIDE;
  const pixels = new ImageData(SIDE, SIDE);
  decodeBytes(picture).forEach((value, i) => pixels.data.set([value, value, value, 255], 4 * i));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

/** A new canvas with the picture's ink in a colour, on nothing. */
export function inkOf(picture, colour) {
  const ink = document.createElement("canvas");
  ink.width = ink.height = SIDE;
  const context = ink.getContext("2d");
  const pixels = new ImageData(SIDE, SIDE);
  decodeBytes(picture).forEach((value, i) => (pixels.data[4 * i + 3] = value));
  context.putImageData(pixels, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = colour;
  context.fillRect(0, 0, SIDE, SIDE);
  return ink;
}
