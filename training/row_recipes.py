"""Recipes for what stands in rows: the context model's and the line model's."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from cnn import Sequential, ctc_loss, line_net, row_net
from recognition.calibration import Calibration
from training.augment import Augmentation, Slant
from training.data import Dataset
from training.evaluate import (
    LinesEvaluation,
    RowsEvaluation,
    are_right_lines,
    evaluate_lines,
    evaluate_rows,
)
from training.handwriting import Split
from training.handwriting.people import people
from training.phases import between, from_there_on, in_one_cycle
from training.recipe import Recipe
from training.synthesis import synthesise_lines, synthesise_rows
from training.trainer import Trainer


@dataclass(frozen=True)
class RowsRecipe(Recipe):
    """The context model's: what may be a digit, a separator or neither, among what stands around it.

    Rows of digits and of letters are drawn once for each phase, from the seed, some with MNIST's digits in
    them, and some by the hands of real people.
    """

    name: str = "rows"
    epochs: int = 9
    batch_size: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 0.03
    average_decay: float = 0.999
    warm_up: float = 0.2  # share of all steps
    rows: int = 230_000  # candidates in rows
    last_epochs: int = 4
    last_learning_rate: float = 1e-3  # at its start; it falls to 0
    last_rows: int = 120_000
    last_share: float = 0.5  # of the last phase's weights in the result
    test_rows: int = 10_000
    augmentation: Augmentation = field(default_factory=Augmentation)

    can_be_validated: ClassVar[bool] = False
    draws_digits: ClassVar[bool] = True

    def network(self) -> Sequential:
        return row_net(np.random.default_rng(self.seed))

    def trainer(self, images: np.ndarray, labels: np.ndarray) -> Trainer:
        rows, rows_labels = self._drawn(self.rows, images, labels, "training")
        return in_one_cycle(self, rows, rows_labels)

    def last_trainer(self, model: Sequential, images: np.ndarray, labels: np.ndarray) -> Trainer:
        rows, rows_labels = self._drawn(self.last_rows, images, labels, "training", phase=2)
        return from_there_on(self, model, rows, rows_labels, self.augmentation)

    def result(self, trained: Sequence[Sequential]) -> Sequential:
        return between(*trained, self.last_share)

    def test(self, model: Sequential, dataset: Dataset, calibration: Calibration) -> RowsEvaluation:
        """On other rows, with digits of MNIST's test set in them, and by the validation writers' hands."""
        rows = self._drawn(self.test_rows, dataset.test_images, dataset.test_labels, "validation")
        return evaluate_rows(model, *rows)

    def test_key(self, dataset: Dataset) -> str:
        return "rows_test"

    def _drawn(
        self, count: int, images: np.ndarray, labels: np.ndarray, split: Split, phase: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        rng = _generator(self.seed, phase, split)
        rows, rows_labels = synthesise_rows(count, rng, images, labels, people(split))
        return rows, rows_labels.astype(np.int64)


@dataclass(frozen=True)
class LinesRecipe(Recipe):
    """The network that reads a line at once, without cutting it: `cnn.ctc_loss` on rows drawn as above."""

    name: str = "lines"
    epochs: int = 3
    batch_size: int = 32
    learning_rate: float = 3e-3
    weight_decay: float = 0.03
    average_decay: float = 0.999
    warm_up: float = 0.15  # share of all steps
    lines: int = 80_000
    test_lines: int = 2_000
    shear: float = 0.25  # largest slope by which a line is slanted

    can_be_validated: ClassVar[bool] = False
    draws_digits: ClassVar[bool] = True

    @property
    def augmentation(self) -> Slant:
        return Slant(self.shear)

    def network(self) -> Sequential:
        return line_net(np.random.default_rng(self.seed))

    def trainer(self, images: np.ndarray, labels: np.ndarray) -> Trainer:
        lines, texts = self._drawn(self.lines, images, labels, "training")
        return in_one_cycle(self, lines, texts, _ctc_of_lines, are_right_lines)

    def test(self, model: Sequential, dataset: Dataset, calibration: Calibration) -> LinesEvaluation:
        """On other lines, with digits of MNIST's test set in them, and by the validation writers' hands."""
        lines = self._drawn(self.test_lines, dataset.test_images, dataset.test_labels, "validation")
        return evaluate_lines(model, *lines)

    def test_key(self, dataset: Dataset) -> str:
        return "lines_test"

    def _drawn(
        self, count: int, images: np.ndarray, labels: np.ndarray, split: Split
    ) -> tuple[np.ndarray, np.ndarray]:
        return synthesise_lines(count, _generator(self.seed, 3, split), images, labels, people(split))


def _ctc_of_lines(logits: np.ndarray, texts: np.ndarray) -> tuple[float, np.ndarray]:
    """`ctc_loss` of logits (N, 1, T, K + 1)"""
    loss, dlogits = ctc_loss(logits[:, 0], texts)
    return loss, dlogits[:, None]


def _generator(seed: int, phase: int, split: Split) -> np.random.Generator:
    """What draws the rows of a phase of training, or those of the test, which are others."""
    return np.random.default_rng([seed, phase if split == "training" else 0])
