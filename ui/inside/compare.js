// Side by side: any two of the visitor's networks, on the same drawing.

import { CLASSES, fillSelect, newElement } from "./elements.js";
import { createBlocks } from "./layers.js";
import { paced } from "./paced.js";
import { allMaps } from "./maps.js";
import { allShares, verdictOf } from "./side.js";
import { percentsOf, percentText } from "../shared/wording.js";

/** networks: returns [[name, words], ...], all that there are to choose from. */
export function createCompare({ element, looking, networks }) {
  const box = element.querySelector(".compare");
  const select = box.querySelector("select");
  const table = box.querySelector(".both");
  const sentence = box.querySelector(".line");
  const columns = [...box.querySelectorAll(".column")].map((column) => ({
    title: column.querySelector("h2"),
    about: column.querySelector(".about"),
    list: column.querySelector(".small-blocks"),
    blocks: null,
  }));
  const rows = CLASSES.map(newRow);
  table.replaceChildren(...rows.map(({ row }) => row));
  let other = null; // {name, network}: the second, with its layers

  const nameOf = (name) => networks().find(([one]) => one === name)?.[1] ?? name;

  /** The choice, of all networks but the one that reads. */
  function showChoice() {
    const all = networks().filter(([name]) => name !== looking.networkChoice);
    fillSelect(select, all, all.some(([name]) => name === select.value) ? select.value : all[0][0]);
  }

  function describe(column, name, network) {
    const count = network.layers.reduce((sum, { parameters }) => sum + parameters, 0);
    column.title.textContent = `${nameOf(name)[0].toUpperCase()}${nameOf(name).slice(1)}`;
    column.about.textContent = `${network.name}, ${count.toLocaleString("en")} weights`;
    column.blocks = createBlocks(network.layers);
    column.list.replaceChildren(...column.blocks.rows);
  }

  const askForLayers = paced(
    (name) => looking.layersOf(name),
    (network, name) => {
      other = { name, network, of: looking.networkName };
      describe(columns[1], name, network);
      follow();
    },
  );
  const ask = paced(
    (name) => looking.lookBy(name),
    (answer, name) => {
      if (other?.name !== name || looking.isEmpty) return;
      columns[0].blocks.paint(looking.maps);
      columns[1].blocks.paint(allMaps(other.network.layers, answer.maps));
      showShares([looking.shares, answer.shares]);
    },
  );

  const follow = () => other && !looking.isEmpty && ask(other.name);

  function showShares(both) {
    const all = both.map(allShares);
    const percents = all.map(percentsOf);
    rows.forEach(({ sides, texts, row }, i) => {
      sides.forEach((side, which) => side.style.setProperty("--share", all[which][i]));
      texts.forEach((text, which) => (text.textContent = percentText(percents[which][i])));
      row.classList.toggle("best", all.some((shares) => i === shares.indexOf(Math.max(...shares))));
    });
    const agree = both[0].digit === both[1].digit;
    const said = both.map((shares) => verdictOf(shares));
    sentence.textContent = `${agree ? "They agree." : "They differ."} On the left: ${said[0]} On the right: ${said[1]}`;
  }

  function onOpen() {
    showChoice();
    if (looking.network) describe(columns[0], looking.networkChoice, looking.network);
    if (other?.name === select.value && other.of === looking.networkName) follow();
    else askForLayers(select.value);
  }

  select.addEventListener("change", () => askForLayers(select.value));

  return {
    onLook: follow,
    onOpen,
    onNetwork: () => box.hidden || onOpen(),
    onEmpty() {
      ask.forget();
      sentence.textContent = "";
      for (const { blocks } of columns) blocks?.clear();
      for (const { sides, texts } of rows) {
        sides.forEach((side) => side.style.setProperty("--share", 0));
        texts.forEach((text) => (text.textContent = ""));
      }
    },
  };
}

function newRow(name) {
  const sides = [0, 1].map(() => newElement("span", { className: "fill" }));
  const tracks = sides.map((side) => newElement("span", { className: "track" }, side));
  const texts = [0, 1].map(() => newElement("span", { className: "percent" }));
  const label = newElement("span", { className: "name", textContent: name });
  const parts = [texts[0], tracks[0], label, tracks[1], texts[1]];
  return { sides, texts, row: newElement("div", { className: "pair-of-shares" }, ...parts) };
}
