"""Data sets as a host has them: in the folder that DIGITS_DATA names, or else where everybody's are.

$DIGITS_DATA/cifar10/cifar-10-binary.tar.gz     the authors' own files, in a folder by the data set's name
$DIGITS_DATA/cifar10_train.npz                  or the pictures as PNG or JPEG files (encoded.py), with
$DIGITS_DATA/cifar10_test.npz                   those for the test beside them
"""

import os
from dataclasses import replace
from pathlib import Path

from training.datasets.base import DataError, Dataset
from training.datasets.encoded import TRAIN, load_encoded
from training.datasets.registry import FACTS, load_dataset

VARIABLE = "DIGITS_DATA"


def load_hosted(name: str) -> Dataset:
    """The data set of that name. Raises DataError, also for files that hold another one."""
    folder = os.environ.get(VARIABLE)
    if folder:
        encoded, own = Path(folder) / f"{name}{TRAIN}", Path(folder) / name
        if encoded.is_file():
            return _as_known(name, load_encoded(encoded))
        if own.is_dir():
            return load_dataset(name, own)
    return load_dataset(name)


def _as_known(name: str, found: Dataset) -> Dataset:
    """A data set of encoded pictures, which are in colour, as the one that it is meant to be."""
    facts = FACTS[name]
    if facts.input_shape[2] == 1:
        found = replace(
            found,
            train_images=found.train_images[..., 0].copy(),
            test_images=found.test_images[..., 0].copy(),
        )
    if (found.input_shape, found.classes) != (facts.input_shape, facts.classes):
        raise DataError(
            f"{found.title} is not {facts.title}: it has pictures {found.input_shape} of the classes "
            f"{', '.join(found.classes[:10])}; expected are {facts.input_shape} and "
            f"{', '.join(facts.classes)}"
        )
    return replace(found, title=facts.title)
