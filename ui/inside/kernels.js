// The channels of a layer: the first layer's kernels with their numbers, every other's maps, and what each likes.

import { colourOf, largest, paintValues, putPixels } from "./colours.js";
import { fillSelect, newElement, numberGrid } from "./elements.js";
import { titleOf } from "./layers.js";
import { createLikes } from "./likes.js";
import { decodeFloats } from "./looking.js";
import { paced } from "./paced.js";
import { blocksOf, channelOf, divisorsOf, paintMaps } from "./maps.js";
import { numeral } from "./sums.js";

export function createKernels({ element, looking }) {
  const box = element.querySelector(".kernel-view");
  const select = box.querySelector(".of-layer select");
  const list = box.querySelector(".kernels");
  const detail = box.querySelector(".detail");
  const none = box.querySelector(".none");
  const likes = createLikes({ box: box.querySelector(".likes"), looking });
  let kernels = null; // {size, count, weights, bias} of the first layer
  let ends = []; // the last positions of the layers' blocks
  let chosen = 0;

  const ask = paced(() => looking.network && looking.explain("kernels"), (answer) => {
    kernels = answer.kernels && { ...answer.kernels, weights: decodeFloats(answer.kernels.weights) };
    show();
  });

  const position = () => Number(select.value);
  const isFirst = () => position() === ends[0] && kernels !== null;
  const kernelOf = (k) => kernels.weights.slice(k * kernels.size ** 2, (k + 1) * kernels.size ** 2);

  function onNetwork() {
    const { layers } = looking.network;
    const blocks = blocksOf(layers);
    ends = blocks.map((positions) => positions.at(-1));
    const options = blocks.map(([first], i) => [String(ends[i]), titleOf(layers, first)]);
    fillSelect(select, options, String(ends[0]));
    choose(0);
  }

  function choose(k) {
    chosen = k;
    likes.forget();
  }

  function show() {
    const { shape } = looking.network.layers[position()];
    const count = shape.at(-1);
    chosen = Math.min(chosen, count - 1);
    none.hidden = isFirst() || position() !== ends[0];
    if (list.childElementCount !== count) list.replaceChildren(...Array.from(Array(count), newButton));
    list.classList.toggle("many", count > 64);
    const most = isFirst() ? largest(kernels.weights) : 0;
    const maps = looking.maps[position()];
    [...list.children].forEach((button, k) => {
      const canvas = button.querySelector("canvas");
      if (isFirst()) paintValues(canvas, kernelOf(k), kernels.size, most);
      else if (maps && k < maps.channels) paintChannel(canvas, maps, k);
      else canvas.width = canvas.width + 0; // clears it
      button.setAttribute("aria-pressed", String(k === chosen));
    });
    showDetail();
  }

  function newButton(_, k) {
    const button = newElement("button", { type: "button" }, newElement("canvas"), newElement("span"));
    button.querySelector("span").textContent = k + 1;
    button.setAttribute("aria-label", `Channel ${k + 1}`);
    button.addEventListener("click", () => {
      choose(k);
      [...list.children].forEach((other, i) => other.setAttribute("aria-pressed", String(i === k)));
      showDetail();
    });
    return button;
  }

  function showDetail() {
    const parts = [];
    if (isFirst()) {
      const weights = [...kernelOf(chosen)];
      const caption = `Kernel ${chosen + 1}, bias ${numeral(kernels.bias[chosen], 3)}`;
      const write = (value) => numeral(value, 2);
      parts.push(numberGrid(weights, kernels.size, { most: largest(weights), write, caption }));
    }
    const maps = looking.maps[position()];
    if (maps && chosen < maps.channels) {
      const canvas = newElement("canvas");
      paintChannel(canvas, maps, chosen);
      const about = maps.isVector
        ? `Number ${chosen + 1} for your drawing: ${numeral(channelOf(maps, chosen).value, 3)}`
        : `What it finds in your drawing: map ${chosen + 1}`;
      parts.push(newElement("figure", {}, canvas, newElement("figcaption", { textContent: about })));
    }
    detail.replaceChildren(...parts);
    likes.show(position(), chosen);
  }

  select.addEventListener("change", () => {
    choose(0);
    show();
  });

  return {
    onLook: () => ends.length > 0 && show(),
    onRest: ask,
    onOpen: ask,
    onClose: likes.forget,
    onNetwork,
    onEmpty: () => ends.length > 0 && !box.hidden && show(),
  };
}

/** One map, or one number of a vector as a single square. */
function paintChannel(canvas, maps, channel) {
  const one = channelOf(maps, channel);
  const divisors = maps.isVector ? divisorsOf(maps, "layer").slice(0, 1) : divisorsOf(one, "unit");
  putPixels(canvas, paintMaps(one, 1, divisors, colourOf));
}
