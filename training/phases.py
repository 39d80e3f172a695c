"""What recipes share: a phase of one cycle of learning rates, a last phase, and weights between the two."""

import numpy as np

from cnn import AdamW, Schedule, Sequential, cosine, one_cycle, reject_cross_entropy
from training.augment import Augmentation
from training.recipe import Recipe
from training.trainer import Check, Loss, Trainer, are_right


def in_one_cycle(
    recipe: Recipe,
    images: np.ndarray,
    labels: np.ndarray,
    loss: Loss = reject_cross_entropy,
    check: Check = are_right,
) -> Trainer:
    """The trainer of a recipe's network, by default one with a reject class, with one cycle of rates."""
    model = recipe.network()
    steps = recipe.epochs * -(-len(images) // recipe.batch_size)
    return Trainer(
        model,
        adamw(recipe, model, one_cycle(recipe.learning_rate, steps, warm_up=recipe.warm_up)),
        images,
        labels,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        augment=recipe.augmentation,
        loss=loss,
        check=check,
    )


def from_there_on(
    recipe: Recipe,
    model: Sequential,
    images: np.ndarray,
    labels: np.ndarray,
    augmentation: Augmentation,
) -> Trainer:
    """The trainer of the last phase of such a model."""
    steps = recipe.last_epochs * -(-len(images) // recipe.batch_size)
    return Trainer(
        model,
        adamw(recipe, model, cosine(recipe.last_learning_rate, steps)),
        images,
        labels,
        epochs=recipe.last_epochs,
        epochs_before=recipe.epochs,
        batch_size=recipe.batch_size,
        seed=recipe.seed + 1,
        augment=augmentation,
        loss=reject_cross_entropy,
    )


def adamw(recipe: Recipe, model: Sequential, schedule: Schedule) -> AdamW:
    """The optimizer by the recipe's weight_decay and average_decay."""
    return AdamW(model, schedule, weight_decay=recipe.weight_decay, average_decay=recipe.average_decay)


def between(first: Sequential, last: Sequential, share: float) -> Sequential:
    """Interpolate weights and running statistics: (1 - share) * first + share * last."""
    model = first.copy()
    model.parameters += np.float32(share) * (last.parameters - first.parameters)
    for (_, value), (_, end) in zip(model.named_buffers(), last.named_buffers(), strict=True):
        value += np.float32(share) * (end - value)
    return model
