// Why 7 and not 1: which places of the drawing speak for which digit, by the network's own account and by erasing.

import { showAddress } from "./address.js";
import { largest, paintValues } from "./colours.js";
import { DIGITS, fillSelect, newElement } from "./elements.js";
import { decodeFloats } from "./looking.js";
import { paced } from "./paced.js";
import { inkOf, SIDE } from "../shared/picture.js";
import { decimalsFor, numeral, roundToSum, signed } from "./sums.js";

const NO_EVIDENCE =
  "This network ends in dense layers, not in an average over places, so its sums cannot be split by place. What is " +
  "left is to ask by erasing.";

/** values (rows, columns, K) -> those of class a, or of a minus b. */
export function difference(values, classes, a, b) {
  const found = [];
  for (let at = 0; at < values.length; at += classes) found.push(values[at + a] - (b === null ? 0 : values[at + b]));
  return found;
}

export function createWhy({ element, looking }) {
  const box = element.querySelector(".why");
  const [forSelect, againstSelect] = box.querySelectorAll("select");
  const [evidenceCanvas, erasedCanvas] = box.querySelectorAll("canvas");
  const [evidenceLine, erasedLine] = box.querySelectorAll(".line");
  const [evidenceFigure] = box.querySelectorAll("figure");
  const small = box.querySelector(".each");
  const note = box.querySelector(".note");
  let found = null; // the answer, decoded
  let chosen = null; // [a, b]; null: the two that are most likely
  const options = DIGITS.map((digit) => [String(digit), String(digit)]);
  fillSelect(forSelect, options, "0");
  fillSelect(againstSelect, [...options, ["", "nothing"]], "1");

  const ask = paced(
    () => looking.explain("why"),
    (answer) => {
      found = { ...answer, occlusion: decoded(answer.occlusion) };
      if (answer.evidence) found.evidence = { ...answer.evidence, ...decoded(answer.evidence) };
      if (chosen === null) chooseLikeliest();
      show();
    },
  );
  const decoded = ({ shape, values }) => ({ shape, values: decodeFloats(values) });

  function chooseLikeliest() {
    const order = [...DIGITS].sort((a, b) => looking.shares.logits[b] - looking.shares.logits[a]);
    [forSelect.value, againstSelect.value] = order.map(String);
  }

  const pair = () => [Number(forSelect.value), againstSelect.value === "" ? null : Number(againstSelect.value)];

  function show() {
    if (!found) return;
    const [a, b] = pair();
    evidenceFigure.hidden = small.hidden = !found.evidence;
    note.textContent = found.evidence ? "" : NO_EVIDENCE;
    if (found.evidence) showEvidence(a, b);
    showErased(a, b);
  }

  function showEvidence(a, b) {
    const { values, bias, shape, edge, spacing } = found.evidence;
    const shown = difference(values, shape[2], a, b);
    const start = difference(bias, shape[2], a, b)[0];
    drawOverlay(evidenceCanvas, shown, shape, { edge, spacing });
    const places = shown.reduce((sum, value) => sum + value, 0);
    const decimals = decimalsFor(Math.abs(places));
    const { values: terms, sum } = roundToSum([places, start], decimals);
    const what = b === null ? `the sum for ${a}` : `the sum for ${a} minus the sum for ${b}`;
    evidenceLine.textContent =
      `All ${shown.length} places together ${numeral(terms[0], decimals)} ${signed(terms[1], decimals)} ` +
      `(bias) = ${numeral(sum, decimals)}, which is ${what}.`;
    small.replaceChildren(...DIGITS.map((digit) => eachDigit(digit, a)));
  }

  function eachDigit(digit, current) {
    const { values, shape, edge, spacing, logits } = found.evidence;
    const canvas = newElement("canvas");
    const most = largest(values);
    drawOverlay(canvas, difference(values, shape[2], digit, null), shape, { edge, spacing, most });
    const text = newElement("span", { textContent: `${digit}: ${numeral(logits[digit], 1)}` });
    const button = newElement("button", { type: "button" }, canvas, text);
    button.setAttribute("aria-pressed", String(digit === current));
    button.addEventListener("click", () => {
      forSelect.value = String(digit);
      if (againstSelect.value === forSelect.value) againstSelect.value = "";
      choose();
    });
    return button;
  }

  function showErased(a, b) {
    const { values, shape } = found.occlusion;
    const [size, stride] = found.erased;
    const shown = difference(values, shape[2], a, b);
    // A square is painted where its middle is, so that the squares do not overlap.
    drawOverlay(erasedCanvas, shown, shape, { edge: (size - stride) / 2, spacing: stride });
    const best = shown.indexOf(Math.max(...shown));
    const what = b === null ? `the sum for ${a}` : `the lead of ${a} over ${b}`;
    erasedLine.textContent =
      `Erasing ${size} \u00d7 ${size} pixels costs ${what} at most ` +
      `${numeral(shown[best], decimalsFor(Math.abs(shown[best])))}, in the bluest place.`;
  }

  /** Values in squares over the ink. */
  function drawOverlay(canvas, values, [rows, columns], { edge, spacing, most = largest(values) }) {
    const scale = 8; // pixels of the canvas to one of the picture
    canvas.width = canvas.height = SIDE * scale;
    const squares = newElement("canvas");
    paintValues(squares, values, columns, most);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    const [left, width, height] = [edge * scale, columns * spacing * scale, rows * spacing * scale];
    context.drawImage(squares, left, left, width, height);
    context.globalAlpha = 0.75;
    const colour = getComputedStyle(canvas).color;
    context.drawImage(inkOf(looking.picture, colour), 0, 0, canvas.width, canvas.height);
    context.globalAlpha = 1;
  }

  function choose() {
    chosen = pair();
    showAddress({ view: "why" });
    show();
  }

  for (const select of [forSelect, againstSelect]) select.addEventListener("change", choose);

  return {
    onRest: ask,
    onOpen: ask,
    onEmpty() {
      ask.forget();
      chosen = found = null;
    },
    onNetwork: () => (chosen = null),
  };
}
