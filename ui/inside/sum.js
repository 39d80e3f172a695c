// The sum that a cell is: patch times kernel plus bias, then ReLU, then which of four won.

import { newElement, numberGrid } from "./elements.js";
import { decimalsFor, numeral, placeName, roundToSum, signed } from "./sums.js";

/** onClose: the visitor wants no cell any more. Returns {show, hide}. */
export function createSum(panel, onClose) {
  const title = panel.querySelector("h2");
  const body = panel.querySelector(".body");
  const close = panel.querySelector(".close");
  close.addEventListener("click", onClose);

  function hide() {
    title.textContent = "";
    panel.hidden = true;
    body.replaceChildren();
  }

  /** answer: of `explain` for a cell. */
  function show({ history, cell, position }, looking) {
    const { layers } = looking.network;
    panel.hidden = false;
    const decimals = decimalsFor(Math.abs(history[0].value));
    const value = numeral(history[0].value, decimals);
    title.textContent = `${layers[position].name}, ${placeName(cell)} = ${value}`;
    body.replaceChildren(...[...history].reverse().map((step) => stepElement(step, layers, decimals)));
  }

  return { show, hide };
}

function stepElement(step, layers, decimals) {
  const { kind, name } = layers[step.position];
  const before = step.position > 0 ? layers[step.position - 1].name : "the picture";
  if (kind === "relu") return reluElement(step, name, decimals);
  if (kind === "pool") return poolElement(step, name, decimals);
  const isPatch = step.others.count === 0 && step.shown.length > 1 && kind === "conv";
  return isPatch ? patchElement(step, name, before, decimals) : listElement(step, name, before, decimals);
}

function reluElement({ value, shown }, name, decimals) {
  const [{ input }] = shown;
  const sentence = input > 0 ? "it is above 0 and stays" : "it is below 0 and becomes 0";
  const line = `max(0, ${numeral(input, decimals)}) = ${numeral(value, decimals)}`;
  return newStep(`${name}: ReLU`, newElement("p", { className: "line", textContent: line }), sentence);
}

function poolElement({ value, shown }, name, decimals) {
  const inputs = shown.map(({ input }) => input);
  const most = Math.max(...inputs.map(Math.abs));
  const marked = shown.findIndex(({ weight }) => weight === 1);
  const columns = Math.sqrt(shown.length);
  const caption = `the largest is ${numeral(value, decimals)}`;
  const write = (input) => numeral(input, decimals);
  const grid = numberGrid(inputs, columns, { most, write, caption, marked });
  return newStep(`${name}: the largest of ${shown.length}`, grid);
}

/** A kernel on one channel: patch, kernel and products as grids. What lies beyond the edge is left out. */
function patchElement(step, name, before, decimals) {
  const columns = 1 + Math.max(...step.shown.map(({ source }) => source[1])) - step.shown[0].source[1];
  const { products, bias, sum } = roundedTerms(step, decimals);
  const gridOf = (values, caption, places) => {
    const most = Math.max(...values.map(Math.abs));
    return numberGrid(values, columns, { most, caption, write: (value) => numeral(value, places) });
  };
  const grids = [
    gridOf(step.shown.map(({ input }) => input), before, 2),
    gridOf(step.shown.map(({ weight }) => weight), "times the kernel", 2),
    gridOf(products, "the products", decimals),
  ];
  const added = products.reduce((a, b) => a + b, 0);
  const line = `${numeral(added, decimals)} ${signed(bias, decimals)} (bias) = ${numeral(sum, decimals)}`;
  const row = newElement("div", { className: "grids" }, ...grids);
  const title = `${name}: ${products.length} products and a bias`;
  return newStep(title, row, `All products together, and the bias: ${line}`);
}

/** Many inputs: the largest products, and all others in one number. */
function listElement(step, name, before, decimals) {
  const { products, others, bias, sum } = roundedTerms(step, decimals);
  const table = newElement("table");
  step.shown.forEach(({ source, input, weight }, i) => {
    const what = `${before}, ${placeName(source)}`;
    const product = `${numeral(input, 3)} \u00d7 ${numeral(weight, 3)}`;
    table.append(newRow(what, product, signed(products[i], decimals)));
  });
  if (step.others.count > 0) table.append(newRow(`all ${step.others.count} others`, "", signed(others, decimals)));
  table.append(newRow("bias", "", signed(bias, decimals)));
  const total = newRow("together", "", numeral(sum, decimals));
  total.className = "total";
  table.append(total);
  return newStep(`${name}: the largest of ${step.shown.length + step.others.count} products`, table);
}

/** The products, the others and the bias, rounded so that they add up to the sum. */
export function roundedTerms({ shown, others, bias }, decimals) {
  const { values, sum } = roundToSum([...shown.map(({ product }) => product), others.sum, bias], decimals);
  return { products: values.slice(0, -2), others: values.at(-2), bias: values.at(-1), sum };
}

function newRow(...texts) {
  return newElement("tr", {}, ...texts.map((textContent) => newElement("td", { textContent })));
}

function newStep(title, content, sentence = "") {
  const heading = newElement("h3", { textContent: title });
  const step = newElement("div", { className: "step" }, heading, content);
  if (sentence) step.append(newElement("p", { className: "line", textContent: sentence }));
  return step;
}
