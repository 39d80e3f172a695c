// The Train tab. Gradio runs visit.js, reading.js and this file as the body of a function, with the component's
// `element` and the `server`. It only shows what the server tells; nothing is computed here but places.

const HINTS = {
  fresh: "Random weights: at first it guesses.",
  fine_tune: "It keeps what it knows, and goes on from there.",
};
// Both curves are drawn over a logarithmic scale, or all that matters would lie on the lowest line: the loss
// itself, and the share that is read wrong, under the names of what is right.
const CHARTS = {
  loss: {
    columns: ["loss", "held_out_loss"],
    most: 3,
    least: 0.01,
    ticks: [1, 0.1, 0.01],
    name: String,
    latest: (loss) => loss.toPrecision(2),
    wrong: (loss) => loss,
    place: (fallen) => fallen,
  },
  accuracy: {
    columns: ["accuracy", "held_out_accuracy"],
    most: 1,
    least: 0.001,
    ticks: [1, 0.1, 0.01, 0.001],
    name: (wrong) => `${+(100 * (1 - wrong)).toFixed(1)}%`,
    latest: (accuracy) => exact(accuracy),
    wrong: (accuracy) => 1 - accuracy,
    place: (fallen) => 1 - fallen, // it rises
  },
};
const [WIDTH, HEIGHT] = [400, 180]; // of a chart's drawing, in its own units
const FEW = 24; // mistakes that are shown at first
const DRAW_GAP = 300; // milliseconds between two drawings that are sent to be read anew

const tab = find(".tab");
const form = find("form");
const complaint = find(".complaint");
const outcome = find(".outcome");

// ---------------------------------------------------------------- what is chosen

const begin = () => form.elements.begin.value;
const isFine = () => begin() === "fine_tune";

/** Sane settings for what is chosen; fine-tuning goes on with the network that is in use. */
function suggest() {
  if (isFine() && visit.mine.network) form.elements.network.value = visit.mine.network;
  for (const radio of form.elements.network) radio.disabled = isFine();
  find(".of-begin").textContent = HINTS[begin()];
  const { elements } = form;
  for (const [name, value] of Object.entries(props.defaults[elements.network.value][begin()])) {
    if (elements[name]?.type === "checkbox") elements[name].checked = value;
    else if (elements[name] && name !== "network") elements[name].value = limited(elements[name], value);
  }
}

const limited = (input, value) => (input.max ? Math.min(value, Number(input.max)) : value);

function settings() {
  const { elements } = form;
  const chosen = { network: elements.network.value, fine_tune: isFine(), optimizer: elements.optimizer.value };
  chosen.augmentation = elements.augmentation.checked;
  for (const name of ["epochs", "images", "batch_size", "learning_rate", "dropout", "seed"]) {
    chosen[name] = elements[name].valueAsNumber;
  }
  return chosen;
}

form.addEventListener("change", ({ target }) => {
  if (target.name === "network" || target.name === "begin") suggest();
});

// ---------------------------------------------------------------- what can be done

/** Has the server act, and says so where it does not. */
async function order(action, asked) {
  complain(await act(action, asked));
}

/** The same, and brings into view how it goes, where the page was scrolled away from that. */
async function orderAndLook(action, asked) {
  await order(action, asked);
  look();
}

const look = () => complaint.hidden && find(".state").scrollIntoView({ block: "nearest" });

function complain(sentence) {
  complaint.textContent = sentence;
  complaint.hidden = sentence === "";
  complaint.scrollIntoView({ block: "nearest" }); // what was pressed may stand far below
}

const goToPad = () => document.querySelector('button[role="tab"]').click(); // the first

