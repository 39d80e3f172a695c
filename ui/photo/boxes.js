// The symbols' boxes over the photo: each is a button, and the arrow keys go from one to the next.

import { certainty, isDoubtful } from "../shared/wording.js";
import { indexAfterKey, isCorrected, placeOf } from "./digits.js";

/**
 * group: the element that holds them; onClick(i), onPick(i), onCorrect(i, answer, sentence): what the visitor does,
 * by mouse, by arrow keys, by typing. Returns {fill, showAnswer, pick}.
 */
export function createBoxes({ group, onClick, onPick, onCorrect }) {
  let symbols = [];
  let picked = null;

  /** photo: {width, height}, in the pixels of the symbols' boxes. */
  function fill(newSymbols, photo) {
    symbols = newSymbols;
    group.replaceChildren(...symbols.map(({ box }, i) => newBox(i, placeOf(box, photo))));
  }

  function newBox(i, place) {
    const box = document.createElement("button");
    box.type = "button";
    Object.assign(box.style, place);
    box.append(document.createElement("span"));
    box.addEventListener("click", () => onClick(i));
    return box;
  }

  function showAnswer(i, answer) {
    const box = group.children[i];
    const corrected = isCorrected(symbols[i], answer);
    box.querySelector("span").textContent = answer;
    box.classList.toggle("doubtful", isDoubtful(symbols[i]) && !corrected);
    box.classList.toggle("corrected", corrected);
    box.ariaLabel = `${answer || "left out"}, ${corrected ? "corrected" : certainty(symbols[i]).toLowerCase()}`;
  }

  /** i: index of the symbol whose bars are shown, or null. */
  function pick(i) {
    picked = i;
    [...group.children].forEach((box, at) => {
      box.ariaPressed = String(at === i);
      box.tabIndex = at === i ? 0 : -1;
    });
  }

  group.addEventListener("keydown", (event) => {
    if (picked === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = indexAfterKey(event.key, symbols, picked);
    if (next !== undefined) {
      onPick(next);
      group.children[next].focus();
    } else if (/^[0-9?.,:/-]$/.test(event.key)) {
      onCorrect(picked, event.key, `Corrected to ${event.key}`);
    } else if (event.key === "Backspace" || event.key === "Delete") {
      onCorrect(picked, "", "Left out");
    } else {
      return;
    }
    event.preventDefault();
  });

  return { fill, showAnswer, pick };
}
