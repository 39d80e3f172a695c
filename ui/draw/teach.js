// "It was a 7": a part of the pad's script, which has read the drawing that is meant.

const teaching = find(".teach");
const labels = [...teaching.querySelectorAll(".labels button")];
const told = find(".told");
const NOTHING_TAUGHT = "Examples of your own hand. Teach it, and it reads like this from now on.";

const TOO_ALIKE = "What is left looks too much like other people's other digits: to learn it is to forget those.";
const NOT_LEARNED = "Not learned, and nothing has changed: that looks too much like other people's other digits.";

let taught = []; // the labels of the last lesson's examples, in their order
let failure = ""; // why something did not work, until something does

async function order(action, asked) {
  failure = await act(action, asked);
  showTeaching();
}

labels.forEach((button, label) =>
  button.addEventListener("click", () => {
    if (visit.drawing) order("add_example", { picture: visit.drawing.picture, label });
  }),
);

find(".learn").addEventListener("click", () => {
  taught = visit.mine.examples.map(({ label }) => label);
  order("teach");
});
find(".untaught").addEventListener("click", () => order("undo"));
find(".pack").addEventListener("click", async () => {
  failure = await save("export_examples", null, "my_digits.zip");
  showTeaching();
});
for (const button of teaching.querySelectorAll(".unpack")) {
  button.addEventListener("click", () => find(".zip").click());
}
find(".zip").addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  target.value = ""; // so that the same file can be chosen again
  if (!file) return;
  failure = await bring("import_examples", file);
  showTeaching();
});

function showTeaching() {
  const { examples, can_undo } = visit.mine;
  const { active = false, lesson = null } = visit.status ?? {};
  for (const button of labels) button.setAttribute("aria-disabled", String(visit.drawing === null));
  find(".lessons").hidden = examples.length === 0 && !(lesson && can_undo) && failure === "";
  find(".offer").hidden = !find(".lessons").hidden;
  told.textContent = failure || whatWasTold();
  showExamples(examples, active);
  find(".learn").hidden = examples.length === 0;
  find(".learn").disabled = active;
  find(".learn").textContent = examples.length > 1 ? `Teach it these ${examples.length}` : "Teach it";
  find(".untaught").hidden = !lesson || !can_undo || active;
  find(".pack").hidden = examples.length === 0;
}

function whatWasTold() {
  const { phase = "idle", position, lesson, comparison, message } = visit.status ?? {};
  if (phase === "waiting" && position > 0) return `Waiting: number ${position} in the queue.`;
  if (phase === "training" || phase === "preparing") return "A training runs. Teach it when that has ended.";
  if (phase === "teaching") return "Learning, a few seconds\u2026";
  if (!lesson || lesson.after.length !== taught.length) return message || NOTHING_TAUGHT;
  const right = (readings) => readings.filter(({ digit }, i) => digit === taught[i]).length;
  const learned = right(lesson.after);
  if (learned === 0) return NOT_LEARNED;
  const of = `${learned} of your ${taught.length} ${taught.length === 1 ? "example" : "examples"}`;
  const tooAlike = learned < taught.length ? ` ${TOO_ALIKE}` : "";
  const yours = `Taught. It reads ${of} right, ${right(lesson.before)} before.${tooAlike}`;
  if (!comparison) return `${yours} Is all else still known? Reading MNIST's test pictures\u2026`;
  const exact = (share) => `${(100 * share).toFixed(2)}%`;
  return `${yours} MNIST's test pictures: ${exact(comparison.after.accuracy)} right, ${exact(comparison.before.accuracy)} before.`;
}

let shownExamples = null;

function showExamples(examples) {
  if (JSON.stringify(examples) === shownExamples) return;
  shownExamples = JSON.stringify(examples);
  find(".examples").replaceChildren(
    ...examples.map(({ picture, label }, position) => {
      const item = document.createElement("div");
      item.role = "listitem";
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 28;
      paintPicture(canvas, picture);
      const button = document.createElement("button");
      button.type = "button";
      button.ariaLabel = `Delete this ${label}`;
      button.innerHTML = `${label}<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 6l12 12M18 6 6 18" /></svg>`;
      button.addEventListener("click", () => order("remove_example", { position }));
      item.append(canvas, button);
      return item;
    }),
  );
}

// The server has put everything away; what the page still shows it gives back.
visit.addEventListener("lost", async () => {
  failure = visit.lost;
  for (const { picture, label } of visit.left) await act("add_example", { picture, label });
  showTeaching();
});
for (const event of ["status", "drawing"]) visit.addEventListener(event, showTeaching);
showTeaching();
