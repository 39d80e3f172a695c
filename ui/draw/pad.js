// The drawing pad. Gradio runs visit.js, reading.js and this file as the body of a function, with the component's
// `element` and the `server` whose `live` reads a drawing. A stroke is a flat list [x, y, x, y, ...] in
// shares of the pad's side, so that it means the same on every screen; or it is a picture that fills the pad,
// 28x28 grey bytes in base64, of a test image that the visitor chose on the Train tab.

const PEN = 0.07; // width of the pen, a share of the pad's side
const STEP = 0.002; // movements shorter than this share of the side add nothing
const SENT_SIDE = 140; // pixels of a digit's longer side as sent: seven times what the network keeps of it
const SENT_MOST = 480; // pixels of the longer side of all ink as sent, at most: ui/draw.py takes 512 x 512
const SENT_MARGIN = 4; // pixels of paper around it
const SENT_PEN = [0.03, 0.18]; // the pen as sent: at least this share of the pad, at most this of a digit
const FRAME_GAP = 0.012; // between a digit of a number and the frame around it, a share of the side
const GAP = 33; // milliseconds from one request to the next, at least
const EASY = 40; // milliseconds that a server has a drawing which is not busy
const THINNING = 12; // milliseconds more from one request to the next, for each that it has it longer
const LONGEST_GAP = 2000; // milliseconds; a pen that is lifted does not wait for it
const MAX_IN_FLIGHT = 3; // requests under way at once
const PATIENCE = 5000; // milliseconds after which a request counts as lost
const RETRIES = [500, 1000, 2000, 4000]; // milliseconds before each new try; the last repeats
const SPEAK_AFTER = 700; // milliseconds of rest before a screen reader hears the answer
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEY_STEP = 0.05; // of the side, an arrow key; with Shift a fifth of it
const CENTRE = [0.5, 0.5]; // where the keyboard's pen starts
const PICTURE = 28; // pixels of a picture's side
const STORED_AS = "digits-from-scratch/strokes";
// Ghosts that show a newcomer what to do, in a box of 100 x 100.
const GHOSTS = [
  "M31 33C34 14 68 15 67 34C66 47 54 49 45 49C57 49 70 53 70 67C69 87 36 87 30 70",
  "M30 36C31 15 69 15 68 37C67 54 40 66 31 80H71",
  "M30 22H70C60 42 52 60 47 82",
  "M66 20H38L35 47C47 40 70 43 70 62C70 86 37 87 31 72",
];

const canvas = find(".strokes");
const screen = canvas.getContext("2d");
const cursor = find(".cursor");
const notice = find(".notice");
const frames = find(".frames");
const verdict = find(".verdict");
const answerShown = find(".answer");
const buttons = { undo: find(".undo"), redo: find(".redo"), clear: find(".clear") };

// ---------------------------------------------------------------- the drawing and its history

let strokes = restored();
let past = strokes.map((_, count) => strokes.slice(0, count)); // earlier states of `strokes`, for Undo
let future = []; // states that were undone, for Redo
let current = null; // the stroke under the pen

const allStrokes = () => (current ? [...strokes, current] : strokes);

function restored() {
  try {
    const stored = JSON.parse(sessionStorage.getItem(STORED_AS)) ?? [];
    const isDrawn = (stroke) => Array.isArray(stroke) && stroke.length >= 2 && stroke.every(Number.isFinite);
    const isStroke = (stroke) => isDrawn(stroke) || (isPicture(stroke) && atob(stroke).length === 784);
    return Array.isArray(stored) ? stored.filter(isStroke) : [];
  } catch {
    return []; // nothing stored, or storage is forbidden here: an empty pad
  }
}

const isPicture = (stroke) => typeof stroke === "string";

/** Puts a picture onto the pad, in place of what is there; Undo brings that back. */
function take(picture) {
  liftPen();
  past.push(strokes);
  future = [];
  strokes = [picture];
  drawingChanged();
  rested();
}

