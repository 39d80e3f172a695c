// What a network sees: 28x28 grey bytes in base64, ink white on black; or, of other pictures than digits, bytes of
// another shape, grey or red, green and blue.

import { decodeBytes } from "./base64.js";

export const SIDE = 28; // pixels

/** Paints a picture onto a canvas, a pixel each. shape: [height, width, channels], of which there are 1 or 3. */
export function paintPicture(canvas, picture, [height, width, channels] = [SIDE, SIDE, 1]) {
  Object.assign(canvas, { width, height });
  const pixels = new ImageData(width, height);
  const bytes = decodeBytes(picture);
  for (let i = 0; i < width * height; i += 1) {
    const [red, green = red, blue = red] = bytes.subarray(channels * i, channels * (i + 1));
    pixels.data.set([red, green, blue, 255], 4 * i);
  }
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
