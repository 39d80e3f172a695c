"""Non-linearities."""

import math

import numpy as np

from cnn.layer import Array, Layer
from cnn.slices import for_slices, slice_size


class ReLU(Layer):
    """y = max(x, 0), any shape.

    Source: Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML 2010.
    """

    def forward(self, x: Array, training: bool = False) -> Array:
        if not training:
            return relu(x, np.empty_like(x))
        y = self.workspace("y", x.shape, x.dtype)
        size = slice_size(math.prod(x.shape[1:]))
        for_slices(len(x), size, lambda s: relu(x[s], y[s]))
        self.keep(y)
        return y

    def backward(self, dy: Array) -> Array:
        """dx = dy where x > 0, else 0"""
        (y,) = self.kept()
        dx = self.workspace("dx", dy.shape, dy.dtype)

        def work(s: slice) -> None:
            passes = np.greater(y[s], 0, out=self.scratch("passes", y[s].shape, bool))
            np.multiply(dy[s], passes, out=dx[s])

        for_slices(len(dy), slice_size(math.prod(dy.shape[1:])), work)
        return dx


def relu(x: Array, out: Array) -> Array:
    """max(x, 0), written to out. np.maximum with a number takes three times as long."""
    return x.clip(0, np.inf, out=out)


def softmax(logits: Array) -> Array:
    """probs[n, k] = exp(logits[n, k]) / sum over j of exp(logits[n, j])

    logits (N, K) -> probs (N, K), each row sums to 1. The row's maximum is subtracted first: it changes
    nothing and keeps exp within range.
    """
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)
