// The Photo tab. Gradio runs visit.js, reading.js and this file as the body of a function, with the component's
// `element`, the `server` whose `read` reads a photo, and `upload`, which sends a file. What the visitor
// corrects stays here: the server keeps nothing.

const LARGEST = 20_000_000; // bytes of a file: `max_file_size` in ui/page.py
const PATIENCE = 60_000; // milliseconds after which a reading counts as lost
const MARGIN = 0.08; // of a digit's size, paper shown around it in the table
const COPIED = 1600; // milliseconds that a button says it has done its work
const EXPLANATIONS = {
  Grey: "The photo in the shade of grey in which ink stands out most.",
  "Light evened": "Shadows and uneven light are divided out.",
  Ink: "What is darker than the paper around it.",
  "Lines removed": "Without the paper's own lines.",
  Pieces: "Each piece of ink that may be a digit has a colour of its own.",
};

const tab = find(".tab");
const frame = find(".frame");
const photo = find(".photo img");
const boxes = find(".boxes");
const progress = find(".progress");
const coming = find(".progress img");
const trouble = find(".trouble");
const text = find(".text");
const table = find("table");
const finder = find(".finder");
const video = find("video");

let read = null; // the answer on the screen: {width, height, digits, message, ...}
let answers = []; // what each digit says, after the visitor's corrections
let picked = null; // index of the digit whose bars are shown
let again = null; // reads the photo on the screen once more, by so many quarters farther clockwise
let asked = 0; // number of the latest request; the answers to earlier ones are not shown

// ---------------------------------------------------------------- a photo comes

/** Reads a file, turned by so many quarters. What is on the screen stays until there is something new to show. */
async function readFile(file, turned = 0) {
  const tryAgain = (anew) => readFile(file, anew);
  if (file.size > LARGEST) {
    const size = (file.size / 1e6).toFixed(1);
    return complain(`The file is too large: ${size} MB, and at most ${LARGEST / 1e6} MB can be sent.`);
  }
  const number = begin("Sending the photo\u2026", file);
  // Its name is nobody's business; a new one, so that the server can delete it when it is read.
  const name = Math.random().toString(36).slice(2);
  const sent = await upload(new File([file], name, { type: file.type })).catch(() => undefined);
  if (number !== asked) return;
  if (!sent) return lost(() => tryAgain(turned));
  await ask(number, { path: sent.path }, turned, tryAgain);
}

function readExample(name, turned = 0) {
  return ask(begin("", null), { example: name }, turned, (anew) => readExample(name, anew));
}

/** Something is under way: says so over the photo, and shows the file that is sent if the browser can. */
function begin(step, file) {
  asked += 1;
  trouble.hidden = true;
  tab.dataset.state = "busy";
  progress.hidden = false;
  progress.querySelector("p").textContent = step;
  coming.hidden = true;
  if (file) {
    const address = URL.createObjectURL(file);
    coming.onload = coming.onerror = (event) => {
      coming.hidden = event.type !== "load";
      URL.revokeObjectURL(address);
    };
    coming.src = address;
  }
  return asked;
}

function end() {
  progress.hidden = true;
  tab.dataset.state = read ? "read" : "empty";
}

/** tryAgain: does the same once more, turned by so many quarters in all. */
async function ask(number, what, turned, tryAgain) {
  progress.querySelector("p").textContent = "Reading\u2026";
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  const answering = server.read({ ...what, turns: turned, network: visit.network });
  const answer = await Promise.race([answering, late]).catch(() => undefined);
  if (number !== asked) return;
  // undefined: no connection or no answer in time; null: it failed there
  if (!answer) return lost(() => tryAgain(turned));
  end();
  if (answer.error) return complain(answer.error);
  again = (quarters) => tryAgain((turned + quarters) % 4);
  showReading(answer);
}

function lost(tryAgain) {
  end();
  complain("There is no connection. Your photo is still here.", tryAgain);
}

/** A sentence over the photo, which stays until it is closed or the next photo comes. */
function complain(sentence, tryAgain = null) {
  trouble.hidden = false;
  trouble.querySelector("p").textContent = sentence;
  find(".again").hidden = tryAgain === null;
  find(".again").onclick = tryAgain;
}

// ---------------------------------------------------------------- what was read

