"""Pictures of a data set that the page shows: some to watch in a training, some to try a network on."""

from dataclasses import dataclass

import numpy as np

from training import watched
from training.data import Dataset, split_validation

TESTS_OF_CLASS = 4
LOOKED_AT = 1_000  # test pictures, from which they are taken


@dataclass(frozen=True)
class Samples:
    """Pictures uint8, (N, H, W) or (N, H, W, 3), as a data set has them."""

    watched: np.ndarray  # those that `Snapshot.watched` is about; none where the validation set is too small
    tests: np.ndarray  # of the test set
    test_labels: np.ndarray


def samples_of(dataset: Dataset) -> Samples:
    """The same each time: the first of every class."""
    *_, images, _ = split_validation(dataset.train_images, dataset.train_labels, dataset.validation_size)
    seen = watched.places(dataset)
    labels = dataset.test_labels[:LOOKED_AT]
    of_class = [np.flatnonzero(labels == label)[:TESTS_OF_CLASS] for label in range(len(dataset.classes))]
    tests = np.sort(np.concatenate(of_class))
    return Samples(images[seen], dataset.test_images[tests], labels[tests].astype(np.int64))
