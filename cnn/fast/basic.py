"""Dense, ReLU and GELU on all cores, in reused memory."""

import math
from collections.abc import Sequence

import numpy as np

from cnn.activation import GELU, ReLU
from cnn.dense import Dense
from cnn.fast.kernels import gelu, multiply, relu
from cnn.fast.parallel import parallel_for, pass_size, slice_size
from cnn.fast.step import Step, begins_with
from cnn.layer import Array, Layer, Shape

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

        parallel_for(len(x), slice_size(dense.in_features * dense.out_features), work)
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
        size = pass_size(math.prod(x.shape[1:]))
        parallel_for(len(x), size, lambda s: relu(x[s], y[s]))
        self.save_for_backward(y)
        return y

    def backward(self, dy: Array) -> Array:
        (y,) = self.saved()
        dx = self.workspace("dx", dy.shape, dy.dtype)

        def work(s: slice) -> None:
            passes = np.greater(y[s], 0, out=self.scratch("passes", y[s].shape, bool))
            np.multiply(dy[s], passes, out=dx[s])

        parallel_for(len(dy), pass_size(math.prod(dy.shape[1:])), work)
        return dx


class FastGELU(Step):
    """GELU, slice by slice; its derivative is computed on the way forward, while x is in the cache."""

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        return cls(layers[:1], shape) if begins_with(layers, GELU) else None

    def forward(self, x: Array, training: bool = False) -> Array:
        y = self.workspace("y", x.shape, x.dtype, training)
        slope = self.workspace("slope", x.shape, x.dtype) if training else None

        def work(s: slice) -> None:
            scratch = self.scratch("tanh", x[s].shape, x.dtype, training)
            gelu(x[s], y[s], scratch, None if slope is None else slope[s])

        parallel_for(len(x), pass_size(math.prod(x.shape[1:])), work)
        if training:
            self.save_for_backward(slope)
        return y

    def backward(self, dy: Array) -> Array:
        (slope,) = self.saved()
        dx = self.workspace("dx", dy.shape, dy.dtype)
        size = pass_size(math.prod(dy.shape[1:]))
        parallel_for(len(dy), size, lambda s: np.multiply(dy[s], slope[s], out=dx[s]))
        return dx
