"""Non-linearities."""

import math
from typing import ClassVar

import numpy as np

from cnn.layer import Array, Layer

SLOPE, CUBIC = math.sqrt(2 / math.pi), 0.044715  # of GELU's tanh


class ReLU(Layer):
    """y = max(x, 0), any shape.

    Source: Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML 2010.
    """

    kind: ClassVar[str] = "relu"

    def forward(self, x: Array, training: bool = False) -> Array:
        if training:
            self.save_for_backward(x > 0)
        return np.maximum(x, 0)

    def backward(self, dy: Array) -> Array:
        """dx = dy where x > 0, else 0"""
        (positive,) = self.saved()
        return dy * positive


class GELU(Layer):
    """y = x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), any shape.

    Almost x times the probability that a standard normal value lies below x: as ReLU for large |x|, but
    smooth, and a little below 0 for small negative x. The tanh form differs from the exact one by at most
    0.0005 and needs no error function, which NumPy lacks.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)", 2016.
    """

    kind: ClassVar[str] = "gelu"

    def forward(self, x: Array, training: bool = False) -> Array:
        # Products rather than powers: ** 3 takes fifty times as long.
        tanh = np.tanh(SLOPE * x * (1 + CUBIC * x * x))
        if training:
            self.save_for_backward(x, tanh)
        return 0.5 * x * (1 + tanh)

    def backward(self, dy: Array) -> Array:
        """dx = dy ((1 + tanh) / 2 + x / 2 (1 - tanh^2) sqrt(2 / pi) (1 + 3 0.044715 x^2))"""
        x, tanh = self.saved()
        return dy * (0.5 * (1 + tanh) + 0.5 * SLOPE * x * (1 - tanh * tanh) * (1 + 3 * CUBIC * x * x))


def softmax(logits: Array) -> Array:
    """probs[n, k] = exp(logits[n, k]) / sum over j of exp(logits[n, j])

    logits (N, K) -> probs (N, K), each row sums to 1. The row's maximum is subtracted first: it changes
    nothing and keeps exp within range.
    """
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)
