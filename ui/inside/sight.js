// Whether an element is seen: not on a tab that is hidden.

/** Calls `hear(isSeen)` whenever it may have changed. */
export function watchSight(element, hear) {
  // A busy browser tells of several changes at once, the last of which counts.
  new IntersectionObserver((changes) => hear(changes.at(-1).isIntersecting)).observe(element);
}
