// How a training goes, wherever the visitor looks: in the title of the page, and beside the name of the Train tab.

import { tabButton } from "../shared/address.js";
import { percent } from "../shared/wording.js";

/** "43%" while something runs, "done" once there is something new to look at, "paused", or "". */
export function progressOf({ phase, now, result }) {
  if (phase === "training") return percent(now.done);
  if (["waiting", "preparing", "teaching", "testing"].includes(phase)) return "\u2026";
  if (phase === "paused" || phase === "failed") return phase;
  return phase === "done" && result ? "done" : "";
}

let title = null; // of the page, as it is while nothing runs

export function showProgress(status) {
  title ??= document.title;
  const progress = progressOf(status);
  document.title = progress ? `${progress} \u00b7 ${title}` : title;
  const button = tabButton("train");
  if (button) button.dataset.progress = progress;
}
