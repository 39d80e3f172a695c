// The Train tab: a training as it runs, and what comes of it. It shows what the server reports.

import { createActions } from "../shared/actions.js";
import { showTab } from "../shared/address.js";
import { saveBlob } from "../shared/files.js";
import { mountHub } from "../shared/hub.js";
import "../shared/leaving.js";
import { createReading } from "../shared/reading.js";
import { belongings, findSession, forgetVisitor, sessionState } from "../shared/session.js";
import { certainty, secondThought } from "../shared/wording.js";
import { createBuilder } from "./builder.js";
import { createChart } from "./chart.js";
import { csvOfCurve, paintCharts } from "./export.js";
import { showKernels } from "./kernels.js";
import { createOutcome } from "./outcome.js";
import { ask } from "./question.js";
import { showProgress } from "./progress.js";
import { SCALES } from "./scales.js";
import { mountLesson } from "./lesson.js";
import { createSamples } from "./samples.js";
import { createSettings } from "./settings.js";
import { createTrying } from "./trying.js";
import { describeWatched, showWatched } from "./watched.js";
import { buttonsOf, describeDetails, describeModel, describePhase, startText, stopText } from "./wording.js";

const DRAW_GAP = 300; // milliseconds between two drawings that are sent to be read anew
const INK = "Each is a small pattern to look for: ink on blue counts for it, ink on orange against it.";
const TEXTS = {
  digits: {
    kernels: INK,
    watched:
      "Of the validation set, the hardest of each digit. One in an orange frame is still read wrong, as the digit in " +
      "its corner.",
  },
  others: {
    kernels: INK.replaceAll("ink", "light"),
    watched: "Of the validation set, four of each class. One in an orange frame is still taken for another.",
  },
  colours: { kernels: "Each is a small pattern of colours to look for; where it is grey, it does not care." },
};
const NO_KERNELS = { size: 0, channels: 1, count: 0, weights: "" };

