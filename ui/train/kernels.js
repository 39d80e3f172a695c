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

/** weights: float32 in base64, `count` kernels of `size` x `size`, one after the other. */
export function showKernels(box, { size, count, weights }) {
  const values = new Float32Array(decodeBytes(weights).buffer);
  if (box.childElementCount !== count) {
    box.replaceChildren(...Array.from({ length: count }, () => document.createElement("canvas")));
    box.classList.toggle("few", count <= FEW);
  }
  const most = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
  [...box.children].forEach((canvas, k) => {
    if (canvas.width !== size) canvas.width = canvas.height = size;
    const kernel = values.subarray(k * size * size, (k + 1) * size * size);
    canvas.getContext("2d").putImageData(new ImageData(coloursOf(kernel, most), size, size), 0, 0);
  });
}
