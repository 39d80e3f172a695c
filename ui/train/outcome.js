// What a training came to: accuracy on MNIST's test set, the confusion matrix, and the most confident mistakes.

import { paintPicture } from "../shared/picture.js";
import { sendToPad, testedNetwork } from "../shared/session.js";
import { exactPercent } from "../shared/wording.js";

const SHOWN_AT_FIRST = 24; // mistakes

const thousands = (count) => count.toLocaleString("en");

/** How the network that was trained compares with the one before. */
export function describeComparison({ images, after, before, newly_right, newly_wrong }) {
  return (
    `${thousands(after.wrong)} of ${thousands(images)} are wrong. ` +
    `The network before it reads ${exactPercent(before.accuracy)} correctly: ` +
    `${thousands(newly_right)} pictures are newly right, ${thousands(newly_wrong)} newly wrong.`
  );
}

/** The largest count of a confusion matrix off its diagonal, at least 1. */
export const mostConfused = (counts) => Math.max(1, ...counts.flatMap((row, i) => row.filter((_, j) => j !== i)));

/** section: the element; onPad: a mistake was sent to the pad. Returns what shows a comparison, or null. */
export function createOutcome(section, onPad) {
  const find = (selector) => section.querySelector(selector);
  let shown = ""; // as JSON: every status brings another copy of the same
  let mistakes = [];

  function show(comparison) {
    const text = JSON.stringify(comparison);
    if (text === shown) return;
    shown = text;
    section.hidden = comparison === null;
    if (comparison === null) return;
    mistakes = comparison.mistakes;
    find(".accuracy").textContent = exactPercent(comparison.after.accuracy);
    find(".versus").textContent = describeComparison(comparison);
    showConfusions(find("table"), comparison.after.confusion, showCell);
    showMistakes(SHOWN_AT_FIRST);
    find(".more").textContent = `Show the first ${mistakes.length}`;
  }

  function showMistakes(count) {
    find(".gallery").replaceChildren(...mistakes.slice(0, count).map(newMistake));
    find(".more").hidden = mistakes.length <= count;
    find(".of-cell").hidden = true;
  }

  /** Those of the mistakes that a cell of the confusion matrix counts. */
  function showCell(label, predicted) {
    const found = mistakes.filter((one) => one.true === label && one.predicted === predicted);
    find(".gallery").replaceChildren(...found.map(newMistake));
    find(".of-cell").textContent =
      `${found.length || "None"} of the ${mistakes.length} most confident mistakes: a ${label} read as ${predicted}.`;
    find(".of-cell").hidden = false;
    find(".more").hidden = false;
    find(".mistakes").scrollIntoView({ block: "nearest" });
  }

  function newMistake({ picture, predicted, true: label, confidence }) {
    const button = document.createElement("button");
    button.type = "button";
    button.ariaLabel = `${predicted}, is ${label}: have it read on the pad`;
    button.title = `${exactPercent(confidence)} sure that it is a ${predicted}`;
    const canvas = document.createElement("canvas");
    paintPicture(canvas, picture);
    const caption = document.createElement("span");
    caption.append(newElement("b", predicted), `, is ${label}`);
    button.append(canvas, caption);
    button.addEventListener("click", () => {
      const sentence = `A test picture: a ${label} that your network reads as ${predicted}.`;
      sendToPad(picture, testedNetwork(), sentence);
      onPad();
    });
    return button;
  }

  find(".more").addEventListener("click", () => showMistakes(mistakes.length));
  return show;
}

/** onCell(true digit, answer): a count of mistakes was pressed. */
function showConfusions(table, counts, onCell) {
  const most = mostConfused(counts);
  table.querySelectorAll("tr").forEach((row) => row.remove());
  const head = document.createElement("tr");
  head.append(newElement("td", ""), ...counts.map((_, digit) => newElement("th", digit)));
  const rows = counts.map((row, i) => {
    const line = document.createElement("tr");
    const cells = row.map((count, j) => {
      const cell = newElement("td", i === j ? count || "" : "");
      cell.title = `${count} times a ${i} was read as ${j}`;
      if (i === j) cell.className = "right";
      else cell.style.setProperty("--share", count / most);
      if (i !== j && count > 0) {
        const button = newElement("button", count);
        Object.assign(button, { type: "button", ariaLabel: `${count}: ${cell.title}` });
        button.addEventListener("click", () => onCell(i, j));
        cell.append(button);
      }
      return cell;
    });
    line.append(newElement("th", i), ...cells);
    return line;
  });
  table.append(head, ...rows);
}

const newElement = (kind, text) => Object.assign(document.createElement(kind), { textContent: text });
