// "Try ours": drawings that are hard to read, drawn by us.

// What each is meant to be, and its strokes: x y x y ... in hundredths of the pad's side, a slash between two strokes.
const DRAWN = [
  ["a 7 with a bar", "28 25 50 24 72 22 58 50 46 82 / 38 53 68 50"],
  ["a 1 with a flag and a foot", "33 38 51 20 50 50 50 80 / 33 80 68 80"],
  ["a 4 that is closed at the top", "62 18 48 38 34 58 54 58 76 57 / 62 18 61 50 60 84"],
  ["a 9, and not a 4", "66 26 52 20 38 30 40 46 54 48 66 36 66 26 66 50 66 84"],
  ["a zero with a slash", "50 18 36 26 30 50 36 76 50 83 64 75 70 50 64 25 50 18 / 36 76 65 23"],
  ["a 5 that looks like an S", "67 24 54 18 38 25 37 40 50 48 63 57 64 73 50 83 33 76"],
  ["a 6 with hardly a neck", "50 22 36 36 31 60 42 80 60 81 69 64 60 46 44 44 34 56"],
  ["a 2 that looks like a Z", "32 24 50 22 68 22 50 50 32 79 50 78 71 78"],
  ["a 3 with a flat top", "32 22 50 21 67 22 56 34 47 45 62 52 67 67 58 81 42 83 31 75"],
  ["an 8 that is left open", "62 22 46 18 36 30 46 44 60 56 66 70 54 83 40 80 34 66 46 52 60 40"],
  ["a letter, B, and no digit", "36 18 36 50 36 82 / 36 20 56 20 66 32 56 46 38 49 60 54 70 67 58 80 36 81"],
];

/** {meant, strokes}: the strokes as in history.js. */
export const HARD = DRAWN.map(([meant, text]) => ({
  meant,
  strokes: text.split("/").map((stroke) => stroke.trim().split(" ").map((hundredths) => hundredths / 100)),
}));
