"""Labelled pictures to judge networks on: MNIST's test set, strangers' hands, or one's own collection."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.data import Dataset
from training.examples import MOST_BYTES_OF_ZIP, read_examples
from training.handwriting.pictures import draw_digits

MNIST, HANDS = "mnist", "hands"
HANDS_COUNT = 2_000
MOST_EXAMPLES = 10_000  # in a zip
HELP = (
    f"{MNIST} (default), {HANDS}: digits of writers who are never trained on, or a zip as the page saves it"
)


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures with their labels. title: what they are, as it goes on after "on"."""

    title: str
    images: np.ndarray  # (N, 28, 28) uint8, normalised
    labels: np.ndarray  # (N,) integers, 0 to 9


def load_labelled_pictures(name: str, load_mnist: Callable[[], Dataset]) -> LabelledPictures:
    """The test set of that name, or the examples in the zip at that path. ValueError where it is neither."""
    if name == MNIST:
        dataset = load_mnist()
        count = len(dataset.test_labels)
        return LabelledPictures(
            f"MNIST's {count:,} test images", dataset.test_images, dataset.test_labels.astype(int)
        )
    if name == HANDS:
        images, labels = draw_digits(HANDS_COUNT, np.random.default_rng(0), "validation")
        return LabelledPictures(f"{HANDS_COUNT:,} digits of writers who are never trained on", images, labels)
    path = Path(name)
    if not path.is_file():
        raise ValueError(
            f"there is no test set {name}: say {MNIST}, {HANDS} or the path of a zip of examples"
        )
    with path.open("rb") as file:
        examples = read_examples(file.read(MOST_BYTES_OF_ZIP + 1), most_examples=MOST_EXAMPLES)
    images = np.stack([example.image for example in examples])
    return LabelledPictures(
        f"the {len(examples)} examples in {name}", images, np.array([e.label for e in examples])
    )
