// The cards of a visitor's signs: the name, the examples as small pictures, how many more are needed.

import { paintPicture } from "../shared/picture.js";
import { quoted } from "./wording.js";

const CROSS = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 6l12 12M18 6 6 18" /></svg>';
const PICTURE =
  '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01" /></svg>';

/**
 * cardList: the element for the cards. onRename(id, name), onRemove(id), onUpload(id), onRemoveExample(id): what the
 * visitor wants; onRename resolves to whether it could be done. Returns what shows the signs.
 */
export function createCards(cardList, { onRename, onRemove, onUpload, onRemoveExample }) {
  const cards = new Map(); // by the id of the sign

  /** pictures: by the ids of examples, as far as they are known; wrong: the names that examples were taken for. */
  return function show({ signs }, { least, pictures, wrong }) {
    for (const [id, card] of cards) {
      if (signs.some((sign) => sign.id === id)) continue;
      card.remove();
      cards.delete(id);
    }
    signs.forEach((sign, i) => {
      if (!cards.has(sign.id)) cards.set(sign.id, newCard(sign));
      const card = cards.get(sign.id);
      if (cardList.children[i] !== card) cardList.insertBefore(card, cardList.children[i] ?? null);
      showSign(card, sign, { least, pictures, wrong });
    });
  };

  function newCard({ id, name }) {
    const card = document.createElement("li");
    card.className = "card";
    const input = Object.assign(document.createElement("input"), { className: "name", value: name, maxLength: 200 });
    Object.assign(input, { autocomplete: "off", spellcheck: false });
    input.dataset.name = name;
    const rename = async () => {
      if (input.value === input.dataset.name) return setInvalid(input, false);
      setInvalid(input, !(await onRename(id, input.value)));
    };
    input.addEventListener("change", rename);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") input.blur();
      if (event.key !== "Escape") return;
      input.value = input.dataset.name;
      setInvalid(input, false);
    });
    const head = document.createElement("div");
    head.className = "head";
    head.append(
      input,
      newButton("upload", PICTURE, () => onUpload(id)),
      newButton("remove", CROSS, () => onRemove(id)),
    );
    const needs = document.createElement("p");
    needs.className = "hint needs";
    const examples = document.createElement("ul");
    examples.className = "examples";
    card.append(head, needs, examples);
    return card;
  }

  function showSign(card, { name, examples }, { least, pictures, wrong }) {
    const input = card.querySelector("input");
    const isEdited = input.value !== input.dataset.name;
    input.dataset.name = name;
    if (!isEdited) input.value = name;
    if (input.value === name) setInvalid(input, false);
    input.ariaLabel = `Name of the sign ${quoted(name)}`;
    setName(card.querySelector(".upload"), `Upload pictures of ${quoted(name)}`);
    setName(card.querySelector(".remove"), `Delete the sign ${quoted(name)}`);
    card.querySelector(".needs").textContent = needsOf(examples.length, least);
    card.classList.toggle("ready", examples.length >= least);
    const shown = JSON.stringify([name, examples.map((id) => [id, pictures.has(id), wrong.get(id)])]);
    if (card.dataset.shown === shown) return;
    card.dataset.shown = shown;
    const list = card.querySelector(".examples");
    const focused = [...list.children].findIndex((item) => item.contains(document.activeElement));
    list.replaceChildren(...examples.map((id) => newExample(id, name, pictures.get(id), wrong.get(id))));
    list.children[Math.min(focused, examples.length - 1)]?.firstElementChild.focus(); // whose neighbour was deleted
  }

  function newExample(id, name, picture, takenFor) {
    const item = document.createElement("li");
    const button = newButton("example", CROSS, () => onRemoveExample(id));
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 28;
    canvas.ariaHidden = "true";
    if (picture) paintPicture(canvas, picture);
    button.prepend(canvas);
    const mark = takenFor === undefined ? "" : `, which was taken for ${quoted(takenFor)}`;
    setName(button, `Delete this ${quoted(name)}${mark}`);
    button.classList.toggle("wrong", takenFor !== undefined);
    item.append(button);
    if (takenFor === undefined) return item;
    const taken = Object.assign(document.createElement("span"), { className: "taken", textContent: `${takenFor}?` });
    taken.ariaHidden = "true"; // the button's name says it
    item.append(taken);
    return item;
  }
}

/** How many more are needed, or how many there are. */
export function needsOf(count, least) {
  if (count >= least) return `${count} drawings`;
  return count === 0 ? `${least} drawings needed` : `${count} of ${least}: ${least - count} more`;
}

function newButton(className, svg, onClick) {
  const button = Object.assign(document.createElement("button"), { type: "button", className, innerHTML: svg });
  button.addEventListener("click", onClick);
  return button;
}

function setName(button, name) {
  button.ariaLabel = button.title = name;
}

function setInvalid(input, isInvalid) {
  input.ariaInvalid = isInvalid ? "true" : null;
}
