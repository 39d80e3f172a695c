// The form in which a training is set up.

import { sessionState } from "../shared/session.js";

const HINTS = {
  fresh: "At first it guesses.",
  fine_tune: "Fine-tuning: it keeps what it knows, and learns on from there.",
};
const AUGMENTATIONS = {
  digits: "Rotates and distorts each picture a little: slower, but it reads more handwritings.",
  others: "Shifts each picture a little and mirrors half of them: slower, but it learns more of what matters.",
};
const MNIST = "mnist";
const OWN_NET = "own_net"; // the card of the visitor's own layers, and the name of such a network
const READY = "ready:"; // begins the value of a card that is a ready list of layers
const NUMBERS = ["epochs", "images", "batch_size", "learning_rate", "dropout", "seed"];

/**
 * props: defaults, {network: {fresh, fine_tune}}, settings that suit each; datasets, presets and most_images, as
 * ui/train/tab.py has them. builder: of builder.js. Returns {read, suggest, fill, lock, showStart, isFineTuning}.
 */
export function createSettings(form, { defaults, datasets, presets, most_images: mostImages }, builder) {
  const { elements } = form;
  const find = (selector) => form.querySelector(selector);
  const isFineTuning = () => elements.begin.value === "fine_tune";
  const isOwn = () => elements.network.value === OWN_NET || elements.network.value.startsWith(READY);
  const isBuilt = () => elements.network.value === OWN_NET && !isFineTuning();

  /** Shows what goes with the data set that is chosen, and chooses a network for it. */
  function showDataset() {
    const dataset = datasets.find(({ name }) => name === elements.dataset.value);
    for (const card of form.querySelectorAll(".networks .card")) {
      card.hidden = !card.dataset.datasets.split(" ").includes(dataset.name);
    }
    if (![...elements.network].some((radio) => radio.checked && !radio.parentElement.hidden)) {
      [...elements.network].find((radio) => !radio.parentElement.hidden).checked = true;
    }
    find(".networks").classList.add("chosen");
    elements.images.max = Math.min(mostImages, dataset.images);
    find(".of-dataset").textContent = dataset.title;
    find(".of-images").textContent =
      `How many of ${dataset.title}\u2019s training pictures it learns from. Fewer is faster.`;
    find(".of-augmentation").textContent = AUGMENTATIONS[dataset.name === MNIST ? "digits" : "others"];
  }

  /** Fills in settings that suit what is chosen; fine-tuning continues with the network in use. */
  function suggest() {
    const { network: inUse, dataset: ofInUse } = sessionState.mine;
    if (isFineTuning() && inUse) {
      elements.dataset.value = ofInUse;
      elements.network.value = inUse;
    }
    for (const radio of [...elements.network, ...elements.dataset]) radio.disabled = isFineTuning();
    showDataset();
    find(".of-begin").textContent = HINTS[elements.begin.value];
    const of = defaults[isOwn() ? OWN_NET : elements.network.value] ?? defaults[OWN_NET];
    for (const [name, value] of Object.entries(of[elements.begin.value])) {
      if (["network", "dataset", "layers"].includes(name)) continue; // they are chosen
      const input = elements[name];
      if (input?.type === "checkbox") input.checked = value;
      else if (input) input.value = input.max ? Math.min(value, Number(input.max)) : value;
    }
    showBuilder();
  }

  /** The way to the layers, where the network is the visitor's own and begins anew. */
  function showBuilder() {
    find(".own-network").hidden = !isBuilt();
    builder.setDataset(elements.dataset.value, elements.images.valueAsNumber || Number(elements.images.max));
    if (isBuilt()) builder.show();
    showStart();
  }

  /** Nothing starts while the visitor's layers do not fit, and the button says why. */
  function showStart() {
    const isRefused = isBuilt() && builder.summary().isRefused;
    const start = find(".start");
    start.ariaDisabled = String(isRefused);
    if (isRefused) start.setAttribute("aria-describedby", find(".of-network").id);
    else start.removeAttribute("aria-describedby");
  }

  /** Of the card that is chosen, as JSON; "" where its network has no list of the visitor's. */
  function layers() {
    const { value } = elements.network;
    if (isFineTuning() || !isOwn()) return "";
    if (value === OWN_NET) return builder.text();
    const preset = presets.find(({ name }) => name === value.slice(READY.length));
    return JSON.stringify(preset.blocks[elements.dataset.value]);
  }

  function read() {
    return {
      network: isOwn() ? OWN_NET : elements.network.value,
      dataset: elements.dataset.value,
      layers: layers(),
      fine_tune: isFineTuning(),
      optimizer: elements.optimizer.value,
      augmentation: elements.augmentation.checked,
      ...Object.fromEntries(NUMBERS.map((name) => [name, elements[name].valueAsNumber])),
    };
  }

  /** Fills in what a link names, as far as the form takes it, and what suits that for the rest. */
  function fill(params) {
    choose(elements.dataset, params.get("dataset") ?? MNIST);
    if (params.get("layers")) builder.load(params.get("layers"));
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
    showBuilder();
    find(".settings details").open = true;
  }

  /** While something runs, nothing can be chosen. */
  function lock(isLocked) {
    for (const field of form.querySelectorAll("fieldset, .settings, .pictures")) field.inert = isLocked;
  }

  form.addEventListener("change", ({ target }) => {
    if (["network", "begin", "dataset"].includes(target.name)) suggest();
    if (target.name === "images") showBuilder();
  });
  elements.dataset[0].checked = true;
  elements.network[0].checked = true; // the one that is good in seconds
  suggest();
  return { read, suggest, fill, lock, showStart, isFineTuning };
}

/** Chooses, of radio buttons or options, the one with this value, where there is one. */
function choose(choices, value, property = "checked") {
  const wanted = [...choices].find((choice) => choice.value === value);
  if (wanted) wanted[property] = true;
}
