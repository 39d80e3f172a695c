// Readings as a CSV file (RFC 4180).

import { textOf } from "../shared/wording.js";
import { linesOf } from "./digits.js";

const HEADER = ["line", "place", "answer", "read_as", "confidence", "x", "y", "width", "height"];

/** A row per digit, without those that are left out. */
export function csvOf(digits, answers) {
  const rows = linesOf(digits).flatMap((line, number) =>
    line.flatMap((i, place) => {
      const digit = digits[i];
      return answers[i] ? [[number + 1, place + 1, answers[i], textOf(digit), digit.confidence, ...digit.box]] : [];
    }),
  );
  return [HEADER, ...rows].map((row) => `${row.map(fieldOf).join(",")}\r\n`).join("");
}

/** A spreadsheet would run some texts as formulas, so those begin with an apostrophe: OWASP, "CSV injection". */
export function fieldOf(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
