// Neighbours: 2,000 of MNIST's test digits on a fixed map, by what the last layer sees of them, and the drawing on it.

import { paintPicture } from "../shared/picture.js";
import { curveColour } from "./colours.js";
import { DIGITS, newElement } from "./elements.js";
import { decodeFloats } from "./looking.js";
import { paced } from "./paced.js";

const SIZE = 640; // pixels of the map's canvas
const MARGIN = 16;

const WORDS = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight"];

const placeOn = ([x, y]) => [x, y].map((share) => MARGIN + share * (SIZE - 2 * MARGIN));

export function createNeighbours({ element, looking }) {
  const box = element.querySelector(".neighbours");
  const canvas = box.querySelector(".map canvas");
  const names = box.querySelector(".names");
  const dot = box.querySelector(".dot-here");
  const list = box.querySelector(".nearest");
  const said = box.querySelector(".line");
  const loading = box.querySelector(".loading");
  let map = null; // {places: pairs, labels}
  let nearest = []; // of the answer that is shown

  const askForMap = paced(
    () => looking.explain("map", { picture: null, copy: null, moment: null }),
    ({ places, labels }) => {
      const values = decodeFloats(places);
      const pairs = Array.from(labels, (_, i) => [values[2 * i], values[2 * i + 1]]);
      map = { places: pairs, labels: [...labels].map(Number) };
      loading.hidden = true;
      names.replaceChildren(...DIGITS.map(newName));
      paint();
    },
  );
  const ask = paced(
    () => looking.explain("neighbours"),
    (answer) => {
      nearest = answer.nearest;
      paint();
      const [x, y] = placeOn(answer.place).map((at) => `${(100 * at) / SIZE}%`);
      Object.assign(dot.style, { left: x, top: y });
      dot.hidden = false;
      list.replaceChildren(...nearest.map(newNeighbour));
      said.textContent = sentenceFor(nearest);
    },
  );

  /** The digit's name, where the middle of its digits is. */
  function newName(digit) {
    const own = map.places.filter((_, i) => map.labels[i] === digit);
    const middle = [0, 1].map((axis) => own.map((place) => place[axis]).sort((a, b) => a - b)[own.length >> 1]);
    const [left, top] = placeOn(middle).map((at) => `${(100 * at) / SIZE}%`);
    const name = newElement("b", { textContent: digit });
    Object.assign(name.style, { left, top });
    return name;
  }

  function paint() {
    if (!map) return;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, SIZE, SIZE);
    map.places.forEach((place, i) => {
      const [x, y] = placeOn(place);
      context.fillStyle = curveColour(map.labels[i]);
      context.fillRect(x - 2, y - 2, 4, 4);
    });
    context.strokeStyle = getComputedStyle(canvas).color;
    context.lineWidth = 2;
    for (const { index } of nearest) {
      context.beginPath();
      context.arc(...placeOn(map.places[index]), 7, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  function newNeighbour({ picture, label, distance }) {
    const image = newElement("canvas");
    paintPicture(image, picture);
    image.setAttribute("role", "img");
    image.setAttribute("aria-label", `A ${label} of MNIST`);
    const name = newElement("b", { textContent: label });
    name.style.color = curveColour(label);
    const caption = newElement("figcaption", {}, name, ` at ${distance.toFixed(1)}`);
    return newElement("figure", {}, newElement("div", { className: "picture" }, image), caption);
  }

  return {
    onLook: ask,
    onOpen() {
      if (!map) askForMap();
      if (!looking.isEmpty) ask();
    },
    onEmpty() {
      ask.forget();
      nearest = [];
      dot.hidden = true;
      list.replaceChildren();
      said.textContent = "";
      paint();
    },
  };
}

/** What the eight nearest are, in words. */
export function sentenceFor(nearest) {
  const counts = new Map();
  for (const { label } of nearest) counts.set(label, (counts.get(label) ?? 0) + 1);
  const [[most, count], ...others] = [...counts].sort(([, a], [, b]) => b - a);
  if (others.length === 0) return `All ${WORDS[count]} nearest are ${most}s.`;
  const named = ([label, number]) => `${WORDS[number]} ${number === 1 ? `is a ${label}` : `are ${label}s`}`;
  return `Of its eight nearest, ${[[most, count], ...others].map(named).join(", ")}.`;
}
