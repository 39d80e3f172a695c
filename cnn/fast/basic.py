"""Dense, ReLU, GELU and BatchNorm on all cores, in reused memory."""

import math
from collections.abc import Sequence

import numpy as np

from cnn.activation import GELU, ReLU
from cnn.dense import Dense
from cnn.fast.kernels import gelu, multiply, relu, sum_by_channel
from cnn.fast.parallel import SLICE, parallel_for, slice_size
from cnn.fast.step import Step, begins_with
from cnn.layer import Array, Layer, Shape
from cnn.norm import BatchNorm

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
        size = slice_size(math.prod(x.shape[1:]))
        parallel_for(len(x), size, lambda s: relu(x[s], y[s]))
        self.save_for_backward(y)
        return y

    def backward(self, dy: Array) -> Array:
        (y,) = self.saved()
        dx = self.workspace("dx", dy.shape, dy.dtype)

        def work(s: slice) -> None:
            passes = np.greater(y[s], 0, out=self.scratch("passes", y[s].shape, bool))
            np.multiply(dy[s], passes, out=dx[s])

        parallel_for(len(dy), slice_size(math.prod(dy.shape[1:])), work)
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

        parallel_for(len(x), slice_size(math.prod(x.shape[1:])), work)
        if training:
            self.save_for_backward(slope)
        return y

    def backward(self, dy: Array) -> Array:
        (slope,) = self.saved()
        dx = self.workspace("dx", dy.shape, dy.dtype)
        size = slice_size(math.prod(dy.shape[1:]))
        parallel_for(len(dy), size, lambda s: np.multiply(dy[s], slope[s], out=dx[s]))
        return dx


class FastBatchNorm(Step):
    """BatchNorm, and the ReLU or GELU after it in the same pass over memory.

    Source: the variance from the slices' own: Chan, Golub, LeVeque, "Updating Formulae and a Pairwise
    Algorithm for Computing Sample Variances", 1979.
    """

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        if begins_with(layers, BatchNorm, ReLU) or begins_with(layers, BatchNorm, GELU):
            return cls(layers[:2], shape)
        return cls(layers[:1], shape) if begins_with(layers, BatchNorm) else None

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        super().__init__(layers, input_shape)
        self.norm: BatchNorm = self.layers[0]
        self.activation = type(self.layers[1]) if len(self.layers) == 2 else None

    def forward(self, x: Array, training: bool = False) -> Array:
        norm = self.norm
        y = self.workspace("y", x.shape, x.dtype, training)
        # What dy is multiplied by on its way back through the activation.
        passed = None
        if training:
            if self.activation is not None:
                kind = x.dtype if self.activation is GELU else bool
                passed = self.workspace("passed", x.shape, kind)
            mean, variance = self._moments(x)
            inverse = 1 / np.sqrt(variance + x.dtype.type(norm.epsilon))
            scale = norm.params["gamma"] * inverse
            shift = norm.params["beta"] - mean * scale
            norm.update_running_statistics(mean, variance)
            self.save_for_backward(x, passed, mean, inverse)
        else:
            scale, shift = norm.scale_and_shift()

        def normalise(s: slice) -> None:
            np.multiply(x[s], scale, out=y[s])
            y[s] += shift
            if self.activation is ReLU:
                relu(y[s], y[s])
                if training:
                    np.greater(y[s], 0, out=passed[s])
            elif self.activation is GELU:
                scratch = self.scratch("tanh", y[s].shape, x.dtype, training)
                gelu(y[s], y[s], scratch, passed[s] if training else None)

        parallel_for(len(x), SLICE, normalise)
        return y

    def backward(self, dy: Array) -> Array:
        """As in BatchNorm, with dy times the activation's derivative and z written out: x is saved already,
        so dx = dy * scale - x * slope - offset.
        """
        norm = self.norm
        x, derivative, mean, inverse = self.saved()
        n, count = len(x), x.size // norm.channels
        dx = self.workspace("dx", dy.shape, dy.dtype)

        def sums(s: slice) -> tuple[Array, Array]:
            passed = dy[s]
            if derivative is not None:
                passed = np.multiply(dy[s], derivative[s], out=dx[s])
            product = self.scratch("product", passed.shape, dy.dtype)
            return sum_by_channel(passed), sum_by_channel(np.multiply(passed, x[s], out=product))

        dbeta, product = (sum(parts) for parts in zip(*parallel_for(n, SLICE, sums), strict=True))
        dgamma = (product - mean * dbeta) * inverse
        norm.grads["beta"][...] = dbeta
        norm.grads["gamma"][...] = dgamma
        scale = norm.params["gamma"] * inverse
        slope = scale * inverse * dgamma / count
        offset = scale * dbeta / count - mean * slope

        def work(s: slice) -> None:
            product = self.scratch("product", x[s].shape, dy.dtype)
            np.multiply(dy[s] if derivative is None else dx[s], scale, out=dx[s])
            dx[s] -= np.multiply(x[s], slope, out=product)
            dx[s] -= offset

        parallel_for(n, SLICE, work)
        return dx

    def _moments(self, x: Array) -> tuple[Array, Array]:
        """Mean and variance of the batch, each (C,)."""
        channels = self.norm.channels

        def of_slice(s: slice) -> tuple[int, Array, Array]:
            count = x[s].size // channels
            mean = sum_by_channel(x[s]) / count
            square = np.subtract(x[s], mean, out=self.scratch("square", x[s].shape, x.dtype))
            return count, mean, sum_by_channel(np.square(square, out=square))

        slices = parallel_for(len(x), SLICE, of_slice)
        total = x.size // channels
        mean = sum(count * of_slice for count, of_slice, _ in slices) / total
        squares = sum(square + count * (of_slice - mean) ** 2 for count, of_slice, square in slices)
        return mean, squares / total
