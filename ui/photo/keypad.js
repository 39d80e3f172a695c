// Correcting by tapping: a row of digits under the photo for the one that is picked.

const KEYS = [..."0123456789"];

/** group: the element; onKey(answer): "" leaves the symbol out. Returns {show(name, answer)}; null hides it. */
export function createKeypad({ group, onKey }) {
  const title = group.querySelector("p");
  const keys = [...KEYS, ""].map((answer) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = answer || "Leave out";
    if (answer) button.ariaLabel = `Correct to ${answer}`;
    button.addEventListener("click", () => onKey(answer));
    return button;
  });
  group.append(...keys);

  return {
    show(name, answer) {
      group.hidden = name === null;
      if (name === null) return;
      title.textContent = `Correct ${name}:`;
      keys.forEach((button, i) => (button.ariaPressed = String((KEYS[i] ?? "") === answer)));
    },
  };
}
