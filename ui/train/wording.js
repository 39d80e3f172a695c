// What a training's status is in words, and which buttons it calls for. A status is as ui/shared/visitors.py sends it.

import { exactPercent } from "../shared/wording.js";

// The accuracy from which a network has learned something, of digits and of harder pictures; guessing gives 0.1.
const [LEARNED, LEARNED_PICTURES] = [0.5, 0.25];
const LARGE_RATE = 0.02; // a learning rate above is the likely reason where it has not

const PHASES = {
  idle: () => "Watch a network learn to read digits: press Start training.",
  waiting: ({ position }) => (position > 0 ? `Waiting: number ${position} in the queue` : "Waiting\u2026"),
  preparing: () => "Getting ready\u2026",
  training: ({ now, message }) =>
    message || `Epoch ${now.epoch} of ${now.epochs}, step ${now.step} of ${now.steps_per_epoch}`,
  teaching: () => "Learning your examples\u2026",
  learning: () => "Learning your signs\u2026",
  testing: () => "Reading 10,000 test pictures\u2026",
  paused: () => "Paused.",
  done(status) {
    const { comparison } = status;
    if (!comparison) return `${endOf(status)}.`;
    return `${endOf(status)}: ${exactPercent(comparison.after.accuracy)} of the test pictures are read correctly.`;
  },
  failed: () => "That did not work.",
};

/** How it came to an end, in a word or two. A training's `now` is its last step; an uploaded network has none. */
function endOf({ lesson, now }) {
  if (lesson) return "Taught";
  if (!now) return "Tested";
  return now.done < 1 ? "Stopped early" : "Done";
}

/** Whether what was trained reads no better than by chance. */
export const hasNotLearned = ({ phase, comparison }) =>
  phase === "done" &&
  Boolean(comparison) &&
  comparison.after.accuracy < (comparison.dataset === "mnist" ? LEARNED : LEARNED_PICTURES);

/** What to do about a training of which nothing came; "" where it is not known. */
function adviceOn({ settings }) {
  const rate = settings?.learning_rate;
  return rate > LARGE_RATE ? `A learning rate of ${rate} is too large: try 0.001.` : "";
}

export const describePhase = (status) => PHASES[status.phase](status);

/** The network that was trained is in use, and tested. */
export const isInUse = (status, mine) => status.phase === "done" && Boolean(mine.is_tested);

/** The line under the phase. */
export function describeDetails(status, mine) {
  const { phase, message, now } = status;
  if (phase === "failed") return [message, adviceOn(status)].filter(Boolean).join(" ");
  if (message && phase !== "training") return message;
  if (hasNotLearned(status)) {
    return `It has learned very little. ${adviceOn(status) || "Give it more pictures or more epochs."}`;
  }
  if (isInUse(status, mine)) {
    if (mine.reads_digits) return "It reads your drawings and photos now.";
    return "It is in use. It does not read digits, so the best network goes on to read drawings and photos.";
  }
  if (phase === "done" && status.resumable && !now) {
    return "The file holds a training that is not finished: Resume goes on with it where it was saved.";
  }
  if (phase === "paused") return "Nothing is lost: Resume continues as if it had never stopped.";
  return now && phase !== "idle" ? describeSpeed(phase, now) : "";
}

function describeSpeed(phase, { images_per_second, seconds, seconds_left }) {
  const speed = `${Math.round(images_per_second).toLocaleString("en")} pictures a second`;
  const time = phase === "training" ? `${duration(seconds_left)} left` : `${duration(seconds)} of training`;
  return `${speed} \u00b7 ${time}`;
}

export const duration = (seconds) =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;

/** Which buttons can be seen, by their class, and `main`, the one that most would press next. */
export function buttonsOf(status, mine) {
  const { phase, active, resumable, result } = status;
  const isPaused = phase === "paused";
  const isRunning = ["waiting", "preparing", "training"].includes(phase);
  const canTry = isInUse(status, mine) && mine.reads_digits;
  const next = hasNotLearned(status) ? "start" : result ? "use" : canTry ? "try" : "start";
  return {
    start: !active && !isPaused,
    resume: !active && resumable,
    pause: phase === "training",
    stop: isRunning || isPaused || phase === "testing",
    after: !active && Boolean(result),
    "in-use": canTry,
    main: isPaused ? "resume" : next,
  };
}

/** What the buttons that change their text say. */
export const startText = ({ settings }) => (settings ? "Start another" : "Start training");
export const stopText = ({ phase }) => (phase === "training" || phase === "paused" ? "Stop and test" : "Stop");

export function describeModel({ own, weights, reads_digits: readsDigits }) {
  if (own && !readsDigits) return "Your own network is in use. It does not read digits: the best network does.";
  const shipped = weights === "seed" ? "the simple network" : "the best network";
  const name = own ? "your own network" : shipped;
  return `Drawings and photos are read by ${name}.`;
}
