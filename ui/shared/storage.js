// What the browser stores for this page: "localStorage" for all its tabs, "sessionStorage" for one until it is closed.
// Where that is forbidden or full, nothing is stored, and nothing fails.

const PREFIX = "digits-from-scratch/"; // other pages may be served from the same address

export const storedName = (name) => PREFIX + name;

/** null where there is none. */
export function readStored(area, name) {
  try {
    return globalThis[area].getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function store(area, name, text) {
  try {
    globalThis[area].setItem(PREFIX + name, text);
  } catch {
    // It does not outlive this page.
  }
}

/** Deletes all that this page stored in either. */
export function forgetStored() {
  for (const area of ["localStorage", "sessionStorage"]) {
    try {
      const storage = globalThis[area];
      for (const name of Object.keys(storage)) if (name.startsWith(PREFIX)) storage.removeItem(name);
    } catch {
      // There is nothing.
    }
  }
}
