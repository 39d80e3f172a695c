"""Recipes for other pictures than digits: clothes, animals, or one's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np

from cnn import AdamW, Sequential, colour_net, grey_net, one_cycle, softmax_cross_entropy, whitening
from recognition.calibration import Calibration
from training.augment import Shift
from training.calibrate import logits_of
from training.datasets import cifar10, fashion
from training.datasets.base import Dataset
from training.evaluate import Evaluation
from training.recipe import Recipe
from training.trainer import Trainer

WHITENED_PICTURES = 2_500  # of which the first layer's initial weight is made
PLACES = 8  # patches of each of them


@dataclass(frozen=True)
class PictureEvaluation(Evaluation):
    """With a second view: the mean of the logits of each picture and its mirror image."""

    accuracy_with_mirror: float = 0.0  # 0 to 1

    def to_json(self) -> dict:
        """Both accuracies, and what every evaluation has."""
        return super().to_json() | {"accuracy_with_mirror": round(self.accuracy_with_mirror, 4)}

    @property
    def summary(self) -> str:
        """Both accuracies, in a line."""
        return f"{super().summary}, with the mirror image {self.accuracy_with_mirror:.4f}"


@dataclass(frozen=True)
class PictureRecipe(Recipe):
    """A recipe for pictures of any classes: shifted and mirrored, AdamW in one cycle, weights averaged."""

    tested_on: ClassVar[str] = "test"
    build: ClassVar[Callable[[np.random.Generator, int], Sequential]]
    border: ClassVar[str]  # of shifted pictures; see Shift

    batch_size: int = 256
    learning_rate: float = 4e-3
    weight_decay: float = 0.05
    average_decay: float = 0.99
    warm_up: float = 0.2  # share of all steps
    label_smoothing: float = 0.2
    shift: int = 2  # pixels
    classes: tuple[str, ...] = ()

    def for_dataset(self, dataset: Dataset) -> Recipe:
        return super(PictureRecipe, replace(self, classes=dataset.classes)).for_dataset(dataset)

    def network(self) -> Sequential:
        model = type(self).build(np.random.default_rng(self.seed), len(self.classes))
        model.name_classes(self.classes)
        return model

    def trainer(self, images: np.ndarray, labels: np.ndarray) -> Trainer:
        model = self.network()
        whiten_first_layer(model, images, np.random.default_rng(self.seed))
        batch_size = min(self.batch_size, len(images))
        steps = self.epochs * -(-len(images) // batch_size)
        schedule = one_cycle(self.learning_rate, steps, warm_up=self.warm_up)
        optimizer = AdamW(model, schedule, weight_decay=self.weight_decay, average_decay=self.average_decay)
        return Trainer(
            model,
            optimizer,
            images,
            labels,
            epochs=self.epochs,
            batch_size=batch_size,
            seed=self.seed,
            augment=Shift(self.shift, self.border),
            mirror=True,
            loss=partial(softmax_cross_entropy, label_smoothing=self.label_smoothing),
        )

    def test(self, model: Sequential, dataset: Dataset, calibration: Calibration) -> PictureEvaluation:
        images, labels = dataset.test_images, dataset.test_labels.astype(int)
        logits, mirrored = logits_of(model, images), logits_of(model, images[:, :, ::-1])
        both = (logits + mirrored).argmax(1) == labels
        refused = ~calibration.is_digit(logits)
        return PictureEvaluation(
            labels,
            calibration.probs(logits),
            refused,
            dataset.classes,
            accuracy_with_mirror=float(both.mean()),
        )


@dataclass(frozen=True)
class FashionRecipe(PictureRecipe):
    """Fashion-MNIST, with CIFAR-10's settings but for a milder label smoothing; nothing was tuned."""

    dataset: ClassVar[str] = "fashion-mnist"
    build: ClassVar[Callable] = staticmethod(grey_net)
    border: ClassVar[str] = "constant"

    name: str = "fashion"
    epochs: int = 8
    label_smoothing: float = 0.1
    classes: tuple[str, ...] = fashion.CLASSES


@dataclass(frozen=True)
class Cifar10QuickRecipe(PictureRecipe):
    """CIFAR-10 in minutes, and any colour pictures.

    The settings were tried on the last 5,000 training pictures of CIFAR-10 recompressed as JPEG, in a shorter
    training of a narrower network (docs/lab-notes.md).
    """

    dataset: ClassVar[str] = "cifar10"
    build: ClassVar[Callable] = staticmethod(colour_net)
    border: ClassVar[str] = "reflect"

    name: str = "cifar10-quick"
    epochs: int = 16
    classes: tuple[str, ...] = cifar10.CLASSES


def whiten_first_layer(model: Sequential, images: np.ndarray, rng: np.random.Generator) -> None:
    """Set the first convolution's initial weight and bias from patches of images; see `whitening`."""
    conv = model.layers[0]
    side, channels = conv.kernel_size, conv.out_channels
    pictures = images[:WHITENED_PICTURES].astype(np.float32) / 255
    tops, lefts = (rng.integers(0, pictures.shape[axis] - side + 1, PLACES) for axis in (1, 2))
    patches = _patches(pictures, side, zip(tops, lefts, strict=True))
    conv.params["weight"][...], conv.params["bias"][...] = (
        part.reshape(conv.params[name].shape)
        for name, part in zip(("weight", "bias"), whitening(patches, channels), strict=True)
    )


def _patches(pictures: np.ndarray, side: int, places: Sequence[tuple[int, int]]) -> np.ndarray:
    """(N, H, W) or (N, H, W, C) -> (N P, side side C): every picture's patches at P places."""
    n = len(pictures)
    return np.concatenate(
        [pictures[:, top : top + side, left : left + side].reshape(n, -1) for top, left in places]
    )
