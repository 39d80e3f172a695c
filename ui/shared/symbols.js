// What was read in a drawing or photo, in reading order: digits and what separates them.

/** The symbols of the server's answer, in reading order. */
export function symbolsOf({ symbols, digits, text }) {
  const digitsLeft = [...digits];
  const gaps = gapsIn(text);
  return symbols.map(({ symbol, column, ...rest }, i) => ({
    ...(/^[0-9?]$/.test(symbol) ? digitsLeft.shift() : { ...rest, separator: symbol }),
    column: column ?? null,
    followsGap: gaps.has(i),
  }));
}

/** Numbers of the symbols that follow a space in the text. */
function gapsIn(text) {
  const gaps = new Set();
  let count = 0;
  for (const character of text) {
    if (character === " ") gaps.add(count);
    else if (character !== "\n" && character !== "\t") count += 1;
  }
  return gaps;
}

/** Indices of the symbols, line by line from the top. */
export function linesOf(symbols) {
  const lines = new Map();
  symbols.forEach(({ line }, i) => lines.set(line, [...(lines.get(line) ?? []), i]));
  return [...lines.values()];
}
