// Questions that are asked no more often than the server bears from one page: ui/server/rates.py, "action".

const GAP = 125; // milliseconds from one question to the next
const RETRY = 1000; // milliseconds before a question that was not answered is asked again

/**
 * Calls `ask`, and `show` with its answer. null: there is nothing to show; undefined: there was no answer, and the
 * question is asked again, unless there is another one. One question is under way at a time; of those that come
 * meanwhile the newest is asked next. `forget()`: what is under way is not shown, because what it was asked about is
 * gone. pause: resolves after so many milliseconds.
 */
export function paced(ask, show, { gap = GAP, pause = (time) => new Promise((then) => setTimeout(then, time)) } = {}) {
  let next = null; // what is asked next: the arguments
  let isAsking = false;
  let forgotten = 0;

  async function askAndShow(...values) {
    next = values;
    if (isAsking) return;
    isAsking = true;
    try {
      while (next) {
        const [asked, before, rest] = [next, forgotten, pause(gap)];
        next = null;
        const answer = await ask(...asked);
        if (answer && forgotten === before) show(answer, ...asked);
        await rest;
        if (answer !== undefined || next || forgotten !== before) continue;
        await pause(RETRY);
        if (forgotten === before) next ??= asked;
      }
    } finally {
      isAsking = false;
    }
  }

  function forget() {
    forgotten += 1;
    next = null;
  }

  return Object.assign(askAndShow, { forget });
}
