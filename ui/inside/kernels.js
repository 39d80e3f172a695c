// The kernels of the first layer: pictures, numbers, and the map that each makes of the drawing.

import { colourOf, largest, paintValues, putPixels } from "./colours.js";
import { newElement, numberGrid } from "./elements.js";
import { decodeFloats, newestOnly } from "./looking.js";
import { divisorsOf, paintMaps } from "./maps.js";
import { numeral } from "./sums.js";

export function createKernels({ element, looking }) {
  const box = element.querySelector(".kernel-view");
  const list = box.querySelector(".kernels");
  const detail = box.querySelector(".detail");
  const none = box.querySelector(".none");
  let kernels = null; // {size, count, weights, bias}
  let chosen = 0;

  const ask = newestOnly(() => looking.network && looking.explain("kernels"), (answer) => show(answer.kernels));

  function show(answer) {
    none.hidden = answer !== null;
    kernels = answer && { ...answer, weights: decodeFloats(answer.weights) };
    if (!kernels) return list.replaceChildren();
    chosen = Math.min(chosen, kernels.count - 1);
    const most = largest(kernels.weights);
    if (list.childElementCount !== kernels.count) list.replaceChildren(...Array.from(Array(kernels.count), newKernel));
    [...list.children].forEach((button, k) => {
      paintValues(button.querySelector("canvas"), kernelOf(k), kernels.size, most);
      button.setAttribute("aria-pressed", String(k === chosen));
    });
    showDetail();
  }

  const kernelOf = (k) => kernels.weights.slice(k * kernels.size ** 2, (k + 1) * kernels.size ** 2);

  function newKernel(_, k) {
    const button = newElement("button", { type: "button" }, newElement("canvas"), newElement("span"));
    button.querySelector("span").textContent = k + 1;
    button.setAttribute("aria-label", `Kernel ${k + 1}`);
    button.addEventListener("click", () => {
      chosen = k;
      [...list.children].forEach((other, i) => other.setAttribute("aria-pressed", String(i === k)));
      showDetail();
    });
    return button;
  }

  function showDetail() {
    const weights = [...kernelOf(chosen)];
    const caption = `Kernel ${chosen + 1}, bias ${numeral(kernels.bias[chosen], 3)}`;
    const write = (value) => numeral(value, 2);
    detail.replaceChildren(numberGrid(weights, kernels.size, { most: largest(weights), write, caption }));
    const maps = looking.maps[0];
    if (!maps || maps.channels <= chosen) return;
    const size = maps.height * maps.width;
    const values = maps.values.slice(chosen * size, (chosen + 1) * size);
    const one = { ...maps, channels: 1, values, scales: [maps.scales[chosen]] };
    const canvas = newElement("canvas");
    putPixels(canvas, paintMaps(one, 1, divisorsOf(one, "unit"), colourOf));
    const about = `What it finds in your drawing: map ${chosen + 1}`;
    detail.append(newElement("figure", {}, canvas, newElement("figcaption", { textContent: about })));
  }

  return {
    onLook: () => kernels && showDetail(),
    onRest: ask,
    onOpen: ask,
    onNetwork: () => (chosen = 0),
    onEmpty: () => kernels && showDetail(),
  };
}
