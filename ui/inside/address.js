// Every view, tour step and pinned cell has an address: #inside/flow, #inside/tour/3, #inside/flow/relu3/2,4,17.

export const VIEWS = ["flow", "why", "change", "kernels", "learn", "time", "doubt", "neighbours", "compare"];
const ROOT = "inside";

/** {view, layer, cell, step}, each undefined where the address does not say; null: it is another tab's. */
export function parseAddress(hash) {
  const [root, view, ...rest] = hash.replace(/^#/, "").split("/");
  if (root !== ROOT) return null;
  if (view === "tour") {
    const step = Number(rest[0]);
    return { step: Number.isInteger(step) && step >= 1 ? step : 1 };
  }
  if (!VIEWS.includes(view)) return {};
  const cell = /^\d{1,6}(,\d{1,6}){0,2}$/.test(rest[1]) ? rest[1].split(",").map(Number) : undefined;
  return { view, layer: cell && rest[0], cell };
}

export function formatAddress({ view, layer, cell, step }) {
  if (step) return `#${ROOT}/tour/${step}`;
  return `#${[ROOT, view, ...(cell ? [layer, cell.join(",")] : [])].join("/")}`;
}

/** Writes the address without a new entry in the browser's history: pointing at cells is no page to go back to. */
export function showAddress(place) {
  history.replaceState(history.state, "", formatAddress(place));
}
