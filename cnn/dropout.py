"""Dropout: train many thinned networks at once."""

from typing import ClassVar

import numpy as np

from cnn.layer import Array, Layer


class Dropout(Layer):
    """y = x * mask / (1 - rate) in training, where each entry of mask is 0 with probability rate, else 1;
    y = x in inference.

    rate in [0, 1). rng: where the masks come from. Any shape.

    Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 2014.
    """

    kind: ClassVar[str] = "dropout"

    def __init__(self, rate: float, *, rng: np.random.Generator) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"Dropout needs a rate in [0, 1), got {rate}")
        self.rate, self.rng = rate, rng

    def forward(self, x: Array, training: bool = False) -> Array:
        if not training:
            return x
        mask = (self.rng.random(x.shape, np.float32) >= self.rate) * x.dtype.type(1 / (1 - self.rate))
        self.save_for_backward(mask)
        return x * mask

    def backward(self, dy: Array) -> Array:
        """dx = dy * mask / (1 - rate)"""
        (mask,) = self.saved()
        return dy * mask

    def __repr__(self) -> str:
        return f"Dropout({self.rate})"
