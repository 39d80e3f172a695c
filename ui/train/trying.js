// A network for other pictures than digits, tried: on test pictures, on a picture of the visitor's, with the camera.

import { paintPicture } from "../shared/picture.js";
import { NO_CONNECTION, percentsOf, percentText } from "../shared/wording.js";

const SENT_SIDE = 64; // pixels of a visitor's picture as it is sent: twice what networks take here
const NO_PICTURE = "This file is no picture that your browser can read. Please choose a JPEG or PNG.";

/** What a picture is taken for: {name, sure, second}, of shares by class; second is "" where nothing is near. */
export function describeGuess(shares, classes) {
  const order = shares.map((_, i) => i).sort((a, b) => shares[b] - shares[a]);
  const percents = percentsOf(shares);
  const [first, second] = order;
  return {
    name: classes[first],
    sure: `${percentText(percents[first])} sure`,
    second: shares[second] >= 0.1 ? `Or it could be: ${classes[second]}.` : "",
  };
}

/** element: the tab, with the elements of trying.html in it. Returns {show, hide, read}. */
export function createTrying({ element, server }) {
  const section = element.querySelector(".trying");
  const find = (selector) => section.querySelector(selector);
  let shown = null; // {dataset, samples}
  let asked = 0;

  /** dataset: {classes, shape, ...}; samples: as ui/train/trying.py answers, null where they are not there yet. */
  function show(dataset, samples) {
    section.hidden = false;
    if (shown?.dataset === dataset && shown.samples === samples) return;
    const isOther = shown?.dataset !== dataset;
    shown = { dataset, samples };
    if (isOther) clear();
    find(".tests").replaceChildren(...(samples?.tests ?? []).map(newTest));
  }

  function hide() {
    section.hidden = true;
    shown = null;
  }

  function clear() {
    find("figure").hidden = true;
    find(".taken-for").replaceChildren();
    find(".shares").replaceChildren();
  }

  function newTest(picture, i) {
    const { dataset, samples } = shown;
    const button = document.createElement("button");
    Object.assign(button, { type: "button", ariaPressed: "false" });
    const name = dataset.classes[samples.labels[i]];
    button.ariaLabel = `Test picture ${i + 1}: ${name}`;
    button.title = name;
    const canvas = document.createElement("canvas");
    paintPicture(canvas, picture, dataset.shape);
    button.append(canvas);
    button.addEventListener("click", () => {
      for (const other of find(".tests").children) other.ariaPressed = String(other === button);
      read({ picture }, `It is: ${name}.`);
    });
    return button;
  }

  /** payload: {picture} or {image}, as ui/train/trying.py takes it; truth: what it is, in words, or "". */
  async function read(payload, truth = "") {
    const number = ++asked;
    const answer = await server.read_picture(payload).catch(() => undefined);
    if (number !== asked || !shown) return;
    if (!answer?.probs) return say(answer?.error ?? NO_CONNECTION);
    const { classes, shape } = shown.dataset;
    paintPicture(find(".guess canvas"), answer.picture, shape);
    find("figure").hidden = false;
    const guess = describeGuess(answer.probs, classes);
    const name = Object.assign(document.createElement("b"), { textContent: guess.name });
    find(".taken-for").replaceChildren(name, [guess.sure + ".", truth || guess.second].filter(Boolean).join(" "));
    const percents = percentsOf(answer.probs);
    const best = answer.probs.indexOf(Math.max(...answer.probs));
    find(".shares").replaceChildren(
      ...classes.map((one, i) => newShare(one, answer.probs[i], percentText(percents[i]), i === best)),
    );
    find(".guess").scrollIntoView({ block: "nearest" });
  }

  function say(sentence) {
    clear();
    find(".taken-for").textContent = sentence;
  }

  async function readFile({ target }) {
    const [file] = target.files;
    target.value = ""; // so that the same file can be chosen again
    if (!file) return;
    for (const other of find(".tests").children) other.ariaPressed = "false";
    const image = await squareOf(file).catch(() => null);
    if (image === null) say(NO_PICTURE);
    else await read({ image });
  }

  for (const [button, input] of [[".choose-picture", ".picture-file"], [".take-picture", ".camera-file"]]) {
    find(button).addEventListener("click", () => find(input).click());
    find(input).addEventListener("change", readFile);
  }
  return { show, hide, read };
}

function newShare(name, share, percent, isBest) {
  const item = document.createElement("li");
  item.className = isBest ? "best" : "";
  const bar = Object.assign(document.createElement("span"), { className: "bar-of-class" });
  bar.append(document.createElement("span"));
  bar.style.setProperty("--share", share);
  const text = Object.assign(document.createElement("span"), { className: "percent-of-class", textContent: percent });
  item.append(name, bar, text);
  return item;
}

/** The middle of a picture file as a small square PNG, halved step by step, so that no detail turns into noise. */
async function squareOf(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  let side = Math.min(bitmap.width, bitmap.height);
  let [source, left, top] = [bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2];
  do {
    const next = side > 2 * SENT_SIDE ? Math.ceil(Math.min(side, 2048) / 2) : SENT_SIDE;
    const canvas = Object.assign(document.createElement("canvas"), { width: next, height: next });
    const context = canvas.getContext("2d");
    context.fillStyle = "white"; // under what is transparent
    context.fillRect(0, 0, next, next);
    context.imageSmoothingQuality = "high";
    context.drawImage(source, left, top, side, side, 0, 0, next, next);
    [source, side, left, top] = [canvas, next, 0, 0];
  } while (side !== SENT_SIDE);
  return source.toDataURL("image/png");
}
