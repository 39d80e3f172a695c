import assert from "node:assert/strict";
import { File } from "node:buffer";
import { test } from "node:test";

import { createAlbum } from "../../ui/photo/album.js";
import { csvOf, fieldOf } from "../../ui/photo/csv.js";
import {
  indexAfterKey,
  nameOf,
  nearestInLine,
  placeOf,
  squareAround,
  textLines,
} from "../../ui/photo/digits.js";
import { createPhotoRequests } from "../../ui/photo/request.js";
import { tooLarge } from "../../ui/shared/files.js";
import { linesOf, symbolsOf } from "../../ui/shared/symbols.js";
import { textOf } from "../../ui/shared/wording.js";
import { settle } from "./clock.mjs";

globalThis.File ??= File; // Node 18

// 1 2 3 above 4 and a non-digit.
const DIGITS = [
  { digit: 1, confidence: 0.99, line: 0, box: [0, 0, 10, 20] },
  { digit: 2, confidence: 0.5, line: 0, box: [50, 0, 10, 20] },
  { digit: 3, confidence: 0.9, line: 0, box: [100, 0, 10, 20] },
  { digit: 4, confidence: 0.9, line: 1, box: [95, 40, 10, 20] },
  { digit: null, confidence: 0.4, line: 1, box: [10, 40, 10, 20] },
];

test("digits are grouped by their lines", () => {
  assert.deepEqual(linesOf(DIGITS), [[0, 1, 2], [3, 4]]);
  assert.deepEqual(linesOf([]), []);
});

test("the text leaves out what the visitor left out, and lines of which nothing is left", () => {
  assert.deepEqual(textLines(DIGITS, ["1", "", "33", "4", "?"]), ["133", "4?"]);
  assert.deepEqual(textLines(DIGITS, ["1", "2", "3", "", ""]), ["123"]);
});

/** The server's answer to these symbols, each [symbol, line, column]. */
function answerOf(text, ...symbols) {
  const rest = { box: [0, 0, 1, 1], confidence: 1 };
  const all = symbols.map(([symbol, line, column = null]) => ({ symbol, line, column, ...rest }));
  const digits = all.filter(({ symbol }) => /[0-9?]/.test(symbol));
  return { text, symbols: all, digits: digits.map(({ symbol, ...other }) => ({ digit: Number(symbol), ...other })) };
}

const textOfAll = (symbols, cells) => textLines(symbols, symbols.map(textOf), cells);

test("separators stand between the digits, and a gap between words", () => {
  const symbols = symbolsOf(answerOf("1/2 3\n-4", ["1", 0], ["/", 0], ["2", 0], ["3", 0], ["-", 1], ["4", 1]));
  assert.deepEqual(symbols.map(({ digit, separator }) => separator ?? digit), [1, "/", 2, 3, "-", 4]);
  assert.deepEqual(symbols.map(({ followsGap }) => followsGap), [false, false, false, true, false, false]);
  assert.deepEqual(textOfAll(symbols), ["1/2 3", "-4"]);
  assert.deepEqual(textLines(symbols, ["1", "", "2", "", "-", "4"]), ["12", "-4"]);
  assert.equal(nameOf(symbols, 1), "separator 2 of line 1");
});

test("the cells of a table are parted by tabs, and its rows and columns go into the CSV", () => {
  const symbols = symbolsOf(answerOf("12\t3\n\t4", ["1", 0, 0], ["2", 0, 0], ["3", 0, 1], ["4", 1, 1]));
  assert.deepEqual(textOfAll(symbols, [2, 2]), ["12\t3", "\t4"]);
  assert.equal(nameOf(symbols, 1), "digit 2 of row 1, column 1");
  assert.equal(nameOf(symbols, 3), "digit 1 of row 2, column 2");
  const rows = csvOf(symbols, ["1", "2", "3", "4"]).split("\r\n").slice(1, 5);
  assert.deepEqual(rows.map((row) => row.split(",").slice(0, 2).join()), ["1,1", "1,1", "1,2", "2,2"]);
});

test("a sudoku is nine lines of nine, and a point is an empty cell", () => {
  const symbols = symbolsOf(answerOf("5........\n", ["5", 0, 0], ["7", 8, 8]));
  const lines = textOfAll(symbols, [9, 9]);
  assert.deepEqual([lines.length, lines[0], lines[1], lines[8]], [9, "5........", ".........", "........7"]);
});

test("photos that were sent together are read when they are looked at, and keep what was corrected", () => {
  const newButton = () => {
    const button = { disabled: false, press: null };
    button.addEventListener = (_, does) => (button.press = does);
    return button;
  };
  const [previous, next] = [newButton(), newButton()];
  const sentence = { textContent: "" };
  const parts = { p: sentence, ".previous": previous, ".next": next };
  const log = [];
  let screen = "";
  const element = { hidden: true, querySelector: (selector) => parts[selector] };
  const album = createAlbum({
    element,
    onRead: (file) => log.push(`read ${file}`),
    state: () => screen,
    onReturn: (state) => log.push(`again ${state}`),
  });
  album.open(["a", "b"]);
  screen = "corrected a";
  album.arrived();
  next.press();
  assert.equal(sentence.textContent, "Photo 2 of 2");
  assert.deepEqual([previous.disabled, next.disabled, element.hidden], [false, true, false]);
  previous.press(); // before b was read: what is on the screen is not b's
  next.press();
  assert.deepEqual(log, ["read a", "read b", "again corrected a", "read b"]);
  album.open(["c"]);
  assert.equal(element.hidden, true);
});

