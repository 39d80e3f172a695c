// Pictures of the validation set that turn right or wrong while the network learns: training/watched.py.

const [COLUMNS, ROWS] = [10, 4]; // of the sprite; a column holds one digit
const PICTURE = "watched.png";

/** "31 of these 40 are read correctly."; "" before the first evaluation. */
export function describeWatched(answers) {
  if (!answers) return "";
  const right = answers.filter((answer, i) => answer === i % COLUMNS).length;
  return `${right} of these ${answers.length} are read correctly.`;
}

/** box: the element; answers: what each picture is read as, row by row, or null where nothing is known. */
export function showWatched(box, answers) {
  if (box.childElementCount === 0) box.append(...Array.from({ length: ROWS * COLUMNS }, (_, i) => newPicture(i)));
  [...box.children].forEach((picture, i) => {
    const isWrong = Boolean(answers) && answers[i] !== i % COLUMNS;
    picture.classList.toggle("wrong", isWrong);
    picture.firstChild.textContent = isWrong ? answers[i] : "";
  });
  box.classList.toggle("unread", !answers);
  box.ariaLabel = describeWatched(answers) || "Forty digits, not read yet";
}

function newPicture(i) {
  const picture = document.createElement("span");
  picture.append(document.createElement("b"));
  const [row, column] = [Math.floor(i / COLUMNS), i % COLUMNS];
  picture.style.backgroundImage = `url("${new URL(PICTURE, document.baseURI)}")`;
  picture.style.backgroundPosition = `${(100 * column) / (COLUMNS - 1)}% ${(100 * row) / (ROWS - 1)}%`;
  return picture;
}
