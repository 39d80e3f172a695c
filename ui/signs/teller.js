// Under the pad, a button for each sign: pressed, what is on the pad is an example of it.

import { quoted } from "./wording.js";

/**
 * group: the element for the buttons, with a sentence in it; onTell({id, name}): a button was pressed; onTooEarly, the
 * same: while there is nothing on the pad.
 */
export function createTeller(group, { onTell, onTooEarly }) {
  const ask = group.querySelector(".ask");
  let isOn = false;
  let signs = [];

  function enable(isInked) {
    if (isInked === isOn) return;
    isOn = isInked;
    for (const button of group.querySelectorAll("button")) button.setAttribute("aria-disabled", String(!isOn));
  }

  /** next: the sign that most needs examples, or null; least: examples that each needs; isLearned: whether it reads. */
  function show(now, { next, least, isLearned }) {
    signs = now;
    const wanted = next ? quoted(next.name) : "another one";
    ask.textContent = isLearned ? "Wrong, or one more? Press its name:" : `Draw ${wanted}, then press its name:`;
    const before = [...group.querySelectorAll("button")];
    signs.forEach((sign, i) => showButton(before[i] ?? group.appendChild(newButton(i)), sign, next, least));
    for (const button of before.slice(signs.length)) button.remove();
  }

  function newButton(i) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-disabled", String(!isOn));
    button.append(newSpan("label"), newSpan("left"));
    button.addEventListener("click", () => (isOn ? onTell : onTooEarly)(signs[i]));
    return button;
  }

  function showButton(button, { id, name, examples }, next, least) {
    button.querySelector(".label").textContent = name;
    const missing = Math.max(least - examples.length, 0);
    button.querySelector(".left").textContent = missing > 0 ? ` ${examples.length}/${least}` : "";
    button.title = name;
    button.classList.toggle("next", id === next?.id);
  }

  return { show, enable };
}

const newSpan = (className) => Object.assign(document.createElement("span"), { className });
