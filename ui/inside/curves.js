// Curves of the shares over the range of a variation, as the text of an SVG.

export const [WIDTH, HEIGHT] = [240, 56];

/** rows: shares of each point, -> the index of the winner from each point on: [{start, end, winner}], in points. */
export function winnersOf(rows) {
  const runs = [];
  rows.forEach((row, point) => {
    const winner = row.indexOf(Math.max(...row));
    if (runs.at(-1)?.winner === winner) runs.at(-1).end = point;
    else runs.push({ start: point, end: point, winner });
  });
  return runs;
}

/** The path of one class's share over the range. */
export function pathOf(rows, index) {
  const step = WIDTH / (rows.length - 1);
  const points = rows.map((row, point) => `${(point * step).toFixed(1)} ${((1 - row[index]) * HEIGHT).toFixed(1)}`);
  return `M${points.join("L")}`;
}

/** Which classes matter anywhere: those that win, and those above `least`. */
export function shownClasses(rows, least = 0.15) {
  const classes = rows[0].map((_, index) => index);
  return classes.filter((index) => rows.some((row) => row[index] >= least));
}

/** Where along the range an amount lies, 0 to 1. */
export const shareOf = ({ low, high }, amount) => (amount - low) / (high - low);