function showReading(answer) {
  read = answer;
  answers = read.digits.map(figure);
  end();
  const count = read.digits.length;
  find(".invitation").hidden = true;
  find(".photo").hidden = false;
  find(".photo").style.setProperty("--aspect", read.width / read.height);
  photo.src = read.photo;
  photo.alt = `Your photo: ${count === 1 ? "one digit" : `${count || "no"} digits`} found`;
  boxes.replaceChildren(...read.digits.map(newBox));
  showTable();
  showStages();
  read.digits.forEach((_, i) => showAnswer(i));
  showText();
  const doubtful = read.digits.findIndex(isDoubtful);
  pick(count === 0 ? null : Math.max(doubtful, 0));
  say(count === 0 ? read.message : `It says ${text.value}`);
}

const isCorrected = (i) => answers[i] !== figure(read.digits[i]);

/** The digits by lines, from the top: their indices. */
function lines() {
  const indices = new Map();
  read.digits.forEach(({ line }, i) => indices.set(line, [...(indices.get(line) ?? []), i]));
  return [...indices.values()];
}

/** Puts one digit's answer wherever it stands. */
function showAnswer(i) {
  const { digit, confidence } = read.digits[i];
  const box = boxes.children[i];
  box.querySelector("span").textContent = answers[i];
  box.classList.toggle("doubtful", isDoubtful(read.digits[i]) && !isCorrected(i));
  box.classList.toggle("corrected", isCorrected(i));
  const sure = digit === null ? "not a digit" : certainty(confidence).toLowerCase();
  box.ariaLabel = `${answers[i] || "left out"}, ${isCorrected(i) ? "corrected" : sure}`;

  const row = rows[i];
  row.classList.toggle("corrected", isCorrected(i));
  row.querySelector(".undo").hidden = !isCorrected(i);
  row.querySelector(".sureness").textContent = isCorrected(i) ? `was ${figure(read.digits[i])}` : inShort(i);
  const input = row.querySelector("input");
  if (input.value !== answers[i]) input.value = answers[i];
}

function inShort(i) {
  const { digit, confidence } = read.digits[i];
  if (digit === null) return "no digit";
  return confidence >= 0.995 ? "> 99%" : percent(confidence);
}

function showText() {
  const written = lines().map((line) => line.map((i) => answers[i]).join(""));
  text.value = written.filter(Boolean).join("\n");
  text.placeholder = read.message || "Nothing is left.";
  text.rows = Math.min(Math.max(written.length, 2), 8);
  for (const button of [find(".copy"), find(".csv")]) {
    button.setAttribute("aria-disabled", String(text.value === ""));
  }
}

/** Shows bars and picture of one digit, and marks it in photo and table; null: there is none. */
function pick(i) {
  picked = i;
  [...boxes.children].forEach((box, at) => {
    box.ariaPressed = String(at === i);
    box.tabIndex = at === i ? 0 : -1; // the arrow keys go from box to box
  });
  rows.forEach((row, at) => row.classList.toggle("picked", at === i));
  reading.dataset.state = i === null ? "empty" : "read";
  if (i === null) {
    show({ answer: "", sure: "No digits found", doubt: read.message });
    return showNothingSeen();
  }
  const one = read.digits[i];
  const sure = one.digit === null ? "Not a digit" : certainty(one.confidence);
  show({ ...one, answer: figure(one), sure, doubt: secondThought(one) });
  showSeen(one);
}

/** The visitor knows better: what digit i really is. */
function correct(i, answer) {
  answers[i] = answer;
  showAnswer(i);
  showText();
}

// ---------------------------------------------------------------- boxes in the photo

function newBox({ box: [x, y, width, height] }, i) {
  const box = document.createElement("button");
  box.type = "button";
  const places = { left: x / read.width, top: y / read.height, width: width / read.width, height: height / read.height };
  for (const [side, share] of Object.entries(places)) box.style[side] = `${100 * share}%`;
  box.append(document.createElement("span"));
  box.addEventListener("click", () => {
    pick(i);
    rows[i].scrollIntoView({ block: "nearest", container: "nearest" });
  });
  return box;
}

boxes.addEventListener("keydown", (event) => {
  if (picked === null || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in GOES) {
    pick(GOES[event.key](picked));
    boxes.children[picked].focus();
  } else if (/^[0-9?]$/.test(event.key)) {
    correct(picked, event.key);
    say(`Corrected to ${event.key}`);
  } else if (event.key === "Backspace" || event.key === "Delete") {
    correct(picked, "");
    say("Left out");
  } else {
    return;
  }
  event.preventDefault();
});

/** Where the arrow keys go from digit i. */
const GOES = {
  ArrowRight: (i) => Math.min(i + 1, answers.length - 1),
  ArrowLeft: (i) => Math.max(i - 1, 0),
  ArrowDown: (i) => nearest(i, 1),
  ArrowUp: (i) => nearest(i, -1),
  Home: () => 0,
  End: () => answers.length - 1,
};

