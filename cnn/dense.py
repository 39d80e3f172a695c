"""Fully connected layers, and the step that flattens pictures for them."""

import math

import numpy as np

from cnn.layer import Array, Layer, Shape, initial_weight
from cnn.slices import for_slices, multiply, slice_size

FEATURES = 1568  # worked on at once backward


class Dense(Layer):
    """y = x weight + bias

    Shapes: x (N, in_features) -> y (N, out_features); weight (in_features, out_features),
    bias (out_features,). init: "he" or "xavier". rng: where the initial weight comes from.
    """

    def __init__(
        self, in_features: int, out_features: int, *, rng: np.random.Generator, init: str = "he"
    ) -> None:
        super().__init__()
        if min(in_features, out_features) < 1:
            raise ValueError(f"Dense needs features of at least 1, got {in_features} and {out_features}")
        self.in_features, self.out_features = in_features, out_features
        shape = (in_features, out_features)
        self.add_param("weight", initial_weight(init, shape, in_features, out_features, rng))
        self.add_param("bias", np.zeros(out_features, np.float32))

    def output_shape(self, shape: Shape) -> Shape:
        if shape != (self.in_features,):
            raise ValueError(f"{self} expects (N, {self.in_features}), got {('N', *shape)}")
        return (self.out_features,)

    def forward(self, x: Array, training: bool = False) -> Array:
        self.check(x)
        y = self.workspace("y", (len(x), self.out_features), x.dtype, training)

        def work(s: slice) -> None:
            result = np.matmul(x[s], self.params["weight"], out=y[s])
            result += self.params["bias"]

        for_slices(len(x), slice_size(self.in_features * self.out_features), work)
        if training:
            self.keep(x)
        return y

    def backward(self, dy: Array) -> Array:
        """dweight = x^T dy;  dbias = sum dy;  dx = dy weight^T"""
        (x,) = self.kept()
        dx = self.workspace("dx", x.shape, dy.dtype)

        def work(s: slice) -> None:
            multiply(x[:, s].T, dy, self.grads["weight"][s])
            np.matmul(dy, self.params["weight"][s].T, out=dx[:, s])

        for_slices(self.in_features, FEATURES, work)
        np.sum(dy, axis=0, out=self.grads["bias"])
        return dx

    def __repr__(self) -> str:
        return f"Dense({self.in_features}, {self.out_features})"


class Flatten(Layer):
    """(N, H, W, C) -> (N, H W C)"""

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def forward(self, x: Array, training: bool = False) -> Array:
        if training:
            self.keep(x.shape)
        return x.reshape(len(x), -1)

    def backward(self, dy: Array) -> Array:
        (shape,) = self.kept()
        return dy.reshape(shape)
