// What a screen reader hears of an answer: once the pen rests, not thirty times a second.

const AFTER = 700; // milliseconds of rest

/** announce: says a sentence; isDrawing: whether it has to wait. Returns {later, stop}. */
export function createSpeech(announce, isDrawing) {
  let waiting = null;

  function later(sentence) {
    clearTimeout(waiting);
    waiting = setTimeout(() => (isDrawing() ? later(sentence) : announce(sentence)), AFTER);
  }

  return { later, stop: () => clearTimeout(waiting) };
}
