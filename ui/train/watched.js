// Pictures of the validation set that turn right or wrong while the network learns: training/watched.py.

import { paintPicture } from "../shared/picture.js";

const [COLUMNS, ROWS] = [10, 4]; // of the sprite; a column holds one digit
const PICTURE = "watched.png";

/** "31 of these 40 are read correctly."; "" before the first evaluation. */
export function describeWatched(answers) {
  if (!answers) return "";
  const right = answers.filter((answer, i) => answer === i % COLUMNS).length;
  return `${right} of these ${answers.length} are read correctly.`;
}

/**
 * box: the element; answers: what each picture is read as, row by row, or null where nothing is known; others: of
 * another data set than MNIST, {dataset, pictures}, its pictures in base64.
 */
export function showWatched(box, answers, others = null) {
  const shown = others?.dataset.name ?? "digits";
  if (box.dataset.shown !== shown || box.childElementCount === 0) {
    box.dataset.shown = shown;
    const length = others ? others.pictures.length : ROWS * COLUMNS;
    box.replaceChildren(...Array.from({ length }, (_, i) => (others ? newOther(others, i) : newPicture(i))));
  }
  [...box.children].forEach((picture, i) => {
    const isWrong = Boolean(answers) && answers[i] !== i % COLUMNS;
    picture.classList.toggle("wrong", isWrong);
    if (others) picture.title = nameOther(others.dataset.classes, i, answers);
    else picture.firstChild.textContent = isWrong ? answers[i] : "";
  });
  box.classList.toggle("unread", !answers);
  box.ariaLabel = describeWatched(answers) || (others ? "Forty pictures, not read yet" : "Forty digits, not read yet");
}

/** "Coat", and where it is read as another class, "Coat, read as Shirt". */
function nameOther(classes, i, answers) {
  const truth = classes[i % COLUMNS];
  const answer = answers ? classes[answers[i]] : truth;
  return answer === truth ? truth : `${truth}, read as ${answer}`;
}

function newOther({ dataset, pictures }, i) {
  const picture = document.createElement("span");
  const canvas = document.createElement("canvas");
  paintPicture(canvas, pictures[i], dataset.shape);
  picture.append(canvas);
  return picture;
}

function newPicture(i) {
  const picture = document.createElement("span");
  picture.append(document.createElement("b"));
  const [row, column] = [Math.floor(i / COLUMNS), i % COLUMNS];
  picture.style.backgroundImage = `url("${new URL(PICTURE, document.baseURI)}")`;
  picture.style.backgroundPosition = `${(100 * column) / (COLUMNS - 1)}% ${(100 * row) / (ROWS - 1)}%`;
  return picture;
}
