// What a training came to: accuracy on the test set, the confusion matrix, and the most confident mistakes.

import { paintPicture } from "../shared/picture.js";
import { sendToPad, testedNetwork } from "../shared/session.js";
import { exactPercent, withArticle } from "../shared/wording.js";

const SHOWN_AT_FIRST = 24; // mistakes
const MISTAKES = {
  digits: "The answer first, then the true digit. Press one to have this network read it on the pad.",
  others: "The answer first, then what it is. Press one to see what else this network takes it for.",
};

const thousands = (count) => count.toLocaleString("en");

/** How the network that was trained compares with the one before. */
export function describeComparison({ images, after, before, newly_right, newly_wrong }) {
  const wrong = `${thousands(after.wrong)} of ${thousands(images)} are wrong.`;
  if (!before) return wrong; // the network before it is for other pictures
  return (
    `${wrong} ` +
    `The network before it reads ${exactPercent(before.accuracy)} correctly: ` +
    `${thousands(newly_right)} pictures are newly right, ${thousands(newly_wrong)} newly wrong.`
  );
}

/** The largest count of a confusion matrix off its diagonal, at least 1. */
export const mostConfused = (counts) => Math.max(1, ...counts.flatMap((row, i) => row.filter((_, j) => j !== i)));

/**
 * section: the element; datasets: as ui/train/tab.py has them; onPad(): a digit was sent to the pad; onTry(picture,
 * truth): another picture shall be tried. Returns what shows a comparison, or null.
 */
export function createOutcome(section, { datasets, onPad, onTry }) {
  const find = (selector) => section.querySelector(selector);
  let shown = ""; // as JSON: every status brings another copy of the same
  let mistakes = [];
  let dataset = datasets[0]; // of what is shown
  const isOfDigits = () => dataset === datasets[0];
  const nameOf = (label) => dataset.classes[label];

  function show(comparison) {
    const text = JSON.stringify(comparison);
    if (text === shown) return;
    shown = text;
    section.hidden = comparison === null;
    if (comparison === null) return;
    mistakes = comparison.mistakes;
    dataset = datasets.find(({ name }) => name === comparison.dataset);
    find(".of-test").textContent = `Accuracy on ${dataset.title}\u2019s test set`;
    find(".of-mistakes").textContent = MISTAKES[isOfDigits() ? "digits" : "others"];
    find("table").classList.toggle("of-words", !isOfDigits());
    find(".gallery").classList.toggle("of-words", !isOfDigits());
    find(".accuracy").textContent = exactPercent(comparison.after.accuracy);
    find(".versus").textContent = describeComparison(comparison);
    showConfusions(find("table"), comparison.after.confusion, dataset.classes, showCell);
    showMistakes(SHOWN_AT_FIRST);
    find(".mistakes").hidden = mistakes.length === 0;
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
      `${found.length || "None"} of the ${mistakes.length} most confident mistakes: ` +
      `${nounOf(nameOf(label))} read as ${nameOf(predicted)}.`;
    find(".of-cell").hidden = false;
    find(".more").hidden = false;
    find(".mistakes").scrollIntoView({ block: "nearest" });
  }

  function newMistake({ picture, predicted, true: label, confidence }) {
    const button = document.createElement("button");
    button.type = "button";
    const [answer, truth] = [nameOf(predicted), nameOf(label)];
    button.ariaLabel = `${answer}, is ${truth}: ${isOfDigits() ? "have it read on the pad" : "try it"}`;
    button.title = `${exactPercent(confidence)} sure: ${answer}`;
    const canvas = document.createElement("canvas");
    paintPicture(canvas, picture, dataset.shape);
    const caption = document.createElement("span");
    caption.append(newElement("b", answer), `, is ${truth}`);
    button.append(canvas, caption);
    button.addEventListener("click", () => {
      if (!isOfDigits()) return onTry(picture, truth);
      const sentence = `A test picture: a ${label} that your network reads as ${predicted}.`;
      sendToPad(picture, testedNetwork(), sentence);
      return onPad();
    });
    return button;
  }

  find(".more").addEventListener("click", () => showMistakes(mistakes.length));
  return show;
}

/** classes: their names; onCell(true class, answer): a count of mistakes was pressed. */
function showConfusions(table, counts, classes, onCell) {
  const most = mostConfused(counts);
  table.querySelectorAll("tr").forEach((row) => row.remove());
  const head = document.createElement("tr");
  const corner = Object.assign(newElement("td", ""), { className: "corner" });
  head.append(corner, ...classes.map(newHeading));
  const rows = counts.map((row, i) => {
    const line = document.createElement("tr");
    const cells = row.map((count, j) => {
      const cell = newElement("td", i === j ? count || "" : "");
      const often = count === 1 ? "once" : `${count} times`;
      cell.title = `${nounOf(classes[i])} was read as ${classes[j]} ${often}`;
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
    line.append(newHeading(classes[i]), ...cells);
    return line;
  });
  table.append(head, ...rows);
}

/** "a 3"; the names of other classes stand alone. */
const nounOf = (name) => (/^\d$/.test(name) ? withArticle(name) : name);

function newHeading(name) {
  const heading = document.createElement("th");
  heading.append(newElement("span", name));
  return heading;
}

const newElement = (kind, text) => Object.assign(document.createElement(kind), { textContent: text });
