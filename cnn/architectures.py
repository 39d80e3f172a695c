"""The networks, each on one screen. The shape after each block is in the comment beside it."""

from collections.abc import Callable

import numpy as np

from cnn.activation import ReLU
from cnn.dense import Dense, Flatten
from cnn.fast import SameConv2D
from cnn.model import Sequential
from cnn.norm import BatchNorm
from cnn.pool import GlobalAveragePool, MaxPool2D


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


def digit_net(rng: np.random.Generator) -> Sequential:
    """The network that reads best: five convolutions, 126,330 parameters.

    Few channels where the picture is large and many where it is small, because there a product is wide and
    the copies are short. ReLU comes after max pooling, where a quarter of the values is left; the two may be
    swapped, since both keep the order of values.
    """
    return Sequential(
        "digit_net",
        [
            # (N, 28, 28, 1)
            SameConv2D(1, 16, kernel_size=5, rng=rng, bias=False),
            BatchNorm(16, momentum=0.99),
            MaxPool2D(2),
            ReLU(),  # (N, 14, 14, 16)
            SameConv2D(16, 32, kernel_size=3, rng=rng, bias=False),
            BatchNorm(32, momentum=0.99),
            ReLU(),
            SameConv2D(32, 32, kernel_size=3, rng=rng, bias=False),
            BatchNorm(32, momentum=0.99),
            MaxPool2D(2),
            ReLU(),  # (N, 7, 7, 32)
            SameConv2D(32, 96, kernel_size=3, rng=rng, bias=False),
            BatchNorm(96, momentum=0.99),
            ReLU(),
            SameConv2D(96, 96, kernel_size=3, rng=rng, bias=False),
            BatchNorm(96, momentum=0.99),
            ReLU(),  # (N, 7, 7, 96)
            GlobalAveragePool(),  # (N, 96)
            Dense(96, 10, rng=rng, init="xavier"),  # (N, 10) logits
        ],
        input_shape=(28, 28, 1),
    )


# A weights file names its architecture; this is where the name leads.
ARCHITECTURES: dict[str, Callable[[np.random.Generator], Sequential]] = {
    "seed_net": seed_net,
    "digit_net": digit_net,
}