const drawing = () => visit.drawing?.picture ?? null;
const click = (button, then) => find(button).addEventListener("click", then);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  orderAndLook("start", { settings: settings(), drawing: drawing() });
});
click(".resume", () => orderAndLook("resume", { drawing: drawing() }));
click(".pause", () => order("pause"));
click(".stop", () => order("stop"));
click(".use", () => order("use_result"));
click(".discard", () => order("discard_result"));
click(".try", goToPad);
click(".more", () => showMistakes(visit.status.comparison.mistakes));
click(".shipped", () => order("use_shipped"));
click(".undo", () => order("undo"));
click(".download", async () => complain(await save("download", "model", "my-digits.npz")));
click(".download-result", async () => complain(await save("download", "result", "my-digits.npz")));
click(".bring", () => find(".file").click());
find(".file").addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  target.value = ""; // so that the same file can be chosen again
  if (!file) return;
  complain(await bring("upload_model", file));
  look();
});

// ---------------------------------------------------------------- how far it is

const PHASES = {
  idle: () => "Watch a network learn to read digits: press Start.",
  waiting: ({ position }) => (position > 0 ? `Waiting: number ${position} in the queue` : "Waiting\u2026"),
  preparing: () => "Getting ready\u2026",
  training: ({ now, message }) =>
    message || `Epoch ${now.epoch} of ${now.epochs}, step ${now.step} of ${now.steps}`,
  teaching: () => "Learning your examples\u2026",
  testing: () => "Reading 10,000 test pictures\u2026",
  paused: () => "Paused.",
  done: ({ comparison, lesson }) =>
    comparison ? `${lesson ? "Taught" : "Done"}: ${exact(comparison.after.accuracy)} of the test pictures are read right.` : "Done.",
  failed: () => "That did not work.",
};

function showStatus() {
  const status = visit.status;
  const { phase, active, now, resumable, message } = status;
  tab.dataset.phase = phase;
  const isInUse = phase === "done" && visit.mine.is_tested;
  find(".phase").textContent = PHASES[phase](status);
  find(".numbers").textContent = inSmall(status, isInUse);
  const done = now ? now.done : 0;
  find(".line .fill").style.setProperty("--share", done);
  find(".line").setAttribute("aria-valuenow", Math.round(100 * done));

  const trains = ["waiting", "preparing", "training"].includes(phase);
  find(".start").hidden = active || phase === "paused";
  find(".start").textContent = status.settings ? "Start another" : "Start training";
  find(".resume").hidden = active || !resumable;
  find(".pause").hidden = phase !== "training";
  find(".stop").hidden = !(trains || phase === "paused" || phase === "testing");
  find(".stop").textContent = phase === "training" || phase === "paused" ? "Stop and test" : "Stop";
  find(".after").hidden = active || !status.result;
  find(".in-use").hidden = !isInUse;
  // One button stands out: what most would do next.
  const next = phase === "paused" ? ".resume" : status.result ? ".use" : isInUse ? ".try" : ".start";
  for (const button of [".start", ".resume", ".use", ".try"]) find(button).classList.toggle("main", button === next);
  for (const field of form.querySelectorAll("fieldset, .settings")) field.inert = active || phase === "paused";

  const epochs = status.settings?.epochs ?? form.elements.epochs.value;
  for (const chart of Object.values(charts)) chart(status.curve, epochs);
  showKernels(now?.kernels ?? NO_KERNELS);
  showReading();
  showOutcome(status.comparison);
  showModel();
}

/** What stands under the phase. */
function inSmall({ phase, message, now }, isInUse) {
  if (message && phase !== "training") return message;
  if (isInUse) return "It reads your drawings and photos now.";
  if (phase === "paused") return "Nothing is lost: Resume goes on as if it had never stopped.";
  return now && phase !== "idle" ? inNumbers(phase, now) : "";
}

function inNumbers(phase, now) {
  const parts = [`${Math.round(now.images_per_second).toLocaleString("en")} pictures a second`];
  if (phase === "training") parts.push(`${span(now.seconds_left)} left`);
  else parts.push(`${span(now.seconds)} of training`);
  return parts.join(" \u00b7 ");
}

const span = (seconds) =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
const exact = (share) => `${(100 * share).toFixed(share < 0.9 ? 0 : 2)}%`;

