"""Recipes for other pictures than digits: clothes, animals, or one's own."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np

from cnn import Muon, Sequential, colour_net, grey_net, one_cycle, softmax_cross_entropy, whitening
from recognition.calibration import Calibration
from training.augment import Cutout, Shift
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
    """With more views of each picture, whose mean logits are taken: see `views`. Accuracies are 0 to 1."""

    accuracy_with_mirror: float = 0.0
    accuracy_with_views: float = 0.0

    def to_json(self) -> dict:
        """All accuracies, and what every evaluation has."""
        return super().to_json() | {
            "accuracy_with_mirror": round(self.accuracy_with_mirror, 4),
            "accuracy_with_views": round(self.accuracy_with_views, 4),
        }

    @property
    def summary(self) -> str:
        """All accuracies, in a line."""
        return (
            f"{super().summary}, with the mirror image {self.accuracy_with_mirror:.4f}, "
            f"shifted too {self.accuracy_with_views:.4f}"
        )


@dataclass(frozen=True)
class PictureRecipe(Recipe):
    """A recipe for pictures of any classes: shifted and mirrored, Muon in one cycle, weights averaged.

    After "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (Jordan, 2024).
    """

    build: ClassVar[Callable[[np.random.Generator, int], Sequential]]
    border: ClassVar[str]  # of shifted pictures; see Shift

    batch_size: int = 512
    learning_rate: float = 0.1  # of the convolutions; see Muon
    other_rate: float = 0.04  # of all else, as a share of that
    momentum: float = 0.8
    weight_decay: float = 0.0
    average_decay: float = 0.99
    warm_up: float = 0.1  # share of all steps
    label_smoothing: float = 0.2
    shift: int = 2  # pixels
    cutout: int = 0  # pixels of a side
    mirror: bool = True  # where the mirror image shows the same class
    classes: tuple[str, ...] = ()

    def for_dataset(self, dataset: Dataset) -> Recipe:
        mirror = self.mirror and dataset.may_be_mirrored
        fitted = replace(self, classes=dataset.classes, mirror=mirror)
        return super(PictureRecipe, fitted).for_dataset(dataset)

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
        optimizer = Muon(
            model,
            schedule,
            momentum=self.momentum,
            other_rate=self.other_rate,
            weight_decay=self.weight_decay,
            average_decay=self.average_decay,
        )
        return Trainer(
            model,
            optimizer,
            images,
            labels,
            epochs=self.epochs,
            batch_size=batch_size,
            seed=self.seed,
            augment=self._augment,
            mirror=self.mirror,
            loss=partial(softmax_cross_entropy, label_smoothing=self.label_smoothing),
        )

    def test_key(self, dataset: Dataset) -> str:
        return "test"

    def _augment(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        images = Shift(self.shift, self.border)(images, rng)
        return Cutout(self.cutout)(images, rng) if self.cutout else images

    def test(self, model: Sequential, dataset: Dataset, calibration: Calibration) -> PictureEvaluation:
        images, labels = dataset.test_images, dataset.test_labels.astype(int)
        plain, mirrored, *shifted = (logits_of(model, view) for view in views(images))
        right = [
            float((logits.argmax(1) == labels).mean())
            for logits in (plain + mirrored, 2 * (plain + mirrored) + sum(shifted))
        ]
        return PictureEvaluation(
            labels,
            calibration.probs(plain),
            ~calibration.is_digit(plain),
            dataset.classes,
            accuracy_with_mirror=right[0],
            accuracy_with_views=right[1],
        )


@dataclass(frozen=True)
class FashionRecipe(PictureRecipe):
    """Fashion-MNIST."""

    dataset: ClassVar[str] = "fashion-mnist"
    build: ClassVar[Callable] = staticmethod(grey_net)
    border: ClassVar[str] = "constant"

    name: str = "fashion"
    epochs: int = 32
    label_smoothing: float = 0.1
    cutout: int = 8
    classes: tuple[str, ...] = fashion.CLASSES


@dataclass(frozen=True)
class Cifar10QuickRecipe(PictureRecipe):
    """CIFAR-10 in minutes, and any colour pictures."""

    dataset: ClassVar[str] = "cifar10"
    build: ClassVar[Callable] = staticmethod(colour_net)
    border: ClassVar[str] = "reflect"

    name: str = "cifar10-quick"
    epochs: int = 4
    classes: tuple[str, ...] = cifar10.CLASSES


@dataclass(frozen=True)
class Cifar10Recipe(Cifar10QuickRecipe):
    """CIFAR-10 as well as this network can learn it in an hour."""

    name: str = "cifar10"
    epochs: int = 30
    shift: int = 3
    cutout: int = 8


def views(images: np.ndarray) -> Iterator[np.ndarray]:
    """Each picture (N, H, W) or (N, H, W, C), its mirror image, and both moved by a pixel up and left, and
    down and right; the border is repeated. In `PictureRecipe.test` the first two have twice the say.
    """
    mirrored = images[:, :, ::-1]
    yield images
    yield mirrored
    padding = ((0, 0), (1, 1), (1, 1), *((0, 0),) * (images.ndim - 3))
    for one in (images, mirrored):
        padded = np.pad(one, padding, mode="edge")
        yield padded[:, 2:, 2:]
        yield padded[:, :-2, :-2]


def whiten_first_layer(model: Sequential, images: np.ndarray, rng: np.random.Generator) -> None:
    """Set the first convolution's initial weight and bias from patches of images; see `whitening`.

    A layer with more filters than there are directions in a patch keeps the rest as they were drawn, and an
    odd last one. Without a bias the mean stays in.
    """
    conv = model.layers[0]
    side = conv.kernel_size
    directions = side * side * conv.in_channels
    filters = 2 * min(conv.out_channels // 2, directions)
    if directions == 1 or side > min(images.shape[1:3]):
        return  # nothing to whiten
    pictures = images[:WHITENED_PICTURES].astype(np.float32) / 255
    tops, lefts = (rng.integers(0, pictures.shape[axis] - side + 1, PLACES) for axis in (1, 2))
    patches = _patches(pictures, side, zip(tops, lefts, strict=True))
    weight, bias = whitening(patches, filters)
    conv.params["weight"][..., :filters] = weight.reshape(*conv.params["weight"].shape[:3], filters)
    if "bias" in conv.params:
        conv.params["bias"][:filters] = bias


def _patches(pictures: np.ndarray, side: int, places: Sequence[tuple[int, int]]) -> np.ndarray:
    """(N, H, W) or (N, H, W, C) -> (N P, side side C): every picture's patches at P places."""
    n = len(pictures)
    return np.concatenate(
        [pictures[:, top : top + side, left : left + side].reshape(n, -1) for top, left in places]
    )
