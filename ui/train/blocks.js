// A network of one's own as a list of blocks, plain values as training/own_network/blocks.py has them. Nothing here
// changes a list: each function returns another one. A path is where a block stands: [position], or [position, inner
// position] in a residual block.

const MULTIPLY = " \u00d7 ";
const RESIDUAL = "Residual";

/** A block of a kind with what it usually has. shape: of what it gets, null where that is not known. */
export function newBlock({ name, fields }, shape) {
  if (name === RESIDUAL) {
    const conv = { kind: "Conv2D", out_channels: shape?.[2] ?? 16, kernel_size: 3, stride: 1, padding: 1 };
    return { kind: name, layers: [conv, { kind: "BatchNorm" }, { kind: "ReLU" }, { ...conv }, { kind: "BatchNorm" }] };
  }
  return { kind: name, ...Object.fromEntries(fields.map((field) => [field.name, field.default])) };
}

/** The list in which a path's last number counts. */
const listAt = (blocks, path) => (path.length === 1 ? blocks : (blocks[path[0]]?.layers ?? []));

function withList(blocks, path, list) {
  return path.length === 1 ? list : blocks.map((block, i) => (i === path[0] ? { ...block, layers: list } : block));
}

export function insertAt(blocks, path, block) {
  return withList(blocks, path, listAt(blocks, path).toSpliced(path.at(-1), 0, block));
}

export function removeAt(blocks, path) {
  return withList(blocks, path, listAt(blocks, path).toSpliced(path.at(-1), 1));
}

/** to: the position in the same list; beyond its ends, nothing moves. */
export function moveTo(blocks, path, to) {
  const list = listAt(blocks, path);
  if (to < 0 || to >= list.length) return blocks;
  const from = path.at(-1);
  return withList(blocks, path, list.toSpliced(from, 1).toSpliced(to, 0, list[from]));
}

export function changeAt(blocks, path, name, value) {
  const list = listAt(blocks, path).map((block, i) => (i === path.at(-1) ? { ...block, [name]: value } : block));
  return withList(blocks, path, list);
}

/** What the server says of the block at a path; undefined where it has said nothing yet. */
export const rowAt = (rows, path) => path.reduce((row, i) => row?.rows?.[i], { rows });

/** The shape that reaches a path, null where it is not known. */
export function shapeBefore(rows, path, inputShape) {
  const [position, inner] = path;
  if (inner > 0) return rowAt(rows, [position, inner - 1])?.shape ?? null;
  return position > 0 ? (rowAt(rows, [position - 1])?.shape ?? null) : inputShape;
}

/** How a list from a link or from storage begins to be a list of blocks, or null. The server looks at the rest. */
export function parseBlocks(text) {
  try {
    const blocks = JSON.parse(text);
    const isBlock = (block) => typeof block?.kind === "string";
    const isGood = (block) => isBlock(block) && (block.layers === undefined || block.layers.every(isBlock));
    return Array.isArray(blocks) && blocks.length > 0 && blocks.every(isGood) ? blocks : null;
  } catch {
    return null;
  }
}

const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

export const describeShape = (shape) =>
  shape ? shape.map((side) => side.toLocaleString("en")).join(MULTIPLY) : "\u2013";

export const describeParameters = (count) => (count ? counted(count, "parameter") : "");

/** "about 8 s an epoch", rounded as far as such an estimate is good. */
export function describePace(seconds) {
  if (seconds < 1) return "less than a second an epoch";
  if (seconds < 90) return `about ${seconds < 10 ? Math.round(seconds) : 5 * Math.round(seconds / 5)} s an epoch`;
  return `about ${Math.round(seconds / 60)} min an epoch`;
}

/** The whole network in a line. */
export function describeNetwork({ rows, parameters, seconds }) {
  const layers = rows.reduce((sum, row) => sum + 1 + row.rows.length, 0);
  const pace = seconds === null ? [] : [describePace(seconds)];
  return [counted(layers, "layer"), counted(parameters, "parameter"), ...pace].join(" \u00b7 ");
}
