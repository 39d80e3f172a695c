// A clock that tests set by hand, in place of setTimeout and performance.now.

/** Replaces the timers for the rest of the file. Returns {now, pass(milliseconds)}. */
export function newClock() {
  let now = 1000;
  let timers = []; // each {id, due, callback}
  let id = 0;
  globalThis.setTimeout = (callback, delay) => {
    timers.push({ id: ++id, due: now + delay, callback });
    return id;
  };
  globalThis.clearTimeout = (cleared) => (timers = timers.filter((timer) => timer.id !== cleared));

  /** Lets time pass, timer by timer, and every promise that is settled by then run on. */
  async function pass(milliseconds = 0) {
    const end = now + milliseconds;
    await settle();
    for (;;) {
      const [next] = timers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due);
      if (!next) break;
      now = Math.max(now, next.due);
      globalThis.clearTimeout(next.id);
      next.callback();
      await settle();
    }
    now = end;
  }

  return { now: () => now, pass };
}

/** Waits until no promise is left that could run on by itself. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));
