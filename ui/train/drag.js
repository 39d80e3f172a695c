// A row of a list that is dragged to another place by its grip, with mouse, pen or finger.

/** onDrop(position): where it was let go among the rows of its list. */
export function makeDraggable(row, grip, onDrop) {
  grip.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault(); // no text is selected
    grip.setPointerCapture(event.pointerId);
    row.classList.add("lifted");
    const drag = ({ clientY }) => moveRow(row, clientY);
    const end = ({ type }) => {
      grip.removeEventListener("pointermove", drag);
      row.classList.remove("lifted");
      if (type === "pointerup") onDrop([...row.parentElement.children].indexOf(row));
    };
    grip.addEventListener("pointermove", drag);
    grip.addEventListener("pointerup", end, { once: true });
    grip.addEventListener("pointercancel", end, { once: true });
  });
}

/** Puts the row before the first of the others whose middle is below the pointer. */
function moveRow(row, y) {
  const others = [...row.parentElement.children].filter((other) => other !== row);
  const middle = (other) => (other.getBoundingClientRect().top + other.getBoundingClientRect().bottom) / 2;
  const next = others.find((other) => middle(other) > y) ?? null;
  if (row.nextElementSibling !== next) row.parentElement.insertBefore(row, next);
}