// ---------------------------------------------------------------- the curves

const svg = (name, attributes) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

/** Draws the axes once, and returns what draws a curve into them. */
function newChart(name) {
  const { columns, most, least, ticks, name: named, latest, wrong, place } = CHARTS[name];
  const fallen = (value) => Math.log(most / Math.min(Math.max(value, least), most)) / Math.log(most / least);
  const down = (value) => HEIGHT * place(fallen(value));
  const plot = find(`[data-chart=${name}] .plot`);
  const drawn = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const tick of ticks) {
    drawn.append(svg("path", { class: "grid", d: `M0 ${down(tick)}H${WIDTH}` }));
    const label = document.createElement("span");
    label.className = "tick";
    label.style.top = `${(100 * down(tick)) / HEIGHT}%`;
    label.textContent = named(tick);
    plot.append(label);
  }
  const [training, heldOut] = [svg("path", { class: "of-training" }), svg("path", { class: "of-held-out" })];
  drawn.append(training, heldOut);
  plot.append(drawn);
  const [begins, ends] = ["begins", "end"].map((className) => Object.assign(document.createElement("span"), { className }));
  begins.textContent = "0";
  plot.append(begins, ends);
  const now = find(`[data-chart=${name}] .latest`);

  return (curve, epochs) => {
    [training, heldOut].forEach((path, i) => {
      const points = curve
        .filter((point) => point[columns[i]] !== null)
        .filter((point, at, all) => i === 0 || at === 0 || point[columns[i]] !== all[at - 1][columns[i]])
        .map((point) => `${((WIDTH * point.epoch) / epochs).toFixed(1)} ${down(wrong(point[columns[i]])).toFixed(1)}`);
      path.setAttribute("d", points.length > 1 ? `M${points.join("L")}` : "");
    });
    const lookedAt = curve.findLast((point) => point[columns[1]] !== null);
    now.textContent = lookedAt ? latest(lookedAt[columns[1]]) : "";
    plot.dataset.points = curve.length;
    ends.textContent = Number(epochs) === 1 ? "1 epoch" : `${epochs} epochs`;
  };
}

const charts = Object.fromEntries(Object.keys(CHARTS).map((name) => [name, newChart(name)]));

// ---------------------------------------------------------------- kernels

const NO_KERNELS = { size: 0, count: 0, weights: "" };

/** Weights as colours: the stronger, the more colour; which of the two says the sign. */
function showKernels({ size, count, weights }) {
  const bytes = Uint8Array.from(atob(weights), (character) => character.charCodeAt(0));
  const values = new Float32Array(bytes.buffer);
  const box = find(".kernels");
  if (box.childElementCount !== count) {
    box.replaceChildren(...Array.from({ length: count }, () => document.createElement("canvas")));
    box.classList.toggle("few", count <= 16);
  }
  const most = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
  [...box.children].forEach((canvas, k) => {
    if (canvas.width !== size) canvas.width = canvas.height = size;
    const pixels = new ImageData(size, size);
    for (let i = 0; i < size * size; i++) {
      const value = values[k * size * size + i] / most;
      const colour = value > 0 ? [58, 104, 232] : [232, 128, 32];
      pixels.data.set([...colour, 255 * Math.sqrt(Math.abs(value))], 4 * i);
    }
    canvas.getContext("2d").putImageData(pixels, 0, 0);
  });
}

// ---------------------------------------------------------------- the last drawing

function showReading() {
  const { drawing } = visit;
  const probs = visit.status?.now?.probs;
  reading.dataset.state = !drawing ? "empty" : probs ? "read" : "unread";
  if (!drawing) {
    show({ answer: "", sure: "Nothing drawn yet", doubt: "Draw a digit on the Draw tab: here it is read anew at every step." });
    return showNothingSeen();
  }
  showSeen(drawing);
  if (!probs) return show({ answer: "", sure: "Not read yet", doubt: "Start, and see the bars move." });
  const digit = probs.indexOf(Math.max(...probs));
  show({ probs, digit, answer: String(digit), sure: certainty(probs[digit]), doubt: secondThought({ digit, probs }) });
}

