// The Signs tab: signs of the visitor's own are drawn, learned, and read live.

import { createSheet } from "../draw/canvas.js";
import { createHand } from "../draw/hand.js";
import { DrawingHistory } from "../draw/history.js";
import { LiveReader } from "../draw/live.js";
import { createSpeech } from "../draw/speech.js";
import { createActions } from "../shared/actions.js";
import { mountHub } from "../shared/hub.js";
import "../shared/leaving.js";
import { findSession, sessionState } from "../shared/session.js";
import { createCards } from "./cards.js";
import { Pictures } from "./pictures.js";
import { createSignReading } from "./reading.js";
import { createTeller } from "./teller.js";
import { adviceOn, canLearn, confusionRows, describeTask, misread, nextSign, quoted } from "./wording.js";

// Ghosts that show a newcomer what to do, in a box of 100 x 100, by the names of the signs that are there at first.
const GHOSTS = {
  heart: "M50 80C20 58 16 40 22 30C30 17 46 22 50 38C54 22 70 17 78 30C84 40 80 58 50 80",
  star: "M50 16L59 41L85 41L64 57L72 83L50 67L28 83L36 57L15 41L41 41Z",
};

/** The arguments are what Gradio hands to a component's script; props: what ui/signs/tab.py fills the HTML with. */
export function mount({ element, server, upload, props }) {
  const find = (selector) => element.querySelector(selector);
  const actions = createActions({ server, upload });
  const history = new DrawingHistory();
  const render = createSheet();
  const reading = createSignReading(find(".reading"));
  const speech = createSpeech(reading.announce, () => hand.isDrawing());
  const pictures = new Pictures((examples) => server.sign_pictures({ examples }), showCards);
  const tell = createTeller(find(".pad .labels"), {
    onTell: addExample,
    onTooEarly: ({ name }) => showNotice(`Draw ${quoted(name)} first, then press its name.`),
  });
  const showSigns = createCards(find(".cards"), {
    onRename: (sign, name) => act("rename_sign", { sign, name }),
    onRemove: (sign) => act("remove_sign", { sign }),
    onUpload(sign) {
      find(".pictures").dataset.sign = sign;
      find(".pictures").click();
    },
    onRemoveExample: (example) => act("remove_sign_example", { example }),
  });

  const mine = () => sessionState.mine.signs;
  const hasLearned = () => Boolean(mine()?.learned);

  // ---------------------------------------------------------------- the pad

  const live = new LiveReader({
    render: () => render(history.strokes),
    read: (image) => server.read_sign({ image }),
    onSend: () => (reading.section.dataset.state = "asked"),
    onAnswer: showAnswer,
    onEmpty: showEmpty,
    onFailure(reason = navigator.onLine ? "The server is not answering." : "No connection.") {
      showNotice(`${reason} Your drawing is safe; trying again\u2026`);
    },
    onRecovery: () => showNotice(""),
  });
  const hand = createHand({
    element,
    canvas: find(".strokes"),
    cursor: find(".cursor"),
    buttons: { undo: find(".undo"), redo: find(".redo"), erase: find(".erase"), clear: find(".clear") },
    history,
    announce: reading.announce,
    announceLater: speech.later,
    onInk() {
      showNotice("");
      tell.enable(!history.isEmpty);
      if (history.isEmpty) showEmpty();
      else if (hasLearned()) live.request();
    },
    onRest: () => hasLearned() && live.flush(),
  });

  function showEmpty() {
    live.forget();
    reading.section.dataset.state = "empty";
    reading.showEmpty();
    speech.stop();
  }

  function showAnswer(answer) {
    if (answer.empty) return showEmpty();
    if (answer.error) return showNotice(answer.error);
    reading.section.dataset.state = live.isUpToDate ? "read" : "asked";
    reading.section.dataset.answers = Number(reading.section.dataset.answers) + 1;
    speech.later(reading.show(answer));
  }

  function showNotice(sentence) {
    const notice = find(".notice");
    if (notice.textContent !== sentence) notice.textContent = sentence;
  }

  // ---------------------------------------------------------------- what the visitor does

  /** Resolves to whether it could be done; else it is said why not. */
  async function act(action, payload) {
    const failure = await actions.act(action, payload);
    complain(failure);
    return failure === "";
  }

  function complain(sentence) {
    find(".complaint").textContent = sentence;
    find(".complaint").hidden = sentence === "";
    if (sentence) find(".complaint").scrollIntoView({ block: "nearest" });
  }

  /** The drawing on the pad is an example of this sign. The pad is free for the next at once. */
  async function addExample({ id, name }) {
    const ink = render(history.strokes);
    if (!ink) return;
    const { image } = ink; // before the next rendering
    history.clear();
    hand.inkChangedAtOnce();
    reading.announce(`Added to ${quoted(name)}.`);
    const failure = await actions.act("add_sign_example", { sign: id, image });
    showNotice(failure);
    if (failure && history.isEmpty && history.undo()) hand.inkChangedAtOnce(); // nothing is lost
  }

  async function sendPictures(sign, files) {
    for (const [i, file] of files.entries()) {
      showUploading(`Reading picture ${i + 1} of ${files.length}\u2026`);
      const failure = await actions.sendFile("add_sign_picture", file, { sign });
      if (failure) return complain(files.length > 1 ? `${failure} (${file.name.slice(0, 40)})` : failure);
    }
    complain("");
  }

  function showUploading(sentence) {
    find(".complaint").hidden = true;
    find(".task").textContent = sentence;
  }

  const onClick = {
    ".learn": () => act("learn_signs"),
    ".stop": () => act("stop_signs"),
    ".undo-signs": () => act("undo_signs"),
    ".save": async () => complain(await actions.saveFile("save_signs", null, "my-signs.npz")),
    ".load": () => find(".file").click(),
  };
  for (const [button, does] of Object.entries(onClick)) find(button).addEventListener("click", does);
  find(".new-sign").addEventListener("submit", async (event) => {
    event.preventDefault();
    const { sign } = event.target.elements;
    if (sign.value.trim() === "") return sign.focus();
    if (await act("add_sign", { name: sign.value })) sign.value = "";
  });
  find(".pictures").addEventListener("change", async ({ target }) => {
    const [sign, files] = [Number(target.dataset.sign), [...target.files]];
    target.value = ""; // so that the same file can be chosen again
    await sendPictures(sign, files);
    show();
  });
  find(".file").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    const sending = file && actions.sendFile("load_signs", file);
    target.value = "";
    if (file) complain(await sending);
  });

  mountHub({
    element,
    server,
    act: actions.act,
    canSignIn: props.signs_in,
    load: "load_signs_from_hub",
    push: "push_signs_to_hub",
    loaded: "Loaded: draw one of the signs.",
    hasExamples: true,
  });

  // ---------------------------------------------------------------- what is shown

  function show() {
    const signs = mine();
    if (!signs) return;
    const next = nextSign(signs, props.least);
    tell.show(signs.signs, { next, least: props.least, isLearned: hasLearned() });
    find(".invitation").textContent = next ? `Draw ${quoted(next.name)}` : "Draw one of your signs";
    find(".ghost path").setAttribute("d", GHOSTS[next?.name] ?? "");
    showLearning(signs);
    find(".undoing").hidden = !signs.can_undo;
    find(".new-sign").hidden = signs.signs.length >= props.most_signs;
    find(".save").disabled = !signs.learned?.is_current;
    pictures.want(sessionState.status.session, signs.signs.flatMap(({ examples }) => examples));
    showCards();
    if (element.checkVisibility()) goOn();
  }

  function showLearning(signs) {
    const { status } = sessionState;
    const { learned, is_learning: isLearning } = signs;
    const isReady = canLearn(signs, props);
    find(".learn").disabled = !isReady || status.active;
    find(".learn").classList.toggle("main", !learned?.is_current);
    find(".learn").textContent = learned ? "Learn again" : "Learn my signs";
    find(".stop").hidden = !isLearning;
    find(".task").textContent = describeTask(signs, status, props);
    element.classList.toggle("learned", hasLearned());
    reading.section.hidden = !learned;
    if (learned) reading.nameBars(learned.names);
    showOutcome(learned?.is_current && !isLearning ? learned : null);
  }

  /** What it confuses, while that is of the signs as they are. */
  function showOutcome(learned) {
    const rows = learned ? confusionRows(learned) : [];
    find(".outcome").hidden = rows.length === 0;
    find(".advice").textContent = learned ? adviceOn(learned) : "";
    find(".confusions tbody").replaceChildren(
      ...rows.map((cells) => {
        const row = document.createElement("tr");
        row.append(...cells.map((textContent) => Object.assign(document.createElement("td"), { textContent })));
        return row;
      }),
    );
  }

  function showCards() {
    const { learned } = mine();
    const wrong = learned ? misread(learned) : new Map();
    showSigns(mine(), { least: props.least, pictures: pictures.known, wrong });
  }

  let before = null; // of what is shown: what the network has learned, as JSON, and what there was to do

  /** Brings into view what comes next, where the page is scrolled away from it, and has a new network read. */
  function goOn() {
    const { learned, is_learning: isLearning } = mine();
    const now = { network: JSON.stringify([learned?.names, learned?.examples]), isReady: isReadyToLearn(), isLearning };
    const { network, isReady, isLearning: wasLearning } = before ?? now;
    before = now;
    if (now.isReady && !isReady) find(".learning").scrollIntoView({ block: "nearest" });
    if (wasLearning && !isLearning && learned) reading.section.scrollIntoView({ block: "nearest" });
    if (now.network !== network && learned && !history.isEmpty) live.request();
  }

  const isReadyToLearn = () => canLearn(mine(), props) && !mine().learned?.is_current;

  sessionState.addEventListener("status", show);
  window.addEventListener("online", () => live.retryNow());
  showEmpty();
  if (sessionState.status) show();
  findSession(server.watch);
}
