// The answer on the Draw tab. Several digits are a number: each is a button in the answer and a frame on the pad,
// and the bars show one of them. One digit alone needs neither.

import { newestDigit } from "./geometry.js";
import { certainty, isDoubtful, secondThought, textOf } from "../shared/wording.js";
import { setDrawing } from "../shared/session.js";

/**
 * element: the tab; reading: its view; strokes: returns those on the pad; announceLater: what a screen reader hears
 * once the pen rests. Returns {showReading, showUnread, showEmpty, inkChanged}.
 */
export function createAnswer({ element, reading, strokes, announceLater }) {
  const frames = element.querySelector(".frames");
  const verdict = element.querySelector(".verdict");
  const answer = element.querySelector(".answer");
  let digits = []; // of the reading, each box as a frame on the pad
  let message = ""; // of the reading
  let chosen = null; // index of the digit that the visitor wants to see; null: the one that was written last

  function showEmpty() {
    digits = [];
    message = "";
    setDrawing(null);
    showNumber(null);
    reading.show({ answer: "", sure: "Waiting for ink", doubt: "The bars move as you draw." });
    reading.clearPicture();
  }

  /** There is ink, and nobody has read it yet. */
  function showUnread() {
    if (digits.length > 0 || message) return; // an earlier reading stands there
    reading.show({ answer: "", sure: "Not read yet", doubt: "It is read as soon as the server answers." });
  }

  /** result: the server's answer; toPad: takes its boxes to the pad. */
  function showReading(result, toPad) {
    digits = (result.digits ?? []).map((digit) => ({ ...digit, box: toPad(digit.box) }));
    message = result.error || result.message;
    if (chosen !== null && chosen >= digits.length) chosen = null;
    showDigits();
  }

  function showDigits() {
    const at = chosen ?? newestDigit(strokes(), digits.map(({ box }) => box));
    showNumber(at);
    setDrawing(digits[at] ?? null);
    if (digits.length === 0) {
      reading.show({ answer: "?", doubt: message });
      announceLater(message);
      return;
    }
    const digit = digits[at];
    const isAlone = digits.length === 1;
    const sure = certainty(digit);
    const doubt = `${message} ${secondThought(digit)}`.trim();
    reading.show({
      ...digit,
      answer: isAlone ? textOf(digit) : null, // several stand there already
      sure: isAlone ? sure : `${textOf(digit)}: ${sure.toLowerCase()}`,
      doubt,
    });
    reading.showPicture(digit);
    announceLater([answer.innerText, sure, doubt].filter(Boolean).join(". "));
  }

  /** shown: index of the digit whose bars are shown. */
  function showNumber(shown) {
    const several = digits.length > 1 ? digits : [];
    verdict.classList.toggle("several", several.length > 0);
    frames.replaceChildren(...several.map((digit, i) => newFrame(digit, i === shown)));
    layOutButtons(several.map(({ line }) => line));
    answer.querySelectorAll("button").forEach((button, i) => {
      const doubtful = isDoubtful(several[i]);
      button.textContent = textOf(several[i]);
      button.ariaLabel = `${textOf(several[i])}, digit ${i + 1} of ${several.length}${doubtful ? ", doubtful" : ""}`;
      button.classList.toggle("doubtful", doubtful);
      button.ariaPressed = String(i === shown);
    });
  }

  /** lines: of each digit. The buttons stay where the lines are the same, or the focus would be lost each time. */
  function layOutButtons(lines) {
    if (answer.dataset.lines === lines.join()) return;
    answer.dataset.lines = lines.join();
    answer.replaceChildren(...lines.flatMap((line, i) => newButton(i, i > 0 && line !== lines[i - 1])));
    answer.setAttribute("aria-hidden", String(lines.length === 0));
    const lengths = lines.map((line) => lines.filter((other) => other === line).length);
    const rows = new Set(lines).size;
    answer.style.setProperty("--columns", Math.max(...lengths));
    answer.style.setProperty("--rows", rows);
    verdict.classList.toggle("lines", rows > 1);
  }

  function newButton(i, startsLine) {
    const button = document.createElement("button");
    button.type = "button";
    button.addEventListener("click", () => {
      chosen = i;
      showDigits();
    });
    return startsLine ? [document.createElement("br"), button] : [button];
  }

  return { showReading, showUnread, showEmpty, inkChanged: () => (chosen = null) };
}

function newFrame(digit, isShown) {
  const [left, top, right, bottom] = digit.box;
  const frame = document.createElement("span");
  frame.classList.toggle("picked", isShown);
  frame.classList.toggle("doubtful", isDoubtful(digit));
  frame.style.inset = [top, 1 - right, 1 - bottom, left].map((share) => `${100 * share}%`).join(" ");
  return frame;
}
