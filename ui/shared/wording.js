// How a read digit is put into words. A digit is {digit: 0 to 9, or null for a non-digit, shares: those of the ten
// digits and of "not a digit", which add up to 1, ...}, as the server answers it. Between the digits of a photo there
// may be a separator, {separator: such as "/", confidence, ...}.

export const NO_CONNECTION = "There is no connection. Please try again.";

const DOUBTFUL = 0.9; // a digit with a smaller share is marked
const WORTH_SAYING = 0.1; // the share from which a second thought is mentioned
const REJECT = 10; // index of "not a digit" among the shares

export const textOf = ({ digit, separator }) => separator ?? (digit === null ? "?" : String(digit));
const shareOf = ({ digit, shares, confidence }) => (shares ? shares[digit ?? REJECT] : confidence);
export const isDoubtful = (read) => read.digit === null || shareOf(read) < DOUBTFUL;

/** Whole percentages that add up to 100: each share is rounded down, and those that lose most by it are rounded up. */
export function percentsOf(shares) {
  const total = shares.reduce((sum, share) => sum + share, 0) || 1;
  const exact = shares.map((share) => (100 * share) / total);
  const percents = exact.map(Math.floor);
  const missing = 100 - percents.reduce((sum, percent) => sum + percent, 0);
  const byLoss = exact.map((_, i) => i).sort((a, b) => exact[b] - percents[b] - (exact[a] - percents[a]));
  for (const i of byLoss.slice(0, missing)) percents[i] += 1;
  return percents;
}

/** A share as a whole percentage. */
export const percent = (share) => `${Math.round(100 * share)}%`;

/** What a bar says: nothing is ever quite sure. whole: a whole percentage. */
export const percentText = (whole) => (whole === 100 ? ">99%" : `${whole}%`);

/** A share that is close to 1, with two decimals where they matter. */
export const exactPercent = (share) => `${(100 * share).toFixed(share < 0.9 ? 0 : 2)}%`;

const percentFor = (read) => (read.shares ? percentsOf(read.shares)[read.digit] : Math.round(100 * read.confidence));

/** The same as the bar of a digit says. */
export function certainty(read) {
  if (read.digit === null) return "Not a digit";
  const whole = percentFor(read);
  return whole === 100 ? "Over 99% sure" : `${whole}% sure`;
}

/** The same for a cell of a table. */
export function shortCertainty(read) {
  return read.digit === null ? "not a digit" : percentText(percentFor(read));
}

/** A digit as a noun: "a 7", "an 8". */
export const withArticle = (digit) => `${Number(digit) === 8 ? "an" : "a"} ${digit}`;

/** What else it could be; "" where nothing else is likely enough. */
export function secondThought({ digit, shares }) {
  const [first, second] = shares.slice(0, REJECT).map((_, i) => i).sort((a, b) => shares[b] - shares[a]);
  if (digit === null) return `It looks most like ${withArticle(first)}.`;
  if (shares[REJECT] >= Math.max(WORTH_SAYING, shares[second])) return "Or it could be no digit at all.";
  return shares[second] >= WORTH_SAYING ? `Or it could be ${withArticle(second)}.` : "";
}
