// The Photo tab: a photo, what was read in it, and the visitor's corrections, which never leave the page.

import { saveBlob } from "../shared/files.js";
import { createReading } from "../shared/reading.js";
import { OWN, sessionState } from "../shared/session.js";
import { certainty, isDoubtful, secondThought, textOf } from "../shared/wording.js";
import { createBoxes } from "./boxes.js";
import { csvOf } from "./csv.js";
import { isCorrected, textLines } from "./digits.js";
import { createPhotoRequests } from "./request.js";
import { mountSources } from "./source.js";
import { createTable } from "./table.js";

const CONFIRMED = 1600; // milliseconds that a button says it has done its work
const READERS = { seed: "the first, simple network", [OWN]: "your own network" };
const EXPLANATIONS = {
  Grey: "The photo in the shade of grey in which ink stands out most.",
  "Light evened": "Shadows and uneven light are divided out.",
  Ink: "What is darker than the paper around it.",
  "Lines removed": "Without the paper's own lines.",
  Pieces: "Each piece of ink that may be a digit has a colour of its own.",
};

/** The arguments are what Gradio hands to a component's script. */
export function mount({ element, server, upload }) {
  const find = (selector) => element.querySelector(selector);
  const tab = find(".tab");
  const text = find(".text");
  const photo = find(".photo img");
  const reading = createReading(element);
  const boxes = createBoxes({ group: find(".boxes"), onClick: pickAndReveal, onPick: pick, onCorrect: correct });
  const table = createTable({ table: find("table"), onPick: pick, onCorrect: correct });
  let shown = null; // the answer on the screen: {width, height, digits, message, ...}
  let answers = []; // what stands for each digit after the visitor's corrections
  let readAgain = null; // reads the photo on the screen once more, turned by so many quarters

  // ---------------------------------------------------------------- what is under way

  function begin(sentence, file) {
    find(".trouble").hidden = true;
    tab.dataset.state = "busy";
    find(".progress").hidden = false;
    showStep(sentence);
    showPreview(find(".progress img"), file);
  }

  function showStep(sentence) {
    find(".progress p").textContent = sentence;
  }

  function endStep() {
    find(".progress").hidden = true;
    tab.dataset.state = shown ? "read" : "empty";
  }

  /** Says a sentence over the photo, until it is closed or the next photo comes. */
  function complain(sentence, tryAgain = null) {
    find(".trouble").hidden = false;
    find(".trouble p").textContent = sentence;
    find(".again").hidden = tryAgain === null;
    find(".again").onclick = tryAgain;
  }

  // ---------------------------------------------------------------- what was read

  function showAnswer(answer) {
    shown = answer;
    const { digits, message, width, height } = answer;
    answers = digits.map(textOf);
    endStep();
    find(".invitation").hidden = true;
    find(".photo").hidden = false;
    find(".photo").style.setProperty("--aspect", width / height);
    photo.src = answer.photo;
    photo.alt = `Your photo: ${digits.length === 1 ? "one digit" : `${digits.length || "no"} digits`} found`;
    boxes.fill(digits, answer);
    find(".digits").hidden = digits.length === 0;
    table.fill(digits, photo, width);
    showStages(answer.stages);
    digits.forEach((_, i) => showDigit(i));
    showText();
    const doubtful = digits.findIndex(isDoubtful);
    pick(digits.length === 0 ? null : Math.max(doubtful, 0));
    reading.announce(digits.length === 0 ? message : `It says ${text.value}`);
  }

  function showDigit(i) {
    boxes.showAnswer(i, answers[i]);
    table.showAnswer(i, answers[i]);
  }

  function showText() {
    const lines = textLines(shown.digits, answers);
    text.value = lines.join("\n");
    text.placeholder = shown.message || "Nothing is left.";
    text.rows = Math.min(Math.max(lines.length, 2), 8);
    for (const button of [find(".copy"), find(".csv")]) {
      button.setAttribute("aria-disabled", String(text.value === ""));
    }
  }

  /** Shows bars and picture of one digit, and marks it in photo and table; null: there is none. */
  function pick(i) {
    boxes.pick(i);
    table.pick(i);
    reading.section.dataset.state = i === null ? "empty" : "read";
    if (i === null) {
      reading.show({ answer: "", sure: "No digits found", doubt: shown.message });
      reading.clearPicture();
      return;
    }
    const digit = shown.digits[i];
    reading.show({ ...digit, answer: textOf(digit), sure: certainty(digit), doubt: secondThought(digit) });
    reading.showPicture(digit);
  }

  function pickAndReveal(i) {
    pick(i);
    table.reveal(i);
  }

  /** The visitor knows better. sentence: what a screen reader hears. */
  function correct(i, answer, sentence = "") {
    answers[i] = answer;
    showDigit(i);
    showText();
    if (sentence) reading.announce(sentence);
  }

  function showStages(stages) {
    find(".stages").hidden = stages.length === 0;
    find(".steps").replaceChildren(...stages.map(newStage));
  }

  // ---------------------------------------------------------------- what can be done with the text

  /** does: returns, or resolves, once the button has done its work; word: what it says then. */
  function onPress(button, word, does) {
    const label = button.querySelector("span");
    const usual = label.textContent;
    let timer = null;
    button.addEventListener("click", async () => {
      if (button.getAttribute("aria-disabled") === "true") return;
      await does();
      label.textContent = word;
      reading.announce(word);
      clearTimeout(timer);
      timer = setTimeout(() => (label.textContent = usual), CONFIRMED);
    });
  }

  onPress(find(".copy"), "Copied", async () => {
    try {
      await navigator.clipboard.writeText(text.value);
    } catch {
      text.select(); // not a secure page, or not allowed: the old way
      document.execCommand("copy");
    }
  });
  onPress(find(".csv"), "Downloaded", () =>
    saveBlob(new Blob([csvOf(shown.digits, answers)], { type: "text/csv" }), "digits.csv"),
  );

  // ---------------------------------------------------------------- wiring

  const { readFile, readExample } = createPhotoRequests({
    server,
    upload,
    onBegin: begin,
    onStep: showStep,
    onEnd: endStep,
    onAnswer(answer, again) {
      readAgain = again;
      showAnswer(answer);
    },
    onTrouble: complain,
  });
  mountSources({ element, onFile: readFile, onExample: readExample, complain });
  find(".turn").addEventListener("click", () => readAgain(1));
  find(".close").addEventListener("click", () => (find(".trouble").hidden = true));

  // Gradio nests the rules of photo.css in the component's, where @keyframes may not stand.
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
    const swing = { duration: 1100, easing: "ease-in-out", direction: "alternate", iterations: Infinity };
    find(".moving span").animate([{ translate: 0 }, { translate: "233%" }], swing);
  }

  /** Says which network reads, where it is not the best one. */
  function showReader() {
    find(".by").hidden = !(sessionState.network in READERS);
    find(".by").textContent = `Read by ${READERS[sessionState.network]}: another can be chosen on the Draw tab.`;
  }

  /** Another network reads from now on. It is not worth the visitor's corrections. */
  function networkChanged() {
    showReader();
    if (shown && !shown.digits.some((digit, i) => isCorrected(digit, answers[i]))) readAgain(0);
  }
  for (const event of ["model", "network"]) sessionState.addEventListener(event, networkChanged);

  showReader();
  reading.show({ answer: "", sure: "Waiting for a photo", doubt: "Click a digit in it, and its bars show here." });
}

/** Shows a file while it is sent, if the browser can; null: there is none. */
function showPreview(image, file) {
  image.hidden = true;
  if (file === null) return;
  const address = URL.createObjectURL(file);
  image.onload = image.onerror = (event) => {
    image.hidden = event.type !== "load";
    URL.revokeObjectURL(address);
  };
  image.src = address;
}

function newStage({ name, picture }) {
  const stage = document.createElement("figure");
  const image = document.createElement("img");
  image.src = picture;
  image.alt = "";
  const caption = document.createElement("figcaption");
  const title = document.createElement("strong");
  title.textContent = name;
  caption.append(title, ` ${EXPLANATIONS[name] ?? ""}`);
  stage.append(image, caption);
  return stage;
}
