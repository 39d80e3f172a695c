"""Forty pictures of the validation set that one can watch turn right or wrong while a network learns."""

import numpy as np

from training.data import Dataset, split_validation

AMONG = 1_000  # validation images; what looks at fewer cannot say how these are read
COLUMNS, ROWS = 10, 4  # a column for each digit, so the label of the i-th picture is i % 10

# Where they stand in the validation set, row by row: of its first 300 those of which the shipped simple
# network is least sure, as scripts/watched_pictures.py chose them.
WATCHED = (
    278, 214, 188, 54, 294, 60, 168, 244, 268, 102,
    217, 286, 158, 194, 73, 42, 111, 78, 218, 296,
    27, 236, 170, 116, 206, 164, 196, 90, 264, 240,
    259, 121, 11, 190, 282, 55, 230, 270, 22, 247,
)  # fmt: skip


def places(dataset: Dataset) -> list[int]:
    """Where the pictures to watch stand in the validation set, row by row; none where there are too few.

    Of other data sets than MNIST they are the first of each class, all of them among the first AMONG.
    """
    *_, labels = split_validation(dataset.train_images, dataset.train_labels, dataset.validation_size)
    labels = labels[:AMONG]
    if dataset.has_digits:
        return list(WATCHED) if len(labels) > max(WATCHED) else []
    of_class = [np.flatnonzero(labels == label)[:ROWS] for label in range(len(dataset.classes))]
    if any(len(found) < ROWS for found in of_class):
        return []
    return np.stack(of_class, axis=1).ravel().tolist()


def sprite(images: np.ndarray) -> np.ndarray:
    """The validation images, (N, 28, 28) uint8 -> those watched in one picture, (4 * 28, 10 * 28) uint8."""
    rows = images[list(WATCHED)].reshape(-1, COLUMNS, *images.shape[1:])
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows])