/** The digit in the next line, or the one before, that is nearest to being below or above digit i. */
function nearest(i, step) {
  const all = lines();
  const there = all[all.findIndex((line) => line.includes(i)) + step];
  if (!there) return i;
  const middle = (at) => read.digits[at].box[0] + read.digits[at].box[2] / 2;
  const distance = (at) => Math.abs(middle(at) - middle(i));
  return there.reduce((best, at) => (distance(at) < distance(best) ? at : best));
}

// ---------------------------------------------------------------- the table

let rows = []; // of the digits, in their order

function showTable() {
  find(".digits").hidden = read.digits.length === 0;
  table.querySelectorAll("tbody").forEach((body) => body.remove());
  rows = [];
  table.append(...lines().map(newLine));
  const { digits } = read; // the next photo may come before this one is unpacked
  photo.decode().then(() => read.digits === digits && digits.forEach(paintCrop), () => {});
}

function newLine(line, number, { length }) {
  const body = document.createElement("tbody");
  if (length > 1) {
    const head = document.createElement("tr");
    head.innerHTML = `<th colspan="4" scope="rowgroup">Line ${number + 1}</th>`;
    body.append(head);
  }
  body.append(...line.map((i, place) => newRow(i, `digit ${place + 1} of line ${number + 1}`)));
  return body;
}

function newRow(i, name) {
  const row = document.createElement("tr");
  rows[i] = row;
  row.innerHTML = `
    <td><canvas class="crop" width="96" height="96" role="img" aria-label="${name}, cut from the photo"></canvas></td>
    <td><canvas class="mini" width="28" height="28" role="img" aria-label="${name}, as the network sees it"></canvas></td>
    <td><input type="text" maxlength="8" autocomplete="off" spellcheck="false" aria-label="Answer for ${name}" /></td>
    <td><span class="sureness"></span> <button type="button" class="undo" aria-label="Undo the correction of ${name}">Undo</button></td>`;
  paintPicture(row.querySelector(".mini"), read.digits[i].picture);
  row.addEventListener("click", () => pick(i));
  const input = row.querySelector("input");
  input.addEventListener("focus", () => {
    pick(i);
    input.select();
  });
  input.addEventListener("input", () => correct(i, input.value));
  input.addEventListener("keydown", (event) => {
    const step = { Enter: 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    rows[i + step]?.querySelector("input").focus();
  });
  row.querySelector(".undo").addEventListener("click", () => {
    correct(i, figure(read.digits[i]));
    input.focus();
  });
  return row;
}

/** The digit as it stands in the photo, with some paper around it. */
function paintCrop({ box: [x, y, width, height] }, i) {
  const canvas = rows[i].querySelector(".crop");
  const scale = photo.naturalWidth / read.width; // the page's photo may be smaller than the visitor's
  const side = Math.max(width, height) * (1 + 2 * MARGIN);
  const [left, top] = [x + width / 2 - side / 2, y + height / 2 - side / 2];
  canvas.getContext("2d").drawImage(photo, ...[left, top, side, side].map((v) => v * scale), 0, 0, 96, 96);
}

// ---------------------------------------------------------------- the stages

function showStages() {
  find(".stages").hidden = read.stages.length === 0;
  find(".steps").replaceChildren(
    ...read.stages.map(({ name, picture }) => {
      const figureShown = document.createElement("figure");
      const image = document.createElement("img");
      image.src = picture;
      image.alt = "";
      const caption = document.createElement("figcaption");
      const title = document.createElement("strong");
      title.textContent = name;
      caption.append(title, ` ${EXPLANATIONS[name] ?? ""}`);
      figureShown.append(image, caption);
      return figureShown;
    }),
  );
}

// ---------------------------------------------------------------- what can be done with the text

const isOff = (button) => button.getAttribute("aria-disabled") === "true";

find(".copy").addEventListener("click", async ({ currentTarget: button }) => {
  if (isOff(button)) return;
  try {
    await navigator.clipboard.writeText(text.value);
  } catch {
    text.select(); // not a secure page, or not allowed: the old way
    document.execCommand("copy");
  }
  done(button, "Copied");
});

find(".csv").addEventListener("click", ({ currentTarget: button }) => {
  if (isOff(button)) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
  link.download = "digits.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), COPIED);
  done(button, "Downloaded");
});

/** A row a digit; those that were left out are not there. */
function csv() {
  const rows = [["line", "place", "answer", "read_as", "confidence", "x", "y", "width", "height"]];
  lines().forEach((line, number) =>
    line.forEach((i, place) => {
      const { confidence, box } = read.digits[i];
      if (answers[i]) rows.push([number + 1, place + 1, answers[i], figure(read.digits[i]), confidence, ...box]);
    }),
  );
  return rows.map((row) => row.map(field).join(",") + "\r\n").join("");
}

/** A field of a CSV file. What a spreadsheet would take for a formula becomes text: OWASP, "CSV injection". */
function field(value) {
  const harmless = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function done(button, word) {
  const label = button.querySelector("span");
  button.dataset.label ??= label.textContent;
  label.textContent = word;
  say(word);
  clearTimeout(button.timer);
  button.timer = setTimeout(() => (label.textContent = button.dataset.label), COPIED);
}

// ---------------------------------------------------------------- where photos come from

const isShown = () => element.checkVisibility();
const pictureIn = (files) => [...files].find(({ type }) => type.startsWith("image/")) ?? files[0];

for (const input of [find(".file"), find(".shot")]) {
  input.addEventListener("change", () => {
    if (input.files.length > 0) readFile(input.files[0]);
    input.value = ""; // so that the same file can be chosen again
  });
}
find(".choose").addEventListener("click", () => find(".file").click());

find(".turn").addEventListener("click", () => again(1));

for (const button of element.querySelectorAll("[data-example]")) {
  button.addEventListener("click", () => readExample(button.dataset.example));
}

// A file dropped beside the frame counts too: else the browser would leave the page and open it.
const carriesFiles = (event) => isShown() && event.dataTransfer?.types.includes("Files");

addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  frame.classList.add("dropping");
});

