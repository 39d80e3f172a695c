// Files on their way to the server and to the visitor's disk.

const MAX_BYTES = 20_000_000; // of a file: `max_file_size` in ui/page.py
const KEPT = 10_000; // milliseconds that a browser is given to begin a download

/** Why a file of so many bytes cannot be sent; "" where it can. */
export function tooLarge(bytes) {
  if (bytes <= MAX_BYTES) return "";
  return `The file is too large: ${(bytes / 1e6).toFixed(1)} MB, and at most ${MAX_BYTES / 1e6} MB can be sent.`;
}

/** Has the browser save a blob under this name. */
export function saveBlob(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT);
}

/**
 * The same file under a random name: the visitor's own name for it is nobody's business, and a new one lets the
 * server delete the file once it was read. ending: what the new name ends with, such as ".zip".
 */
export function withRandomName(file, ending = "") {
  return new File([file], Math.random().toString(36).slice(2) + ending, { type: file.type });
}

/** ".npz" of "my digits.npz"; "" where a name has no such ending. */
export const endingOf = (name) => /\.[a-z]+$/i.exec(name)?.[0] ?? "";
