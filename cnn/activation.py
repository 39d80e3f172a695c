"""Non-linearities."""

from typing import ClassVar

import numpy as np

from cnn.layer import Array, Layer


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


def softmax(logits: Array) -> Array:
    """probs[n, k] = exp(logits[n, k]) / sum over j of exp(logits[n, j])

    logits (N, K) -> probs (N, K), each row sums to 1. The row's maximum is subtracted first: it changes
    nothing and keeps exp within range.
    """
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)
