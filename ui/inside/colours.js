// Diverging colours: blue above 0, orange below, nothing at 0, the same for activations, kernels and evidence. The
// opacity says the size, so that they stand on white paper and on a dark desk alike.

export const [POSITIVE, NEGATIVE] = [[45, 92, 230], [226, 112, 20]]; // red, green, blue
const STEPS = 256;

const packed = ([red, green, blue], opacity) => ((opacity << 24) | (blue << 16) | (green << 8) | red) >>> 0;
// For shares -1 to 1. Small values matter as much as large ones: the opacity grows with the root.
const TABLE = Uint32Array.from({ length: 2 * STEPS + 1 }, (_, i) => {
  const share = i / STEPS - 1;
  return packed(share > 0 ? POSITIVE : NEGATIVE, Math.round(255 * Math.sqrt(Math.abs(share))));
});

/** share: -1 to 1, what is beyond is cut. Returns RGBA as a little-endian number, for a Uint32Array on image data. */
export const colourOf = (share) => TABLE[Math.round((Math.min(Math.max(share, -1), 1) + 1) * STEPS)];

/** Paints pixels, as numbers of `colourOf`, onto a canvas. */
export function putPixels(canvas, { width, height, pixels }) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const bytes = new Uint8ClampedArray(pixels.buffer);
  canvas.getContext("2d").putImageData(new ImageData(bytes, width, height), 0, 0);
}

/** Paints signed values, row by row, each divided by `most`. */
export function paintValues(canvas, values, width, most) {
  const pixels = Uint32Array.from(values, (value) => colourOf(value / (most || 1)));
  putPixels(canvas, { width, height: values.length / width, pixels });
}

/** The largest absolute value. */
export const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

// A hue for each digit, and grey for "not a digit": in curves, where lines of several classes cross.
const HUES = [210, 350, 130, 35, 275, 180, 320, 15, 90, 245];

/** For CSS; light-dark by the page's own variables would need one for each, so all are of middle lightness. */
export const curveColour = (index) => (index < HUES.length ? `hsl(${HUES[index]} 62% 46%)` : "hsl(0 0% 50%)");
