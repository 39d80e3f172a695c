"""Labelled pictures to judge networks on: a test set, strangers' hands, or one's own drawings."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn import DIGITS
from training.datasets.base import Dataset
from training.datasets.drawings import are_drawings, read_drawings
from training.datasets.registry import DATASETS, MNIST, is_own, load_dataset, load_own
from training.handwriting.pictures import draw_digits

HANDS = "hands"
HANDS_COUNT = 2_000
HELP = (
    f"{', '.join(DATASETS)} (default: {MNIST}), {HANDS}: digits of writers who are never trained on, or "
    "all examples or signs in a file as the page saves it"
)


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures with their labels. title: what they are, as it goes on after "on"."""

    title: str
    images: np.ndarray  # uint8: (N, 28, 28) normalised digits, or other pictures (N, H, W) or (N, H, W, C)
    labels: np.ndarray  # (N,) integers, 0 to K - 1
    classes: tuple[str, ...] = DIGITS  # the K names


def load_labelled_pictures(name: str, data: Path | None = None) -> LabelledPictures:
    """The test set of that name, or all drawings in the file at that path. ValueError where it is neither.

    data: a folder with the named data set's files, or somebody's own data set, whose test pictures are taken.
    Raises DataError where the data are not as they should be.
    """
    if data is not None and is_own(data):
        return _test_set(load_own(data))
    if name in DATASETS:
        return _test_set(load_dataset(name, data))
    if name == HANDS:
        images, labels = draw_digits(HANDS_COUNT, np.random.default_rng(0), "validation")
        return LabelledPictures(f"{HANDS_COUNT:,} digits of writers who are never trained on", images, labels)
    path = Path(name)
    if not path.is_file():
        raise ValueError(
            f"there is no test set {name}: say {', '.join(DATASETS)}, {HANDS} or the path of a file of "
            "examples or signs"
        )
    if not are_drawings(path):
        raise ValueError(f"{name} is no file of examples or signs that the page saved")
    found = read_drawings(path)
    title = f"the {len(found.labels)} examples in {name}"
    return LabelledPictures(title, found.images, found.labels, found.classes)


def _test_set(dataset: Dataset) -> LabelledPictures:
    title = f"{dataset.title}'s {len(dataset.test_labels):,} test images"
    return LabelledPictures(title, dataset.test_images, dataset.test_labels.astype(int), dataset.classes)
