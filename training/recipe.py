"""What every recipe is: settings, the trainers of its phases, its calibration and its test."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import ClassVar

import numpy as np

from cnn import Sequential
from recognition.calibration import Calibration
from training.calibrate import fit_temperature, logits_of
from training.data import Dataset
from training.datasets.base import MNIST_TITLE
from training.evaluate import Evaluation, LinesEvaluation, RowsEvaluation, evaluate
from training.trainer import Trainer

# Settings that may be 0: a recipe can do without these pictures, or without shifting any.
MAY_BE_ZERO = (
    "shift",
    "cutout",
    "synthetic_digits",
    "non_digits",
    "real_digits",
    "real_non_digits",
    "last_synthetic_digits",
    "last_non_digits",
    "last_real_digits",
    "last_real_non_digits",
)


@dataclass(frozen=True)
class Recipe:
    """The settings that all recipes share. A recipe implements `network`, `trainer` and, where a last phase
    comes after the first, `last_trainer`.

    Raises ValueError for a setting of the wrong type, out of range or not finite.
    """

    dataset: ClassVar[str] = "mnist"  # what it is for, by the names of `training.datasets.registry`
    draws_digits: ClassVar[bool] = (
        False  # whether it also draws digits by code, so that it fits no other data
    )
    can_be_validated: ClassVar[bool] = True  # on images left out of its training

    name: str
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int = 0
    uses_validation_set: bool = False  # whether the last 5,000 training images are for calibration only

    def __post_init__(self) -> None:
        for setting in fields(self):
            if setting.type in (int, float):
                _check_number(setting.name, getattr(self, setting.name), setting.type)

    def for_dataset(self, dataset: Dataset) -> "Recipe":
        """The recipe for these pictures and classes, a batch no larger than what there is to train on.

        Raises ValueError, in a sentence, if they do not fit.
        """
        if self.draws_digits:
            fits, needs = dataset.has_digits and dataset.input_shape == (28, 28, 1), "digits of 28x28 pixels"
        else:
            network = self.network()
            wanted = network.input_shape, *network.output_shape
            fits = wanted == (dataset.input_shape, len(dataset.classes))
            needs = f"pictures {network.input_shape} of {wanted[1]} classes"
        if not fits:
            raise ValueError(
                f"the recipe {self.name} trains on {needs}; {dataset.title} has pictures "
                f"{dataset.input_shape} of {len(dataset.classes)} classes"
            )
        most = len(dataset.train_images) - (dataset.validation_size or 0)
        return replace(self, batch_size=min(self.batch_size, most))

    def network(self) -> Sequential:
        """The network before its training, drawn from the seed."""
        raise NotImplementedError

    def trainer(self, images: np.ndarray, labels: np.ndarray) -> Trainer:
        """The trainer for training images (N, H, W) or (N, H, W, C) uint8 with labels (N,)."""
        raise NotImplementedError

    def last_trainer(self, model: Sequential, images: np.ndarray, labels: np.ndarray) -> Trainer | None:
        """The trainer of the last phase, from the network that the first has made; None if there is none."""
        return None

    def phases(
        self, images: np.ndarray, labels: np.ndarray, start: Sequential | None = None
    ) -> Iterator[Trainer]:
        """The trainers of all phases. Each one must have finished before the next is requested.

        start: a network to train in the last phase alone, in place of what the first would make. Raises
        ValueError where there is no last phase.
        """
        if start is None:
            first = self.trainer(images, labels)
            yield first
        last = self.last_trainer(first.result() if start is None else start.copy(), images, labels)
        if last is not None:
            yield last
        elif start is not None:
            raise ValueError(f"the recipe {self.name} has one phase alone, so it cannot start from weights")

    def result(self, trained: Sequence[Sequential]) -> Sequential:
        """The recipe's network, made from the networks that its phases trained."""
        return trained[-1]

    def calibration(self, model: Sequential, images: np.ndarray, labels: np.ndarray) -> Calibration:
        """The model's calibration on validation images (N, 28, 28) uint8 with labels (N,)."""
        return Calibration(fit_temperature(logits_of(model, images), labels))

    def test(
        self, model: Sequential, dataset: Dataset, calibration: Calibration
    ) -> Evaluation | LinesEvaluation | RowsEvaluation:
        """Evaluate the model on data that it was not trained on."""
        return evaluate(model, dataset.test_images, dataset.test_labels, calibration)

    def test_key(self, dataset: Dataset) -> str:
        """The key of the result of `test` in the card, which says of MNIST alone that it is of MNIST."""
        return "mnist_test" if dataset.title == MNIST_TITLE else "test"

    def to_json(self) -> dict:
        """The settings as plain values."""
        return asdict(self)


def _check_number(name: str, value: object, kind: type) -> None:
    """Raise ValueError, naming the setting, for a value of the wrong type or out of range."""
    if kind is int:
        least = 0 if name == "seed" or name in MAY_BE_ZERO else 1
        wanted = f"a whole number of at least {least}"
        good = isinstance(value, int) and not isinstance(value, bool) and value >= least
    else:
        positive = name.endswith("learning_rate")
        wanted = "a positive, finite number" if positive else "a finite number"
        good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        good = good and (value > 0 or not positive)
    if not good:
        raise ValueError(f"{name} must be {wanted}, got {value!r}")
