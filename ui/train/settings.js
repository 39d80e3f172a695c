// The form in which a training is set up.

import { sessionState } from "../shared/session.js";

const HINTS = {
  fresh: "At first it guesses.",
  fine_tune: "Fine-tuning: it keeps what it knows, and learns on from there.",
};
const NUMBERS = ["epochs", "images", "batch_size", "learning_rate", "dropout", "seed"];

/**
 * defaults: {network: {fresh, fine_tune}}, settings that suit each. Returns {read, suggest, fill, lock, isFineTuning}.
 */
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

  /** Fills in what a link names, as far as the form takes it, and what suits that for the rest. */
  function fill(params) {
    choose(elements.network, params.get("network"));
    choose(elements.begin, params.has("fine_tune") && (params.get("fine_tune") === "true" ? "fine_tune" : "fresh"));
    suggest();
    for (const name of NUMBERS) {
      const input = elements[name];
      const [before, value] = [input.value, params.get(name)];
      if (value === null) continue;
      input.value = value;
      if (!input.validity.valid) input.value = before;
    }
    if (params.has("augmentation")) elements.augmentation.checked = params.get("augmentation") === "true";
    choose([...elements.optimizer.options], params.get("optimizer"), "selected");
    form.querySelector("details").open = true;
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
  return { read, suggest, fill, lock, isFineTuning };
}

/** Chooses, of radio buttons or options, the one with this value, where there is one. */
function choose(choices, value, property = "checked") {
  const wanted = [...choices].find((choice) => choice.value === value);
  if (wanted) wanted[property] = true;
}
