// Drawing with the keyboard: the arrow keys move a cursor, Space puts the pen down and up.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 0.05; // share of the pad's side that an arrow key moves; with Shift a fifth of it
const CENTRE = [0.5, 0.5];

/** The cursor's next place: both arrows of a diagonal may be held. */
export function moved(place, keys, step) {
  return [...keys].reduce(
    (at, key) => at.map((value, axis) => Math.min(Math.max(value + step * ARROWS[key][axis], 0), 1)),
    place,
  );
}

/**
 * pad: {pen, undo, redo, erase, clear, announce, announceLater}, as hand.js has it; isPointerDrawing: whether the keys
 * are to be left alone. Returns {hide, isShown, centre}, of the cursor.
 */
export function drawWithKeyboard({ element, canvas, cursor, pad, isPointerDrawing }) {
  const { pen } = pad;
  const held = new Set(); // arrow keys
  let place = CENTRE;

  function showCursor() {
    cursor.hidden = false;
    cursor.classList.toggle("down", pen.isDown());
    cursor.style.left = `${100 * place[0]}%`;
    cursor.style.top = `${100 * place[1]}%`;
  }

  function hide() {
    cursor.hidden = true;
    held.clear();
  }

  function move(step) {
    place = moved(place, held, step);
    if (!pen.move([place])) {
      pad.announceLater(`${Math.round(100 * place[0])} across, ${Math.round(100 * place[1])} down`);
    }
  }

  function togglePen() {
    if (pen.isDown()) pen.lift();
    else pen.down(...place);
    pad.announce(`${pen.isEraser ? "Eraser" : "Pen"} ${pen.isDown() ? "down" : "up"}.`);
  }

  canvas.addEventListener("keydown", (event) => {
    if (isPointerDrawing() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) {
      held.add(event.key);
      move(event.shiftKey ? STEP / 5 : STEP);
    } else if (event.key === " " || event.key === "Enter") {
      if (!event.repeat) togglePen();
    } else if (event.key.toLowerCase() === "e") {
      pen.lift();
      pad.erase();
    } else if (event.key === "Backspace") {
      pad.undo();
    } else if (event.key === "Delete" || event.key === "Escape") {
      pad.clear();
    } else {
      return;
    }
    event.preventDefault();
    showCursor();
  });

  canvas.addEventListener("keyup", (event) => held.delete(event.key));

  canvas.addEventListener("blur", () => {
    if (!isPointerDrawing()) pen.lift();
    hide();
  });

  element.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) pad.undo();
    else if (key === "y" || key === "z") pad.redo();
    else return;
    event.preventDefault();
  });

  return { hide, isShown: () => !cursor.hidden, centre: () => (place = CENTRE) };
}
