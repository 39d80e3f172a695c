// Layers by name, and a network's maps in a row of blocks that is only looked at.

import { colourOf, putPixels } from "./colours.js";
import { newElement } from "./elements.js";
import { blocksOf, columnsFor, divisorsOf, paintMaps } from "./maps.js";

const NAMES = {
  conv: "Convolution",
  dense: "Dense layer",
  average: "Averages",
  norm: "Batch norm",
  gelu: "GELU",
  meanpool: "Average pooling",
  residual: "Residual block",
};
const [CELL, NUMBER] = [2, 8]; // pixels on the screen of a map's cell and of a vector's

/** "Convolution 2", "The ten sums": of the block that begins with layers[position]. */
export function titleOf(layers, position) {
  const { kind, name } = layers[position];
  if (position === layers.length - 1) return "The ten sums (logits)";
  return `${NAMES[kind] ?? kind} ${/\d+$/.exec(name)[0]}`;
}

/** "12 \u00d7 12 \u00d7 16", which no line breaks. */
export const sizeOf = ({ shape }) => shape.join("\u00a0\u00d7\u00a0");

/** Small blocks of maps for a network's `layers`. Returns {rows, paint(maps)}, rows to be put somewhere. */
export function createBlocks(layers) {
  const blocks = blocksOf(layers).map((positions) => {
    const canvas = newElement("canvas");
    canvas.setAttribute("role", "img");
    const title = titleOf(layers, positions[0]);
    canvas.setAttribute("aria-label", `Maps of ${title}`);
    const about = sizeOf(layers[positions.at(-1)]);
    const heading = newElement("p", { className: "of-block" }, newElement("b", { textContent: title }), ` ${about}`);
    return { canvas, shown: positions.at(-1), row: newElement("div", { className: "small-block" }, heading, canvas) };
  });

  function paint(all) {
    for (const { canvas, shown, row } of blocks) {
      const maps = all[shown];
      if (!maps) continue;
      const size = maps.isVector ? NUMBER : CELL;
      const room = Math.max(row.clientWidth, 120);
      const columns = columnsFor(maps.channels, maps.width, room / size);
      const painted = paintMaps(maps, columns, divisorsOf(maps, "unit"), colourOf);
      putPixels(canvas, painted);
      canvas.style.width = `${Math.min(painted.width * size, room)}px`;
    }
  }

  function clear() {
    for (const { canvas } of blocks) canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  }

  return { rows: blocks.map(({ row }) => row), paint, clear };
}