function store() {
  try {
    sessionStorage.setItem(STORED_AS, JSON.stringify(allStrokes()));
  } catch {
    // Storage is full or forbidden: the drawing just does not outlive a reload.
  }
}

function putPenDown(x, y) {
  current = [x, y];
  drawingChanged();
}

function movePen(x, y) {
  const [lastX, lastY] = current.slice(-2);
  if (Math.hypot(x - lastX, y - lastY) < STEP) return false;
  current.push(x, y);
  return true;
}

function liftPen() {
  if (!current) return;
  past.push(strokes);
  future = [];
  strokes = [...strokes, current];
  current = null;
  rested();
}

function undo() {
  if (current) {
    current = null;
  } else if (past.length > 0) {
    future.push(strokes);
    strokes = past.pop();
  } else {
    return;
  }
  drawingChanged();
  rested();
}

function redo() {
  if (future.length === 0) return;
  liftPen();
  past.push(strokes);
  strokes = future.pop();
  drawingChanged();
  rested();
}

function clear() {
  liftPen();
  cursorAt = [...CENTRE];
  if (strokes.length === 0) return;
  past.push(strokes); // so that even Clear can be undone
  future = [];
  strokes = [];
  drawingChanged();
  rested();
  say("Cleared.");
}

/** The ink is not what it was: show it and have it read. */
function drawingChanged() {
  paintSoon();
  choice = null;
  if (allStrokes().length === 0) showEmpty();
  else askForReading();
}

/** The pen is up: time for everything that need not happen thirty times a second. */
function rested() {
  store();
  showTools();
  flush();
}

// ---------------------------------------------------------------- ink on the screen

/** Strokes onto a canvas whose unit is the pad's side: curves through the middles of the sampled points. */
function trace(context, someStrokes, pen = PEN) {
  context.lineWidth = pen;
  context.lineCap = context.lineJoin = "round";
  for (const stroke of someStrokes) {
    if (isPicture(stroke)) {
      context.drawImage(inkOf(stroke, context.fillStyle), 0, 0, 1, 1);
      continue;
    }
    context.beginPath();
    if (stroke.length === 2) {
      context.arc(stroke[0], stroke[1], pen / 2, 0, 2 * Math.PI);
      context.fill();
      continue;
    }
    context.moveTo(stroke[0], stroke[1]);
    let i = 2;
    for (; i + 3 < stroke.length; i += 2) {
      const [x, y, nextX, nextY] = stroke.slice(i, i + 4);
      context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    }
    context.lineTo(...stroke.slice(-2));
    context.stroke();
  }
}

/** A picture as ink of a colour on nothing, a pixel each. */
function inkOf(picture, colour) {
  const ink = document.createElement("canvas");
  ink.width = ink.height = PICTURE;
  const context = ink.getContext("2d");
  const pixels = new ImageData(PICTURE, PICTURE);
  greyOf(picture).forEach((value, i) => (pixels.data[4 * i + 3] = value));
  context.putImageData(pixels, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = colour;
  context.fillRect(0, 0, PICTURE, PICTURE);
  return ink;
}

let frame = null;

/** Paints with the next frame of the screen, however often it is asked until then. */
function paintSoon() {
  frame ??= requestAnimationFrame(paint);
}

function paint() {
  frame = null;
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  if (canvas.width !== side) canvas.width = canvas.height = side;
  screen.setTransform(1, 0, 0, 1, 0, 0);
  screen.clearRect(0, 0, side, side);
  screen.scale(side, side);
  screen.strokeStyle = screen.fillStyle = getComputedStyle(canvas).color;
  trace(screen, allStrokes());
  element.classList.toggle("inked", allStrokes().length > 0);
}

function showTools() {
  const enable = (button, on) => button.setAttribute("aria-disabled", String(!on));
  enable(buttons.undo, past.length > 0);
  enable(buttons.redo, future.length > 0);
  enable(buttons.clear, strokes.length > 0);
}

function showGhost() {
  const path = find(".ghost path");
  path.setAttribute("d", GHOSTS[Math.floor(Math.random() * GHOSTS.length)]);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const draws = [{ strokeDashoffset: 1 }, { strokeDashoffset: 0 }];
  path.animate(draws, { duration: 1400, easing: "ease-in-out", delay: 200, fill: "backwards" });
}

// ---------------------------------------------------------------- ink to the server

/** Shows which network reads, and reads with it. */
function showNetworks() {
  const { own } = visit.mine;
  find(".networks .own").hidden = !own;
  find(".networks").classList.toggle("three", own);
  find(`.networks input[value=${visit.network}]`).checked = true;
  if (allStrokes().length > 0) askForReading();
}

const sheet = document.createElement("canvas");
const sheetContext = sheet.getContext("2d", { alpha: false, willReadFrequently: true });

/** The box [left, top, right, bottom] around a stroke. */
function boxOf(stroke) {
  if (isPicture(stroke)) return [0, 0, 1, 1];
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < stroke.length; i += 2) {
    box[0] = Math.min(box[0], stroke[i]);
    box[1] = Math.min(box[1], stroke[i + 1]);
    box[2] = Math.max(box[2], stroke[i]);
    box[3] = Math.max(box[3], stroke[i + 1]);
  }
  return box;
}

