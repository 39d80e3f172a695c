// The Photo tab: a photo, what was read in it, and the visitor's corrections, which never leave the page.

import { createActions } from "../shared/actions.js";
import { saveBlob } from "../shared/files.js";
import { createReading } from "../shared/reading.js";
import { mountNoDigits } from "../shared/no_digits.js";
import { OWN, sessionState } from "../shared/session.js";
import { symbolsOf } from "../shared/symbols.js";
import { certainty, isDoubtful, secondThought, textOf } from "../shared/wording.js";
import { createAlbum } from "./album.js";
import { createBoxes } from "./boxes.js";
import { csvOf } from "./csv.js";
import { isCorrected, nameOf, textLines } from "./digits.js";
import { createKeypad } from "./keypad.js";
import { markedPhoto } from "./marked.js";
import { createPhotoRequests } from "./request.js";
import { mountSources } from "./source.js";
import { createTable } from "./table.js";

const STILL_SHOWN = "The photo before it is still shown.";
const CONFIRMED = 1600; // milliseconds that a button says it has done its work
const READERS = { seed: "the simple network", [OWN]: "your network" };
const EXPLANATIONS = {
  Grey: "The photo in the shade of grey that shows the ink best.",
  "Light evened": "Shadows and uneven light are removed.",
  Ink: "Everything that is darker than the paper around it.",
  "Lines removed": "The paper\u2019s own lines are gone.",
  Pieces: "Each piece of ink that may be a digit has its own colour.",
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
  const keypad = createKeypad({
    group: find(".keypad"),
    onKey: (answer) => correct(picked, answer, answer ? `Corrected to ${answer}` : "Left out"),
  });
  const actions = createActions({ server, upload });
  let shown = null; // the answer on the screen: {width, height, symbols, message, ...}
  let answers = []; // what stands for each symbol after the visitor's corrections
  let picked = null; // index of the symbol whose bars are shown
  let readAgain = null; // reads the photo on the screen once more, turned by so many quarters

  // ---------------------------------------------------------------- what is under way

  function begin(sentence, file) {
    find(".trouble").hidden = true;
    tab.dataset.state = "busy";
    find(".progress").hidden = false;
    showStep(sentence);
    showPreview(find(".progress img"), file);
    find(".frame").scrollIntoView({ block: "nearest" }); // an example stands far below it on a phone
  }

  function showStep(sentence) {
    find(".progress p").textContent = sentence;
  }

  function endStep() {
    find(".progress").hidden = true;
    tab.dataset.state = shown ? "read" : "empty";
  }

  /** Says a sentence under the photo, until it is closed or the next photo comes. label: of what can be done then. */
  function complain(sentence, action = null, label = "Try again") {
    find(".trouble").hidden = false;
    find(".trouble p").textContent = sentence;
    find(".again").hidden = action === null;
    find(".again").textContent = label;
    find(".again").onclick = () => {
      find(".trouble").hidden = true;
      action();
    };
    find(".trouble").scrollIntoView({ block: "nearest" });
  }

  const corrections = () => (shown ? shown.symbols.filter((symbol, i) => isCorrected(symbol, answers[i])).length : 0);

  /** Does what would lose the visitor's corrections, once they agreed to that. what: it, as a sentence begins. */
  function unlessCorrected(what, label, does) {
    const count = corrections();
    if (count === 0) return does();
    complain(`${what} discards your ${count === 1 ? "correction" : `${count} corrections`}.`, does, label);
  }

  // ---------------------------------------------------------------- what was read

  /** answer: the server's, or what `album` kept of it; corrected: the visitor's answers to it. */
  function showAnswer(answer, corrected = null) {
    shown = answer;
    const { symbols, message, width, height, cells } = answer;
    answers = corrected ?? symbols.map(textOf);
    endStep();
    find(".invitation").hidden = true;
    find(".photo").hidden = false;
    find(".actions").hidden = false;
    find(".photo").style.setProperty("--aspect", width / height);
    photo.src = answer.photo;
    photo.alt = `Your photo: ${describeCount(symbols)} found`;
    boxes.fill(symbols, shown);
    find(".digits").hidden = symbols.length === 0;
    table.fill(symbols, photo, width);
    showStages(answer.stages);
    symbols.forEach((_, i) => showSymbol(i));
    showText();
    showTurned(answer.turned ?? 0);
    const doubtful = symbols.findIndex((symbol, i) => isDoubtful(symbol) && !isCorrected(symbol, answers[i]));
    pick(symbols.length === 0 ? null : Math.max(doubtful, 0));
    reading.announce(symbols.length === 0 ? message : `It says ${textLines(symbols, answers, cells).join(", ")}`);
  }

  function showSymbol(i) {
    boxes.showAnswer(i, answers[i]);
    table.showAnswer(i, answers[i]);
  }

  /** degrees: by how much the reader turned the photo, because it made no sense as it was. */
  function showTurned(degrees) {
    find(".turned").hidden = degrees === 0;
    find(".turned p").textContent = `Turned by ${degrees} degrees.`;
  }

  function showText() {
    const { symbols, cells, message } = shown;
    text.value = textLines(symbols, answers, cells).join("\n");
    text.dataset.placeholder = message ? "" : "Nothing is left."; // the message stands beside the bars
    for (const button of [find(".copy"), find(".csv")]) {
      button.setAttribute("aria-disabled", String(text.value.trim() === ""));
    }
    find(".teaching").hidden = taughtCorrections().length === 0;
    find(".teaching p").textContent = "";
  }

  /** Shows bars and picture of one symbol, and marks it in photo and table; null: there is none. */
  function pick(i) {
    picked = i;
    boxes.pick(i);
    table.pick(i);
    showKeypad();
    const symbol = i === null ? null : shown.symbols[i];
    reading.section.dataset.state = symbol?.shares ? "read" : "empty";
    if (symbol === null) {
      reading.show({ answer: "", sure: "No digits found", doubt: shown?.message ?? "" });
    } else if (symbol.separator) {
      reading.show({ answer: symbol.separator, sure: certainty(symbol), doubt: "It separates digits." });
    } else {
      reading.show({ ...symbol, answer: textOf(symbol), sure: certainty(symbol), doubt: secondThought(symbol) });
      return reading.showPicture(symbol);
    }
    reading.clearPicture();
  }

  function showKeypad() {
    keypad.show(picked === null ? null : nameOf(shown.symbols, picked), answers[picked]);
  }

  function pickAndReveal(i) {
    pick(i);
    table.reveal(i);
  }

  /** The visitor knows better. sentence: what a screen reader hears. */
  function correct(i, answer, sentence = "") {
    answers[i] = answer;
    showSymbol(i);
    showText();
    showKeypad();
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
      getSelection().selectAllChildren(text); // not a secure page, or not allowed: the old way
      document.execCommand("copy");
    }
  });
  onPress(find(".csv"), "Downloaded", () =>
    saveBlob(new Blob([csvOf(shown.symbols, answers)], { type: "text/csv" }), "digits.csv"),
  );

  /** {picture, label} of each digit that was corrected to another one. */
  const taughtCorrections = () =>
    shown.symbols.flatMap((symbol, i) =>
      symbol.picture && isCorrected(symbol, answers[i]) && /^[0-9]$/.test(answers[i])
        ? [{ picture: symbol.picture, label: Number(answers[i]) }]
        : [],
    );

  find(".teach").addEventListener("click", async () => {
    let failure = "";
    const examples = taughtCorrections();
    for (const example of examples) failure ||= await actions.act("add_example", example);
    const count = examples.length === 1 ? "It is one" : "They are";
    find(".teaching p").textContent = failure || `${count} of your examples now: press Teach it on the Draw tab.`;
  });

  onPress(find(".save"), "Saved", async () => {
    await photo.decode();
    saveBlob(await markedPhoto(photo, shown.symbols, answers, shown.width), "digits.jpg");
  });

  /** As it was before the first photo. */
  function clear() {
    shown = null;
    answers = [];
    album.clear();
    requests.forget();
    find(".trouble").hidden = true;
    find(".invitation").hidden = false;
    for (const part of [".photo", ".actions", ".turned", ".digits"]) find(part).hidden = true;
    boxes.fill([], { width: 1, height: 1 });
    showStages([]);
    text.value = "";
    for (const button of [find(".copy"), find(".csv")]) button.setAttribute("aria-disabled", "true");
    pick(null);
    showNothing();
    find(".invitation").focus();
  }

  // ---------------------------------------------------------------- wiring

  const requests = createPhotoRequests({
    server,
    upload,
    onBegin: begin,
    onStep: showStep,
    onEnd: endStep,
    onAnswer(answer, again) {
      readAgain = again;
      album.arrived();
      showAnswer({ ...answer, symbols: symbolsOf(answer) });
    },
    onTrouble: (sentence, tryAgain) => complain(shown ? `${sentence} ${STILL_SHOWN}` : sentence, tryAgain),
  });
  const album = createAlbum({
    element: find(".album"),
    onRead: requests.readFile,
    /** What is to be remembered of the photo on the screen; null: nothing. */
    state: () => shown && { shown, answers, readAgain },
    onReturn(state) {
      requests.forget();
      find(".trouble").hidden = true;
      readAgain = state.readAgain;
      showAnswer(state.shown, state.answers);
    },
  });
  mountSources({
    element,
    onFiles: (files) => album.open(files),
    onExample(name) {
      album.clear();
      requests.readExample(name);
    },
    complain,
  });
  find(".turn").addEventListener("click", () => {
    unlessCorrected("Turning the photo", "Turn anyway", () => readAgain((shown.turned ?? 0) / 90 + 1));
  });
  find(".turn-back").addEventListener("click", () => {
    unlessCorrected("Turning the photo", "Turn anyway", () => readAgain(0));
  });
  find(".clear").addEventListener("click", () => unlessCorrected("Clearing the photo", "Clear anyway", clear));
  find(".close").addEventListener("click", () => (find(".trouble").hidden = true));

  // Gradio nests the rules of photo.css in the component's, where @keyframes may not stand.
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
    const swing = { duration: 1100, easing: "ease-in-out", direction: "alternate", iterations: Infinity };
    find(".moving span").animate([{ translate: 0 }, { translate: "233%" }], swing);
  }

  /** Says which network reads, where it is not the best one. */
  function showReader() {
    find(".by").hidden = !(sessionState.network in READERS);
    find(".by").textContent = `Read by ${READERS[sessionState.network]}; choose another one on the Draw tab.`;
  }

  /** Another network reads from now on. It is not worth the visitor's corrections. */
  function networkChanged() {
    showReader();
    if (shown && corrections() === 0) readAgain(null);
  }
  for (const event of ["model", "network"]) sessionState.addEventListener(event, networkChanged);

  function showNothing() {
    reading.show({ answer: "", sure: "Waiting for a photo", doubt: "Select a digit in it to see its bars here." });
  }

  mountNoDigits(element, actions.act);
  showReader();
  showNothing();
}

function describeCount(symbols) {
  const count = symbols.filter(({ separator }) => separator === undefined).length;
  return count === 1 ? "one digit" : `${count || "no"} digits`;
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
  const title = Object.assign(document.createElement("strong"), { textContent: name });
  caption.append(title, ` ${EXPLANATIONS[name] ?? ""}`);
  stage.append(image, caption);
  return stage;
}
