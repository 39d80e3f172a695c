"""python -m benchmarks.ablation --folder DIR: what each ingredient of the digits recipe buys.

Trains the recipe's first phase small, once whole and then with one ingredient left out at a time, and reads
MNIST's validation images and the real handwriting of benchmarks/handwriting_sets.py with each, by writers who
were not trained on. Refusals are at the threshold that loses 2 % of the digits. The numbers tell ingredients
apart; how good the shipped network is stands in the README.
"""

import argparse
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.handwriting import threshold_that_loses
from benchmarks.handwriting_sets import SETS, read_archive
from cnn import Sequential, log_odds
from recognition import ink_of_drawing, normalise
from training.augment import Augmentation
from training.calibrate import logits_of
from training.data import load_mnist, split_validation
from training.memory import keep_freed_memory
from training.recipes import DigitsRecipe
from training.sweep.on_dask import run_all

FUNCTION = "benchmarks.ablation:train_and_measure"

STILL = Augmentation(0, 0, 0, 0, 0, 0, thickness=0, blur=0, noise=0, ink=0)
SMALL = DigitsRecipe(
    epochs=3,
    mnist_copies=2,
    synthetic_digits=4_000,
    non_digits=4_000,
    real_digits=3_000,
    real_non_digits=1_500,
    average_decay=0.99,
)
MNIST_IMAGES = 12_000
RECIPES = {
    "whole": SMALL,
    "no synthetic digits": replace(SMALL, synthetic_digits=0),
    "no non-digits": replace(SMALL, non_digits=0, real_non_digits=0),
    "no real hands": replace(
        SMALL, real_digits=0, real_non_digits=0, synthetic_digits=7_000, non_digits=5_500
    ),
    "none from rows": replace(SMALL, cut_share=0, pair_share=0),
    "no augmentation": replace(SMALL, augmentation=STILL),
    "no change of thickness": replace(SMALL, augmentation=Augmentation(thickness=0)),
    "no elastic distortion": replace(SMALL, augmentation=Augmentation(elastic=0)),
}
DIGITS = ("unipen_digits", "pendigits_orig", "chars74k_digits")
OTHERS = ("not: unipen_letters", "not: unipen_words", "not: quickdraw", "not: omniglot")
LOST = 0.02  # share of the digits that the refusal threshold may lose


def pictures_of(title: str, folder: Path, half: str, limit: int) -> tuple[np.ndarray, list[str]]:
    """A set of real handwriting, normalised: images (N, 28, 28) uint8 and what should be read."""
    archive, samples = read_archive(SETS[title], folder, half, limit)
    images, texts = [], []
    for i in samples:
        picture = SETS[title].picture(archive, i, np.random.default_rng(i))
        image = normalise(ink_of_drawing(picture))
        if image is not None:
            images.append(image)
            texts.append(SETS[title].text(archive, i))
    return np.stack(images), texts


def measure(model: Sequential, validation: list[np.ndarray], sets: dict) -> dict[str, float]:
    """Accuracy on the validation set, top1 on the sets of digits and refused on the others, all in %."""
    images, labels = validation
    row = {"the validation set": 100 * float((logits_of(model, images).argmax(1) == labels).mean())}
    thresholds = []
    for title in DIGITS:
        images, texts = sets[title]
        logits = logits_of(model, images)
        right = logits.argmax(1) == np.array(texts, int)
        row[title] = 100 * float(right.mean())
        thresholds.append(threshold_that_loses(LOST, log_odds(logits[right]), len(texts)))
    for title in OTHERS:
        refused = log_odds(logits_of(model, sets[title][0])) < min(thresholds)
        row[title] = 100 * float(refused.mean())
    return row


@cache
def all_sets(folder: Path, half: str, limit: int) -> dict:
    return {title: pictures_of(title, folder, half, limit) for title in DIGITS + OTHERS}


def train_and_measure(name: str, folder: Path, half: str, limit: int) -> dict[str, float]:
    """One of RECIPES, in whatever process it runs."""
    keep_freed_memory()
    dataset = load_mnist()
    images, labels, *validation = split_validation(dataset.train_images, dataset.train_labels)
    with threadpool_limits(1, user_api="blas"):
        trainer = RECIPES[name].trainer(images[:MNIST_IMAGES], labels[:MNIST_IMAGES])
        for _ in trainer.run():
            pass
        return measure(trainer.result(), validation, all_sets(folder, half, limit))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--half", default="dev")
    parser.add_argument("--limit", type=int, default=2000, help="samples a set (default: %(default)s)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of Dask; default: processes on this machine")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    names = list(RECIPES)
    calls = [(name, options.folder.resolve(), options.half, options.limit) for name in names]
    table: dict[str, dict[str, float]] = {}
    for position, row in run_all(FUNCTION, calls, scheduler=options.scheduler):
        if isinstance(row, Exception):
            print(f"{names[position]:24} failed: {row}", flush=True)
            continue
        table[names[position]] = row
        if len(table) == 1:
            print(f"{'':24}" + "".join(f"{title.removeprefix('not: '):>17}" for title in row))
        print(f"{names[position]:24}" + "".join(f"{share:17.2f}" for share in row.values()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main()
