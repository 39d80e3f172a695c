// Softmax and doubt: from ten sums to ten shares, and where the line is drawn below which it is no digit.

import { percentsOf, percentText } from "../shared/wording.js";
import { DIGITS, newElement } from "./elements.js";
import { allShares } from "./side.js";
import { numeral } from "./sums.js";

const LOWEST = -8; // log-odds at the left end of the line; the right end is as far above 0
const odds = (value) => `${Math.min(Math.max((value - LOWEST) / (-2 * LOWEST), 0), 1) * 100}%`;

export function createDoubt({ element, looking }) {
  const box = element.querySelector(".doubts");
  const [head, body] = [box.querySelector("thead"), box.querySelector("tbody")];
  const sentence = box.querySelector(".verdict-line");
  const line = box.querySelector(".odds");

  function onLook() {
    const { shares, network } = looking;
    const titles = ["digit", "sum (logit)", `\u00f7 ${network.temperature.toFixed(2)}`, "exp, largest = 1", "share"];
    head.replaceChildren(newRow("th", titles));
    const percents = percentsOf(shares.probs);
    const best = shares.logits.indexOf(Math.max(...shares.logits));
    body.replaceChildren(
      ...DIGITS.slice(0, shares.logits.length).map((digit) => {
        const texts = [
          String(digit),
          numeral(shares.logits[digit], 2),
          numeral(shares.scaled[digit], 2),
          shares.exps[digit].toFixed(4),
          percentText(percents[digit]),
        ];
        const row = newRow("td", texts);
        row.classList.toggle("best", digit === best);
        row.style.setProperty("--share", shares.probs[digit]);
        return row;
      }),
    );
    showOdds(shares, network.threshold);
  }

  function showOdds(shares, threshold) {
    line.hidden = threshold === null;
    if (threshold === null) {
      sentence.textContent = "This network was never shown anything but digits, so it cannot say that it sees none.";
      return;
    }
    const { log_odds: logOdds, digit } = shares;
    line.style.setProperty("--here", odds(logOdds));
    line.style.setProperty("--threshold", odds(threshold));
    const [side, verdict] = digit === null ? ["below", "it is rejected"] : ["above", "it is a digit"];
    sentence.textContent =
      `All ten sums together say how much it looks like any digit at all: log(sum of exp) = ${numeral(logOdds, 2)}, ` +
      `${side} the threshold of ${numeral(threshold, 2)}, so ${verdict}. ` +
      `That is ${percentText(percentsOf(allShares(shares)).at(-1))} for \u201cnot a digit\u201d.`;
  }

  return {
    onLook,
    onOpen: () => looking.isEmpty || onLook(),
    onEmpty() {
      body.replaceChildren();
      sentence.textContent = "";
      line.hidden = true;
    },
  };
}

function newRow(tag, texts) {
  const cells = texts.map((textContent) => newElement(tag, { textContent }));
  if (tag === "th") cells.forEach((cell) => (cell.scope = "col"));
  return newElement("tr", {}, ...cells);
}
