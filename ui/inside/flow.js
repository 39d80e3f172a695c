// The flow: every block of layers as a row of maps, and cells that can be pointed at and pinned.

import { showAddress } from "./address.js";
import { colourOf, putPixels } from "./colours.js";
import { DIGITS, newElement } from "./elements.js";
import { blocksOf, cellAt, columnsFor, divisorsOf, paintMaps, placeOf, stepCell, valueAt } from "./maps.js";
import { titleOf } from "./layers.js";
import { paced } from "./paced.js";
import { placeFrame } from "./side.js";
import { decimalsFor, numeral, placeName } from "./sums.js";
import { createSum } from "./sum.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const PLAIN = {
  conv: "Each map shows where its own small pattern is found in the maps above.",
  dense: "Each number weighs all the numbers above it.",
  average: "The average of each map: how much of its pattern is there, wherever it is.",
  norm: "Each map is scaled and shifted.",
};
const PLAIN_FIRST = {
  conv: "Each map shows where its own small pattern is found in the picture that it sees.",
  dense: "Each number weighs all pixels of the picture that it sees.",
};
const STAGES = { relu: "after ReLU", pool: "after pooling" };

/** What a layer does, in a sentence. */
const plainly = ({ kind }, position) => (position === 0 && PLAIN_FIRST[kind]) || (PLAIN[kind] ?? "");

const MOST_STRETCH = 1.6; // of cells, where a row would else end before the card does

/** Pixels of a cell on the screen, by the side of its map. */
const cellSize = (maps) => (maps.isVector ? 11 : maps.width >= 20 ? 3.6 : maps.width >= 10 ? 4.6 : 4.4);