const around = (a, b) => a.map((edge, i) => (i < 2 ? Math.min(edge, b[i]) : Math.max(edge, b[i])));
const apart = (a, b) => Math.max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3]);
const extentOf = (box) => Math.max(box[2] - box[0], box[3] - box[1]);

/** How large the digits are, about, as a share of the side: the largest of the heaps that strokes lie in. */
function sizeOfDigits(boxes) {
  const heaps = [];
  for (let heap of boxes) {
    let i = heaps.length;
    while (i-- > 0) {
      if (apart(heaps[i], heap) > PEN / 2) continue;
      heap = around(heap, heaps.splice(i, 1)[0]);
      i = heaps.length; // it has grown: it may touch one that was passed
    }
    heaps.push(heap);
  }
  return heaps.map(extentOf).reduce((a, b) => Math.max(a, b));
}

/**
 * The ink, black on white, cut to its bounding box and drawn anew so that digits have a fixed size, small
 * ones as sharp as large ones, and with a finer pen: enlarged with the pad's own, they would close their
 * loops. With it comes `toPad`, which takes a box in its pixels to the place of a frame around it on the pad,
 * [left, top, right, bottom] in shares of the side. Null where there is no ink, or all of it lies beside the
 * pad.
 */
function inkAsSent() {
  const drawn = allStrokes();
  if (drawn.length === 0) return null;
  const boxes = drawn.map(boxOf);
  const box = boxes.reduce(around);
  const size = sizeOfDigits(boxes);
  const pen = Math.min(Math.max(SENT_PEN[1] * size, SENT_PEN[0]), PEN);
  const left = Math.max(box[0] - pen / 2, 0);
  const top = Math.max(box[1] - pen / 2, 0);
  const width = Math.min(box[2] + pen / 2, 1) - left;
  const height = Math.min(box[3] + pen / 2, 1) - top;
  if (width <= 0 || height <= 0) return null;

  const longest = Math.max(width, height);
  const scale = drawn.every(isPicture)
    ? PICTURE // one of its pixels is one of those sent
    : Math.min(SENT_SIDE / Math.min(size + pen, longest), SENT_MOST / longest);
  sheet.width = Math.ceil(width * scale) + 2 * SENT_MARGIN;
  sheet.height = Math.ceil(height * scale) + 2 * SENT_MARGIN;
  sheetContext.fillStyle = "white";
  sheetContext.fillRect(0, 0, sheet.width, sheet.height);
  sheetContext.translate(SENT_MARGIN - left * scale, SENT_MARGIN - top * scale);
  sheetContext.scale(scale, scale);
  sheetContext.beginPath();
  sheetContext.rect(0, 0, 1, 1); // ink beside the pad is not seen, so it does not count
  sheetContext.clip();
  sheetContext.fillStyle = "black";
  trace(sheetContext, drawn, pen);
  const off = (PEN - pen) / 2 + FRAME_GAP;
  const toPad = ([x, y, w, h]) => [
    (x - SENT_MARGIN) / scale + left - off,
    (y - SENT_MARGIN) / scale + top - off,
    (x + w - SENT_MARGIN) / scale + left + off,
    (y + h - SENT_MARGIN) / scale + top + off,
  ];
  return { image: sheet.toDataURL("image/png"), toPad };
}

