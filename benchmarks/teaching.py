"""python -m benchmarks.teaching --folder DIR: what teaching a network one person's digits does.

Takes, from the archives of strokes in benchmarks/handwriting_sets.py, validation writers of whom the network
does not read two digits or more: it takes them for others, or for no digit. Half of those, by lot, are what
the writer may teach; then come others of the same digits, up to the greatest number taught. Taught are the
first 1, 3 and 5 of them; all else the writer wrote is read before and after. None of the writers is trained
on, and no lesson knows of another.

A line a number of examples, means over writers in %: before, others = right and accepted, of the writer's
samples that are never taught; misread and read = the same of those that were not, and were, read before;
style before, style and misread = before, others and misread of those alone that show a digit that was
taught; lifted, lowered = writers whose others went up or down; learned = the same of the examples; MNIST =
the change of accuracy on the test set, in points, and that of the worst lesson; refused = the change of the
share of synthetic non-digits that are refused; seconds = the median lesson, without reading what is
remembered.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from benchmarks.handwriting_sets import SETS, draw, strokes_of
from cnn import load_model
from recognition import ink_of_drawing, normalise, to_input
from recognition.calibration import Calibration
from recognition.reader import DEFAULT_WEIGHTS
from training.data import load_mnist
from training.finetune import FineTuner
from training.handwriting import validation_writers
from training.memory import keep_freed_memory
from training.synthesis import synthesise_non_digits

ARCHIVES = ("unipen_digits", "pendigits_orig")
CANVAS = 280  # side of the drawing canvas, pixels
TAUGHT = (1, 3, 5)
NON_DIGITS = 1000


@dataclass(frozen=True)
class Writer:
    """What one person wrote: images (N, 28, 28) uint8 and labels (N,)."""

    name: str
    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Row:
    """A line of the table; shares in %, means over writers unless said otherwise."""

    taught: int
    writers: int
    others_before: float
    others: float
    misread: float  # of all writers' together
    read: float
    style_before: float
    style: float
    style_misread: float  # of all writers' together
    lifted: int
    lowered: int
    learned: float  # of the examples themselves
    mnist: float
    mnist_worst: float
    refused: float
    seconds: float  # the median

    def __str__(self) -> str:
        return (
            f"{self.taught:6}{self.writers:9}{self.others_before:9.2f}{self.others:8.2f}{self.misread:9.1f}"
            f"{self.read:8.2f}{self.style_before:8.2f}{self.style:8.2f}{self.style_misread:9.1f}{self.lifted:8}{self.lowered:9}{self.learned:9.1f}{self.mnist:+8.3f}"
            f"{self.mnist_worst:+8.2f}{self.refused:+9.2f}{self.seconds:9.2f}"
        )


HEADING = (
    f"{'taught':>6}{'writers':>9}{'before':>9}{'others':>8}{'misread':>9}{'read':>8}"
    f"{'before':>8}{'style':>8}{'misread':>9}{'lifted':>8}{'lowered':>9}"
    f"{'learned':>9}{'MNIST':>8}{'worst':>8}{'refused':>9}{'seconds':>9}"
)


def writers_of(title: str, folder: Path, half: str) -> list[Writer]:
    """All that each validation writer of an archive wrote, doubtful labels left out."""
    with np.load(folder / f"{SETS[title].file}_{half}.npz", allow_pickle=False) as opened:
        archive = {name: opened[name] for name in opened.files}
    count = len(archive["labels"])
    clear = ~archive.get("suspect", np.zeros(count, bool))
    images = np.zeros((count, 28, 28), np.uint8)
    for i in tqdm(np.flatnonzero(clear), desc=title, leave=False):
        canvas = draw(strokes_of(archive, i), np.random.default_rng(i), CANVAS, CANVAS)
        image = normalise(ink_of_drawing(canvas))
        clear[i] = image is not None
        if image is not None:
            images[i] = image
    found = []
    corpus = title.split("_")[0]
    for writer in np.unique(archive["writers"]):
        if (corpus, int(writer)) not in validation_writers():
            continue
        of_writer = clear & (archive["writers"] == writer)
        labels = archive["labels"][of_writer].astype(np.int64)
        found.append(Writer(f"{title} {writer}", images[of_writer], labels))
    return found


def examples_of(right: np.ndarray, labels: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Positions to teach: half of what is not right, by lot, then what is and shows the same digits."""
    wrong = rng.permutation(np.flatnonzero(~right))
    wrong = wrong[: (len(wrong) + 1) // 2]
    alike = rng.permutation(np.flatnonzero(right & np.isin(labels, labels[wrong])))
    return np.concatenate([wrong, alike])[:most]


def score(lessons: list[dict], taught: int) -> Row:
    """The line of the table for lessons of so many examples."""
    of = [lesson for lesson in lessons if lesson["taught"] == taught]

    def mean(name: str) -> float:
        return 100 * float(np.mean([lesson[name] for lesson in of if lesson[name] is not None]))

    def share(part: str, whole: str) -> float:
        return 100 * sum(lesson[part] for lesson in of) / max(1, sum(lesson[whole] for lesson in of))

    return Row(
        taught=taught,
        writers=len(of),
        others_before=mean("others_before"),
        others=mean("others"),
        misread=share("fixed", "misread"),
        read=mean("read"),
        style_before=mean("style_before"),
        style=mean("style"),
        style_misread=share("style_fixed", "style_misread"),
        lifted=sum(lesson["others"] > lesson["others_before"] for lesson in of),
        lowered=sum(lesson["others"] < lesson["others_before"] for lesson in of),
        learned=mean("learned"),
        mnist=mean("mnist"),
        mnist_worst=100 * min(lesson["mnist"] for lesson in of),
        refused=mean("refused"),
        seconds=float(np.median([lesson["seconds"] for lesson in of])),
    )


def teach_writers(weights: Path, writers: list[Writer], mnist: Path | None, seed: int) -> list[dict]:
    """Every lesson: which writer, how many examples, what was read before and after."""
    checkpoint, dataset = load_model(weights), load_mnist(mnist)
    calibration = Calibration.of(checkpoint)
    tuner = FineTuner(checkpoint, dataset, seed=seed)
    before = checkpoint.model.layers[-1]

    # No lesson changes the body: what it makes of a picture is computed once.
    test = tuner.body.predict(to_input(dataset.test_images))
    others = synthesise_non_digits(NON_DIGITS, np.random.default_rng(seed + 1), dataset.test_images)
    non_digits = tuner.body.predict(to_input(others))

    def on_mnist(last) -> float:
        return float((last.forward(test).argmax(1) == dataset.test_labels).mean())

    def refused(last) -> float:
        return float((~calibration.is_digit(last.forward(non_digits))).mean())

    lessons = []
    for writer in tqdm(writers, desc="lessons", leave=False):
        inputs = tuner.body.predict(to_input(writer.images))

        def right(last, inputs=inputs, labels=writer.labels) -> np.ndarray:
            logits = last.forward(inputs)
            return (logits.argmax(1) == labels) & calibration.is_digit(logits)

        was_right = right(before)
        if (~was_right).sum() < 2:
            continue
        examples = examples_of(was_right, writer.labels, max(TAUGHT), np.random.default_rng(seed))
        rest = np.setdiff1d(np.arange(len(writer.labels)), examples)
        misread, read = rest[~was_right[rest]], rest[was_right[rest]]
        for count in TAUGHT:
            chosen = examples[:count]
            start = time.perf_counter()
            taught = tuner.fine_tune(writer.images[chosen], writer.labels[chosen])
            seconds = time.perf_counter() - start
            last = taught.model.layers[-1]
            is_right = right(last)
            style = rest[np.isin(writer.labels[rest], writer.labels[chosen])]
            style_misread = style[~was_right[style]]
            lessons.append(
                {
                    "writer": writer.name,
                    "taught": count,
                    "others_before": float(was_right[rest].mean()),
                    "others": float(is_right[rest].mean()),
                    "misread": len(misread),
                    "fixed": int(is_right[misread].sum()),
                    "read": float(is_right[read].mean()),
                    "style_before": float(was_right[style].mean()) if len(style) else None,
                    "style": float(is_right[style].mean()) if len(style) else None,
                    "style_misread": len(style_misread),
                    "style_fixed": int(is_right[style_misread].sum()),
                    "learned": float(is_right[chosen].mean()),
                    "mnist": on_mnist(last) - on_mnist(before),
                    "refused": refused(last) - refused(before),
                    "seconds": seconds,
                }
            )
    return lessons


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--half", default="dev", help="the end of the files' names (default: %(default)s)")
    parser.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS, help="default: those the app uses")
    parser.add_argument(
        "--mnist", type=Path, metavar="FOLDER", help="MNIST's files (default: cached or fetched)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the lots drawn (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the table and every lesson here")
    options = parser.parse_args()

    keep_freed_memory()
    threadpool_limits(1, user_api="blas")
    writers = [writer for title in ARCHIVES for writer in writers_of(title, options.folder, options.half)]
    lessons = teach_writers(options.weights, writers, options.mnist, options.seed)
    if not lessons:
        sys.exit("No writer has two digits that are not read: there is nothing to teach.")
    rows = [score(lessons, count) for count in TAUGHT]
    print(HEADING)
    for row in rows:
        print(row)
    if options.json:
        table = {"table": [asdict(row) for row in rows], "lessons": lessons}
        options.json.write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main()
