"""Recipes: all that determines the result of a training, from the network to the learning rate."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from cnn import (
    SGD,
    AdamW,
    Schedule,
    Sequential,
    cosine,
    ctc_loss,
    digit_net,
    inverse_time_decay,
    line_net,
    one_cycle,
    reject_cross_entropy,
    row_net,
    seed_net,
    small_net,
    softmax_cross_entropy,
)
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
from training.handwriting.pictures import draw_digits, draw_non_digits
from training.picture_recipes import Cifar10QuickRecipe, Cifar10Recipe, FashionRecipe
from training.recipe import Recipe
from training.synthesis import (
    cut_digits,
    digits_in_crops,
    synthesise_digits,
    synthesise_lines,
    synthesise_non_digits,
    synthesise_rows,
    uncut_pairs,
)
from training.trainer import IF_NOT_REJECTED, REJECT_CLASS, Loss, Trainer


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
        return _in_one_cycle(self, images, labels, softmax_cross_entropy)


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
        return _in_one_cycle(self, images, labels)

    def last_trainer(self, model: Sequential, images: np.ndarray, labels: np.ndarray) -> Trainer:
        synthetic = self.last_synthetic_digits, self.last_non_digits
        real = self.last_real_digits, self.last_real_non_digits
        images, labels = self._mixed(images, labels, self.last_mnist_copies, *synthetic, *real, phase=2)
        return _from_there_on(self, model, images, labels, self.last_augmentation)

    def result(self, trained: Sequence[Sequential]) -> Sequential:
        return _between(*trained, self.last_share)

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
        return _in_one_cycle(self, rows, rows_labels)

    def last_trainer(self, model: Sequential, images: np.ndarray, labels: np.ndarray) -> Trainer:
        rows, rows_labels = self._drawn(self.last_rows, images, labels, "training", phase=2)
        return _from_there_on(self, model, rows, rows_labels, self.augmentation)

    def result(self, trained: Sequence[Sequential]) -> Sequential:
        return _between(*trained, self.last_share)

    def test(self, model: Sequential, dataset: Dataset, calibration: Calibration) -> RowsEvaluation:
        """On other rows, with digits of MNIST's test set in them, and by the validation writers' hands."""
        rows = self._drawn(self.test_rows, dataset.test_images, dataset.test_labels, "validation")
        return evaluate_rows(model, *rows)

    def test_key(self, dataset: Dataset) -> str:
        return "rows_test"

    def _drawn(
        self, count: int, images: np.ndarray, labels: np.ndarray, split: Split, phase: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([self.seed, phase if split == "training" else 0])
        rows, rows_labels = synthesise_rows(count, rng, images, labels, people(split))
        return rows, rows_labels.astype(np.int64)


@dataclass(frozen=True)
class LinesRecipe(Recipe):
    """The network that reads a line at once, without cutting it: `cnn.ctc_loss` on rows drawn as above."""

    name: str = "lines"
    epochs: int = 4
    batch_size: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.03
    average_decay: float = 0.999
    warm_up: float = 0.15  # share of all steps
    lines: int = 40_000
    test_lines: int = 2_000
    shear: float = 0.25  # largest slope by which a line is slanted

    can_be_validated: ClassVar[bool] = False
    draws_digits: ClassVar[bool] = True

    def network(self) -> Sequential:
        return line_net(np.random.default_rng(self.seed))

    def trainer(self, images: np.ndarray, labels: np.ndarray) -> Trainer:
        lines, texts = self._drawn(self.lines, images, labels, "training")
        model = self.network()
        steps = self.epochs * -(-len(lines) // self.batch_size)
        return Trainer(
            model,
            _adamw(self, model, one_cycle(self.learning_rate, steps, warm_up=self.warm_up)),
            lines,
            texts,
            epochs=self.epochs,
            batch_size=self.batch_size,
            seed=self.seed,
            augment=Slant(self.shear),
            loss=_ctc_of_lines,
            check=are_right_lines,
        )

    def test(self, model: Sequential, dataset: Dataset, calibration: Calibration) -> LinesEvaluation:
        """On other lines, with digits of MNIST's test set in them, and by the validation writers' hands."""
        lines = self._drawn(self.test_lines, dataset.test_images, dataset.test_labels, "validation")
        return evaluate_lines(model, *lines)

    def test_key(self, dataset: Dataset) -> str:
        return "lines_test"

    def _drawn(
        self, count: int, images: np.ndarray, labels: np.ndarray, split: Split
    ) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([self.seed, 3 if split == "training" else 0])
        return synthesise_lines(count, rng, images, labels, people(split))


def _ctc_of_lines(logits: np.ndarray, texts: np.ndarray) -> tuple[float, np.ndarray]:
    """`ctc_loss` of logits (N, 1, T, K + 1)"""
    loss, dlogits = ctc_loss(logits[:, 0], texts)
    return loss, dlogits[:, None]


def _in_one_cycle(
    recipe: "SmallRecipe | DigitsRecipe | RowsRecipe",
    images: np.ndarray,
    labels: np.ndarray,
    loss: Loss = reject_cross_entropy,
) -> Trainer:
    """The trainer of a recipe's network, by default one with a reject class, with one cycle of rates."""
    model = recipe.network()
    steps = recipe.epochs * -(-len(images) // recipe.batch_size)
    return Trainer(
        model,
        _adamw(recipe, model, one_cycle(recipe.learning_rate, steps, warm_up=recipe.warm_up)),
        images,
        labels,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        augment=recipe.augmentation,
        loss=loss,
    )


def _from_there_on(
    recipe: "DigitsRecipe | RowsRecipe",
    model: Sequential,
    images: np.ndarray,
    labels: np.ndarray,
    augmentation: Augmentation,
) -> Trainer:
    """The trainer of the last phase of such a model."""
    steps = recipe.last_epochs * -(-len(images) // recipe.batch_size)
    return Trainer(
        model,
        _adamw(recipe, model, cosine(recipe.last_learning_rate, steps)),
        images,
        labels,
        epochs=recipe.last_epochs,
        epochs_before=recipe.epochs,
        batch_size=recipe.batch_size,
        seed=recipe.seed + 1,
        augment=augmentation,
        loss=reject_cross_entropy,
    )


def _adamw(
    recipe: "SmallRecipe | DigitsRecipe | RowsRecipe | LinesRecipe", model: Sequential, schedule: Schedule
) -> AdamW:
    return AdamW(model, schedule, weight_decay=recipe.weight_decay, average_decay=recipe.average_decay)


def _between(first: Sequential, last: Sequential, share: float) -> Sequential:
    """Interpolate weights and running statistics: (1 - share) * first + share * last."""
    model = first.copy()
    model.parameters += np.float32(share) * (last.parameters - first.parameters)
    for (_, value), (_, end) in zip(model.named_buffers(), last.named_buffers(), strict=True):
        value += np.float32(share) * (end - value)
    return model


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
