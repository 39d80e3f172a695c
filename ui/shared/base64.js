/** The bytes that a base64 text stands for. */
export const decodeBytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** The inverse, for few bytes. */
export const encodeBytes = (bytes) => btoa(String.fromCharCode(...bytes));
