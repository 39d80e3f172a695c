// The answer on the Draw tab. Several digits are a number or a date: each is a button in the answer and a frame on the
// pad, and the bars show one of them. One digit alone needs neither.

import { newestDigit } from "./geometry.js";
import { linesOf, symbolsOf } from "../shared/symbols.js";
import { certainty, isDoubtful, secondThought, textOf } from "../shared/wording.js";
import { setDrawing } from "../shared/session.js";

// How wide things stand in the answer, in digits.
const [SEPARATOR_WIDTH, GAP_WIDTH] = [0.6, 0.5];

/**
 * element: the tab; reading: its view; strokes: returns those on the pad; announceLater: what a screen reader hears
 * once the pen rests. Returns {showReading, showUnread, showEmpty, inkChanged}.
 */
export function createAnswer({ element, reading, strokes, announceLater }) {
  const frames = element.querySelector(".frames");
  const verdict = element.querySelector(".verdict");
  const answer = element.querySelector(".answer");
  let digits = []; // of the reading, each box as a frame on the pad
  let symbols = []; // the digits, and the separators between them
  let message = ""; // of the reading
  let chosen = null; // index of the digit that the visitor wants to see; null: the one that was written last

  function showEmpty() {
    digits = symbols = [];
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
    symbols = result.symbols ? symbolsOf({ ...result, digits }) : digits;
    message = result.error || result.message;
    if (chosen !== null && chosen >= digits.length) chosen = null;
    showDigits();
  }

  function showDigits() {
    const at = chosen ?? newestDigit(strokes(), digits.map(({ box }) => box));
    showNumber(at);
    setDrawing(digits[at] ?? null, digits.length > 1);
    if (digits.length === 0) {
      reading.show({ answer: "?", doubt: message });
      announceLater(message);
      return;
    }
    const digit = digits[at];
    const isAlone = digits.length === 1;
    const sure = certainty(digit);
    const doubt = [message, secondThought(digit), isAlone ? "" : hintOfDoubt(digits, digit)].filter(Boolean).join(" ");
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
    const several = symbols.length > 1 ? digits : [];
    verdict.classList.toggle("several", several.length > 0);
    frames.replaceChildren(...several.map((digit, i) => newFrame(digit, i === shown)));
    layOutSymbols(several.length > 0 ? symbols : []);
    answer.querySelectorAll("button").forEach((button, i) => {
      const doubtful = isDoubtful(several[i]);
      button.textContent = textOf(several[i]);
      button.ariaLabel = `${textOf(several[i])}, digit ${i + 1} of ${several.length}${doubtful ? ", doubtful" : ""}`;
      button.classList.toggle("doubtful", doubtful);
      button.ariaPressed = String(i === shown);
    });
  }

  /** The buttons stay where the layout is the same, or the focus would be lost each time. */
  function layOutSymbols(shown) {
    const layout = shown.map(({ line, separator, followsGap }) => [line, separator, followsGap].join()).join(" ");
    if (answer.dataset.layout === layout) return;
    answer.dataset.layout = layout;
    const lines = linesOf(shown).map((line) => line.map((i) => shown[i]));
    let count = 0; // of digits
    answer.replaceChildren(
      ...lines.flatMap((line, row) => [
        ...(row > 0 ? [document.createElement("br")] : []),
        ...line.flatMap(({ separator, followsGap }) => [
          ...(followsGap ? [" "] : []),
          separator === undefined ? newButton(count++) : newSeparator(separator),
        ]),
      ]),
    );
    answer.setAttribute("aria-hidden", String(shown.length === 0));
    answer.style.setProperty("--columns", Math.max(...lines.map(widthOf)));
    answer.style.setProperty("--rows", lines.length);
    verdict.classList.toggle("lines", lines.length > 1);
  }

  function newButton(i) {
    const button = document.createElement("button");
    button.type = "button";
    button.addEventListener("click", () => {
      chosen = i;
      showDigits();
    });
    return button;
  }

  return { showReading, showUnread, showEmpty, inkChanged: () => (chosen = null) };
}

/** What the other colour says, where the digit that is spoken of is none of those. */
function hintOfDoubt(digits, shown) {
  return digits.some(isDoubtful) && !isDoubtful(shown) ? "It is less sure of what is orange." : "";
}

function widthOf(line) {
  const widths = line.map(({ separator }) => (separator ? SEPARATOR_WIDTH : 1));
  const gaps = line.filter(({ followsGap }) => followsGap).length * GAP_WIDTH;
  return widths.reduce((sum, width) => sum + width, gaps);
}

const newSeparator = (textContent) =>
  Object.assign(document.createElement("span"), { className: "separator", textContent });

function newFrame(digit, isShown) {
  const [left, top, right, bottom] = digit.box;
  const frame = document.createElement("span");
  frame.classList.toggle("picked", isShown);
  frame.classList.toggle("doubtful", isDoubtful(digit));
  frame.style.inset = [top, 1 - right, 1 - bottom, left].map((share) => `${100 * share}%`).join(" ");
  return frame;
}
