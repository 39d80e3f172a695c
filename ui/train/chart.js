// A chart of two curves: training and validation.

import { heightOf, HEIGHT, latestOf, pathOf, SCALES, WIDTH } from "./scales.js";

/**
 * figure: the element; name: of its scale. Draws the axes, and returns what draws a curve over that of the training
 * before: (curve, epochs, curveBefore).
 */
export function createChart(figure, name) {
  const scale = SCALES[name];
  const plot = figure.querySelector(".plot");
  const viewBox = `0 0 ${WIDTH} ${HEIGHT}`;
  const drawing = newSvg("svg", { viewBox, preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const tick of scale.ticks) {
    const y = heightOf(scale, tick);
    drawing.append(newSvg("path", { class: "grid", d: `M0 ${y}H${WIDTH}` }));
    const label = newSpan("tick", scale.nameOf(tick));
    label.style.top = `${(100 * y) / HEIGHT}%`;
    plot.append(label);
  }
  const training = newSvg("path", { class: "of-training" });
  const validation = newSvg("path", { class: "of-validation" });
  const earlier = newSvg("path", { class: "of-earlier" });
  drawing.append(earlier, training, validation);
  const end = newSpan("end");
  plot.append(drawing, newSpan("begins", "0"), end);

  return (curve, epochs, curveBefore) => {
    earlier.setAttribute("d", pathOf(scale, curveBefore, scale.validation, epochs));
    training.setAttribute("d", pathOf(scale, curve, scale.training, epochs));
    validation.setAttribute("d", pathOf(scale, curve, scale.validation, epochs));
    figure.querySelector(".latest").textContent = latestOf(scale, curve);
    plot.dataset.points = curve.length;
    end.textContent = Number(epochs) === 1 ? "1 epoch" : `${epochs} epochs`;
  };
}

function newSvg(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function newSpan(className, textContent = "") {
  return Object.assign(document.createElement("span"), { className, textContent });
}
