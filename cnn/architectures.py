"""The networks, each on one screen. The shape after each line is in the comment beside it."""

from collections.abc import Callable

import numpy as np

from cnn.activation import GELU, ReLU
from cnn.columns import ColumnWindows
from cnn.conv import Conv2D
from cnn.dense import Dense, Flatten
from cnn.layer import Layer
from cnn.model import Sequential
from cnn.norm import BatchNorm
from cnn.pool import GlobalAveragePool, MaxPool2D


def softmax_regression(rng: np.random.Generator) -> Sequential:
    """No hidden layer: a weight for each pixel and digit, 7,850 parameters. What the others improve on."""
    return Sequential(
        "softmax_regression",
        [
            # (N, 28, 28, 1)
            Flatten(),  # (N, 784)
            Dense(28 * 28, 10, rng=rng, init="xavier"),  # (N, 10) logits
        ],
        input_shape=(28, 28, 1),
    )


def seed_net(rng: np.random.Generator) -> Sequential:
    """The network this project began with: one convolution, two dense layers, 804,554 parameters."""
    return Sequential(
        "seed_net",
        [
            # (N, 28, 28, 1)
            Conv2D(1, 32, kernel_size=3, padding=1, rng=rng),  # (N, 28, 28, 32)
            ReLU(),
            MaxPool2D(2),  # (N, 14, 14, 32)
            Flatten(),  # (N, 6272)
            Dense(14 * 14 * 32, 128, rng=rng),  # (N, 128)
            ReLU(),
            Dense(128, 10, rng=rng, init="xavier"),  # (N, 10) logits
        ],
        input_shape=(28, 28, 1),
    )


def small_net(rng: np.random.Generator) -> Sequential:
    """The network to watch while it learns: two convolutions, 9,226 parameters, good in seconds."""
    return Sequential(
        "small_net",
        [
            # (N, 28, 28, 1)
            Conv2D(1, 8, kernel_size=5, padding=2, rng=rng),  # (N, 28, 28, 8)
            ReLU(),
            MaxPool2D(2),  # (N, 14, 14, 8)
            Conv2D(8, 16, kernel_size=3, padding=1, rng=rng),  # (N, 14, 14, 16)
            ReLU(),
            MaxPool2D(2),  # (N, 7, 7, 16)
            Flatten(),  # (N, 784)
            Dense(7 * 7 * 16, 10, rng=rng, init="xavier"),  # (N, 10) logits
        ],
        input_shape=(28, 28, 1),
    )


def digit_net(rng: np.random.Generator) -> Sequential:
    """The network that reads best: five convolutions, 359,642 parameters."""
    return Sequential("digit_net", _five_convolutions(1, rng), input_shape=(28, 28, 1))


def row_net(rng: np.random.Generator) -> Sequential:
    """The same for a digit or separator among others, 360,687 parameters.

    The second channel is what stands around it; after the ten digits come the separators - / . , and :
    """
    return Sequential("row_net", _five_convolutions(2, rng, classes=15), input_shape=(28, 28, 2))


def line_net(rng: np.random.Generator) -> Sequential:
    """For a whole line of digits and separators, of any width: seven convolutions, 440,129 parameters.

    It says what stands at every fourth pixel from the left to the right, for `cnn.ctc_loss`: one of the ten
    digits and five separators, something else, or the blank, nothing new. `Sequential.for_shape` makes it of
    another width.
    """
    layers = [
        # (N, 48, 264, 1)
        Conv2D(1, 16, kernel_size=5, padding=2, rng=rng),
        ReLU(),
        MaxPool2D(2),  # (N, 24, 132, 16)
        Conv2D(16, 48, kernel_size=3, padding=1, rng=rng),
        ReLU(),
        MaxPool2D(2),  # (N, 12, 66, 48)
        *_normalised(48, 112, 3, rng),
        *_normalised(112, 112, 3, rng),
        *_normalised(112, 112, 3, rng),  # (N, 12, 66, 112)
        *_normalised(112, 32, 1, rng),  # (N, 12, 66, 32)
        ColumnWindows(3),  # (N, 1, 66, 1152)
        *_normalised(1152, 128, 1, rng),  # (N, 1, 66, 128)
        ColumnWindows(3),  # (N, 1, 66, 384)
        Conv2D(384, 17, kernel_size=1, rng=rng, init="xavier"),  # (N, 1, 66, 17) logits
    ]
    return Sequential("line_net", layers, input_shape=(48, 264, 1))


