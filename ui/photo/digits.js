// What was read in a photo: digits, separators, lines, tables, and the visitor's corrections. A symbol is a digit as
// the server answers it, or a separator, {separator, confidence}; both with their `line`, their `box` [x, y, width,
// height] in pixels of the photo, their `column` in a table or null, and `followsGap`, whether a word begins with it.
// An answer is what stands for a symbol after corrections, "" where it is left out.

import { linesOf } from "../shared/symbols.js";
import { textOf } from "../shared/wording.js";

const SUDOKU = "9,9";

export const isCorrected = (symbol, answer) => answer !== textOf(symbol);

/** The text of each line that has any. cells: [rows, columns] of the table they stand in, whose lines are all kept. */
export function textLines(symbols, answers, cells = null) {
  if (cells) return tableLines(symbols, answers, cells);
  return linesOf(symbols)
    .map((line) => line.map((i) => (symbols[i].followsGap ? " " : "") + answers[i]).join("").trim())
    .filter(Boolean);
}

/** Tabs part the cells; of a sudoku, nine characters a line, "." is an empty cell. */
function tableLines(symbols, answers, [rows, columns]) {
  const table = Array.from({ length: rows }, () => Array(columns).fill(""));
  symbols.forEach(({ line, column }, i) => (table[line][column] += answers[i]));
  const isSudoku = `${[rows, columns]}` === SUDOKU && table.flat().every((text) => text.length <= 1);
  if (isSudoku) return table.map((row) => row.map((text) => text || ".").join(""));
  return table.map((row) => row.join("\t").trimEnd());
}

/** Where a symbol stands, in words. */
export function nameOf(symbols, i) {
  const { line, column, separator } = symbols[i];
  const kind = separator === undefined ? "digit" : "separator";
  const inCell = column !== null && column !== undefined;
  const neighbours = symbols.map((_, at) => at).filter((at) => symbols[at].line === line);
  const place = neighbours.filter((at) => !inCell || symbols[at].column === column).indexOf(i) + 1;
  const lineNumber = linesOf(symbols).findIndex((indices) => indices.includes(i)) + 1;
  return `${kind} ${place} of ${inCell ? `row ${line + 1}, column ${column + 1}` : `line ${lineNumber}`}`;
}

/** Index of the symbol in the next line (step 1) or the one before (-1) that is nearest to symbol i's column. */
export function nearestInLine(symbols, i, step) {
  const lines = linesOf(symbols);
  const line = lines[lines.findIndex((indices) => indices.includes(i)) + step];
  if (!line) return i;
  const centre = (at) => symbols[at].box[0] + symbols[at].box[2] / 2;
  const distance = (at) => Math.abs(centre(at) - centre(i));
  return line.reduce((best, at) => (distance(at) < distance(best) ? at : best));
}

/** Index of the symbol that a key of the keyboard goes to from symbol i; undefined for other keys. */
export function indexAfterKey(key, symbols, i) {
  switch (key) {
    case "ArrowRight":
      return Math.min(i + 1, symbols.length - 1);
    case "ArrowLeft":
      return Math.max(i - 1, 0);
    case "ArrowDown":
      return nearestInLine(symbols, i, 1);
    case "ArrowUp":
      return nearestInLine(symbols, i, -1);
    case "Home":
      return 0;
    case "End":
      return symbols.length - 1;
  }
}

/** The CSS that lays a box over a photo of this size. */
export function placeOf([x, y, width, height], photo) {
  const percentOf = (length, whole) => `${(100 * length) / whole}%`;
  return {
    left: percentOf(x, photo.width),
    top: percentOf(y, photo.height),
    width: percentOf(width, photo.width),
    height: percentOf(height, photo.height),
  };
}

/** The square around a box, with paper of so large a share of its size on each side: [x, y, side, side]. */
export function squareAround([x, y, width, height], margin) {
  const side = Math.max(width, height) * (1 + 2 * margin);
  return [x + width / 2 - side / 2, y + height / 2 - side / 2, side, side];
}
