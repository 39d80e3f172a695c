// The live reading of a sign: the answer, how sure it is, what the network saw, and a bar for each sign and for
// anything else.

import { paintPicture, SIDE } from "../shared/picture.js";
import { percentsOf, percentText } from "../shared/wording.js";
import { ANYTHING_ELSE, sizeOfName, verdictOf } from "./wording.js";

/** section: of signs.html. Returns {section, nameBars, show, showEmpty, announce}. */
export function createSignReading(section) {
  const find = (selector) => section.querySelector(selector);
  const seen = find(".seen canvas");
  let named = null; // the names whose bars are there, as JSON

  /** Makes the bars, where the signs are others than before. */
  function nameBars(names) {
    const text = JSON.stringify(names);
    if (text === named) return;
    named = text;
    find(".bars").replaceChildren(...[...names, ANYTHING_ELSE].map(newBar));
    find(".bars").lastElementChild.classList.add("reject");
  }

  /** reading: {names, shares, picture}, as the server answers it. Returns what a screen reader should hear. */
  function show({ names, shares, picture }) {
    nameBars(names);
    const { answer, sure, doubt, best } = verdictOf({ names, shares });
    showWords(answer, sure, doubt);
    const percents = percentsOf(shares);
    [...find(".bars").children].forEach((bar, i) => fill(bar, shares[i], percents[i], i === best));
    paintPicture(seen, picture);
    seen.setAttribute("aria-label", "What the network sees: your drawing, 28 by 28 pixels");
    return [answer, sure, doubt].filter(Boolean).join(". ");
  }

  function showEmpty() {
    showWords("", "Waiting for ink", "The bars move as you draw.");
    for (const bar of find(".bars").children) fill(bar, 0, 0, false);
    seen.getContext("2d").clearRect(0, 0, SIDE, SIDE);
    seen.setAttribute("aria-label", "What the network sees: nothing yet");
  }

  function showWords(answer, sure, doubt) {
    find(".answer").textContent = answer;
    find(".verdict").dataset.size = sizeOfName(answer);
    find(".sure").textContent = sure;
    find(".doubt").textContent = doubt;
  }

  const announce = (sentence) => (find(".announcement").textContent = sentence);

  return { section, nameBars, show, showEmpty, announce };
}

function newBar(name) {
  const bar = document.createElement("div");
  bar.className = "bar";
  bar.role = "meter";
  bar.ariaLabel = name;
  bar.ariaValueMin = "0";
  bar.ariaValueMax = "100";
  const label = Object.assign(document.createElement("span"), { className: "name", textContent: name });
  const track = Object.assign(document.createElement("span"), { className: "track" });
  track.append(Object.assign(document.createElement("span"), { className: "fill" }));
  const percent = Object.assign(document.createElement("span"), { className: "percent" });
  label.ariaHidden = percent.ariaHidden = "true";
  bar.append(label, track, percent);
  fill(bar, 0, 0, false);
  return bar;
}

function fill(bar, share, percent, isBest) {
  bar.style.setProperty("--share", share);
  bar.ariaValueNow = String(percent);
  bar.ariaValueText = percentText(percent);
  bar.querySelector(".percent").textContent = percentText(percent);
  bar.classList.toggle("best", isBest);
}
