// Time: the network at the moments of its training, with its kernels, its maps and the shares of this drawing at each.

import { showTab } from "../shared/address.js";
import { chooseNetwork, OWN, RESULT } from "../shared/session.js";
import { largest, paintValues } from "./colours.js";
import { createPlot } from "./plot.js";
import { newElement } from "./elements.js";
import { createBlocks } from "./layers.js";
import { decodeFloats } from "./looking.js";
import { paced } from "./paced.js";

const PACE = 350; // milliseconds from moment to moment while it plays

/** networks: returns [[name, words], ...], all that the visitor can choose from. */
export function createTime({ element, looking, announce, networks }) {
  const box = element.querySelector(".time");
  const [none, course] = [box.querySelector(".untrained"), box.querySelector(".course")];
  const ownButton = none.querySelector(".own");
  const slider = course.querySelector("input");
  const play = course.querySelector(".play");
  const said = course.querySelector(".moment");
  const plot = createPlot(course.querySelector(".plot"), course.querySelector(".winners"));
  const kernelRow = course.querySelector(".kernels");
  const list = course.querySelector(".small-blocks");
  let moments = []; // of the training
  let of = ""; // which network they are of
  let blocks = null;
  let timer = null;

  const ask = paced(
    () => looking.explain("moments", { picture: null, copy: null, moment: null }),
    (answer) => {
      moments = answer.moments;
      of = looking.networkName;
      none.hidden = moments.length > 0;
      course.hidden = moments.length === 0;
      if (moments.length === 0) return offerOwn();
      slider.max = moments.length - 1;
      show(moments.length - 1);
      if (!looking.isEmpty) askCourse();
    },
  );
  const askCourse = paced(
    () => looking.explain("course", { copy: null, moment: null }),
    ({ shares }) => plot.show(shares),
  );
  const askKernels = paced(
    () => looking.explain("kernels", { picture: null }),
    ({ kernels }) => showKernels(kernels),
  );

  /** A network of the visitor's own, where it is another one that reads. */
  function offerOwn() {
    const isOther = ([name]) => [OWN, RESULT].includes(name) && name !== looking.networkChoice;
    const own = networks().findLast(isOther);
    ownButton.hidden = !own;
    if (!own) return;
    ownButton.textContent = `Look into: ${own[1]}`;
    ownButton.onclick = () => chooseNetwork(own[0]);
  }

  function show(moment) {
    slider.value = moment;
    const { step, epoch, loss, accuracy } = moments[moment];
    const parts = [`Step ${step.toLocaleString("en")}, epoch ${epoch.toFixed(2)}`];
    if (step === 0) parts.push("nothing learned yet: all weights are random");
    if (loss !== null) parts.push(`loss ${loss.toFixed(3)}`, `${(100 * accuracy).toFixed(0)}% of its pictures right`);
    said.textContent = parts.join(", ");
    slider.setAttribute("aria-valuetext", said.textContent);
    plot.mark(moment / Math.max(1, moments.length - 1));
    looking.showMoment(moment === moments.length - 1 ? null : moment);
    askKernels();
  }

  function showKernels(kernels) {
    kernelRow.hidden = kernels === null;
    if (!kernels) return;
    const weights = decodeFloats(kernels.weights);
    const [most, size] = [largest(weights), kernels.size ** 2];
    if (kernelRow.childElementCount !== kernels.count) {
      kernelRow.replaceChildren(...Array.from(Array(kernels.count), () => newElement("canvas")));
    }
    [...kernelRow.children].forEach((canvas, k) => {
      paintValues(canvas, weights.slice(k * size, (k + 1) * size), kernels.size, most);
    });
  }

  // ---------------------------------------------------------------- playing

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  function advance() {
    const next = Number(slider.value) + 1;
    if (next >= moments.length) return stop();
    show(next);
  }

  play.addEventListener("click", () => {
    if (timer !== null) return stop();
    if (Number(slider.value) === moments.length - 1) show(0);
    timer = setInterval(advance, PACE);
    play.textContent = "Pause";
  });
  slider.addEventListener("input", () => {
    stop();
    show(Number(slider.value));
  });
  slider.addEventListener("change", () => announce(said.textContent));
  box.querySelector(".train-one").addEventListener("click", () => showTab("train"));

  return {
    onNetwork() {
      stop();
      blocks = createBlocks(looking.network.layers);
      list.replaceChildren(...blocks.rows);
      if (!box.hidden) ask();
    },
    onLook: () => blocks?.paint(looking.maps),
    onRest() {
      if (moments.length > 0 && timer === null) askCourse();
    },
    onOpen() {
      blocks?.paint(looking.maps);
      if (of !== looking.networkName || moments.length === 0) ask();
      else show(moments.length - 1);
    },
    onClose() {
      stop();
      looking.showMoment(null);
    },
    onEmpty() {
      plot.show([]);
      blocks?.clear();
    },
  };
}