let unread = false; // the drawing has changed since it was last sent
let inFlight = 0;
let sent = 0; // number of the latest request; an answer is stale once a later one was shown
let shown = 0; // number of the request whose answer is on the screen
let lastSentAt = -Infinity;
let timer = null;
let failures = 0; // in a row
let took = 0; // milliseconds that the server had the last drawing: the longer, the fewer it gets

function askForReading() {
  unread = true;
  if (timer !== null || inFlight >= MAX_IN_FLIGHT || failures > 0) return;
  const gap = Math.min(Math.max(GAP, THINNING * (took - EASY)), LONGEST_GAP);
  const wait = lastSentAt + gap - performance.now();
  if (wait <= 0) send();
  else timer = setTimeout(send, wait);
}

/** The pen is up and nothing will follow: do not wait for the next turn. */
function flush() {
  if (unread && inFlight < MAX_IN_FLIGHT && failures === 0) send();
}

function send() {
  clearTimeout(timer);
  timer = null;
  unread = false;
  const ink = inkAsSent();
  if (ink === null) {
    recovered(); // nothing is left to try again with
    return showEmpty();
  }
  const number = ++sent;
  lastSentAt = performance.now();
  inFlight += 1;
  reading.dataset.state = "asked";
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  Promise.race([server.live({ image: ink.image, network: visit.network }), late]).then((answer) => {
    inFlight -= 1;
    // undefined: no connection, refused, or no answer in time; null: it failed there
    if (!answer || answer.busy) return lost(number, answer?.busy);
    recovered();
    took = answer.took ?? took;
    if (number > shown && !answer.superseded) {
      shown = number;
      showAnswer(answer, ink.toPad);
    }
    if (unread) askForReading();
  });
}

function recovered() {
  failures = 0;
  showNotice("");
}

/** Keeps trying: the drawing is still here, whatever happens on the way to the server. */
function lost(number, reason = navigator.onLine ? "The server does not answer now." : "No connection.") {
  unread = unread || number > shown;
  showNotice(`${reason} Your drawing is safe, trying again\u2026`);
  if (timer !== null) return;
  timer = setTimeout(send, RETRIES[Math.min(failures, RETRIES.length - 1)]);
  failures += 1;
}

// ---------------------------------------------------------------- the answer

let found = []; // the digits of the reading on the screen, each box as `toPad` makes it
let message = ""; // of that reading
let choice = null; // the digit whose bars the visitor wants to see; null: the one that was written last

function showEmpty() {
  shown = sent; // answers under way are about ink that is gone
  unread = false;
  reading.dataset.state = "empty";
  found = [];
  tell(null);
  showNumber(null);
  show({ answer: "", sure: "Waiting for ink", doubt: "The bars move as you draw." });
  showNothingSeen();
  clearTimeout(speech);
  requestAnimationFrame(showGhost);
}

function showAnswer(answer, toPad) {
  reading.dataset.state = sent === shown && !unread ? "read" : "asked";
  reading.dataset.answers = Number(reading.dataset.answers) + 1;
  found = (answer.digits ?? []).map((digit) => ({ ...digit, box: toPad(digit.box) }));
  message = answer.error || answer.message;
  if (choice !== null && choice >= found.length) choice = null;
  showFound();
}

