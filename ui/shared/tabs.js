// The arrow keys go from tab to tab, as everywhere. Gradio's own tabs know the Tab key alone.

import { tabButtons } from "./address.js";

/** Index of the tab that a key goes to from tab `at` of `count`; undefined for other keys. */
export function tabAfterKey(key, at, count) {
  switch (key) {
    case "ArrowRight":
      return (at + 1) % count;
    case "ArrowLeft":
      return (at + count - 1) % count;
    case "Home":
      return 0;
    case "End":
      return count - 1;
  }
}

/** Listens to the keys of the page's tabs. */
export function followArrowKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const buttons = tabButtons();
    const at = buttons.indexOf(event.target);
    const next = at < 0 ? undefined : tabAfterKey(event.key, at, buttons.length);
    if (next === undefined) return;
    event.preventDefault();
    buttons[next].focus();
    buttons[next].click();
  });
}