test("up and down go to the nearest digit of the next line, and stay where there is none", () => {
  assert.equal(nearestInLine(DIGITS, 0, 1), 4);
  assert.equal(nearestInLine(DIGITS, 2, 1), 3);
  assert.equal(nearestInLine(DIGITS, 4, -1), 0);
  assert.equal(nearestInLine(DIGITS, 3, 1), 3);
  assert.equal(nearestInLine(DIGITS, 1, -1), 1);
});

test("the arrow keys stop at the ends", () => {
  const from = (key, i) => indexAfterKey(key, DIGITS, i);
  assert.deepEqual(["ArrowRight", "ArrowLeft", "Home", "End"].map((key) => from(key, 2)), [3, 1, 0, 4]);
  assert.equal(from("ArrowRight", 4), 4);
  assert.equal(from("ArrowLeft", 0), 0);
  assert.equal(from("7", 2), undefined);
});

test("a box lies at the same share of the photo, whatever its size on the page", () => {
  const place = placeOf([50, 20, 100, 10], { width: 200, height: 40 });
  assert.deepEqual(place, { left: "25%", top: "50%", width: "50%", height: "25%" });
});

test("a crop is a square around its digit's middle", () => {
  assert.deepEqual(squareAround([10, 20, 4, 8], 0.25), [6, 18, 12, 12]);
});

test("the CSV has a row per digit that is not left out", () => {
  const lines = csvOf(DIGITS, ["1", "", "8", "4", "?"]).split("\r\n");
  assert.deepEqual(lines, [
    "line,column,place,answer,read_as,confidence,x,y,width,height",
    "1,,1,1,1,0.99,0,0,10,20",
    "1,,3,8,3,0.9,100,0,10,20",
    "2,,1,4,4,0.9,95,40,10,20",
    "2,,2,?,?,0.4,10,40,10,20",
    "",
  ]);
});

test("a field that a spreadsheet would run as a formula becomes text, and separators are quoted", () => {
  assert.deepEqual(["=1+1", "+1", "-1", "@a", "7", "a,b", 'say "7"', "a\nb"].map(fieldOf), [
    "'=1+1",
    "'+1",
    "'-1",
    "'@a",
    "7",
    '"a,b"',
    '"say ""7"""',
    '"a\nb"',
  ]);
  assert.equal(fieldOf(-0.5), "-0.5");
});

test("a file above 20 MB is not sent, and its size is said", () => {
  assert.equal(tooLarge(20_000_000), "");
  assert.match(tooLarge(20_100_000), /20\.1 MB, and at most 20 MB/);
});

/** Photo requests whose server and upload are answered by hand. */
function newRequests() {
  const log = [];
  const pending = { reads: [], uploads: [] };
  const promise = (list, argument) => new Promise((resolve, reject) => list.push({ argument, resolve, reject }));
  const requests = createPhotoRequests({
    server: { read: (photo) => promise(pending.reads, photo) },
    upload: (file) => promise(pending.uploads, file),
    onBegin: (sentence) => log.push(`begin ${sentence}`),
    onStep: (sentence) => log.push(sentence),
    onEnd: () => log.push("end"),
    onAnswer: (answer, readAgain) => log.push({ answer, readAgain }),
    onTrouble: (sentence, tryAgain) => log.push({ sentence, tryAgain }),
  });
  return { requests, log, pending };
}

test("a photo is uploaded, read, and read again as far turned as the visitor wants", async () => {
  const { requests, log, pending } = newRequests();
  requests.readFile(new File(["x"], "a.jpg"));
  pending.uploads[0].resolve({ path: "/uploads/x" });
  await settle();
  assert.deepEqual(pending.reads[0].argument, { path: "/uploads/x", network: "digits" });
  pending.reads[0].resolve({ digits: [] });
  await settle();
  assert.deepEqual(log.slice(0, 3), ["begin Sending the photo\u2026", "Reading\u2026", "end"]);
  log.at(-1).readAgain(3);
  pending.uploads[1].resolve({ path: "/uploads/y" });
  await settle();
  assert.equal(pending.reads[1].argument.turns, 3);
  pending.reads[1].resolve({ digits: [] });
  await settle();
  log.at(-1).readAgain(2);
  pending.uploads[2].resolve({ path: "/uploads/z" });
  await settle();
  assert.equal(pending.reads[2].argument.turns, 1);
  pending.reads[2].resolve({ digits: [] });
});

test("only the photo that was chosen last is shown", async () => {
  const { requests, log, pending } = newRequests();
  requests.readExample("ruled");
  requests.readExample("board");
  pending.reads[1].resolve({ digits: ["second"] });
  pending.reads[0].resolve({ digits: ["first"] });
  await settle();
  assert.deepEqual(log.filter(({ answer }) => answer).map(({ answer }) => answer.digits), [["second"]]);
});

test("a photo without a connection can be tried again, one that the server refuses cannot", async () => {
  const { requests, log, pending } = newRequests();
  requests.readExample("ruled");
  pending.reads[0].reject(new Error("offline"));
  await settle();
  assert.match(log.at(-1).sentence, /no connection/);
  log.at(-1).tryAgain();
  pending.reads[1].resolve({ error: "There is no such example." });
  await settle();
  assert.deepEqual(log.at(-1), { sentence: "There is no such example.", tryAgain: null });
});
