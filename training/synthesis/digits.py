"""Digits as strokes, in a random one of their designs (`training.synthesis.designs`)."""

import numpy as np

from training.synthesis.designs import eight, five, four, nine, one, seven, six, three, two, zero
from training.synthesis.strokes import Designs, Hand, Strokes

DESIGNS: dict[int, Designs] = {
    label: digit.DESIGNS
    for label, digit in enumerate((zero, one, two, three, four, five, six, seven, eight, nine))
}
SHARES = {label: np.cumsum([share for _, share in designs]) for label, designs in DESIGNS.items()}


def digit_strokes(label: int, rng: np.random.Generator, wild: float = 1.0) -> Strokes:
    """One digit as a person might write it: a list of (n, 2) paths, x right, y down, about 1 high.

    label: 0 to 9. wild: 0 draws the design exactly, 1 with the variation of real writing. Raises ValueError.
    """
    if label not in DESIGNS:
        raise ValueError(f"label must be a digit 0 to 9, got {label!r}")
    shares = SHARES[label]
    design = DESIGNS[label][int(np.searchsorted(shares[:-1], rng.random() * shares[-1]))][0]
    return Hand(rng, wild)(design(rng.uniform))
