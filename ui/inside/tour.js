// A tour of eight steps through all views, with the visitor's own digit.

import { showAddress } from "./address.js";

export const STEPS = [
  ["flow", "Draw a digit on the pad. The network gets only the small picture: 28 \u00d7 28 numbers from 0 to 1."],
  ["flow", "Layer by layer it looks for patterns. Blue is found, orange the opposite. Ten sums are left in the end."],
  ["flow", "Pick any square: it is nothing but a sum of products, like each of its neighbours."],
  ["why", "Every place of your drawing votes. Blue speaks for the one digit, orange for the other: that is all."],
  ["change", "Turn, slant and thicken your digit until it becomes another one. The strips show where that happens."],
  ["kernels", "The patterns are learned. Choose one, and see which digits of the training set have most of it."],
  ["learn", "Say that it is something else, and take a step: all weights move a little, and the bars follow."],
  ["doubt", "Ten sums become ten shares. If all sums are low, the network says that it is not a digit at all."],
];

/** open: shows a view by its name. Returns {start}. */
export function createTour({ element, open, announce }) {
  const card = element.querySelector(".tour");
  const text = card.querySelector("p");
  const count = card.querySelector(".count");
  const [back, next, end] = [".previous", ".next", ".end"].map((name) => card.querySelector(name));
  let at = 0;
  let opener = null;

  /** step: from 1. */
  function start(step = 1) {
    if (card.hidden) opener = document.activeElement;
    at = Math.min(Math.max(step, 1), STEPS.length);
    const [view, sentence] = STEPS[at - 1];
    open(view);
    card.hidden = false;
    text.textContent = sentence;
    count.textContent = `${at} of ${STEPS.length}`;
    back.disabled = at === 1;
    next.textContent = at === STEPS.length ? "Done" : "Next";
    showAddress({ step: at });
    announce(`Step ${at} of ${STEPS.length}. ${sentence}`);
    next.focus({ preventScroll: true });
  }

  function stop() {
    card.hidden = true;
    showAddress({ view: STEPS[at - 1][0] });
    opener?.focus?.({ preventScroll: true });
  }

  back.addEventListener("click", () => start(at - 1));
  next.addEventListener("click", () => (at === STEPS.length ? stop() : start(at + 1)));
  end.addEventListener("click", stop);
  card.addEventListener("keydown", (event) => {
    if (event.key === "Escape") stop();
    else if (event.key === "ArrowRight" && at < STEPS.length) start(at + 1);
    else if (event.key === "ArrowLeft" && at > 1) start(at - 1);
    else return;
    event.preventDefault();
  });
  return { start };
}
