// The view of a reading, the same on every tab: the answer, how sure it is, what the network saw, and ten bars.

import { paintPicture, SIDE } from "./picture.js";
import { percent, textOf } from "./wording.js";

const NO_PROBS = Array(10).fill(0);

/** element: the tab, with the elements of reading.html in it. */
export function createReading(element) {
  const find = (selector) => element.querySelector(selector);
  const section = find(".reading");
  const seen = find(".seen canvas");
  const bars = [...element.querySelectorAll(".bar")];

  /** answer: the large text; null leaves what is there. digit: the bar that stands out. */
  function show({ answer = null, sure = "", doubt = "", probs = NO_PROBS, digit = null }) {
    if (answer !== null) find(".answer").textContent = answer;
    find(".sure").textContent = sure;
    find(".doubt").textContent = doubt;
    bars.forEach((bar, i) => {
      bar.style.setProperty("--share", probs[i]);
      bar.setAttribute("aria-valuenow", Math.round(100 * probs[i]));
      bar.querySelector(".percent").textContent = percent(probs[i]);
      bar.classList.toggle("best", i === digit);
    });
  }

  /** Shows what the network saw of a digit. */
  function showPicture(digit) {
    paintPicture(seen, digit.picture);
    seen.setAttribute("aria-label", `What the network sees: your ${textOf(digit)}, 28 by 28 pixels`);
  }

  function clearPicture() {
    seen.getContext("2d").clearRect(0, 0, SIDE, SIDE);
    seen.setAttribute("aria-label", "What the network sees: nothing yet");
  }

  /** Says a sentence to screen readers. */
  function announce(sentence) {
    find(".announcement").textContent = sentence;
  }

  return { section, show, showPicture, clearPicture, announce };
}
