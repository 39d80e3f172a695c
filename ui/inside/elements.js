// Small ways of making elements.

/** newElement("td", { className: "sum", textContent: "1" }, child, ...) */
export function newElement(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A grid of numbers, each cell coloured by its size beside `most`. marked: index of the one that stands out. */
export function numberGrid(numbers, columns, { most, write, caption, marked = -1 }) {
  const grid = newElement("div", { className: "numbers" });
  grid.style.setProperty("--columns", columns);
  numbers.forEach((value, i) => {
    const cell = newElement("span", { textContent: write(value) });
    cell.style.setProperty("--share", Math.sqrt(Math.min(1, Math.abs(value) / (most || 1))));
    cell.classList.toggle("negative", value < 0);
    cell.classList.toggle("marked", i === marked);
    grid.append(cell);
  });
  return newElement("figure", { className: "grid" }, grid, newElement("figcaption", { textContent: caption }));
}

/** Options of a select: [value, text] each. */
export function fillSelect(select, options, value) {
  select.replaceChildren(...options.map(([key, text]) => newElement("option", { value: key, textContent: text })));
  select.value = value;
}

export const DIGITS = Array.from({ length: 10 }, (_, digit) => digit);
export const CLASSES = [...DIGITS.map(String), "not a digit"];
