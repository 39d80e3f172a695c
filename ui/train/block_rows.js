// The rows of the editor of a network's layers: a row a block, and of a residual block those in it.

import { describeParameters, describeShape, rowAt } from "./blocks.js";
import { makeDraggable } from "./drag.js";

const BUTTONS = [
  ["up", "\u2191"],
  ["down", "\u2193"],
  ["remove", "\u00d7"],
];

/**
 * list: the <ol>; kindOf: the kinds by name; does: {move(path, to), remove(path), edit(path, name, value), use(path)}.
 * Returns {show, showReport, focus, focusNear, focusFault, titleOf}.
 */
export function createRows(list, kindOf, does) {
  let shown = []; // the blocks

  /** Builds all rows anew, and leaves the focus where it was. */
  function show(blocks) {
    const key = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    shown = blocks;
    list.replaceChildren(...blocks.map((block, i) => newRow(block, [i], blocks.length)));
    if (key) list.querySelector(`[data-key="${key}"]`)?.focus();
  }

  function newRow(block, path, count) {
    const kind = kindOf.get(block.kind);
    const row = document.createElement("li");
    row.dataset.path = path.join(".");
    row.className = "block";
    const place = `${kind.title}, layer ${path.map((i) => i + 1).join(".")}`;
    const head = newElement("div", "head");
    head.append(newElement("span", "grip", "\u283f"), newElement("b", "title", kind.title));
    const fields = newElement("span", "fields");
    fields.append(...kind.fields.map((field) => newField(field, block[field.name], path, place)));
    const moves = newElement("span", "moves");
    moves.append(...BUTTONS.map(([name, sign]) => newButton(name, sign, path, place, count)));
    head.append(fields, newElement("span", "shape"), newElement("span", "count"), moves);
    row.append(head);
    const trouble = newElement("p", "trouble");
    trouble.id = `trouble-${path.join("-")}`;
    if (block.layers) {
      const inner = newElement("ol", "inside");
      inner.append(...block.layers.map((one, i) => newRow(one, [path[0], i], block.layers.length)));
      row.append(inner, newElement("p", "hint", "What goes in is added to what comes out."));
    }
    row.append(trouble);
    row.addEventListener("focusin", (event) => {
      event.stopPropagation(); // of the block that it is in
      mark(path);
    });
    row.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      mark(path);
    });
    makeDraggable(row, head.querySelector(".grip"), (to) => to !== path.at(-1) && does.move(path, to));
    return row;
  }

  function mark(path) {
    for (const row of list.querySelectorAll(".block")) {
      row.classList.toggle("current", row.dataset.path === path.join("."));
    }
    does.use(path);
  }

  function newField({ name, title, low, high, step }, value, path, place) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, { type: "number", min: low, max: high, step, value: value ?? "", required: true });
    input.inputMode = step < 1 ? "decimal" : "numeric";
    input.ariaLabel = `${title} of ${place}`;
    input.dataset.key = [...path, name].join(".");
    input.setAttribute("aria-describedby", `trouble-${path.join("-")}`);
    input.addEventListener("input", () => {
      const number = input.valueAsNumber;
      does.edit(path, name, Number.isNaN(number) ? null : number);
    });
    label.append(newElement("span", "name", title), input);
    return label;
  }

  function newButton(name, sign, path, place, count) {
    const button = newElement("button", "tool", sign);
    button.type = "button";
    button.ariaLabel = name === "remove" ? `Remove ${place}` : `Move ${place} ${name}`;
    button.dataset.key = [...path, name].join(".");
    const at = path.at(-1);
    const to = name === "up" ? at - 1 : at + 1;
    // It is not disabled, or it would lose the focus.
    if (name !== "remove") button.setAttribute("aria-disabled", to < 0 || to >= count);
    button.addEventListener("click", () => {
      if (name === "remove") return does.remove(path);
      if (button.getAttribute("aria-disabled") === "true") return undefined;
      does.move(path, to);
      return focus([...path.slice(0, -1), to], name);
    });
    return button;
  }

  /** What the server says of each; where that is about another list, it fits no longer and is soon replaced. */
  function showReport(rows) {
    for (const element of list.querySelectorAll(".block")) {
      const row = rowAt(rows, element.dataset.path.split(".").map(Number));
      const own = (selector) => element.querySelector(`:scope > ${selector}`);
      own(".head > .shape").textContent = describeShape(row?.shape);
      own(".head > .count").textContent = describeParameters(row?.parameters);
      const isInside = row?.rows.some((inner) => inner.trouble); // then it is said there
      const trouble = isInside ? "" : (row?.trouble ?? "");
      own(".trouble").textContent = trouble;
      element.classList.toggle("wrong", trouble !== "");
      for (const input of own(".head").querySelectorAll("input")) input.ariaInvalid = String(!input.validity.valid);
    }
  }

  const rowOf = (path) => list.querySelector(`[data-path="${path.join(".")}"]`);

  /** The button of that name in a row, or the row's first field or button. */
  function focus(path, name = null) {
    const row = rowOf(path);
    const wanted = name ? row?.querySelector(`[data-key="${[...path, name].join(".")}"]`) : null;
    const target = wanted ?? row?.querySelector("input, button");
    target?.focus();
    target?.select?.(); // what is typed takes the place of the number
    row?.scrollIntoView({ block: "nearest" });
  }

  /** After a row is gone: the button that removes the next one, or the one before. */
  function focusNear(path) {
    const at = path.at(-1);
    const places = [at, at - 1].map((i) => [...path.slice(0, -1), i]);
    const near = places.find((place) => rowOf(place));
    if (near) focus(near, "remove");
  }

  /** The first row in which something is wrong, where it is in one. */
  function focusFault() {
    const row = list.querySelector(".wrong");
    if (row) focus(row.dataset.path.split("."));
  }

  const titleOf = (path) => kindOf.get(path.reduce((block, i) => (block.layers ?? block)[i], shown).kind).title;

  return { show, showReport, focus, focusNear, focusFault, titleOf };
}

function newElement(kind, className, text = "") {
  return Object.assign(document.createElement(kind), { className, textContent: text });
}
