// The kernels of the first layer as pictures.

import { decodeBytes } from "../shared/base64.js";

const FEW = 16; // up to so many kernels are shown large
const [POSITIVE, NEGATIVE] = [[58, 104, 232], [232, 128, 32]]; // red, green, blue

/** RGBA of each weight: the hue says its sign, the opacity its size beside `most`, the largest of all. */
export function coloursOf(weights, most) {
  const pixels = new Uint8ClampedArray(4 * weights.length);
  weights.forEach((weight, i) => {
    const share = weight / most;
    pixels.set([...(share > 0 ? POSITIVE : NEGATIVE), 255 * Math.sqrt(Math.abs(share))], 4 * i);
  });
  return pixels;
}

/** RGBA of a kernel that looks at colours, red, green and blue side by side: grey is a weight of 0. */
export function coloursOfRgb(weights, most) {
  const pixels = new Uint8ClampedArray((4 * weights.length) / 3);
  for (let i = 0; i < weights.length / 3; i += 1) {
    const [red, green, blue] = weights.subarray(3 * i, 3 * i + 3).map((weight) => 128 + (127 * weight) / most);
    pixels.set([red, green, blue, 255], 4 * i);
  }
  return pixels;
}

/** weights: float32 in base64, `count` kernels of `size` x `size` x `channels`, one after the other. */
export function showKernels(box, { size, channels, count, weights }) {
  const values = new Float32Array(decodeBytes(weights).buffer);
  if (box.childElementCount !== count) {
    box.replaceChildren(...Array.from({ length: count }, () => document.createElement("canvas")));
    box.classList.toggle("few", count <= FEW);
  }
  const largest = (some) => some.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
  const most = largest(values);
  const area = size * size * channels;
  [...box.children].forEach((canvas, k) => {
    if (canvas.width !== size) canvas.width = canvas.height = size;
    const kernel = values.subarray(k * area, (k + 1) * area);
    // Of colours, each by its own largest weight, or most would be grey.
    const pixels = channels === 3 ? coloursOfRgb(kernel, largest(kernel)) : coloursOf(kernel, most);
    canvas.getContext("2d").putImageData(new ImageData(pixels, size, size), 0, 0);
  });
}
