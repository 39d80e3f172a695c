// The form in which a training is set up.

import { sessionState } from "../shared/session.js";

const HINTS = {
  fresh: "At first it guesses.",
  fine_tune: "Fine-tuning: it keeps what it knows, and learns on from there.",
};
const NUMBERS = ["epochs", "images", "batch_size", "learning_rate", "dropout", "seed"];

/** defaults: {network: {fresh, fine_tune}}, settings that suit each. Returns {read, suggest, lock, isFineTuning}. */
export function createSettings(form, defaults) {
  const { elements } = form;
  const isFineTuning = () => elements.begin.value === "fine_tune";

  /** Fills in settings that suit what is chosen; fine-tuning continues with the network in use. */
  function suggest() {
    if (isFineTuning() && sessionState.mine.network) elements.network.value = sessionState.mine.network;
    for (const radio of elements.network) radio.disabled = isFineTuning();
    form.querySelector(".of-begin").textContent = HINTS[elements.begin.value];
    const { network, ...suggested } = defaults[elements.network.value][elements.begin.value];
    for (const [name, value] of Object.entries(suggested)) {
      const input = elements[name];
      if (input?.type === "checkbox") input.checked = value;
      else if (input) input.value = input.max ? Math.min(value, Number(input.max)) : value;
    }
  }

  function read() {
    return {
      network: elements.network.value,
      fine_tune: isFineTuning(),
      optimizer: elements.optimizer.value,
      augmentation: elements.augmentation.checked,
      ...Object.fromEntries(NUMBERS.map((name) => [name, elements[name].valueAsNumber])),
    };
  }

  /** While something runs, nothing can be chosen. */
  function lock(isLocked) {
    for (const field of form.querySelectorAll("fieldset, .settings")) field.inert = isLocked;
  }

  form.addEventListener("change", ({ target }) => {
    if (target.name === "network" || target.name === "begin") suggest();
  });
  elements.network[0].checked = true; // the one that is good in seconds
  suggest();
  return { read, suggest, lock, isFineTuning };
}
