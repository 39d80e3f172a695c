// A network's maps as the server sends them (recognition/inside.py), and what the page derives: ReLU and max pooling
// keep the order of values, so those of rounded maps are rounded maps of their own.

const ZERO = 81; // the character code of 0
export const LEVELS = 45; // above 0, and as many below

/** A layer's values: {height, width, channels, values: Int8Array of levels, channel after channel, scales}. */
export function decodeMaps({ levels, scales }, [height, width, channels]) {
  const values = Int8Array.from(levels, (character) => character.charCodeAt(0) - ZERO);
  if (width === undefined) return { height: 1, width: 1, channels: values.length, values, scales, isVector: true };
  return { height, width, channels: Math.min(channels, scales.length), values, scales, isVector: false };
}

/** The value of a cell, as near as it was sent. */
export function valueAt(maps, row, column, channel) {
  const scale = maps.isVector ? maps.scales[0] : maps.scales[channel];
  return (maps.values[(channel * maps.height + row) * maps.width + column] * scale) / LEVELS;
}

/** The maps after ReLU. */
export function rectified(maps) {
  return { ...maps, values: maps.values.map((level) => Math.max(0, level)) };
}

/** The maps after max pooling by windows of `size`, `stride` apart. */
export function pooled(maps, size, stride) {
  const height = Math.floor((maps.height - size) / stride) + 1;
  const width = Math.floor((maps.width - size) / stride) + 1;
  const values = new Int8Array(maps.channels * height * width);
  let at = 0;
  for (let channel = 0; channel < maps.channels; channel++) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        let most = -LEVELS;
        for (let i = 0; i < size; i++) {
          const start = (channel * maps.height + row * stride + i) * maps.width + column * stride;
          for (let j = 0; j < size; j++) most = Math.max(most, maps.values[start + j]);
        }
        values[at++] = most;
      }
    }
  }
  return { ...maps, height, width, values };
}

/** All layers' maps by position, from those that were sent. layers: of the network, as `explain` describes them. */
export function allMaps(layers, sent) {
  const byPosition = new Map(sent.map((one) => [one.position, one]));
  const found = [];
  layers.forEach((layer, position) => {
    const one = byPosition.get(position);
    const before = found[position - 1];
    if (one) found.push(decodeMaps(one, layer.shape));
    else if (layer.kind === "relu") found.push(rectified(before));
    else if (layer.kind === "pool") found.push(pooled(before, ...layer.window));
    else found.push(before); // Flatten and Dropout change no value
  });
  return found;
}

/**
 * The layers as blocks: one that computes, and those that only pass its cells on. Each is a list of positions whose
 * maps are shown: a Flatten shows nothing new, and neither does a Dropout.
 */
export function blocksOf(layers) {
  const blocks = [];
  layers.forEach((layer, position) => {
    if (!layer.derived) blocks.push([position]);
    else if (layer.kind === "relu" || layer.kind === "pool") blocks.at(-1).push(position);
  });
  return blocks;
}

/** One channel alone, as maps; `value` is that of a vector. */
export function channelOf(maps, channel) {
  const size = maps.height * maps.width;
  const values = maps.values.slice(channel * size, (channel + 1) * size);
  const scales = maps.isVector ? maps.scales : [maps.scales[channel]];
  return { ...maps, channels: 1, values, scales, value: valueAt(maps, 0, 0, channel) };
}

/** How many maps stand side by side: such that a row is filled, and all rows are equally long where that can be. */
export function columnsFor(count, side, width) {
  const most = Math.max(1, Math.min(count, Math.floor(width / (side + 1))));
  const rows = Math.ceil(count / most);
  return Math.ceil(count / rows);
}

/** Pixels between two maps; the cells of a vector stand close together. */
const gapOf = (maps) => (maps.isVector ? 0 : 1);

/** What the values of each channel are divided by. by: "unit", "layer" or "network"; most: of the whole network. */
export function divisorsOf(maps, by, most) {
  if (by === "unit" && !maps.isVector) return maps.scales.map((scale) => scale || 1);
  const layer = Math.max(...maps.scales) || 1;
  return Array(maps.channels).fill(by === "network" ? most || 1 : layer);
}

/** Pixels of a layer's maps, `columns` side by side with a gap of a pixel: {width, height, pixels: RGBA}. */
export function paintMaps(maps, columns, divisors, colourOf) {
  const { height, width, channels, values } = maps;
  const gap = gapOf(maps);
  const rows = Math.ceil(channels / columns);
  const [fullWidth, fullHeight] = [columns * (width + gap) - gap, rows * (height + gap) - gap];
  const pixels = new Uint32Array(fullWidth * fullHeight);
  let at = 0;
  for (let channel = 0; channel < channels; channel++) {
    const left = (channel % columns) * (width + gap);
    const top = Math.floor(channel / columns) * (height + gap);
    const factor = (maps.isVector ? maps.scales[0] : maps.scales[channel]) / LEVELS / divisors[channel];
    for (let row = 0; row < height; row++) {
      const start = (top + row) * fullWidth + left;
      for (let column = 0; column < width; column++) pixels[start + column] = colourOf(values[at++] * factor);
    }
  }
  return { width: fullWidth, height: fullHeight, pixels };
}

/** The cell under a point of the painted maps, in their pixels: [row, column, channel], or null between two maps. */
export function cellAt(maps, columns, x, y) {
  const [across, down] = [maps.width + gapOf(maps), maps.height + gapOf(maps)];
  const [mapColumn, column] = [Math.floor(x / across), Math.floor(x) % across];
  const [mapRow, row] = [Math.floor(y / down), Math.floor(y) % down];
  const channel = mapRow * columns + mapColumn;
  const isInside = x >= 0 && y >= 0 && mapColumn < columns && channel < maps.channels;
  if (!isInside || column >= maps.width || row >= maps.height) return null;
  return [row, column, channel];
}

/** Where a rectangle of rows and columns of a channel lies on the painted maps: {left, top, width, height}. */
export function placeOf(maps, columns, [top, bottom, left, right], channel) {
  return {
    left: (channel % columns) * (maps.width + gapOf(maps)) + left,
    top: Math.floor(channel / columns) * (maps.height + gapOf(maps)) + top,
    width: right - left,
    height: bottom - top,
  };
}

/** The cell one step further in the direction of an arrow key; with `byMap`, the same cell of the next map. */
export function stepCell(maps, [row, column, channel], [right, down], byMap) {
  const limit = (value, count) => Math.min(Math.max(value, 0), count - 1);
  if (byMap || maps.isVector) return [row, column, limit(channel + right + down, maps.channels)];
  return [limit(row + down, maps.height), limit(column + right, maps.width), channel];
}
