// What a training's status is in words, and which buttons it calls for. A status is as ui/shared/visitors.py sends it.

import { exactPercent } from "../shared/wording.js";

const PHASES = {
  idle: () => "Watch a network learn to read digits: press Start.",
  waiting: ({ position }) => (position > 0 ? `Waiting: number ${position} in the queue` : "Waiting\u2026"),
  preparing: () => "Getting ready\u2026",
  training: ({ now, message }) => message || `Epoch ${now.epoch} of ${now.epochs}, step ${now.step} of ${now.steps_per_epoch}`,
  teaching: () => "Learning your examples\u2026",
  testing: () => "Reading 10,000 test pictures\u2026",
  paused: () => "Paused.",
  done({ comparison, lesson }) {
    if (!comparison) return "Done.";
    const accuracy = exactPercent(comparison.after.accuracy);
    return `${lesson ? "Taught" : "Done"}: ${accuracy} of the test pictures are read right.`;
  },
  failed: () => "That did not work.",
};

export const describePhase = (status) => PHASES[status.phase](status);

/** The network that was trained is in use, and tested. */
export const isInUse = (status, mine) => status.phase === "done" && Boolean(mine.is_tested);

/** The line under the phase. */
export function describeDetails(status, mine) {
  const { phase, message, now } = status;
  if (message && phase !== "training") return message;
  if (isInUse(status, mine)) return "It reads your drawings and photos now.";
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
  return {
    start: !active && !isPaused,
    resume: !active && resumable,
    pause: phase === "training",
    stop: isRunning || isPaused || phase === "testing",
    after: !active && Boolean(result),
    "in-use": isInUse(status, mine),
    main: isPaused ? "resume" : result ? "use" : isInUse(status, mine) ? "try" : "start",
  };
}

/** What the buttons that change their text say. */
export const startText = ({ settings }) => (settings ? "Start another" : "Start training");
export const stopText = ({ phase }) => (phase === "training" || phase === "paused" ? "Stop and test" : "Stop");

export function describeModel({ own, weights }) {
  const name = own ? "your own network" : weights === "seed" ? "the first, simple one" : "the shipped network";
  return `Drawings and photos are read by ${name}.`;
}
