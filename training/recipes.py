"""Recipes: all that determines the result of a training, from the network to the learning rate."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from cnn import (
    SGD,
    Sequential,
    digit_net,
    inverse_time_decay,
    seed_net,
    small_net,
    softmax_cross_entropy,
)
from recognition.calibration import Calibration
from training.augment import Augmentation
from training.handwriting.pictures import draw_digits, draw_non_digits
from training.phases import between, from_there_on, in_one_cycle
from training.picture_recipes import Cifar10QuickRecipe, Cifar10Recipe, FashionRecipe
from training.recipe import Recipe
from training.row_recipes import LinesRecipe, RowsRecipe
from training.synthesis import (
    cut_digits,
    digits_in_crops,
    synthesise_digits,
    synthesise_non_digits,
    uncut_pairs,
)
from training.trainer import IF_NOT_REJECTED, REJECT_CLASS, Trainer


@dataclass(frozen=True)
class SeedRecipe(Recipe):
    """The original project's recipe: a plain network, SGD with momentum, MNIST without augmentation.

    The original does not state its learning rate; this one was chosen on the validation set, with
    `python -m training --validate --learning-rate RATE`.
    """

    name: str = "seed"
    epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 0.05
    momentum: float = 0.9
    decay: float = 1e-3

    def network(self) -> Sequential:
        return seed_net(np.random.default_rng(self.seed))

    def trainer(self, images: np.ndarray, labels: np.ndarray) -> Trainer:
        model = self.network()
        schedule = inverse_time_decay(self.learning_rate, self.decay)
        return Trainer(
            model,
            SGD(model, schedule, momentum=self.momentum),
            images,
            labels,
            epochs=self.epochs,
            batch_size=self.batch_size,
            seed=self.seed,
        )


MILD = Augmentation(
    rotation=6,
    scale=0.06,
    stretch=0.06,
    shear=0.12,
    shift=1.0,
    elastic=0.35,
    thickness=0.25,
    blur=0.05,
    noise=0.05,
    ink=0.2,
)


@dataclass(frozen=True)
class SmallRecipe(Recipe):
    """The network for microcontrollers (`python -m training export`): MNIST, mildly augmented."""

    name: str = "small"
    epochs: int = 6
    batch_size: int = 128
    learning_rate: float = 5e-3
    weight_decay: float = 0.01
    average_decay: float = 0.999
    warm_up: float = 0.2  # share of all steps
    augmentation: Augmentation = field(default_factory=lambda: MILD)

    def network(self) -> Sequential:
        return small_net(np.random.default_rng(self.seed))

    def trainer(self, images: np.ndarray, labels: np.ndarray) -> Trainer:
        return in_one_cycle(self, images, labels, softmax_cross_entropy)


@dataclass(frozen=True)
class DigitsRecipe(Recipe):
    """The one that reads best: MNIST, real people's strokes, digits and non-digits synthesised by code.

    All but MNIST is drawn once, from the seed, with other pens than it was written with; augmentation makes
    every epoch's pictures different. An epoch shows every picture of MNIST three times, so that there is room
    for more of the others.

    A short last phase comes back to what is read most: fewer synthetic pictures, and milder augmentation.
    What makes it surer of MNIST makes it less sure of strangers, so the result lies between the two phases:
    Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.
    """

    draws_digits: ClassVar[bool] = True

    name: str = "digits"
    epochs: int = 7
    batch_size: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 0.03
    average_decay: float = 0.999
    warm_up: float = 0.2  # share of all steps
    mnist_copies: int = 3
    synthetic_digits: int = 80_000
    non_digits: int = 85_000
    real_digits: int = 60_000  # pictures of digits in `training.handwriting`, about four of each
    real_non_digits: int = 25_000  # of letters and words there
    cut_share: float = 0.25  # of the synthetic digits, that were cut from rows of digits
    crop_share: float = 0.15  # of the synthetic digits, that have a full stop or a line beside them
    pair_share: float = 0.08  # of the non-digits, that are two digits
    uses_validation_set: bool = True
    augmentation: Augmentation = field(default_factory=Augmentation)

    last_epochs: int = 4
    last_learning_rate: float = 1e-3  # at its start; it falls to 0
    last_mnist_copies: int = 2
    last_synthetic_digits: int = 60_000
    last_non_digits: int = 60_000
    last_real_digits: int = 30_000
    last_real_non_digits: int = 15_000
    last_augmentation: Augmentation = field(default_factory=lambda: MILD)
    last_share: float = 0.5  # of the last phase's weights in the result

    # Of the log-odds. With it the validation writers of UNIPEN lose 1.5 % of their digits. For 1.95 %
    # `python -m benchmarks.handwriting --choose 1.95` gives more, which rejects many more digits in photos.
    threshold: float = 0.84

    def calibration(self, model: Sequential, images: np.ndarray, labels: np.ndarray) -> Calibration:
        return replace(super().calibration(model, images, labels), threshold=self.threshold)

    def network(self) -> Sequential:
        return digit_net(np.random.default_rng(self.seed))

    def trainer(self, images: np.ndarray, labels: np.ndarray) -> Trainer:
        synthetic, real = (self.synthetic_digits, self.non_digits), (self.real_digits, self.real_non_digits)
        images, labels = self._mixed(images, labels, self.mnist_copies, *synthetic, *real, phase=1)
        return in_one_cycle(self, images, labels)

    def last_trainer(self, model: Sequential, images: np.ndarray, labels: np.ndarray) -> Trainer:
        synthetic = self.last_synthetic_digits, self.last_non_digits
        real = self.last_real_digits, self.last_real_non_digits
        images, labels = self._mixed(images, labels, self.last_mnist_copies, *synthetic, *real, phase=2)
        return from_there_on(self, model, images, labels, self.last_augmentation)

    def result(self, trained: Sequence[Sequential]) -> Sequential:
        return between(*trained, self.last_share)

    def _mixed(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        copies: int,
        synthetic_digits: int,
        non_digits: int,
        real_digits: int,
        real_non_digits: int,
        *,
        phase: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """MNIST's images with pictures drawn for this phase, and all their labels.

        Digits cut from rows have scraps of their neighbours. Their loss leaves out the reject class:
        trained to accept them, the network accepted more letters, too.
        """
        rng = np.random.default_rng([self.seed, phase])
        cut, pairs = round(self.cut_share * synthetic_digits), round(self.pair_share * non_digits)
        cropped = round(self.crop_share * synthetic_digits)
        drawn, drawn_labels = synthesise_digits(synthetic_digits - cut - cropped, rng)
        others = synthesise_non_digits(non_digits - pairs, rng, images)
        real, real_labels = draw_digits(real_digits, rng)
        letters = draw_non_digits(real_non_digits, rng)
        written = np.concatenate([images, drawn, real])
        written_labels = np.concatenate([labels, drawn_labels, real_labels])
        rows, rows_labels = cut_digits(written, written_labels, cut, rng)
        crops, crops_labels = digits_in_crops(written, written_labels, cropped, rng)
        return (
            np.concatenate(
                [
                    *[images] * copies,
                    drawn,
                    real,
                    crops,
                    rows,
                    others,
                    uncut_pairs(written, pairs, rng),
                    letters,
                ]
            ),
            np.concatenate(
                [
                    *[labels] * copies,
                    drawn_labels,
                    real_labels,
                    crops_labels,
                    rows_labels + IF_NOT_REJECTED,
                    np.full(non_digits + real_non_digits, REJECT_CLASS),
                ],
                dtype=np.int64,
            ),
        )


RECIPES: dict[str, type[Recipe]] = {
    "seed": SeedRecipe,
    "small": SmallRecipe,
    "digits": DigitsRecipe,
    "rows": RowsRecipe,
    "lines": LinesRecipe,
    "fashion": FashionRecipe,
    "cifar10-quick": Cifar10QuickRecipe,
    "cifar10": Cifar10Recipe,
}