addEventListener("dragleave", (event) => event.relatedTarget === null && frame.classList.remove("dropping"));

addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  frame.classList.remove("dropping");
  if (event.dataTransfer.files.length > 0) readFile(pictureIn(event.dataTransfer.files));
});

addEventListener("paste", (event) => {
  if (!isShown() || event.clipboardData.files.length === 0) return; // text goes wherever it is pasted
  event.preventDefault();
  readFile(pictureIn(event.clipboardData.files));
});

find(".paste").addEventListener("click", async () => {
  try {
    const items = await navigator.clipboard.read();
    const kinds = items.flatMap((item) => item.types.map((type) => ({ item, type })));
    const picture = kinds.find(({ type }) => type.startsWith("image/"));
    if (!picture) return complain("There is no picture in the clipboard.");
    readFile(await picture.item.getType(picture.type));
  } catch {
    complain("The browser does not let this button look into the clipboard. Please press Ctrl+V.");
  }
});

find(".close").addEventListener("click", () => (trouble.hidden = true));

// ---------------------------------------------------------------- the camera

find(".camera").addEventListener("click", async () => {
  if (matchMedia("(pointer: coarse)").matches) return find(".shot").click(); // a phone's own camera is better
  try {
    const wanted = { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1080 } };
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: wanted });
    finder.showModal();
  } catch (error) {
    complain(
      error.name === "NotAllowedError"
        ? "The camera may not be used. Please allow it in the browser, beside the page's address."
        : "No camera was found. Please choose a photo instead.",
    );
  }
});

find(".cancel").addEventListener("click", () => finder.close());

find(".take").addEventListener("click", () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((shot) => shot && readFile(shot), "image/jpeg", 0.95);
  finder.close();
});

finder.addEventListener("close", () => {
  video.srcObject?.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
});

// Gradio nests the rules of photo.css in the component's, where @keyframes may not stand.
if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
  const there = { duration: 1100, easing: "ease-in-out", direction: "alternate", iterations: Infinity };
  find(".moving span").animate([{ translate: 0 }, { translate: "233%" }], there);
}

/** Another network reads now. What the visitor corrected is not thrown away for that. */
function readAgain() {
  showReader();
  if (read && !answers.some((_, i) => isCorrected(i))) again(0);
}
visit.addEventListener("model", readAgain);
visit.addEventListener("network", readAgain);

/** Says which network reads, where it is not the best one. */
function showReader() {
  const names = { seed: "the first, simple network", [OWN]: "your own network" };
  find(".by").hidden = !(visit.network in names);
  find(".by").textContent = `Read by ${names[visit.network]}: another can be chosen on the Draw tab.`;
}
showReader();

show({ answer: "", sure: "Waiting for a photo", doubt: "Click a digit in it, and its bars show here." });
