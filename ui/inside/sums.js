// How sums are written: rounded so that what is shown adds up to what is shown as its value.

const DIGITS = 3; // significant ones of the value

/** Decimals with which values up to `most` are shown. */
export function decimalsFor(most) {
  if (!(most > 0)) return DIGITS;
  return Math.min(Math.max(DIGITS - 1 - Math.floor(Math.log10(most)), 0), 6);
}

/**
 * Rounds values to so many decimals such that they add up to their rounded sum: the largest remainders are rounded up.
 * Each is off by less than a unit of the last digit. Returns {values, sum}.
 */
export function roundToSum(values, decimals) {
  const unit = 10 ** decimals;
  const total = Math.round(values.reduce((a, b) => a + b, 0) * unit);
  const floors = values.map((value) => Math.floor(value * unit));
  const missing = total - floors.reduce((a, b) => a + b, 0);
  const order = values.map((value, i) => [value * unit - floors[i], i]).sort(([a, i], [b, j]) => b - a || i - j);
  order.slice(0, missing).forEach(([, i]) => (floors[i] += 1));
  return { values: floors.map((value) => value / unit || 0), sum: total / unit || 0 };
}

/** "0.50", "−0.50": with a true minus sign. */
export function numeral(value, decimals) {
  const text = Math.abs(value).toFixed(decimals);
  return value < 0 && Number(text) !== 0 ? `\u2212${text}` : text;
}

/** "+ 0.50", "− 0.50": as a term of a sum. */
export const signed = (value, decimals) => `${value < 0 ? "\u2212" : "+"} ${Math.abs(value).toFixed(decimals)}`;

/** "map 3, row 4, column 5" or "number 17": counted from 1, as people do. */
export function placeName(place, isVector = place.length === 1) {
  if (isVector) return `number ${place.at(-1) + 1}`;
  const [row, column, channel] = place;
  return `map ${channel + 1}, row ${row + 1}, column ${column + 1}`;
}
