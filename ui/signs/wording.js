// A visitor's own signs in words. `mine` is as ui/shared/signs_json.py has it; its `learned` has `names`, and
// `examples`, [id, class, the class that it was taken for] each, where the class after those of the names is for
// anything else.

import { percentsOf, percentText } from "../shared/wording.js";

export const ANYTHING_ELSE = "anything else";
const WORTH_SAYING = 0.1; // the share from which a second thought is mentioned
const FEW = 3; // signs that are named in a sentence
const ALIKE = 0.2; // the share of two signs' examples that were taken for each other, from which they look alike
const MOST_ROWS = 8; // of the table

export const quoted = (name) => `\u201c${name}\u201d`;

const times = (count) => (count === 1 ? "once" : `${count} times`);
const many = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

/** "a", "a and b", "a, b and c", "a, b, c and 4 others". */
export function listed(parts) {
  const shown = parts.length > FEW + 1 ? [...parts.slice(0, FEW), many(parts.length - FEW, "other")] : parts;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

/** How many examples each sign still needs, of those that need any: [{id, name, missing}]. */
export const missingOf = ({ signs }, least) =>
  signs
    .map(({ id, name, examples }) => ({ id, name, missing: least - examples.length }))
    .filter(({ missing }) => missing > 0);

/** The sign that is drawn next: the first that needs examples, or else null. */
export const nextSign = (mine, least) => missingOf(mine, least)[0] ?? null;

export const canLearn = (mine, { least, least_signs }) =>
  mine.signs.length >= least_signs && missingOf(mine, least).length === 0;

/** What there is to do before the button, or how learning goes. status: of the session, or null. */
export function describeTask(mine, status, limits) {
  if (mine.is_learning) {
    const isWaiting = status?.phase === "waiting" && status.position > 0;
    return isWaiting ? `Waiting: number ${status.position} in the queue.` : "Learning takes a few seconds\u2026";
  }
  if (mine.trouble) return mine.trouble;
  const { signs, learned } = mine;
  if (learned?.is_current && learned.examples.length === 0) {
    const more = `They came without drawings: to teach it more, draw each ${limits.least} times.`;
    return `Learned: draw one of the signs. ${more}`;
  }
  if (signs.length < limits.least_signs) {
    return signs.length === 0 ? "Add two signs or more, below." : "Add another sign, to tell this one from.";
  }
  const missing = missingOf(mine, limits.least);
  if (missing.length > 0) {
    const wanted = missing.map(({ name, missing: count }) => {
      const isNew = count === limits.least && count > 1;
      return `${quoted(name)} ${many(count, isNew ? "time" : "more time")}`;
    });
    return `Draw ${listed(wanted)}.`;
  }
  if (!learned) return "Ready: press Learn my signs.";
  if (!learned.is_current) return "You changed something since it learned: press Learn my signs again.";
  return describeLearned(learned);
}

/** How many examples are read right by networks that were not trained on them. */
function describeLearned({ examples }) {
  const right = examples.filter(([, sign, answer]) => sign === answer).length;
  const share = right === examples.length ? `all ${right}` : `${right} of ${examples.length}`;
  const tested = "Tested on each drawing after learning from others alone";
  return `Learned: draw one of your signs. ${tested}, it read ${share} right.`;
}

/** The examples that were misread, by their ids: the name that each was taken for. */
export function misread({ names, examples }) {
  const wrong = examples.filter(([, sign, answer]) => sign !== answer);
  return new Map(wrong.map(([id, , answer]) => [id, names[answer] ?? ANYTHING_ELSE]));
}

/** [{sign, answer, count}], positions among the names, most often first. */
function countConfusions({ examples }) {
  const counts = new Map();
  for (const [, sign, answer] of examples) {
    if (sign === answer) continue;
    const key = `${sign} ${answer}`;
    counts.set(key, { sign, answer, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()].sort((a, b) => b.count - a.count);
}

/** The rows of the table: [what was drawn, what was read, how often]. */
export const confusionRows = (learned) =>
  countConfusions(learned)
    .slice(0, MOST_ROWS)
    .map(({ sign, answer, count }) => [
      learned.names[sign],
      learned.names[answer] ?? ANYTHING_ELSE,
      `${count} of ${learned.examples.filter(([, drawn]) => drawn === sign).length}`,
    ]);

/** What to do about the signs that look most alike to the network; "" where none do. */
export function adviceOn(learned) {
  const { names, examples } = learned;
  const ofSign = (sign) => examples.filter(([, drawn]) => drawn === sign).length;
  const found = countConfusions(learned);
  const taken = (a, b) => found.find(({ sign, answer }) => sign === a && answer === b)?.count ?? 0;
  for (const { sign, answer, count } of found) {
    if (answer === names.length) {
      if (count < 2 || count < ALIKE * ofSign(sign)) continue;
      return `${quoted(names[sign])} was taken ${times(count)} for none of your signs: draw it a few more times.`;
    }
    const both = count + taken(answer, sign);
    if (both < 2 || both < ALIKE * (ofSign(sign) + ofSign(answer))) continue;
    const pair = `${quoted(names[sign])} and ${quoted(names[answer])}`;
    return `${pair} look alike to it. Draw them less alike, or draw more of both.`;
  }
  return "";
}

/** What is said of a live reading: {answer, sure, doubt, best}, `best` the position of the bar that stands out. */
export function verdictOf({ names, shares }) {
  const order = shares.map((_, i) => i).sort((a, b) => shares[b] - shares[a]);
  const [best, second] = order;
  const nameOf = (i) => names[i] ?? ANYTHING_ELSE;
  const isNone = best === names.length;
  const whole = percentsOf(shares)[best];
  const certainty = whole === 100 ? "Over 99% sure" : `${percentText(whole)} sure`;
  const other = second === names.length ? "none of your signs" : quoted(nameOf(second));
  const likelier = isNone ? `It looks most like ${quoted(nameOf(second))}.` : "";
  return {
    best,
    answer: isNone ? "?" : nameOf(best),
    sure: isNone ? "None of your signs" : certainty,
    doubt: likelier || (shares[second] >= WORTH_SAYING ? `Or it could be ${other}.` : ""),
  };
}

/** How large a name can stand as the answer: "short", "long" or "longer". */
export function sizeOfName(name) {
  const letters = [...new Intl.Segmenter().segment(name)].length;
  return letters <= 2 ? "short" : letters <= 10 ? "long" : "longer";
}