def _five_convolutions(channels: int, rng: np.random.Generator, classes: int = 10) -> list[Layer]:
    """Few channels where the picture is large, many where it is small: there a product is wide, and 6x6 is
    the size at which a convolution takes a fifth of the products.
    """
    return [
        # (N, 28, 28, channels)
        Conv2D(channels, 16, kernel_size=5, rng=rng),  # (N, 24, 24, 16)
        ReLU(),
        MaxPool2D(2),  # (N, 12, 12, 16)
        Conv2D(16, 48, kernel_size=3, padding=1, rng=rng),  # (N, 12, 12, 48)
        ReLU(),
        MaxPool2D(2),  # (N, 6, 6, 48)
        *_normalised(48, 128, 3, rng),
        *_normalised(128, 128, 3, rng),
        *_normalised(128, 128, 3, rng),  # (N, 6, 6, 128)
        GlobalAveragePool(),  # (N, 128)
        Dense(128, classes, rng=rng, init="xavier"),  # (N, classes) logits
    ]


def _normalised(before: int, after: int, kernel_size: int, rng: np.random.Generator) -> list[Layer]:
    """(N, H, W, before) -> (N, H, W, after): a convolution, batch norm in place of its bias, and ReLU."""
    return [
        Conv2D(before, after, kernel_size, padding=kernel_size // 2, rng=rng, bias=False),
        BatchNorm(after, momentum=0.99),
        ReLU(),
    ]


def grey_net(rng: np.random.Generator, classes: int = 10) -> Sequential:
    """For grey pictures of 28x28, such as Fashion-MNIST's: seven convolutions, 479,894 parameters."""
    name = "grey_net" if classes == 10 else f"grey_net_{classes}"
    return Sequential(name, _deep_convolutions(1, 18, 116, 1, classes, rng), input_shape=(28, 28, 1))


def colour_net(rng: np.random.Generator, classes: int = 10) -> Sequential:
    """For colour pictures of 32x32, such as CIFAR-10's: seven convolutions, 992,522 parameters."""
    name = "colour_net" if classes == 10 else f"colour_net_{classes}"
    return Sequential(name, _deep_convolutions(3, 24, 176, 0, classes, rng), input_shape=(32, 32, 3))


def _deep_convolutions(
    channels: int, first: int, width: int, padding: int, classes: int, rng: np.random.Generator
) -> list[Layer]:
    """Three blocks of two convolutions, with sizes such that all but the first are tiled by 6x6 or 3x3, where
    Winograd's algorithm helps most.

    first: the channels after the first convolution. width: those from 12x12 on. padding: the first two
    convolutions', so that both sizes of pictures come to 28x28.

    Source: Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024, with other sizes.
    """

    def block(before: int, after: int, first_padding: int, second_padding: int) -> list[Layer]:
        return [
            Conv2D(before, after, kernel_size=3, padding=first_padding, rng=rng, init="identity", bias=False),
            MaxPool2D(2),
            BatchNorm(after),
            GELU(),
            Conv2D(after, after, kernel_size=3, padding=second_padding, rng=rng, init="identity", bias=False),
            BatchNorm(after),
            GELU(),
        ]

    return [
        # (N, 28, 28, channels), or in parentheses (N, 32, 32, channels)
        Conv2D(channels, first, kernel_size=3, padding=padding, rng=rng),  # (N, 28, 28, first) (30, 30)
        GELU(),
        *block(first, 64, padding, 0),  # (N, 28, 28, 64), pooled (N, 14, 14, 64), then (N, 12, 12, 64)
        *block(64, width, 1, 1),  # (N, 12, 12, width), pooled (N, 6, 6, width)
        *block(width, width, 1, 1),  # (N, 6, 6, width), pooled (N, 3, 3, width)
        GlobalAveragePool(),  # (N, width)
        Dense(width, classes, rng=rng, init="xavier"),  # (N, classes) logits
    ]


# A weights file names its architecture; this is where the name leads.
ARCHITECTURES: dict[str, Callable[[np.random.Generator], Sequential]] = {
    "softmax_regression": softmax_regression,
    "small_net": small_net,
    "seed_net": seed_net,
    "digit_net": digit_net,
    "row_net": row_net,
    "line_net": line_net,
    "grey_net": grey_net,
    "colour_net": colour_net,
}