let later = null;

/** While something trains, the worker is told of a new drawing, though not of every stroke. */
function sendDrawing() {
  showReading();
  if (!visit.status?.active || !visit.drawing) return;
  later ??= setTimeout(() => {
    later = null;
    if (visit.drawing) server.draw({ drawing: visit.drawing.picture }).catch(() => undefined);
  }, DRAW_GAP);
}

// ---------------------------------------------------------------- the outcome

let shownOutcome = ""; // in text: every answer brings another copy of the same

function showOutcome(comparison) {
  if (JSON.stringify(comparison) === shownOutcome) return;
  shownOutcome = JSON.stringify(comparison);
  outcome.hidden = comparison === null;
  if (comparison === null) return;
  const { after, before, newly_right, newly_wrong, mistakes } = comparison;
  find(".accuracy").textContent = exact(after.accuracy);
  find(".versus").textContent =
    `${after.wrong.toLocaleString("en")} of ${comparison.images.toLocaleString("en")} are wrong. ` +
    `The model before: ${exact(before.accuracy)}; ` +
    `${newly_right.toLocaleString("en")} are read right only now, ${newly_wrong.toLocaleString("en")} no longer.`;
  showConfusions(after.confusion);
  showMistakes(mistakes.slice(0, FEW));
  find(".more").hidden = mistakes.length <= FEW;
  find(".more").textContent = `Show the first ${mistakes.length}`;
}

function showMistakes(mistakes) {
  find(".gallery").replaceChildren(...mistakes.map(newMistake));
  find(".more").hidden = true;
}

function showConfusions(counts) {
  const most = Math.max(1, ...counts.flatMap((row, i) => row.filter((_, j) => j !== i)));
  const digits = counts.map((_, digit) => digit);
  const table = find("table");
  table.querySelectorAll("tr").forEach((row) => row.remove());
  const cell = (kind, text) => Object.assign(document.createElement(kind), { textContent: text });
  const head = document.createElement("tr");
  head.append(cell("td", ""), ...digits.map((digit) => cell("th", digit)));
  const rows = counts.map((row, i) => {
    const line = document.createElement("tr");
    const cells = row.map((count, j) => {
      const made = cell("td", count || "");
      made.title = `${count} times a ${i} was read as ${j}`;
      if (i === j) made.className = "right";
      else made.style.setProperty("--share", count / most);
      return made;
    });
    line.append(cell("th", i), ...cells);
    return line;
  });
  table.append(head, ...rows);
}

function newMistake({ picture, predicted, true: label, confidence }) {
  const button = document.createElement("button");
  button.type = "button";
  button.ariaLabel = `A ${label}, read as ${predicted}: put it onto the pad`;
  button.title = `${certainty(confidence)} that it is a ${predicted}`;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 28;
  paintPicture(canvas, picture);
  const text = document.createElement("span");
  text.innerHTML = `<b>${predicted}</b>, is ${label}`;
  button.append(canvas, text);
  button.addEventListener("click", () => {
    visit.picture = picture;
    announce("picture");
    goToPad();
  });
  return button;
}

// ---------------------------------------------------------------- the model in use

function showModel() {
  const { own, can_undo, weights } = visit.mine;
  const name = own ? "your own network" : weights === "seed" ? "the first, simple one" : "the shipped network";
  find(".reads").textContent = `Drawings and photos are read by ${name}.`;
  find(".shipped").hidden = !own;
  find(".undo").hidden = !can_undo;
}

const listen = { status: showStatus, lost: () => complain(visit.lost), drawing: sendDrawing, model: () => isFine() && suggest() };
for (const [event, then] of Object.entries(listen)) visit.addEventListener(event, then);

form.elements.network[0].checked = true; // the one that is good in seconds
suggest();
if (visit.status) showStatus();
else server.watch(null).then((answer) => answer && learn(answer), () => undefined);