/** The reading, with the bars and the picture of one of its digits. */
function showFound() {
  const at = choice ?? newest();
  showNumber(at);
  tell(found[at] ?? null);
  if (found.length === 0) {
    show({ answer: "?", doubt: message });
    return speakLater(message);
  }
  const one = found[at];
  const answer = found.length === 1 ? figure(one) : null; // else it is there already
  const sure = one.digit === null ? "Not a digit" : certainty(one.confidence);
  const doubt = message || secondThought(one);
  show({ ...one, answer, sure: found.length > 1 ? `${figure(one)}: ${sure.toLowerCase()}` : sure, doubt });
  showSeen(one);
  speakLater([answerShown.innerText, sure, doubt].filter(Boolean).join(". "));
}

/** The other tabs learn which digit is shown. */
function tell(drawing) {
  visit.drawing = drawing;
  announce("drawing");
}

/** Index of the digit that was written last: where most of the last stroke lies. */
function newest() {
  const last = allStrokes().filter((stroke) => !isPicture(stroke)).at(-1) ?? [];
  const inside = found.map(({ box: [left, top, right, bottom] }) => {
    const isInside = (x, y) => x >= left && x <= right && y >= top && y <= bottom;
    return last.filter((x, i) => i % 2 === 0 && isInside(x, last[i + 1])).length;
  });
  return inside.lastIndexOf(Math.max(...inside));
}

/**
 * Several digits: each is a button in the answer and a frame on the pad. One alone needs neither. at: index of
 * the one whose bars are shown.
 */
function showNumber(at) {
  const several = found.length > 1 ? found : [];
  verdict.classList.toggle("several", several.length > 0);
  frames.replaceChildren(...several.map((digit, i) => frameOf(digit, i === at)));

  const lines = several.map(({ line }) => line);
  if (answerShown.dataset.lines !== lines.join()) {
    // Only then, or a focused button would be lost with every reading.
    answerShown.dataset.lines = lines.join();
    answerShown.replaceChildren(...lines.flatMap((line, i) => buttonOf(i, i > 0 && line !== lines[i - 1])));
    answerShown.setAttribute("aria-hidden", String(several.length === 0));
    const lengths = lines.map((line) => lines.filter((other) => other === line).length);
    answerShown.style.setProperty("--columns", Math.max(...lengths));
    const rows = new Set(lines).size;
    answerShown.style.setProperty("--rows", rows);
    verdict.classList.toggle("lines", rows > 1);
  }
  answerShown.querySelectorAll("button").forEach((button, i) => {
    button.textContent = figure(several[i]);
    const doubtful = isDoubtful(several[i]);
    button.ariaLabel = `${figure(several[i])}, digit ${i + 1} of ${several.length}${doubtful ? ", doubtful" : ""}`;
    button.classList.toggle("doubtful", doubtful);
    button.ariaPressed = String(i === at);
  });
}

function buttonOf(i, startsLine) {
  const button = document.createElement("button");
  button.type = "button";
  button.addEventListener("click", () => {
    choice = i;
    showFound();
  });
  return startsLine ? [document.createElement("br"), button] : [button];
}

function frameOf(digit, isPicked) {
  const [left, top, right, bottom] = digit.box;
  const frame = document.createElement("span");
  frame.classList.toggle("picked", isPicked);
  frame.classList.toggle("doubtful", isDoubtful(digit));
  const inset = [top, 1 - right, 1 - bottom, left].map((share) => `${100 * share}%`);
  frame.style.inset = inset.join(" ");
  return frame;
}

function showNotice(sentence) {
  if (notice.textContent !== sentence) notice.textContent = sentence;
}

let speech = null;

/** A screen reader hears the answer once the pen rests, not thirty times a second. */
function speakLater(sentence) {
  clearTimeout(speech);
  speech = setTimeout(() => (current && !cursorIsShown() ? speakLater(sentence) : say(sentence)), SPEAK_AFTER);
}

// ---------------------------------------------------------------- mouse, pen and finger

