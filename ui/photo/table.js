// The table of every digit and separator: cut from the photo, as the network sees it, the answer to correct, and how
// sure it is.

import { paintPicture } from "../shared/picture.js";
import { linesOf } from "../shared/symbols.js";
import { shortCertainty, textOf } from "../shared/wording.js";
import { isCorrected, nameOf, squareAround } from "./digits.js";

const CROP = 96; // pixels of a cell's picture
const MARGIN = 0.08; // of a digit's size, paper shown around it

/**
 * table: the element; onPick(i), onCorrect(i, answer): what the visitor does. Returns {fill, showAnswer, pick, reveal}.
 */
export function createTable({ table, onPick, onCorrect }) {
  let rows = []; // of the symbols, in their order
  let symbols = [];

  /** photo: the image that the boxes are in, of `width` pixels as far as they are concerned. */
  function fill(newDigits, photo, width) {
    symbols = newDigits;
    table.querySelectorAll("tbody").forEach((body) => body.remove());
    rows = [];
    table.append(...linesOf(symbols).map(newLine));
    const paintCrops = () => {
      if (symbols !== newDigits) return; // the next photo came before this one was decoded
      symbols.forEach((symbol, i) => paintCrop(rows[i], symbol, photo, width));
    };
    photo.decode().then(paintCrops, () => {});
  }

  function newLine(line, number, lines) {
    const body = document.createElement("tbody");
    if (lines.length > 1) {
      const head = document.createElement("tr");
      const kind = symbols[line[0]].column === null ? `Line ${number + 1}` : `Row ${symbols[line[0]].line + 1}`;
      head.innerHTML = `<th colspan="4" scope="rowgroup">${kind}</th>`;
      body.append(head);
    }
    body.append(...line.map((i) => newRow(i, nameOf(symbols, i))));
    return body;
  }

  function newRow(i, name) {
    const row = document.createElement("tr");
    rows[i] = row;
    row.innerHTML = `
      <td><canvas class="crop" role="img" aria-label="${name}, cut from the photo"></canvas></td>
      <td><canvas class="mini" role="img" aria-label="${name}, as the network sees it"></canvas></td>
      <td><input type="text" maxlength="8" autocomplete="off" spellcheck="false" aria-label="Answer for ${name}" /></td>
      <td>
        <span class="confidence"></span>
        <button type="button" class="undo link" aria-label="Undo the correction of ${name}">Undo</button>
      </td>`;
    const crop = row.querySelector(".crop");
    crop.width = crop.height = CROP;
    if (symbols[i].picture) paintPicture(row.querySelector(".mini"), symbols[i].picture);
    else row.querySelector(".mini").hidden = true; // the network sees separators among their neighbours
    row.addEventListener("click", () => onPick(i));
    const input = row.querySelector("input");
    if (symbols[i].picture) input.inputMode = "numeric"; // a digit is most often another digit
    input.addEventListener("focus", () => {
      onPick(i);
      input.select();
    });
    input.addEventListener("input", () => onCorrect(i, input.value));
    input.addEventListener("keydown", (event) => {
      const step = { Enter: 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      rows[i + step]?.querySelector("input").focus();
    });
    row.querySelector(".undo").addEventListener("click", () => {
      onCorrect(i, textOf(symbols[i]));
      input.focus();
    });
    return row;
  }

  function showAnswer(i, answer) {
    const row = rows[i];
    const corrected = isCorrected(symbols[i], answer);
    row.classList.toggle("corrected", corrected);
    row.querySelector(".undo").hidden = !corrected;
    row.querySelector(".confidence").textContent = corrected ? `was ${textOf(symbols[i])}` : shortCertainty(symbols[i]);
    const input = row.querySelector("input");
    if (input.value !== answer) input.value = answer;
  }

  return {
    fill,
    showAnswer,
    pick: (i) => rows.forEach((row, at) => row.classList.toggle("picked", at === i)),
    reveal: (i) => rows[i].scrollIntoView({ block: "nearest", container: "nearest" }),
  };
}

/** The page's copy of a photo may be smaller than the visitor's: width is the visitor's. */
function paintCrop(row, { box }, photo, width) {
  const scale = photo.naturalWidth / width;
  const square = squareAround(box, MARGIN).map((length) => length * scale);
  row.querySelector(".crop").getContext("2d").drawImage(photo, ...square, 0, 0, CROP, CROP);
}
