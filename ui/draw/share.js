// "Share" on the Draw tab: a link that holds the drawing, in the fragment that no server sees, or a picture of drawing,
// answer and bars, made here.

import { linkTo, onLink } from "../shared/address.js";
import { saveBlob } from "../shared/files.js";
import { sessionState } from "../shared/session.js";
import { percentsOf, percentText } from "../shared/wording.js";
import { strokesOfText, textOfStrokes } from "./link.js";

const [WIDTH, HEIGHT, MARGIN] = [1200, 660, 30]; // pixels of the picture
const NAMES = 110; // pixels beside the bars
const SAID_FOR = 4000; // milliseconds

/** element: the tab; strokes: returns those on the pad; open(strokes): puts others there, which can be undone. */
export function mountSharing({ element, strokes, open }) {
  const find = (selector) => element.querySelector(selector);
  const report = find(".of-share");
  let timer = null;

  function say(sentence) {
    report.textContent = sentence;
    clearTimeout(timer);
    timer = setTimeout(() => (report.textContent = ""), SAID_FOR);
  }

  const attempt = (act) => async () => {
    if (strokes().length === 0) return say("Draw something first.");
    try {
      await act();
    } catch (error) {
      say(error.message);
    }
  };

  find(".copy-link").addEventListener("click", attempt(async () => {
    const link = linkTo("draw", new URLSearchParams({ strokes: textOfStrokes(strokes()) }));
    const isCopied = await navigator.clipboard?.writeText(link).then(() => true, () => false);
    say(isCopied ? "The link is copied." : `The browser forbids copying. The link: ${link}`);
  }));

  find(".save-picture").addEventListener("click", attempt(async () => {
    const picture = paintReading(find(".strokes"), find(".answer").innerText, find(".sure").textContent);
    saveBlob(await new Promise((resolve) => picture.toBlob(resolve, "image/png")), "my-digit.png");
    say("The picture is saved.");
  }));

  onLink("draw", (params) => {
    if (!params.has("strokes")) return;
    try {
      open(strokesOfText(params.get("strokes")));
    } catch (error) {
      say(error.message);
    }
  });
}

/** A canvas with the pad's ink on the left, and the answer, how sure it is and the bars on the right. */
function paintReading(ink, answer, sure) {
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
  const context = canvas.getContext("2d");
  const side = HEIGHT - 2 * MARGIN;
  const left = side + 3 * MARGIN;
  const right = WIDTH - 2 * MARGIN;
  const font = getComputedStyle(document.body).fontFamily;
  const write = (text, x, y, size, weight = 400) => {
    context.font = `${weight} ${size}px ${font}`;
    context.fillText(text, x, y, right - x + MARGIN);
  };
  context.fillStyle = "white";
  context.fillRect(0, 0, WIDTH, HEIGHT);
  context.strokeStyle = "#ccc";
  context.strokeRect(MARGIN, MARGIN, side, side);
  context.drawImage(blackened(ink), MARGIN, MARGIN, side, side);
  context.fillStyle = "black";
  write(answer.replaceAll("\n", " "), left, 110, 96, 650);
  write(sure, left, 150, 26);
  const { shares = [], digit = null } = sessionState.drawing ?? {};
  const percents = percentsOf(shares);
  const height = (HEIGHT - MARGIN - 180) / Math.max(shares.length, 1);
  shares.forEach((share, i) => {
    const y = 180 + i * height;
    context.fillStyle = i === (digit ?? shares.length - 1) ? "#1d5fd1" : "#9db4d8";
    context.fillRect(left + NAMES, y, share * (right - left - NAMES - 80), height - 10);
    context.fillStyle = "black";
    write(i < 10 ? String(i) : "not a digit", left, y + height - 14, i < 10 ? 24 : 20, i < 10 ? 600 : 400);
    write(percentText(percents[i]), right - 70, y + height - 14, 22);
  });
  write("Digits from Scratch", MARGIN + 12, HEIGHT - MARGIN - 12, 18);
  return canvas;
}

/** The same ink in black, whatever colour it has on the screen. */
function blackened(ink) {
  const canvas = Object.assign(document.createElement("canvas"), { width: ink.width, height: ink.height });
  const context = canvas.getContext("2d");
  context.drawImage(ink, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillRect(0, 0, ink.width, ink.height);
  return canvas;
}
