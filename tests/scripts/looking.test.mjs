import assert from "node:assert/strict";
import { test } from "node:test";

import { Looking } from "../../ui/inside/looking.js";
import { watchSight } from "../../ui/inside/sight.js";
import { newClock, settle } from "./clock.mjs";

const clock = newClock();
performance.now = clock.now;

/** A Looking at a pad with ink whose looks are answered by hand: {looking, answers}. */
async function newLooking() {
  const answers = []; // what answers each look under way
  const server = {
    explain: async () => ({ layers: [] }),
    look: () => new Promise((resolve) => answers.push(resolve)),
  };
  const looking = new Looking(server, () => ({ image: "ink", point: null }));
  looking.show(true);
  await settle();
  return { looking, answers };
}

const readAs = (digit) => ({ shares: { digit }, picture: "a picture", maps: [] });

test("the first dot of a digit, in which nothing is read, does not stop the rest from being shown", async () => {
  const { looking, answers } = await newLooking();
  looking.inkChanged();
  await clock.pass(50);
  assert.equal(answers.length, 2);
  answers[0]({ empty: true });
  await settle();
  answers[1](readAs(3));
  await settle();
  assert.equal(looking.shares?.digit, 3);
});

test("of what is told at once about a tab's sight, the last counts: so it looks again at new ink", () => {
  let tell;
  globalThis.IntersectionObserver = class {
    constructor(hear) {
      tell = (...all) => hear(all.map((isIntersecting) => ({ isIntersecting })));
    }
    observe() {}
  };
  const heard = [];
  watchSight(null, (isSeen) => heard.push(isSeen));
  tell(true);
  tell(false, true); // it left and came back between two turns of a busy browser
  tell(true, false);
  assert.deepEqual(heard, [true, true, false]);
});
