// The pictures of a data set that the tab shows: fetched once, when a training or test has brought them to the server.

import { decodeBytes, encodeBytes } from "../shared/base64.js";

/** Pictures one after the other, as base64 -> each of them, as base64. */
export function splitPictures(text, [height, width, channels]) {
  const bytes = decodeBytes(text);
  const size = height * width * channels;
  return Array.from({ length: bytes.length / size }, (_, i) => encodeBytes(bytes.subarray(i * size, (i + 1) * size)));
}

/** onCome(): some came. Returns of({name, shape}): {watched, tests, labels}, null where they are not there yet. */
export function createSamples(server, onCome) {
  const found = new Map(); // by the name of the data set
  const asked = new Set();

  async function fetchOf({ name, shape }) {
    asked.add(name);
    const answer = await server.samples({ dataset: name }).catch(() => undefined);
    asked.delete(name);
    if (!answer?.labels) return;
    const split = (text) => splitPictures(text, shape);
    found.set(name, { watched: split(answer.watched), tests: split(answer.tests), labels: answer.labels });
    onCome();
  }

  return (dataset) => {
    if (!found.has(dataset.name) && !asked.has(dataset.name)) fetchOf(dataset);
    return found.get(dataset.name) ?? null;
  };
}
