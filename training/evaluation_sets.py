"""Labelled pictures to judge networks on: a test set, strangers' hands, or one's own collection."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn import DIGITS
from training.datasets.base import Dataset
from training.datasets.registry import DATASETS, MNIST, is_own, load_dataset, load_own
from training.examples import MOST_BYTES_OF_ZIP, read_examples
from training.handwriting.pictures import draw_digits

HANDS = "hands"
HANDS_COUNT = 2_000
MOST_EXAMPLES = 10_000  # in a zip
HELP = (
    f"{', '.join(DATASETS)} (default: {MNIST}), {HANDS}: digits of writers who are never trained on, or a "
    "zip as the page saves it"
)


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures with their labels. title: what they are, as it goes on after "on"."""

    title: str
    images: np.ndarray  # uint8: (N, 28, 28) normalised digits, or other pictures (N, H, W) or (N, H, W, C)
    labels: np.ndarray  # (N,) integers, 0 to K - 1
    classes: tuple[str, ...] = DIGITS  # the K names


def load_labelled_pictures(name: str, data: Path | None = None) -> LabelledPictures:
    """The test set of that name, or the examples in the zip at that path. ValueError where it is neither.

    data: a folder with the named data set's files, or somebody's own data set, whose test pictures are taken.
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
            f"there is no test set {name}: say {', '.join(DATASETS)}, {HANDS} or the path of a zip of "
            "examples"
        )
    with path.open("rb") as file:
        examples = read_examples(file.read(MOST_BYTES_OF_ZIP + 1), most_examples=MOST_EXAMPLES)
    images = np.stack([example.image for example in examples])
    return LabelledPictures(
        f"the {len(examples)} examples in {name}", images, np.array([e.label for e in examples])
    )


def _test_set(dataset: Dataset) -> LabelledPictures:
    title = f"{dataset.title}'s {len(dataset.test_labels):,} test images"
    return LabelledPictures(title, dataset.test_images, dataset.test_labels.astype(int), dataset.classes)
