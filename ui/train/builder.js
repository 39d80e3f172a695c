// Build your network: the editor of its list of layers. What fits, and what it costs, the server says.

import { createRows } from "./block_rows.js";
import {
  changeAt,
  describeNetwork,
  describeShape,
  insertAt,
  moveTo,
  newBlock,
  parseBlocks,
  removeAt,
  shapeBefore,
} from "./blocks.js";
import { readStored, store } from "../shared/storage.js";
import { NO_CONNECTION } from "../shared/wording.js";

const STORED = "layers"; // name in the browser's storage
const CHECK_AFTER = 200; // milliseconds of rest, then the server is asked
const MOST_UNDO = 50;
const BEGINS_WITH = "small"; // of the ready networks

/**
 * element: the tab, with the elements of builder.html in it; kinds, presets, datasets: as ui/train/building.py has
 * them; onChange(): what `summary` says is another. Returns {text, load, setDataset, show, open, openAtFault, summary}.
 */
export function createBuilder({ element, server, kinds, presets, datasets, onChange }) {
  const dialog = element.querySelector(".builder");
  const find = (selector) => dialog.querySelector(selector);
  const kindOf = new Map(kinds.map((kind) => [kind.name, kind]));
  let dataset = datasets[0];
  let images = dataset.images;
  let blocks = storedBlocks() ?? presetOf(BEGINS_WITH);
  let report = null; // of the server, about `blocks`; null until there is one
  let isRefused = false; // whether it says that `blocks` cannot be trained
  let past = []; // lists before the last changes
  let path = null; // of the row that was last in use: below it comes what is added
  let timer = null;
  let asked = 0; // counts what was asked, so that a late answer is dropped

  const rows = createRows(find(".blocks"), kindOf, {
    move: (from, to) => change(moveTo(blocks, from, to), [...from.slice(0, -1), to], "moved"),
    remove(at) {
      change(removeAt(blocks, at), null, "removed");
      rows.focusNear(at);
    },
    edit(at, name, value) {
      remember();
      blocks = changeAt(blocks, at, name, value);
      changed();
    },
    use(at) {
      path = at;
      showTools();
    },
  });

  function storedBlocks() {
    const stored = parseBlocks(readStored("localStorage", STORED) ?? "");
    return stored?.every(isKnown) ? stored : null;
  }

  function isKnown({ kind, layers = [] }) {
    return kindOf.has(kind) && layers.every((inner) => kindOf.has(inner.kind));
  }

  function presetOf(name) {
    return presets.find((preset) => preset.name === name).blocks[dataset.name];
  }

  // ---------------------------------------------------------------- what changes the list

  function remember() {
    past = [...past, blocks].slice(-MOST_UNDO);
  }

  /** Another list; `at` is the path of what was changed, null where it is gone, and `what` was done to it. */
  function change(list, at, what) {
    if (list === blocks) return;
    remember();
    blocks = list;
    path = at;
    rows.show(blocks);
    say(at, what);
    changed();
  }

  function say(at, what) {
    const title = at ? rows.titleOf(at) : "The layer";
    find(".said").textContent = `${title} ${what}${at ? `, now layer ${at.map((i) => i + 1).join(".")}` : ""}.`;
  }

  function changed() {
    store("localStorage", STORED, text());
    showTools();
    clearTimeout(timer);
    timer = setTimeout(check, CHECK_AFTER);
  }

  function add() {
    const kind = kindOf.get(find(".kind").value);
    const below = placeToAdd();
    const shape = shapeBefore(report?.rows ?? [], below, dataset.shape);
    change(insertAt(blocks, below, newBlock(kind, shape)), below, "added");
    rows.focus(below);
  }

  /** Below the row that was last in use, at the end, or inside of a residual block that is empty. */
  function placeToAdd() {
    if (!path) return [blocks.length];
    const [position, inner] = path;
    if (inner === undefined && blocks[position].layers?.length === 0) return [position, 0];
    return inner === undefined ? [position + 1] : [position, inner + 1];
  }

  function undo() {
    blocks = past.at(-1);
    past = past.slice(0, -1);
    path = null;
    rows.show(blocks);
    find(".said").textContent = "The last change is undone.";
    changed();
  }

  function take(list) {
    change(list, null, "taken");
    find(".said").textContent = "Another list of layers is there.";
  }

  /** A list from a link, where it is one. */
  function load(list) {
    const found = parseBlocks(list);
    if (found?.every(isKnown)) take(found);
  }

  // ---------------------------------------------------------------- what the server says

  async function check() {
    const number = ++asked;
    const payload = { layers: text(), dataset: dataset.name, images };
    const answer = await server.check_layers(payload).catch(() => undefined);
    if (number !== asked) return;
    report = answer?.rows ? answer : { rows: [], trouble: answer?.error ?? NO_CONNECTION };
    isRefused = Boolean(answer?.rows && answer.trouble); // without an answer, nobody has looked at the list
    rows.showReport(report.rows);
    find(".verdict-of-all").textContent = summary().text;
    find(".verdict-of-all").classList.toggle("wrong", summary().isWrong);
    find(".python").hidden = !report.python;
    find(".python code").textContent = report.python ?? "";
    onChange();
  }

  /** The network in a line, or what is wrong with it; isRefused: whether the server would not train it. */
  function summary() {
    if (!report) return { text: "", isWrong: false, isRefused };
    const isWrong = report.trouble !== "";
    return { text: isWrong ? report.trouble : describeNetwork(report), isWrong, isRefused };
  }

  // ---------------------------------------------------------------- what is shown

  function showTools() {
    const place = placeToAdd();
    const isInside = place.length === 2;
    const [above] = place.slice(-1);
    const below = [...place.slice(0, -1), above].map((i, at, { length }) => (at === length - 1 ? i : i + 1)).join(".");
    find(".add").textContent = !path ? "Add at the end" : above === 0 ? "Add inside" : `Add below layer ${below}`;
    for (const option of find(".kind").options) option.disabled = isInside && !kindOf.get(option.value).inside;
    if (find(".kind").selectedOptions[0]?.disabled) find(".kind").value = kinds[0].name;
    find(".undo-change").disabled = past.length === 0;
  }

  function setDataset(name, count) {
    const isOther = name !== dataset.name || count !== images;
    dataset = datasets.find((one) => one.name === name);
    images = count;
    find(".input-shape").textContent = `${describeShape(dataset.shape)}: a picture of ${dataset.title}`;
    if (isOther && report) changed();
  }

  const text = () => JSON.stringify(blocks);

  /** Asks the server about the list, where that was not done yet. */
  function show() {
    if (!report && !timer) changed();
  }

  function open() {
    rows.show(blocks);
    if (report) rows.showReport(report.rows);
    showTools();
    show();
    dialog.showModal();
  }

  /** The same, with the focus in the layer that is wrong. */
  function openAtFault() {
    open();
    rows.focusFault();
  }

  for (const { name, title } of kinds) find(".kind").append(new Option(title, name));
  for (const { name, title } of presets) find(".preset").append(new Option(title, name));
  find(".preset").value = BEGINS_WITH;
  find(".take").addEventListener("click", () => take(presetOf(find(".preset").value)));
  find(".add").addEventListener("click", add);
  find(".undo-change").addEventListener("click", undo);
  find(".done").addEventListener("click", () => dialog.close());
  find(".copy").addEventListener("click", async ({ target }) => {
    const isCopied = await navigator.clipboard?.writeText(report.python).then(() => true, () => false);
    if (!isCopied) getSelection().selectAllChildren(find(".python code"));
    target.textContent = isCopied ? "Copied" : "Selected: copy it with the keyboard";
  });
  find(".python").addEventListener("toggle", () => (find(".copy").textContent = "Copy"));
  setDataset(dataset.name, images);
  return { text, load, setDataset, show, open, openAtFault, summary };
}
