// A small plot: the shares of all classes over a range, and beneath it which one wins where.

import { curveColour } from "./colours.js";
import { HEIGHT, pathOf, shownClasses, WIDTH, winnersOf } from "./curves.js";
import { CLASSES, newElement } from "./elements.js";

const SVG = "http://www.w3.org/2000/svg";

/** In the element `frame`, with `winners` beneath. Returns {show(rows), mark(share)}. */
export function createPlot(frame, winners) {
  const plot = document.createElementNS(SVG, "svg");
  plot.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  plot.setAttribute("preserveAspectRatio", "none");
  plot.setAttribute("aria-hidden", "true");
  frame.append(plot);

  /** rows: shares of each point of the range; none clears it. */
  function show(rows) {
    plot.replaceChildren(...(rows.length > 1 ? shownClasses(rows).map((index) => newCurve(rows, index)) : []));
    winners.replaceChildren(
      ...winnersOf(rows).map(({ start, end, winner }) => {
        const run = newElement("span", { textContent: winner === 10 ? "?" : CLASSES[winner], title: CLASSES[winner] });
        run.style.flexGrow = end - start + 1;
        run.style.color = curveColour(winner);
        return run;
      }),
    );
  }

  /** share: where along the range one is, 0 to 1. */
  const mark = (share) => frame.style.setProperty("--at", share);

  return { show, mark };
}

function newCurve(rows, index) {
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", pathOf(rows, index));
  path.style.stroke = curveColour(index);
  return path;
}
