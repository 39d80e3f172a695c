// A row of a list that is dragged to another place by its grip, with mouse, pen or finger.

/** onDrop(position): where it was let go among the rows of its list. */
export function makeDraggable(row, grip, onDrop) {
  grip.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault(); // no text is selected
    grip.setPointerCapture(event.pointerId);
    // The row stays where it is until it is let go: moved to another place, its element would lose the pointer.
    const others = [...row.parentElement.children].filter((other) => other !== row);
    const top = row.getBoundingClientRect().top;
    let to = placeAmong(others, event.clientY);
    row.classList.add("lifted");
    const ending = new AbortController();

    const drag = ({ clientY }) => {
      row.style.translate = `0 ${clientY - event.clientY + top - restingTop(row)}px`;
      to = placeAmong(others, clientY);
      others.forEach((other, i) => {
        other.classList.toggle("drop-above", i === to);
        other.classList.toggle("drop-below", i === to - 1 && to === others.length);
      });
    };
    const end = ({ type }) => {
      ending.abort();
      row.classList.remove("lifted");
      row.style.translate = "";
      for (const other of others) other.classList.remove("drop-above", "drop-below");
      if (type === "pointerup") setTimeout(onDrop, 0, to); // once the browser is done with this touch
    };
    grip.addEventListener("pointermove", drag, { signal: ending.signal });
    for (const name of ["pointerup", "pointercancel"]) grip.addEventListener(name, end, { signal: ending.signal });
  });
}

/** Where the row would be without its shift: the list may have been scrolled. */
const restingTop = (row) => row.getBoundingClientRect().top - (parseFloat(row.style.translate.split(" ")[1]) || 0);

/** The position among the others of what is dropped at this height. */
function placeAmong(others, y) {
  const middle = (other) => (other.getBoundingClientRect().top + other.getBoundingClientRect().bottom) / 2;
  const next = others.findIndex((other) => middle(other) > y);
  return next === -1 ? others.length : next;
}
