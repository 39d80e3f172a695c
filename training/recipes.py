"""Recipes: everything that decides what a training makes, from network to learning rate."""

from dataclasses import asdict, dataclass

import numpy as np

from cnn import ARCHITECTURES, SGD, inverse_time_decay
from training.trainer import Trainer


@dataclass(frozen=True)
class SeedRecipe:
    """The origin's: a plain network, plain momentum, MNIST as it is.

    The origin does not tell its learning rate; this one was the best of those tried on held-out training
    images (`python -m training --hold-out --learning-rate RATE`).
    """

    name: str = "seed"
    network: str = "seed_net"
    epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 0.05
    momentum: float = 0.9
    decay: float = 1e-3
    seed: int = 0

    def trainer(self, images: np.ndarray, labels: np.ndarray) -> Trainer:
        model = ARCHITECTURES[self.network](np.random.default_rng(self.seed))
        schedule = inverse_time_decay(self.learning_rate, self.decay)
        optimizer = SGD(model, schedule, momentum=self.momentum)
        return Trainer(
            model,
            optimizer,
            images,
            labels,
            epochs=self.epochs,
            batch_size=self.batch_size,
            seed=self.seed,
        )

    def to_json(self) -> dict:
        return asdict(self)


RECIPES = {"seed": SeedRecipe}
