// Promises that nobody waits for longer than for so long.

/** What `promise` resolves to, or undefined where it fails or takes more than so many milliseconds. */
export async function within(milliseconds, promise) {
  let timeout;
  const late = new Promise((resolve) => (timeout = setTimeout(resolve, milliseconds)));
  try {
    return await Promise.race([promise, late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timeout);
  }
}
