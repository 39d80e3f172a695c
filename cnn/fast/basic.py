"""Dense, ReLU and GELU on all cores, in reused memory."""

import math
from collections.abc import Sequence

import numpy as np

from cnn.activation import GELU, ReLU
from cnn.dense import Dense
from cnn.fast.kernels import gelu, multiply, relu, relu_backward
from cnn.fast.parallel import SLICE, parallel_for
from cnn.fast.pool import double, halve, is_2x2, winners_of
from cnn.fast.step import Step, begins_with
from cnn.layer import Array, Layer, Shape
from cnn.pool import MaxPool2D

MANY_PASSES = 2  # so many times as soon as a single pass, GELU's fifteen are worth a second core
PRODUCTS = 16  # of a matrix product take as long as one operation of a pass over memory
FEATURES = 1568  # of the input, worked on at once backward


class FastDense(Step):
    """Dense, a slice of the batch forward and a slice of the features backward on every core."""

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        return cls(layers[:1], shape) if begins_with(layers, Dense) else None

    def forward(self, x: Array, training: bool = False) -> Array:
        (dense,) = self.layers
        y = self.workspace("y", (len(x), dense.out_features), x.dtype, training)

        def work(s: slice) -> None:
            result = np.matmul(x[s], dense.params["weight"], out=y[s])
            result += dense.params["bias"]

        parallel_for(len(x), SLICE, work, dense.in_features * dense.out_features // PRODUCTS)
        if training:
            self.save_for_backward(x)
        return y

    def backward(self, dy: Array) -> Array:
        (dense,), (x,) = self.layers, self.saved()
        dx = self.workspace("dx", x.shape, dy.dtype)

        def work(s: slice) -> None:
            multiply(x[:, s].T, dy, dense.grads["weight"][s])
            np.matmul(dy, dense.params["weight"][s].T, out=dx[:, s])

        parallel_for(dense.in_features, FEATURES, work)
        np.sum(dy, axis=0, out=dense.grads["bias"])
        return dx


class FastReLU(Step):
    """ReLU, slice by slice."""

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        return cls(layers[:1], shape) if begins_with(layers, ReLU) else None

    def forward(self, x: Array, training: bool = False) -> Array:
        if not training:
            return relu(x, np.empty_like(x))
        y = self.workspace("y", x.shape, x.dtype)
        parallel_for(len(x), SLICE, lambda s: relu(x[s], y[s]), math.prod(x.shape[1:]))
        self.save_for_backward(y)
        return y

    def backward(self, dy: Array) -> Array:
        (y,) = self.saved()
        dx = self.workspace("dx", dy.shape, dy.dtype)

        operations = math.prod(dy.shape[1:])
        parallel_for(len(dy), SLICE, lambda s: relu_backward(dy[s], y[s], dx[s]), operations)
        return dx


class FastGELU(Step):
    """GELU, or GELU and MaxPool2D(2), slice by slice.

    Its derivative is computed on the way forward, while x is in the cache; pooled, its values never leave it.
    Where several values of a window are equal, the gradient goes to one of them.
    """

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        if begins_with(layers, GELU, MaxPool2D) and is_2x2(layers[1]):
            return cls(layers[:2], shape)
        return cls(layers[:1], shape) if begins_with(layers, GELU) else None

    def forward(self, x: Array, training: bool = False) -> Array:
        pools = len(self.layers) == 2
        y = self.workspace("y", (len(x), *self.y_shape), x.dtype, training)
        winners = winners_of(self, x.shape, y.shape, x.dtype) if pools and training else None
        slope = self.workspace("slope", x.shape, x.dtype) if training else None

        def work(s: slice) -> None:
            tanh, share = self.scratch("tanh and share", (2, *x[s].shape), x.dtype, training)
            result = self.scratch("result", x[s].shape, x.dtype, training) if pools else y[s]
            gelu(x[s], result, tanh, share, None if slope is None else slope[s])
            if pools:
                halve(self, result, y[s], winners, s)

        parallel_for(len(x), SLICE, work, MANY_PASSES * math.prod(x.shape[1:]))
        if training:
            self.save_for_backward(slope, winners)
        return y

    def backward(self, dy: Array) -> Array:
        slope, winners = self.saved()
        dx = self.workspace("dx", slope.shape, dy.dtype)

        def work(s: slice) -> None:
            if winners is None:
                np.multiply(dy[s], slope[s], out=dx[s])
            else:
                double(self, dy[s], winners, s, dx[s])
                dx[s] *= slope[s]

        parallel_for(len(dy), SLICE, work, math.prod(slope.shape[1:]))
        return dx
