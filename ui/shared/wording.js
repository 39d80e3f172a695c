// How a read digit is put into words. A digit is {digit: 0 to 9, or null for a non-digit, confidence, probs, ...}, as
// the server answers it.

export const NO_CONNECTION = "There is no connection. Please try again.";

const DOUBTFUL = 0.9; // a digit with less confidence is marked
const CERTAIN = 0.995; // more is never said than "over 99%"
const WORTH_SAYING = 0.1; // the probability from which a second thought is mentioned

export const textOf = ({ digit }) => (digit === null ? "?" : String(digit));
export const isDoubtful = ({ digit, confidence }) => digit === null || confidence < DOUBTFUL;

export const percent = (share) => `${Math.round(100 * share)}%`;

/** A share that is close to 1, with two decimals where they matter. */
export const exactPercent = (share) => `${(100 * share).toFixed(share < 0.9 ? 0 : 2)}%`;

export const certainty = (share) => (share >= CERTAIN ? "Over 99% sure" : `${percent(share)} sure`);

/** The same for a cell of a table. */
export function shortCertainty({ digit, confidence }) {
  if (digit === null) return "no digit";
  return confidence >= CERTAIN ? "> 99%" : percent(confidence);
}

/** What else it could be; "" where nothing else is likely enough. */
export function secondThought({ digit, probs }) {
  if (digit === null) return "The bars show what comes nearest.";
  const [, second] = probs.map((_, i) => i).sort((a, b) => probs[b] - probs[a]);
  return probs[second] >= WORTH_SAYING ? `Or it could be ${second === 8 ? "an" : "a"} ${second}.` : "";
}