/** Returns {onNetwork, onLook, onEmpty, onRest, pin}. seen: whose picture is framed. */
export function createFlow({ element, looking, seen, announce }) {
  const list = element.querySelector(".blocks");
  const sum = createSum(element.querySelector(".sum"), () => unpin());
  let blocks = []; // {positions, stage, card, canvas, frames, columns}
  let scaleBy = "unit";
  let pinned = null; // {position, cell}
  let pointed = null; // the same, under the pointer

  const explain = paced(
    (position, cell) => looking.explain("cell", { position, cell: cellFor(position, cell) }),
    (answer, position, cell) => {
      sum.show(answer, looking, position, cell);
      frameSources(answer, position, cell);
    },
  );

  /** A vector's cell has one index. */
  const cellFor = (position, cell) => (looking.maps[position]?.isVector ? [cell[2]] : cell);

  // ---------------------------------------------------------------- the rows

  function onNetwork() {
    const { layers } = looking.network;
    unpin();
    blocks = blocksOf(layers).map((positions) => newBlock(layers, positions));
    list.replaceChildren(...blocks.map(({ card }) => card));
  }

  function newBlock(layers, positions) {
    const layer = layers[positions[0]];
    const isLast = positions[0] === layers.length - 1;
    const canvas = newElement("canvas", { tabIndex: 0 });
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", `${layer.name}: point at a cell with the arrow keys, pin it with Enter`);
    const frames = newElement("div", { className: "marks" });
    const stage = newElement("div", { className: "stage" }, canvas, frames);
    const about = newElement("p", { className: "about" });
    const [title, shape] = [newElement("h2", { textContent: titleOf(layers, positions[0]) }), newElement("span")];
    const head = newElement("div", { className: "head" }, title, shape);
    const card = newElement("section", { className: "block" }, head, about, stage);
    card.dataset.layer = layer.name;
    about.textContent = isLast ? "How much speaks for each digit. The largest wins." : plainly(layer, positions[0]);
    const block = { positions, shown: positions.at(-1), card, canvas, frames, shape, columns: 1, isLast };
    if (positions.length > 1) head.append(newStages(block, layers));
    if (isLast) {
      block.values = newElement("div", { className: "logits" });
      stage.append(block.values);
    }
    listen(block);
    return block;
  }

  function newStages(block, layers) {
    const buttons = block.positions.map((position) => {
      const name = STAGES[layers[position].kind] ?? "sums";
      const button = newElement("button", { type: "button", textContent: name });
      button.setAttribute("aria-pressed", String(position === block.shown));
      button.addEventListener("click", () => {
        block.shown = position;
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
        unpin();
        paint(block);
      });
      return button;
    });
    const group = newElement("div", { className: "stages" }, ...buttons);
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Which values are shown");
    return group;
  }

  /** room: the width that the maps may take; read before anything is painted, as it has the browser lay out. */
  function paint(block, most = networkMost(), room = roomFor()) {
    const maps = looking.maps[block.shown];
    if (!maps) return;
    const size = cellSize(maps);
    block.columns = block.isLast ? maps.channels : columnsFor(maps.channels, maps.width, room / size);
    const painted = paintMaps(maps, block.columns, divisorsOf(maps, scaleBy, most), colourOf);
    putPixels(block.canvas, painted);
    const width = block.isLast ? room : Math.min(painted.width * size * MOST_STRETCH, room);
    const height = block.isLast ? 34 : (width * painted.height) / painted.width;
    const layout = [width, height, block.shown].join();
    if (layout !== block.layout) {
      block.layout = layout;
      Object.assign(block.canvas.style, { width: `${width}px`, height: `${height}px` });
      block.shape.textContent = shapeOf(maps, looking.network.layers[block.shown].shape);
    }
    if (block.values) showLogits(block, maps);
  }

  function showLogits(block, maps) {
    const digits = DIGITS.slice(0, maps.channels);
    if (block.values.childElementCount !== digits.length) {
      block.values.style.setProperty("--columns", digits.length);
      const newValue = (digit) => newElement("span", {}, newElement("b", { textContent: digit }), newElement("small"));
      block.values.replaceChildren(...digits.map(newValue));
    }
    digits.forEach((digit) => {
      block.values.children[digit].lastChild.textContent = numeral(valueAt(maps, 0, 0, digit), 1);
    });
  }

  const roomFor = () => Math.max((blocks[0]?.card.clientWidth ?? 0) - 26, 120);
  const networkMost = () => Math.max(...looking.maps.flatMap((maps) => maps?.scales ?? []), 0);

  function onLook() {
    const [most, room] = [networkMost(), roomFor()];
    for (const block of blocks) paint(block, most, room);
  }

  /** The numbers of the pinned cell follow once the pen rests. */
  function onRest() {
    if (pinned) explain(pinned.position, pinned.cell);
  }

  function onEmpty() {
    unpin();
    for (const { canvas, values } of blocks) {
      canvas.width = canvas.width + 0; // clears it
      values?.replaceChildren();
    }
  }

  // ---------------------------------------------------------------- pointing and pinning

  function listen(block) {
    const { canvas } = block;
    const cellUnder = (event) => {
      const maps = looking.maps[block.shown];
      if (!maps) return null;
      const box = canvas.getBoundingClientRect();
      const x = ((event.clientX - box.left) * canvas.width) / box.width;
      const y = ((event.clientY - box.top) * canvas.height) / box.height;
      return cellAt(maps, block.columns, x, y);
    };
    canvas.addEventListener("pointermove", (event) => {
      if (pinned || event.pointerType === "touch") return;
      const cell = cellUnder(event);
      if (cell) point(block, cell);
    });
    canvas.addEventListener("pointerleave", () => pinned || leave());
    canvas.addEventListener("click", (event) => {
      const cell = cellUnder(event);
      if (cell) pin(block.shown, cell);
    });
    canvas.addEventListener("keydown", (event) => {
      const maps = looking.maps[block.shown];
      if (!maps || event.ctrlKey || event.metaKey || event.altKey) return;
      const here = [pinned, pointed].find((one) => one?.position === block.shown);
      if (event.key in ARROWS) {
        const start = here?.cell ?? [0, 0, 0];
        pin(block.shown, here ? stepCell(maps, start, ARROWS[event.key], event.shiftKey) : start);
      } else if (event.key === "Enter" || event.key === " ") {
        pin(block.shown, here?.cell ?? [0, 0, 0]);
      } else if (event.key === "Escape") {
        unpin();
      } else {
        return;
      }
      event.preventDefault();
    });
  }

  function point(block, cell) {
    if (pointed?.position === block.shown && String(pointed.cell) === String(cell)) return;
    pointed = { position: block.shown, cell };
    mark();
    explain(block.shown, cell);
  }

  function leave() {
    explain.forget();
    pointed = null;
    mark();
    sum.hide();
    seen.frame(null);
  }

  /** position, cell: [row, column, channel]. */
  function pin(position, cell) {
    pinned = { position, cell };
    pointed = null;
    mark();
    explain(position, cell);
    const { name } = looking.network.layers[position];
    showAddress({ view: "flow", layer: name, cell: cellFor(position, cell) });
    const maps = looking.maps[position];
    const value = valueAt(maps, ...cell);
    announce(`${name}, ${placeName(cell, maps.isVector)}: ${numeral(value, decimalsFor(Math.abs(value)))}`);
  }

  function unpin() {
    if (pinned) showAddress({ view: "flow" });
    pinned = null;
    leave();
  }

  /** Frames the cell that is pinned or pointed at. */
  function mark() {
    const here = pinned ?? pointed;
    for (const block of blocks) {
      const [row, column, channel] = here?.cell ?? [];
      const isHere = here?.position === block.shown;
      const fields = isHere ? [[[row, row + 1, column, column + 1], channel]] : [];
      showFrames(block, fields, pinned ? "pinned" : "pointed");
    }
    element.querySelector(".flow").classList.toggle("is-pinned", pinned !== null);
  }

  /** Frames what the cell was computed from: on the picture, and on the block before in the maps that count most. */
  function frameSources({ history, fields }, position) {
    seen.frame(fields[0]);
    const first = history.at(-1);
    const before = blocks[blocks.findIndex(({ positions }) => positions.includes(position)) - 1];
    if (!before) return;
    const maps = looking.maps[before.positions.at(-1)];
    before.shown = before.positions.at(-1);
    const channels = new Set(first.shown.map(({ source }) => source.at(-1)));
    if (maps.isVector) {
      showFrames(before, [...channels].map((channel) => [[0, 1, 0, 1], channel]), "source");
      return;
    }
    const field = fields[first.position];
    const marked = field && first.shown[0].source.length === 3 ? [...channels].map((channel) => [field, channel]) : [];
    showFrames(before, marked, "source");
  }

  function showFrames(block, fields, className) {
    const maps = looking.maps[block.shown];
    block.frames.style.width = block.canvas.style.width;
    block.frames.style.height = block.canvas.style.height;
    block.frames.replaceChildren(
      ...(maps ? fields : []).map(([field, channel]) => {
        const { left, top, width, height } = placeOf(maps, block.columns, field, channel);
        const frame = newElement("span", { className });
        placeFrame(frame, [top, top + height, left, left + width], block.canvas.width, block.canvas.height);
        return frame;
      }),
    );
  }

  /** By an address: the layer's name, and one to three indices. */
  function pinByName(name, place) {
    const position = looking.network?.layers.findIndex((layer) => layer.name === name) ?? -1;
    const block = blocks.find(({ positions }) => positions.includes(position));
    const maps = looking.maps[position];
    if (!block || !maps) return;
    const cell = place.length === 1 ? [0, 0, place[0]] : place;
    const [row, column, channel] = cell;
    if (!(row < maps.height && column < maps.width && channel < maps.channels)) return;
    block.shown = position;
    onLook();
    pin(position, cell);
  }

  element.querySelector(".scale").addEventListener("change", ({ target }) => {
    scaleBy = target.value;
    onLook();
  });
  new ResizeObserver(() => looking.isEmpty || onLook()).observe(list);

  return { onNetwork, onLook, onRest, onEmpty, pin: pinByName, pinned: () => pinned };
}

/** "48 maps of 6 \u00d7 6": what is shown of a layer of that shape. */
function shapeOf(maps, [height, width, channels]) {
  if (maps.isVector) return `${height} numbers`;
  if (maps.channels < channels) return `first ${maps.channels} of ${channels} maps`;
  return `${channels} maps of ${height} \u00d7 ${width}`;
}
