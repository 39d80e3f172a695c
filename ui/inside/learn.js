// Backward: what it should be, the gradient at every layer, and one training step on a copy of the network.

import { colourOf, putPixels } from "./colours.js";
import { CLASSES, newElement } from "./elements.js";
import { sizeOf } from "./layers.js";
import { paced } from "./paced.js";
import { blocksOf, columnsFor, decodeMaps, divisorsOf, paintMaps } from "./maps.js";
import { allShares } from "./side.js";

const CELL = 3.4; // pixels of a cell on the screen
const NUMBERS = 10; // the same of a vector's
const SURE = 0.99; // the share from which there is nothing left to learn
const SURE_ALREADY = "It is sure already, so say that it is another digit. ";

/** The slider's place -> a learning rate: evenly by its logarithm. */
export const rateOf = (place) => 10 ** place;

export const rateText = (rate) => (rate >= 0.1 ? rate.toFixed(2) : rate.toPrecision(1));

/** What it should be, before anybody says so: what is read, or the next most likely digit where that is sure. */
export function firstLabel(shares) {
  const [first, second] = [...shares.logits.keys()].sort((a, b) => shares.logits[b] - shares.logits[a]);
  const isSure = shares.digit !== null && allShares(shares)[first] > SURE;
  return isSure ? second : first;
}

export function createLearn({ element, looking, announce }) {
  const box = element.querySelector(".learn");
  const labels = box.querySelector(".labels");
  const rate = box.querySelector("input");
  const rateShown = box.querySelector("output");
  const losses = box.querySelector(".losses");
  const layers = box.querySelector(".gradients");
  const buttons = { step: box.querySelector(".step"), back: box.querySelector(".unstep") };
  let label = null; // what it should be; null: nobody has said so
  let rows = []; // {positions, canvas, source}

  const labelButtons = CLASSES.map((name, i) => {
    const button = newElement("button", { type: "button", textContent: name });
    button.addEventListener("click", () => {
      label = i;
      ask();
    });
    return button;
  });
  labels.append(...labelButtons);

  const asked = () => ({ label: currentLabel(), learning_rate: rateOf(Number(rate.value)) });

  function currentLabel() {
    const { shares, network } = looking;
    const most = network.threshold === null ? 9 : 10;
    return Math.min(label ?? firstLabel(shares), most);
  }

  const ask = paced(() => !looking.isEmpty && looking.explain("learn", asked()), show);

  function show(answer) {
    const current = currentLabel();
    labelButtons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === current)));
    showLosses(answer, current);
    showGradients(answer.gradients);
  }

  function showLosses(answer, current) {
    const shares = `The loss for \u201c${CLASSES[current]}\u201d is ${answer.loss.toFixed(4)}`;
    const after = `one step would make it ${answer.loss_after.toFixed(4)}`;
    const done = looking.copies.map(({ loss }) => loss.toFixed(3));
    const isOther = label === null && looking.shares.digit !== null && current !== looking.shares.digit;
    losses.textContent = `${isOther ? SURE_ALREADY : ""}${shares}; ${after}.`;
    buttons.back.disabled = done.length === 0;
    const steps = done.length === 1 ? "1 step" : `${done.length} steps`;
    box.querySelector(".taken").textContent =
      done.length > 0 ? `${steps} taken, loss ${[...done, answer.loss.toFixed(3)].join(" \u2192 ")}.` : "";
  }

  function onNetwork() {
    label = null;
    const { network } = looking;
    labelButtons[10].hidden = network.threshold === null;
    rows = blocksOf(network.layers).map((positions) => {
      const canvas = newElement("canvas");
      const described = positions.map((position) => network.layers[position]);
      const head = newElement("div", { className: "head" });
      head.append(newElement("h2", { textContent: described.map(({ name }) => name).join(", ") }));
      const shape = newElement("span", { textContent: sizeOf(described.at(-1)) });
      head.append(shape);
      const code = newElement("details", {}, newElement("summary", { textContent: "The lines that compute it" }));
      for (const { kind, about } of described) code.append(newCode(network.sources[kind], about));
      return { positions, canvas, row: newElement("section", { className: "block" }, head, canvas, code) };
    });
    layers.replaceChildren(...rows.map(({ row }) => row));
  }

  function showGradients(gradients) {
    for (const { positions, canvas, row } of rows) {
      const sent = gradients.find(({ position }) => positions.includes(position));
      if (!sent) continue;
      const maps = decodeMaps(sent, looking.network.layers[sent.position].shape);
      const size = maps.isVector ? NUMBERS : CELL;
      const columns = columnsFor(maps.channels, maps.width, Math.max(row.clientWidth - 26, 120) / size);
      const painted = paintMaps(maps, columns, divisorsOf(maps, "layer"), colourOf);
      putPixels(canvas, painted);
      canvas.style.width = `${painted.width * size}px`;
      canvas.setAttribute("role", "img");
      const name = looking.network.layers[sent.position].name;
      canvas.setAttribute("aria-label", `Gradient of the loss by ${name}, at most ${Math.max(...maps.scales)}`);
    }
  }

  function showRate() {
    rateShown.textContent = rateText(rateOf(Number(rate.value)));
  }

  rate.addEventListener("input", () => {
    showRate();
    ask();
  });
  buttons.step.addEventListener("click", async () => {
    if (looking.isEmpty) return;
    buttons.step.disabled = true;
    ask.forget();
    const answer = await looking.explain("learn", { ...asked(), keep: true });
    buttons.step.disabled = false;
    if (!answer) return;
    label = currentLabel();
    looking.takeStep(answer);
    announce(`One step: the loss fell from ${answer.loss.toFixed(3)} to ${answer.loss_after.toFixed(3)}.`);
  });
  buttons.back.addEventListener("click", () => {
    looking.takeBack();
    announce("One step back.");
  });
  showRate();

  return {
    onNetwork,
    onRest: ask,
    onOpen: ask,
    onEmpty() {
      ask.forget();
      losses.textContent = "";
      for (const { canvas } of rows) canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    },
  };
}

function newCode({ file, class: className, forward, backward }, about) {
  const title = newElement("p", {}, newElement("code", { textContent: about }), ` in ${file}`);
  const text = [`class ${className}:`, indented(forward), "", indented(backward)].join("\n");
  const lines = newElement("pre", { textContent: text });
  lines.tabIndex = 0;
  return newElement("div", {}, title, lines);
}

const indented = (text) => text.replace(/^(?=.)/gm, "    ");
