"""Fully connected layers, and the layer that flattens pictures for them."""

import math
from typing import ClassVar

import numpy as np

from cnn.initial_weights import initial_weight
from cnn.layer import Array, Layer, Shape


class Dense(Layer):
    """y = x weight + bias

    Shapes: x (N, in_features) -> y (N, out_features); weight (in_features, out_features),
    bias (out_features,). init: "he" or "xavier". rng: where the initial weight comes from.
    """

    kind: ClassVar[str] = "dense"

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
        if training:
            self.save_for_backward(x)
        return x @ self.params["weight"] + self.params["bias"]

    def backward(self, dy: Array) -> Array:
        """dweight = x^T dy;  dbias = sum dy;  dx = dy weight^T"""
        (x,) = self.saved()
        self.grads["weight"][...] = x.T @ dy
        self.grads["bias"][...] = dy.sum(axis=0)
        return dy @ self.params["weight"].T

    def __repr__(self) -> str:
        return f"Dense({self.in_features}, {self.out_features})"


class Flatten(Layer):
    """(N, H, W, C) -> (N, H W C)"""

    kind: ClassVar[str] = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def forward(self, x: Array, training: bool = False) -> Array:
        if training:
            self.save_for_backward(x.shape)
        return x.reshape(len(x), math.prod(x.shape[1:]))

    def backward(self, dy: Array) -> Array:
        """dx = dy in the shape of x"""
        (shape,) = self.saved()
        return dy.reshape(shape)
