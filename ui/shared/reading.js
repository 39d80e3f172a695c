// How a reading is shown, on every tab: the answer, how sure it is, what the network saw, and ten bars. The
// tab's own script follows in the same function, with the component's `element` and its `server`.

const find = (selector) => element.querySelector(selector);
const reading = find(".reading");
const seen = find(".seen canvas");
const bars = [...element.querySelectorAll(".bar")];

/** Shows a digit, or nothing. answer: what stands large, left as it is where there is none. */
function show({ answer = null, sure = "", doubt = "", probs = Array(10).fill(0), digit = null }) {
  if (answer !== null) find(".answer").textContent = answer;
  find(".sure").textContent = sure;
  find(".doubt").textContent = doubt;
  bars.forEach((bar, i) => {
    bar.style.setProperty("--share", probs[i]);
    bar.setAttribute("aria-valuenow", Math.round(100 * probs[i]));
    bar.querySelector(".percent").textContent = percent(probs[i]);
    bar.classList.toggle("best", i === digit);
  });
}

/** What else it could be, where that is worth saying. */
function secondThought({ digit, probs }) {
  if (digit === null) return "The bars show what comes nearest.";
  const [, second] = probs.map((_, i) => i).sort((a, b) => probs[b] - probs[a]);
  return probs[second] >= 0.1 ? `Or it could be ${second === 8 ? "an" : "a"} ${second}.` : "";
}

const DOUBTFUL = 0.9; // a digit that the network is less sure of is marked
const isDoubtful = ({ digit, confidence }) => digit === null || confidence < DOUBTFUL;
const percent = (share) => `${Math.round(100 * share)}%`;
const certainty = (share) => (share >= 0.995 ? "Over 99% sure" : `${percent(share)} sure`); // never quite sure
const figure = (found) => (found.digit === null ? "?" : String(found.digit));

function showSeen(found) {
  paintPicture(seen, found.picture);
  seen.setAttribute("aria-label", `What the network sees: your ${figure(found)}, 28 by 28 pixels`);
}

function showNothingSeen() {
  seen.getContext("2d").clearRect(0, 0, 28, 28);
  seen.setAttribute("aria-label", "What the network sees: nothing yet");
}

/** 28x28 grey bytes in base64, onto a canvas of that size. */
function paintPicture(canvas, base64) {
  const pixels = new ImageData(28, 28);
  greyOf(base64).forEach((value, i) => pixels.data.set([value, value, value, 255], 4 * i));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

const greyOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** For screen readers. */
function say(sentence) {
  find(".announcement").textContent = sentence;
}