/** The arguments are what Gradio hands to a component's script; props: what ui/train/tab.py fills the HTML with. */
export function mount({ element, server, upload, props }) {
  const find = (selector) => element.querySelector(selector);
  const form = find("form");
  const complaint = find(".complaint");
  const actions = createActions({ server, upload });
  const reading = createReading(element);
  const builder = createBuilder({ element, server, ...props, onChange: showNetwork });
  const settings = createSettings(form, props, builder);
  const charts = Object.keys(SCALES).map((name) => createChart(find(`[data-chart=${name}]`), name));
  const { datasets } = props;
  const trying = createTrying({ element, server });
  const samplesOf = createSamples(server, () => sessionState.status && showStatus());
  const showOutcome = createOutcome(find(".outcome"), {
    datasets,
    onPad: goToPad,
    onTry(picture, truth) {
      trying.read({ picture }, `It is: ${truth}.`);
      find(".trying").scrollIntoView({ block: "start" });
    },
  });

  // ---------------------------------------------------------------- what the visitor does

  const drawing = () => sessionState.drawing?.picture ?? null;

  async function act(action, payload) {
    complain(await actions.act(action, payload));
  }

  /** The same, and brings the progress into view, where the page was scrolled away from it. */
  async function actAndLook(action, payload) {
    await act(action, payload);
    look();
  }

  function look() {
    if (complaint.hidden) find(".state").scrollIntoView({ block: "nearest" });
  }

  function complain(sentence) {
    complaint.textContent = sentence;
    complaint.hidden = sentence === "";
    complaint.scrollIntoView({ block: "nearest" }); // what was pressed may stand far below
  }

  async function discard() {
    const question = "The trained network and its curves are deleted. This cannot be undone.";
    if (await ask(find(".ask"), { question, yes: "Throw it away" })) await act("discard_result");
  }

  async function forget() {
    const question = `This deletes ${belongings().join(", ")} here and on the server. It cannot be undone.`;
    if (!(await ask(find(".ask"), { question, yes: "Forget me", no: "Keep all" }))) return;
    complain(await forgetVisitor(server));
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (find(".start").ariaDisabled === "true") return builder.openAtFault();
    return actAndLook("start", { settings: settings.read(), drawing: drawing() });
  });
  const onClick = {
    ".build": builder.open,
    ".resume": () => actAndLook("resume", { drawing: drawing() }),
    ".pause": () => act("pause"),
    ".stop": () => act("stop"),
    ".use": () => act("use_result"),
    ".discard": discard,
    ".try": goToPad,
    ".shipped": () => act("use_shipped"),
    ".undo": () => act("undo"),
    ".download": async () => complain(await actions.saveFile("download", "model", "my-digits.npz")),
    ".download-result": async () => complain(await actions.saveFile("download", "result", "my-digits.npz")),
    ".bring": () => find(".file").click(),
    ".forget": forget,
    ".save-csv": () => saveBlob(new Blob([csvOfCurve(sessionState.status.curve)]), "training.csv"),
    ".save-png": async () => {
      const { network, learning_rate: rate } = sessionState.status.settings;
      const picture = await paintCharts([...element.querySelectorAll(".chart")], `${network}, learning rate ${rate}`);
      saveBlob(await new Promise((resolve) => picture.toBlob(resolve, "image/png")), "training.png");
    },
  };
  for (const [button, does] of Object.entries(onClick)) find(button).addEventListener("click", does);
  for (const button of element.querySelectorAll(".exports button")) {
    const { to, file } = button.dataset;
    button.addEventListener("click", async () => complain(await actions.saveFile("export", { to }, file)));
  }
  find(".file").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    const sending = file && actions.sendFile("upload_model", file);
    target.value = ""; // so that the same file can be chosen again
    if (!file) return;
    complain(await sending);
    look();
  });

  // ---------------------------------------------------------------- what is shown

  /** The visitor's own network in a line, under its card. */
  function showNetwork() {
    const { text, isWrong } = builder.summary();
    find(".of-network").textContent = text;
    find(".of-network").classList.toggle("wrong", isWrong);
    settings.showStart();
  }

  let shown = []; // curve of the training that is shown
  let before = []; // and of the one before it

  function showStatus() {
    const { status, mine } = sessionState;
    const { phase, now } = status;
    find(".tab").dataset.phase = phase;
    // Of a network that was taught or uploaded, nothing was seen while it learned.
    const hasNothingToWatch = !now && !["idle", "waiting", "preparing"].includes(phase);
    for (const part of [".charts", ".legend", ".inner"]) find(part).hidden = hasNothingToWatch;
    find(".phase").textContent = describePhase(status);
    find(".numbers").textContent = describeDetails(status, mine);
    const done = now ? now.done : 0;
    find(".line .fill").style.setProperty("--share", done);
    find(".line").setAttribute("aria-valuenow", Math.round(100 * done));
    showButtons(status, mine);
    settings.lock(status.active || phase === "paused");

    rememberCurve(status);
    const last = Math.max(...[status.curve, before].map((curve) => curve.at(-1)?.epoch ?? 0));
    const epochs = Math.max(status.settings?.epochs ?? form.elements.epochs.value, Math.ceil(last));
    for (const drawCurve of charts) drawCurve(status.curve, epochs, before);
    find(".legend .of-earlier").hidden = before.length === 0;
    find(".curves").hidden = status.curve.length < 2;
    showProgress(status);
    showKernels(find(".kernels"), now?.kernels ?? NO_KERNELS);
    showPictures(status, mine);
    showReading();
    showOutcome(status.comparison);
    find(".reads").textContent = describeModel(mine);
    find(".shipped").hidden = !mine.own;
    find(".undo").hidden = !mine.can_undo;
    find(".forget").hidden = belongings().length === 0;
  }

  /** The data set of what is shown, or before anything is, the one that is chosen. */
  function shownDataset({ settings: trained, comparison }) {
    const shownName = trained?.dataset ?? comparison?.dataset ?? form.elements.dataset.value;
    return datasets.find(({ name }) => name === shownName);
  }

  /** What differs between digits and other pictures. */
  function showPictures(status, mine) {
    const { now, comparison, active } = status;
    const dataset = shownDataset(status);
    const isOfDigits = dataset === datasets[0];
    const samples = !isOfDigits && (now || comparison) ? samplesOf(dataset) : null;
    const others = samples && { dataset, pictures: samples.watched };
    find(".inner").classList.toggle("of-pictures", !isOfDigits);
    find(".drawn").hidden = !isOfDigits;
    find(".unseen").hidden = !isOfDigits && !others?.pictures.length;
    if (isOfDigits || others) showWatched(find(".watched"), now?.watched ?? null, others);
    find(".unseen .right").textContent = describeWatched(now?.watched);
    const texts = TEXTS[isOfDigits ? "digits" : "others"];
    find(".of-watched").textContent = texts.watched;
    find(".of-kernels").textContent = dataset.shape[2] === 3 ? TEXTS.colours.kernels : texts.kernels;
    const isThere = status.result || (mine.own && mine.dataset === comparison?.dataset);
    if (comparison && !isOfDigits && !active && isThere) trying.show(dataset, samples);
    else trying.hide();
  }

  /** A training that begins leaves the curve of the one before to compare it with. */
  function rememberCurve({ curve, phase }) {
    if (phase === "idle") shown = before = []; // it was thrown away
    if (curve.length < shown.length && shown.length > 1) before = shown;
    shown = curve;
  }

  function showButtons(status, mine) {
    const { main, ...seen } = buttonsOf(status, mine);
    for (const [name, isSeen] of Object.entries(seen)) find(`.${name}`).hidden = !isSeen;
    for (const name of ["start", "resume", "use", "try"]) find(`.${name}`).classList.toggle("main", name === main);
    find(".start").textContent = startText(status);
    find(".stop").textContent = stopText(status);
  }

  /** The last drawing, read by the network that is trained. */
  function showReading() {
    const digit = sessionState.drawing;
    const probs = sessionState.status?.now?.probs;
    reading.section.dataset.state = !digit ? "empty" : probs ? "read" : "unread";
    if (!digit) {
      const doubt = "Draw a digit on the Draw tab: here it is read anew at every step.";
      reading.show({ answer: "", sure: "Nothing drawn yet", doubt });
      reading.clearPicture();
      return;
    }
    reading.showPicture(digit);
    if (!probs) {
      const { phase = "idle" } = sessionState.status ?? {};
      const doubt = phase === "idle" ? "Start, and see the bars move." : "It is read at the next step.";
      return reading.show({ answer: "", sure: "Not read yet", doubt });
    }
    const best = probs.indexOf(Math.max(...probs));
    const read = { digit: best, shares: [...probs, 0] }; // while it learns, it rejects nothing
    reading.show({ ...read, answer: String(best), sure: certainty(read), doubt: secondThought(read) });
  }

  let nextDrawing = null; // timer

  /** The worker reads each new drawing, though not every stroke of it. */
  function drawingChanged() {
    showReading();
    if (!sessionState.status?.active || !drawing()) return;
    nextDrawing ??= setTimeout(() => {
      nextDrawing = null;
      if (drawing()) server.draw({ drawing: drawing() }).catch(() => undefined);
    }, DRAW_GAP);
  }

  // ---------------------------------------------------------------- wiring

  form.addEventListener("change", ({ target }) => {
    if (target.name === "dataset" && sessionState.status) showStatus();
  });
  sessionState.addEventListener("status", showStatus);
  sessionState.addEventListener("lost", () => complain(sessionState.lostSentence));
  sessionState.addEventListener("drawing", drawingChanged);
  sessionState.addEventListener("model", () => settings.isFineTuning() && settings.suggest());
  mountLesson({ element, settings });
  mountHub({
    element,
    server,
    act: actions.act,
    canSignIn: props.signs_in,
    load: "load_from_hub",
    push: "push_to_hub",
    loaded: "Loaded. It is tested now; then press Use this network.",
  });

  if (sessionState.status) showStatus();
  findSession(server.watch);
}

const goToPad = () => showTab("draw", "#pad");
