// Change it and see: pixels by click, sliders with the shares over their range, the smallest change that flips it.

import { decodeBytes } from "../shared/base64.js";
import { SIDE } from "../shared/picture.js";
import { shareOf } from "./curves.js";
import { DIGITS, fillSelect, newElement } from "./elements.js";
import { paced } from "./paced.js";
import { createPlot } from "./plot.js";

const NAMES = {
  rotation: "Turn",
  slant: "Slant",
  size: "Size",
  right: "Left, right",
  down: "Up, down",
  thickness: "Thickness",
  contrast: "Contrast",
  noise: "Noise",
};
const UNITS = { degrees: "\u00b0", times: "\u00d7", pixels: " px", "of full ink": "" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const encodeBytes = (bytes) => btoa(String.fromCharCode(...bytes));

export function createChange({ element, looking, announce }) {
  const box = element.querySelector(".change");
  const canvas = box.querySelector(".pixels canvas");
  const cursor = box.querySelector(".pixels .frame");
  const sliders = box.querySelector(".sliders");
  const target = box.querySelector("select");
  const result = box.querySelector(".result");
  const marks = box.querySelector(".marks");
  let rows = new Map(); // by the name of a variation: {input, output, plot, about, row}
  let painting = null; // the ink that the pointer paints: 255 or 0
  let place = [14, 14]; // of the keyboard's cursor
  fillSelect(target, DIGITS.map((digit) => [String(digit), `a ${digit}`]), "1");

  const ask = paced(
    () => looking.explain("change", { picture: looking.base, amounts: looking.amounts }),
    ({ curves }) => {
      for (const [name, curve] of Object.entries(curves)) rows.get(name).plot.show(curve);
    },
  );

  // ---------------------------------------------------------------- sliders

  function onNetwork() {
    if (rows.size > 0) return;
    rows = new Map(looking.network.variations.map((about) => [about.name, newSlider(about)]));
    sliders.replaceChildren(...[...rows.values()].map(({ row }) => row));
  }

  function newSlider(about) {
    const input = newElement("input", { type: "range", min: about.low, max: about.high, step: "any" });
    input.value = about.neutral;
    const output = newElement("output");
    const winners = newElement("div", { className: "winners" });
    const name = newElement("span", { className: "name", textContent: NAMES[about.name] ?? about.name });
    const label = newElement("label", {}, name, output, input);
    const frame = newElement("div", { className: "plot" });
    const row = newElement("div", { className: "slider" }, label, frame, winners);
    input.addEventListener("input", () => {
      const isNear = Math.abs(shareOf(about, Number(input.value)) - shareOf(about, about.neutral)) < 0.02;
      const amount = isNear ? about.neutral : Number(input.value); // it snaps to where nothing changes
      showAmount(rows.get(about.name), amount);
      if (looking.isEmpty) return;
      marks.replaceChildren();
      looking.change(looking.base, { ...looking.amounts, [about.name]: amount });
    });
    const slider = { row, input, output, plot: createPlot(frame, winners), about };
    showAmount(slider, about.neutral);
    return slider;
  }

  function showAmount({ output, plot, about }, amount) {
    const decimals = about.high - about.low > 20 ? 0 : 2;
    output.textContent = `${amount.toFixed(decimals).replace("-", "\u2212")}${UNITS[about.unit] ?? ""}`;
    plot.mark(shareOf(about, amount));
  }

  function showAmounts() {
    for (const slider of rows.values()) {
      const amount = looking.amounts[slider.about.name] ?? slider.about.neutral;
      if (document.activeElement !== slider.input) slider.input.value = amount;
      showAmount(slider, amount);
    }
  }

  // ---------------------------------------------------------------- pixels

  function onLook() {
    const bytes = decodeBytes(looking.picture);
    const pixels = new ImageData(SIDE, SIDE);
    bytes.forEach((value, i) => pixels.data.set([value, value, value, 255], 4 * i));
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    showAmounts();
  }

  function pixelUnder(event) {
    const { left, top, width } = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top].map((at) => Math.floor((at * SIDE) / width));
    return x >= 0 && y >= 0 && x < SIDE && y < SIDE ? [x, y] : null;
  }

  /** ink: 255 or 0; null turns it over. Returns what it is now. */
  function setPixel([x, y], ink = null) {
    const bytes = decodeBytes(looking.picture); // as it is seen: variations become part of it
    const at = y * SIDE + x;
    const value = ink ?? (bytes[at] > 127 ? 0 : 255);
    bytes[at] = value;
    marks.replaceChildren();
    looking.picture = encodeBytes(bytes);
    looking.change(looking.picture);
    onLook();
    return value;
  }

  canvas.addEventListener("pointerdown", (event) => {
    const pixel = pixelUnder(event);
    if (looking.isEmpty || !pixel) return;
    canvas.setPointerCapture(event.pointerId);
    painting = setPixel(pixel);
  });
  canvas.addEventListener("pointermove", (event) => {
    const pixel = pixelUnder(event);
    if (painting !== null && pixel) setPixel(pixel, painting);
  });
  canvas.addEventListener("lostpointercapture", () => (painting = null));
  canvas.addEventListener("keydown", (event) => {
    if (looking.isEmpty) return;
    if (event.key in ARROWS) {
      place = place.map((at, axis) => Math.min(Math.max(at + ARROWS[event.key][axis], 0), SIDE - 1));
    } else if (event.key === " " || event.key === "Enter") {
      announce(setPixel(place) ? "Ink." : "Paper.");
    } else {
      return;
    }
    event.preventDefault();
    showCursor();
  });
  canvas.addEventListener("blur", () => (cursor.hidden = true));

  function showCursor() {
    cursor.hidden = false;
    cursor.style.left = `${(100 * place[0]) / SIDE}%`;
    cursor.style.top = `${(100 * place[1]) / SIDE}%`;
  }

  // ---------------------------------------------------------------- the smallest change

  box.querySelector(".find").addEventListener("click", async ({ currentTarget }) => {
    if (looking.isEmpty) return;
    currentTarget.disabled = true;
    result.textContent = "Looking for it\u2026";
    const label = Number(target.value);
    const answer = await looking.explain("flip", { label });
    currentTarget.disabled = false;
    result.textContent = answer ? sentenceFor(answer, label) : looking.trouble;
    if (!answer?.pixels?.length) return;
    looking.change(answer.picture);
    marks.replaceChildren(
      ...answer.pixels.map(([row, column]) => {
        const mark = newElement("span");
        mark.style.left = `${(100 * column) / SIDE}%`;
        mark.style.top = `${(100 * row) / SIDE}%`;
        return mark;
      }),
    );
  });

  box.querySelector(".reset").addEventListener("click", () => {
    marks.replaceChildren();
    result.textContent = "";
    looking.inkChanged();
  });

  return {
    onNetwork,
    onLook,
    onRest: ask,
    onOpen() {
      if (!looking.isEmpty) onLook();
      ask();
    },
    onEmpty() {
      ask.forget();
      canvas.getContext("2d").clearRect(0, 0, SIDE, SIDE);
      marks.replaceChildren();
      result.textContent = "";
      showAmounts();
    },
  };
}

function sentenceFor({ pixels }, label) {
  if (pixels === null) return `No small change was found that makes it a ${label}.`;
  if (pixels.length === 0) return `It is read as a ${label} already.`;
  const count = pixels.length === 1 ? "One pixel is" : `${pixels.length} pixels are`;
  return `${count} enough to make it a ${label}: they are framed. It is the smallest change that was found.`;
}