let pointer = null; // id of the pointer that draws; others are palms and second fingers

/** Where on the pad events happened: [x, y] each, to a ten-thousandth of its side. */
function places(events) {
  const { left, top, width } = canvas.getBoundingClientRect();
  const share = (pixels) => Math.round((1e4 * pixels) / width) / 1e4;
  return events.map((event) => [share(event.clientX - left), share(event.clientY - top)]);
}

canvas.addEventListener("pointerdown", (event) => {
  if (pointer !== null || event.button !== 0) return;
  liftPen(); // the keyboard's, should it be down
  hideCursor();
  pointer = event.pointerId;
  canvas.setPointerCapture(pointer);
  putPenDown(...places([event])[0]);
});

canvas.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pointer || !current) return;
  const samples = event.getCoalescedEvents?.() ?? [];
  const moved = places(samples.length > 0 ? samples : [event]).map((place) => movePen(...place));
  if (moved.includes(true)) drawingChanged();
});

// Capture is lost when the button or finger lifts, and also when the system takes the pointer away.
canvas.addEventListener("lostpointercapture", (event) => {
  if (event.pointerId !== pointer) return;
  pointer = null;
  liftPen();
});

// ---------------------------------------------------------------- keyboard

let cursorAt = [...CENTRE];
const held = new Set(); // arrow keys that are down: two together draw a diagonal

const cursorIsShown = () => !cursor.hidden;

function showCursor() {
  cursor.hidden = false;
  cursor.classList.toggle("down", current !== null);
  cursor.style.left = `${100 * cursorAt[0]}%`;
  cursor.style.top = `${100 * cursorAt[1]}%`;
}

function hideCursor() {
  cursor.hidden = true;
  held.clear();
}

function moveCursor(step) {
  for (const key of held) {
    cursorAt = cursorAt.map((value, axis) => Math.min(Math.max(value + step * ARROWS[key][axis], 0), 1));
  }
  if (current && movePen(...cursorAt)) drawingChanged();
  else speakLater(`${Math.round(100 * cursorAt[0])} across, ${Math.round(100 * cursorAt[1])} down`);
}

function togglePen() {
  if (current) liftPen();
  else putPenDown(...cursorAt);
  say(current ? "Pen down." : "Pen up.");
}

canvas.addEventListener("keydown", (event) => {
  if (pointer !== null || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in ARROWS) {
    held.add(event.key);
    moveCursor(event.shiftKey ? KEY_STEP / 5 : KEY_STEP);
  } else if (event.key === " " || event.key === "Enter") {
    if (!event.repeat) togglePen();
  } else if (event.key === "Backspace") {
    undo();
  } else if (event.key === "Delete" || event.key === "Escape") {
    clear();
  } else {
    return;
  }
  event.preventDefault();
  showCursor();
});

canvas.addEventListener("keyup", (event) => held.delete(event.key));

canvas.addEventListener("blur", () => {
  if (pointer === null) liftPen();
  hideCursor();
});

element.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key === "z" && !event.shiftKey) undo();
  else if (key === "y" || key === "z") redo();
  else return;
  event.preventDefault();
});

// ---------------------------------------------------------------- the rest of the page

buttons.undo.addEventListener("click", undo);
buttons.redo.addEventListener("click", redo);
buttons.clear.addEventListener("click", clear);
find(".networks").addEventListener("change", ({ target }) => {
  visit.network = target.value;
  announce("network");
});
window.addEventListener("pagehide", store); // a stroke may be half drawn
window.addEventListener("online", () => timer !== null && failures > 0 && send());
new ResizeObserver(paintSoon).observe(canvas);
new MutationObserver(paintSoon).observe(document.body, { attributeFilter: ["class"] }); // dark mode comes and goes

visit.addEventListener("model", showNetworks);
visit.addEventListener("network", showNetworks);
visit.addEventListener("picture", () => take(visit.picture));

showTools();
if (strokes.length === 0) showEmpty();
else drawingChanged();
