"""python -m benchmarks.number_weights --folder DIR: what tells a number from words, letters and doodles.

Fits the weights of `recognition.numerals`, for the pad and for photos, to what the reader sees in the
archives of benchmarks/handwriting_sets.py, by writers who were not trained on: a logistic regression in which
every weight has the sign that its evidence must have. Prints them, and how much of each set would be taken
for a number, each sample judged by weights that were fitted without its tenth of all samples. What was drawn
on the pad counts as photos of paper, too.
"""

import argparse
from collections.abc import Iterator
from dataclasses import astuple, fields
from pathlib import Path
from unittest.mock import patch

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from benchmarks.handwriting_sets import CANVAS, SETS, draw, on_paper, read_archive
from recognition import Reader, pipeline
from recognition.numerals import DRAWING_WEIGHTS, PHOTO_WEIGHTS, Evidence, evidence_of_number
from training.handwriting.people import people
from training.synthesis.rows import row_of_digits
from training.synthesis.writer import Writer

NAMES = [field.name for field in fields(Evidence)]
# Evidence for a number; all other is against one.
FOR = ("all_digits", "worst_digit", "aspect", "marks", "as_line")
RIDGE = 1.0  # keeps weights small, each by its evidence's standard deviation
LEAST_SPREAD = 0.05  # of evidence, by which its weight is kept small: what is seldom seen may not weigh all
FOLDS = 10
MOST_PHOTOS = 1500  # of a set
COMPOSED = "composed numbers"  # of digits that one validation writer wrote singly
COUNT = 600  # of those
NUMBERS = {
    "pad": ("unipen_strings", "unipen_separators", COMPOSED),
    "photo": ("orand_car_a", "photo_lines", "unipen_strings", "unipen_separators", COMPOSED),
}
# What is none, and which share of it may be taken for numbers.
OTHERS = {
    "pad": {"not: unipen_words": 0.014, "not: unipen_letters": 0.01},
    "photo": {
        "not: unipen_words": 0.10,
        "not: unipen_letters": 0.01,
        "not: quickdraw": 0.01,
        "not: omniglot": 0.02,
    },
}


def evidence_of(
    title: str, way: str, reader: Reader, folder: Path, half: str
) -> tuple[list[tuple[float, ...]], int]:
    """The evidence of all decisions of a set, and how many samples it has."""
    if title == COMPOSED:
        pictures = composed_numbers(COUNT)
        count = COUNT
    else:
        archive, samples = read_archive(SETS[title], folder, half, MOST_PHOTOS if way == "photo" else 0)
        pictures = (SETS[title].picture(archive, i, np.random.default_rng(i)) for i in samples)
        count = len(samples)
    seen, is_number = [], pipeline._is_number

    def recorded(lines, components, height, **options) -> bool:
        if sum(len(word.candidates) for line in lines for word in line) > 1:
            seen.append(astuple(evidence_of_number(lines, components.areas, height)))
        return is_number(lines, components, height, **options)

    with patch.object(pipeline, "_is_number", recorded):  # the last word, not the glances before it
        for picture in tqdm(pictures, desc=f"{title}, {way}", total=count, leave=False):
            if way == "pad":
                reader.read_drawing(picture)
            else:
                reader.read_photo(on_paper(picture))
    return seen, count


def composed_numbers(count: int) -> Iterator[np.ndarray]:
    """Numbers of two to nine digits, some with separators, as drawings (280, 840, 4) uint8."""
    rng = np.random.default_rng(0)
    writers = [person for person in people("validation") if len(person.digits) == 10]
    nobody = np.zeros((0, 28, 28), np.uint8), np.zeros(0, int)
    while count:
        writer = Writer(rng, *nobody, writers)
        if writer.person is None:
            continue
        row = row_of_digits(writer)
        if len(row) > 1 and all(sign.label >= 0 for sign in row):
            strokes = [stroke for sign in row for stroke in sign.strokes]
            yield draw(strokes, rng, 3 * CANVAS, CANVAS)
            count -= 1


def fit(evidence: np.ndarray, is_number: np.ndarray) -> np.ndarray:
    """Weights (F,) that make the truth most likely, numbers and others counting the same."""
    scale = evidence.std(0).clip(LEAST_SPREAD)
    scale[-1] = 1.0
    scaled, sign = evidence / scale, 2 * is_number - 1.0
    share = np.where(is_number, 0.5 / is_number.mean(), 0.5 / (1 - is_number.mean()))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (scaled @ weights)
        ridge = RIDGE * np.r_[weights[:-1], 0]
        slope = -(share * sign / (1 + np.exp(np.clip(margin, -50, 50)))) @ scaled
        return float(share @ np.logaddexp(0, -margin) + ridge @ weights / 2), slope + ridge

    bounds = [(0, None) if name in FOR else (None, 0) for name in NAMES[:-1]] + [(None, None)]
    found = minimize(loss, np.zeros(len(scale)), jac=True, method="L-BFGS-B", bounds=bounds)
    return found.x / scale


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--half", default="dev")
    parser.add_argument("--weights", type=Path, help="of the network; default: those the app reads with")
    options = parser.parse_args()
    threadpool_limits(1, user_api="blas")
    reader = Reader(options.weights)
    for way, present in (("pad", DRAWING_WEIGHTS), ("photo", PHOTO_WEIGHTS)):
        rows, titles, counts = [], [], {}
        for title in (*NUMBERS[way], *OTHERS[way]):
            seen, counts[title] = evidence_of(title, way, reader, options.folder, options.half)
            rows += seen
            titles += [title] * len(seen)
        evidence, of = np.array(rows), np.array(titles)
        is_number = np.isin(of, NUMBERS[way])
        fold = np.random.default_rng(0).integers(FOLDS, size=len(of))
        fitted = np.empty(len(of))
        for k in range(FOLDS):
            fitted[fold == k] = evidence[fold == k] @ fit(evidence[fold != k], is_number[fold != k])
        weights = fit(evidence, is_number)
        threshold = threshold_of(fitted, of, counts, OTHERS[way])
        weights[-1] -= threshold
        print(f"\n{way}: " + ", ".join(f"{n}={w:.2f}" for n, w in zip(NAMES, weights, strict=True)))
        print(f"{'taken for numbers, %':24}{'now':>8}{'fitted':>8}")
        for title, count in counts.items():
            taken = [
                100 * np.count_nonzero(odds[of == title] >= least) / count
                for odds, least in ((evidence @ np.array(astuple(present)), 0), (fitted, threshold))
            ]
            print(f"{title:24}{taken[0]:8.1f}{taken[1]:8.1f}")


def threshold_of(odds: np.ndarray, of: np.ndarray, counts: dict[str, int], others: dict[str, float]) -> float:
    """The least odds above which no set of strangers has more than its share."""
    least = []
    for title, share in others.items():
        highest = np.sort(odds[of == title])[::-1]
        allowed = int(share * counts[title])
        least.append(highest[allowed] if allowed < len(highest) else -np.inf)
    return float(np.nextafter(max(least), np.inf))


if __name__ == "__main__":
    main()
