"""Recipes: everything that decides what a training makes, from network to learning rate."""

from dataclasses import asdict, dataclass, field, replace

import numpy as np

from cnn import (
    SGD,
    AdamW,
    Sequential,
    cross_entropy_or_none,
    digit_net,
    inverse_time_decay,
    one_cycle,
    seed_net,
)
from ink.calibration import Calibration
from training.augment import Augmentation
from training.calibrate import fit_temperature, logits_of
from training.synthesis import synthesise_digits, synthesise_non_digits
from training.trainer import NOT_A_DIGIT, Trainer


@dataclass(frozen=True)
class Recipe:
    """What every recipe has; `trainer` makes the rest of it."""

    name: str
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int = 0
    holds_out: bool = False  # keep the last 5,000 training images for choosing and calibrating

    def trainer(self, images: np.ndarray, labels: np.ndarray) -> Trainer:
        """The training of MNIST's images (N, 28, 28) uint8 with labels (N,) that this recipe is."""
        raise NotImplementedError

    def calibration(self, model: Sequential, images: np.ndarray, labels: np.ndarray) -> Calibration:
        """The trained model's, from held-out images (N, 28, 28) uint8 and labels (N,)."""
        return Calibration(fit_temperature(logits_of(model, images), labels))

    def to_json(self) -> dict:
        """The settings as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class SeedRecipe(Recipe):
    """The origin's: a plain network, plain momentum, MNIST as it is.

    The origin does not tell its learning rate; this one was chosen from those tried on held-out training
    images (`python -m training --hold-out --learning-rate RATE`).
    """

    name: str = "seed"
    epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 0.05
    momentum: float = 0.9
    decay: float = 1e-3

    def trainer(self, images: np.ndarray, labels: np.ndarray) -> Trainer:
        model = seed_net(np.random.default_rng(self.seed))
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


@dataclass(frozen=True)
class DigitsRecipe(Recipe):
    """The one that reads best: MNIST, digits and non-digits synthesised from strokes, and augmentation.

    The synthetic pictures are drawn once, from the seed; augmentation makes every epoch's different. An epoch
    shows every picture of MNIST twice, so that there is room for more synthetic ones.
    """

    name: str = "digits"
    epochs: int = 18
    batch_size: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 0.03
    average_decay: float = 0.999
    warm_up: float = 0.2  # share of all steps
    mnist_copies: int = 2
    synthetic_digits: int = 60_000
    non_digits: int = 50_000
    holds_out: bool = True
    augmentation: Augmentation = field(default_factory=Augmentation)

    threshold: float = 0.65  # of the log odds; chosen by `benchmarks/handwriting.py --choose 1.7`

    def calibration(self, model: Sequential, images: np.ndarray, labels: np.ndarray) -> Calibration:
        return replace(super().calibration(model, images, labels), threshold=self.threshold)

    def trainer(self, images: np.ndarray, labels: np.ndarray) -> Trainer:
        rng = np.random.default_rng([self.seed, 1])
        drawn, drawn_labels = synthesise_digits(self.synthetic_digits, rng)
        others = synthesise_non_digits(self.non_digits, rng, images)
        copies = self.mnist_copies
        labels = np.concatenate(
            [*[labels] * copies, drawn_labels, np.full(len(others), NOT_A_DIGIT)], dtype=np.int64
        )
        images = np.concatenate([*[images] * copies, drawn, others])
        model = digit_net(np.random.default_rng(self.seed))
        steps = self.epochs * -(-len(images) // self.batch_size)
        optimizer = AdamW(
            model,
            one_cycle(self.learning_rate, steps, warm_up=self.warm_up),
            weight_decay=self.weight_decay,
            average_decay=self.average_decay,
        )
        return Trainer(
            model,
            optimizer,
            images,
            labels,
            epochs=self.epochs,
            batch_size=self.batch_size,
            seed=self.seed,
            augment=self.augmentation,
            loss=cross_entropy_or_none,
        )


RECIPES: dict[str, type[Recipe]] = {"seed": SeedRecipe, "digits": DigitsRecipe}
