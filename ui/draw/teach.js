// "This is a 7": examples of the visitor's own hand, and teaching the network with them.

import { paintPicture } from "../shared/picture.js";
import { sessionState } from "../shared/session.js";
import { exactPercent, withArticle } from "../shared/wording.js";

const WRONG = "Wrong? Tell it the right digit:";
const WRONG_OF_SEVERAL = "Is the digit that you selected wrong? Tell it the right one:";
const NOTHING_TAUGHT = "Examples of your handwriting. Teach the network, and it reads digits like these as you do.";
const TOO_ALIKE = "The others look too much like other digits: learning them would mean forgetting those.";
const NOT_LEARNED = "Nothing was learned or changed: that looks too much like another digit.";
const CHECKING = "Checking on MNIST\u2019s test images that it has not forgotten anything\u2026";
const KNOWN = "This drawing is already one of your examples.";
const ALL_KNOWN = "All drawings of this file are already among your examples.";
const CROSS = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 6l12 12M18 6 6 18" /></svg>';

/** How teaching goes, or went. labels: of the examples that were taught last, in their order. */
export function describeTeaching(status, labels) {
  const { phase = "idle", position, lesson, comparison, message } = status ?? {};
  if (phase === "waiting" && position > 0) return `Waiting: number ${position} in the queue.`;
  if (phase === "training" || phase === "preparing") return "You can teach the network once the training has ended.";
  if (phase === "teaching") return "Learning takes a few seconds\u2026";
  if (!lesson || lesson.after.length !== labels.length) return message || NOTHING_TAUGHT;
  const countRight = (readings) => readings.filter(({ digit }, i) => digit === labels[i]).length;
  const learned = countRight(lesson.after);
  if (learned === 0) return NOT_LEARNED;
  const examples = `${labels.length} ${labels.length === 1 ? "example" : "examples"}`;
  const tooAlike = learned < labels.length ? ` ${TOO_ALIKE}` : "";
  const before = countRight(lesson.before);
  const taught = `Done: it now reads ${learned} of your ${examples} correctly, ${before} before.${tooAlike}`;
  if (!comparison) return `${taught} ${CHECKING}`;
  const [now, earlier] = [comparison.after, comparison.before].map(({ accuracy }) => exactPercent(accuracy));
  return `${taught} Accuracy on MNIST\u2019s test images: ${now}, before ${earlier}.`;
}

/** element: the tab, with the elements of teach.html in it; the rest are shared/actions.js's. */
export function mountTeaching({ element, act, saveFile, sendFile }) {
  const section = element.querySelector(".teach");
  const find = (selector) => section.querySelector(selector);
  const labelButtons = [...section.querySelectorAll(".labels button")];
  let taughtLabels = [];
  let taughtExamples = null; // as JSON
  let failure = ""; // why something did not work, until something does
  let shownExamples = null; // as JSON

  function say(sentence) {
    failure = sentence;
    show();
  }

  /** action: resolves to a sentence where it failed. */
  const perform = async (action) => say(await action);

  async function importExamples(file) {
    const before = sessionState.mine.examples.length;
    await perform(sendFile("import_examples", file));
    if (failure === "" && sessionState.mine.examples.length === before) say(ALL_KNOWN);
  }

  function show() {
    const { examples, can_undo } = sessionState.mine;
    const { active = false, lesson = null } = sessionState.status ?? {};
    for (const button of labelButtons) button.setAttribute("aria-disabled", String(sessionState.drawing === null));
    find(".labels span").textContent = sessionState.isOneOfSeveral ? WRONG_OF_SEVERAL : WRONG;
    const isOffer = examples.length === 0 && !(lesson && can_undo) && failure === "";
    find(".lessons").hidden = isOffer;
    find(".offer").hidden = !isOffer;
    find(".report").textContent = failure || describeTeaching(sessionState.status, taughtLabels);
    showExamples(examples);
    find(".learn").hidden = examples.length === 0;
    find(".learn").disabled = active;
    const isTaught = lesson && !active && taughtExamples === JSON.stringify(examples);
    find(".learn").classList.toggle("main", !isTaught); // what was taught needs no teaching, and comes last
    const what = examples.length > 1 ? `Teach it these ${examples.length} examples` : "Teach it";
    find(".learn").textContent = isTaught ? `${what} again` : what;
    find(".unlearn").hidden = !lesson || !can_undo || active;
    find(".export").hidden = examples.length === 0;
  }

  function showExamples(examples) {
    const text = JSON.stringify(examples);
    if (text === shownExamples) return;
    shownExamples = text;
    find(".examples").replaceChildren(...examples.map(newExample));
  }

  function newExample({ picture, label }, position) {
    const item = document.createElement("div");
    item.role = "listitem";
    const canvas = document.createElement("canvas");
    paintPicture(canvas, picture);
    const button = document.createElement("button");
    button.type = "button";
    button.ariaLabel = `Delete this ${label}`;
    button.innerHTML = CROSS;
    button.prepend(label);
    button.addEventListener("click", () => perform(act("remove_example", { position })));
    item.append(canvas, button);
    return item;
  }

  labelButtons.forEach((button, label) => {
    button.ariaLabel = `This is ${withArticle(label)}`;
    button.addEventListener("click", async () => {
      if (!sessionState.drawing) return;
      const before = JSON.stringify(sessionState.mine.examples);
      await perform(act("add_example", { picture: sessionState.drawing.picture, label }));
      if (failure === "" && JSON.stringify(sessionState.mine.examples) === before) say(KNOWN);
      find(".next").scrollIntoView({ block: "nearest" }); // what follows from it
    });
  });
  find(".learn").addEventListener("click", () => {
    taughtLabels = sessionState.mine.examples.map(({ label }) => label);
    taughtExamples = JSON.stringify(sessionState.mine.examples);
    perform(act("teach", { network: sessionState.network }));
  });
  find(".unlearn").addEventListener("click", () => perform(act("undo")));
  find(".export").addEventListener("click", () => perform(saveFile("export_examples", null, "my_digits.zip")));
  for (const button of section.querySelectorAll(".import")) {
    button.addEventListener("click", () => find(".zip").click());
  }
  find(".zip").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    if (file) importExamples(file);
    target.value = ""; // so that the same file can be chosen again
  });

  // The server has lost the session; what the page still shows is sent again.
  sessionState.addEventListener("lost", async () => {
    failure = sessionState.lostSentence;
    for (const { picture, label } of sessionState.lostExamples) await act("add_example", { picture, label });
    show();
  });
  for (const event of ["status", "drawing"]) sessionState.addEventListener(event, show);
  show();
}
