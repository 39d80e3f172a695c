// The view of a reading, the same on every tab: the answer, how sure it is, what the network saw, and eleven bars: a
// digit each, and "not a digit".

import { paintPicture, SIDE } from "./picture.js";
import { percentsOf, percentText, textOf } from "./wording.js";

const NO_SHARES = Array(11).fill(0);

/** element: the tab, with the elements of reading.html in it. */
export function createReading(element) {
  const find = (selector) => element.querySelector(selector);
  const section = find(".reading");
  const seen = find(".seen canvas");
  const bars = [...element.querySelectorAll(".bar")];

  /** answer: the large text; null leaves what is there. shares: of the bars, of which that of `digit` stands out. */
  function show({ answer = null, sure = "", doubt = "", shares = null, digit = null }) {
    if (answer !== null) find(".answer").textContent = answer;
    find(".sure").textContent = sure;
    find(".doubt").textContent = doubt;
    const percents = shares ? percentsOf(shares) : NO_SHARES;
    bars.forEach((bar, i) => {
      bar.style.setProperty("--share", shares?.[i] ?? 0);
      bar.setAttribute("aria-valuenow", percents[i]);
      bar.setAttribute("aria-valuetext", percentText(percents[i]));
      bar.querySelector(".percent").textContent = percentText(percents[i]);
      bar.classList.toggle("best", shares !== null && i === (digit ?? bars.length - 1));
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
