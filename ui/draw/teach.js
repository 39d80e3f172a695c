// "It was a 7": examples of the visitor's own hand, and teaching the network with them.

import { paintPicture } from "../shared/picture.js";
import { sessionState } from "../shared/session.js";
import { exactPercent } from "../shared/wording.js";

const NOTHING_TAUGHT = "Examples of your own hand. Teach it, and it reads like this from now on.";
const TOO_ALIKE = "What is left looks too much like other people's other digits: to learn it is to forget those.";
const NOT_LEARNED = "Not learned, and nothing has changed: that looks too much like other people's other digits.";
const CROSS = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 6l12 12M18 6 6 18" /></svg>';

/** How teaching goes, or went. labels: of the examples that were taught last, in their order. */
export function describeTeaching(status, labels) {
  const { phase = "idle", place, lesson, comparison, message } = status ?? {};
  if (phase === "waiting" && place > 0) return `Waiting: number ${place} in the queue.`;
  if (phase === "training" || phase === "preparing") return "A training runs. Teach it when that has ended.";
  if (phase === "teaching") return "Learning, a few seconds\u2026";
  if (!lesson || lesson.after.length !== labels.length) return message || NOTHING_TAUGHT;
  const countRight = (readings) => readings.filter(({ digit }, i) => digit === labels[i]).length;
  const learned = countRight(lesson.after);
  if (learned === 0) return NOT_LEARNED;
  const examples = `${labels.length} ${labels.length === 1 ? "example" : "examples"}`;
  const tooAlike = learned < labels.length ? ` ${TOO_ALIKE}` : "";
  const before = countRight(lesson.before);
  const taught = `Taught. It reads ${learned} of your ${examples} right, ${before} before.${tooAlike}`;
  if (!comparison) return `${taught} Is all else still known? Reading MNIST's test pictures\u2026`;
  const [now, earlier] = [comparison.after, comparison.before].map(({ accuracy }) => exactPercent(accuracy));
  return `${taught} MNIST's test pictures: ${now} right, ${earlier} before.`;
}

/** element: the tab, with the elements of teach.html in it; the rest are shared/actions.js's. */
export function mountTeaching({ element, act, saveFile, sendFile }) {
  const section = element.querySelector(".teach");
  const find = (selector) => section.querySelector(selector);
  const labelButtons = [...section.querySelectorAll(".labels button")];
  let taughtLabels = [];
  let failure = ""; // why something did not work, until something does
  let shownExamples = null; // as JSON

  async function report(outcome) {
    failure = await outcome;
    show();
  }

  function show() {
    const { examples, can_undo } = sessionState.mine;
    const { active = false, lesson = null } = sessionState.status ?? {};
    for (const button of labelButtons) button.setAttribute("aria-disabled", String(sessionState.drawing === null));
    const isOffer = examples.length === 0 && !(lesson && can_undo) && failure === "";
    find(".lessons").hidden = isOffer;
    find(".offer").hidden = !isOffer;
    find(".told").textContent = failure || describeTeaching(sessionState.status, taughtLabels);
    showExamples(examples);
    find(".learn").hidden = examples.length === 0;
    find(".learn").disabled = active;
    find(".learn").textContent = examples.length > 1 ? `Teach it these ${examples.length}` : "Teach it";
    find(".untaught").hidden = !lesson || !can_undo || active;
    find(".pack").hidden = examples.length === 0;
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
    button.addEventListener("click", () => report(act("remove_example", { position })));
    item.append(canvas, button);
    return item;
  }

  labelButtons.forEach((button, label) =>
    button.addEventListener("click", () => {
      if (sessionState.drawing) report(act("add_example", { picture: sessionState.drawing.picture, label }));
    }),
  );
  find(".learn").addEventListener("click", () => {
    taughtLabels = sessionState.mine.examples.map(({ label }) => label);
    report(act("teach"));
  });
  find(".untaught").addEventListener("click", () => report(act("undo")));
  find(".pack").addEventListener("click", () => report(saveFile("pack_examples", null, "my_digits.zip")));
  for (const button of section.querySelectorAll(".unpack")) {
    button.addEventListener("click", () => find(".zip").click());
  }
  find(".zip").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    if (file) report(sendFile("unpack_examples", file));
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
