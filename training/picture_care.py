"""What networks for clothes, animals and vehicles are given on the page as by the recipes, by data set.

A first layer that begins whitened, labels that are smoothed, and pictures that are shifted as suits them.
Digits are trained without the first two, and are distorted as handwriting is.
"""

from functools import partial

import numpy as np

from cnn import Conv2D, Sequential, softmax_cross_entropy
from training.augment import Augmentation, Shift
from training.datasets.registry import CIFAR10, FASHION_MNIST
from training.picture_recipes import Cifar10QuickRecipe, FashionRecipe, PictureRecipe, whiten_first_layer
from training.trainer import Augment, Loss

RECIPES: dict[str, type[PictureRecipe]] = {FASHION_MNIST: FashionRecipe, CIFAR10: Cifar10QuickRecipe}


def begin_whitened(model: Sequential, images: np.ndarray, dataset: str, seed: int) -> None:
    """Whiten the first layer of a new network by the training images, where it is a convolution.

    dataset: its name in the registry; networks for others than those in RECIPES are left as they are.
    """
    if dataset in RECIPES and isinstance(model.layers[0], Conv2D):
        whiten_first_layer(model, images, np.random.default_rng(seed))


def loss_for(dataset: str) -> Loss:
    """Cross-entropy, with the labels smoothed as the data set's recipe has it."""
    recipe = RECIPES.get(dataset)
    if recipe is None:
        return softmax_cross_entropy
    return partial(softmax_cross_entropy, label_smoothing=recipe.label_smoothing)


def augmentation_for(dataset: str) -> Augment:
    """What changes every picture a little; mirroring comes on top, where `Dataset.may_be_mirrored`."""
    recipe = RECIPES.get(dataset)
    return Augmentation() if recipe is None else Shift(recipe.shift, recipe.border)
