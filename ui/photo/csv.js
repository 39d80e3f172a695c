// Readings as a CSV file (RFC 4180).

import { linesOf } from "../shared/symbols.js";
import { textOf } from "../shared/wording.js";

const HEADER = ["line", "column", "place", "answer", "read_as", "confidence", "x", "y", "width", "height"];

/** A row per symbol, without those that are left out. line: of a table its row; column: empty outside of tables. */
export function csvOf(symbols, answers) {
  const rows = linesOf(symbols).flatMap((line, number) =>
    line.flatMap((i, place) => {
      const { column = null, confidence, box } = symbols[i];
      if (!answers[i]) return [];
      const row = column === null ? number + 1 : symbols[i].line + 1;
      return [[row, column === null ? "" : column + 1, place + 1, answers[i], textOf(symbols[i]), confidence, ...box]];
    }),
  );
  return [HEADER, ...rows].map((row) => `${row.map(fieldOf).join(",")}\r\n`).join("");
}

/** A spreadsheet would run some texts as formulas, so those begin with an apostrophe: OWASP, "CSV injection". */
export function fieldOf(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
