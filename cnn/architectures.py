"""The networks, each on one screen. The shape after each block is in the comment beside it."""

from collections.abc import Callable

import numpy as np

from cnn.activation import ReLU
from cnn.dense import Dense, Flatten
from cnn.fast import SameConv2D
from cnn.model import Sequential
from cnn.pool import MaxPool2D


def seed_net(rng: np.random.Generator) -> Sequential:
    """The network this project began with: one convolution, two dense layers, 804,554 parameters."""
    return Sequential(
        "seed_net",
        [
            # (N, 28, 28, 1)
            SameConv2D(1, 32, kernel_size=3, rng=rng),
            ReLU(),  # (N, 28, 28, 32)
            MaxPool2D(2),  # (N, 14, 14, 32)
            Flatten(),  # (N, 6272)
            Dense(14 * 14 * 32, 128, rng=rng),
            ReLU(),  # (N, 128)
            Dense(128, 10, rng=rng, init="xavier"),  # (N, 10) logits
        ],
        input_shape=(28, 28, 1),
    )


# A weights file names its architecture; this is where the name leads.
ARCHITECTURES: dict[str, Callable[[np.random.Generator], Sequential]] = {"seed_net": seed_net}
