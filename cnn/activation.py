"""Non-linearities."""

import numpy as np

from cnn.layer import Array, Layer


class ReLU(Layer):
    """y = max(x, 0), any shape.

    Source: Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML 2010.
    """

    def forward(self, x: Array, training: bool = False) -> Array:
        y = np.maximum(x, 0)
        if training:
            self.keep(y)
        return y

    def backward(self, dy: Array) -> Array:
        """dx = dy where x > 0, else 0"""
        (y,) = self.kept()
        return dy * (y > 0)


def softmax(logits: Array) -> Array:
    """probs[n, k] = exp(logits[n, k]) / sum over j of exp(logits[n, j])

    logits (N, K) -> probs (N, K), each row sums to 1. The row's maximum is subtracted first: it changes
    nothing and keeps exp within range.
    """
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)
