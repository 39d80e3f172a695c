"""Dense, ReLU, GELU and BatchNorm on all cores, in reused memory."""

import math
from collections.abc import Sequence

import numpy as np

from cnn.activation import GELU, ReLU
from cnn.dense import Dense
from cnn.fast.kernels import gelu, multiply, on_pixels, relu, relu_backward, rows_of, sum_by_channel
from cnn.fast.parallel import SLICE, parallel_for
from cnn.fast.step import Step, begins_with
from cnn.layer import Array, Layer, Shape
from cnn.norm import BatchNorm

FAR = 100  # times a channel's standard deviation squared: a mean whose square may hide the variance
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

        parallel_for(len(x), SLICE, work, dense.in_features * dense.out_features)
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
    """GELU, slice by slice; its derivative is computed on the way forward, while x is in the cache."""

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        return cls(layers[:1], shape) if begins_with(layers, GELU) else None

    def forward(self, x: Array, training: bool = False) -> Array:
        y = self.workspace("y", x.shape, x.dtype, training)
        slope = self.workspace("slope", x.shape, x.dtype) if training else None

        def work(s: slice) -> None:
            tanh, share = self.scratch("tanh and share", (2, *x[s].shape), x.dtype, training)
            gelu(x[s], y[s], tanh, share, None if slope is None else slope[s])

        parallel_for(len(x), SLICE, work, math.prod(x.shape[1:]))
        if training:
            self.save_for_backward(slope)
        return y

    def backward(self, dy: Array) -> Array:
        (slope,) = self.saved()
        dx = self.workspace("dx", dy.shape, dy.dtype)
        operations = math.prod(dy.shape[1:])
        parallel_for(len(dy), SLICE, lambda s: np.multiply(dy[s], slope[s], out=dx[s]), operations)
        return dx


class FastBatchNorm(Step):
    """BatchNorm, and the ReLU or GELU after it in the same pass over memory."""

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
        slope = self.workspace("slope", x.shape, x.dtype) if training and self.activation is GELU else None
        if training:
            mean, variance = self._moments(x)
            inverse = 1 / np.sqrt(variance + x.dtype.type(norm.epsilon))
            scale = norm.params["gamma"] * inverse
            shift = norm.params["beta"] - mean * scale
            norm.update_running_statistics(mean, variance)
            self.save_for_backward(x, y, slope, mean, inverse)
        else:
            scale, shift = norm.scale_and_shift()

        scale, shift = on_pixels(scale, x), on_pixels(shift, x)

        def normalise(s: slice) -> None:
            result = np.multiply(rows_of(x[s]), scale, out=rows_of(y[s]))
            result += shift
            if self.activation is ReLU:
                relu(y[s], y[s])
            elif self.activation is GELU:
                tanh, share = self.scratch("tanh and share", (2, *y[s].shape), x.dtype, training)
                gelu(y[s], y[s], tanh, share, None if slope is None else slope[s])

        parallel_for(len(x), SLICE, normalise, math.prod(x.shape[1:]))
        return y

    def backward(self, dy: Array) -> Array:
        """As in BatchNorm, with dy times the activation's derivative and z written out: x is saved already,
        so dx = dy * scale - x * slope - offset.
        """
        norm = self.norm
        x, y, derivative, mean, inverse = self.saved()
        n, count, operations = len(x), x.size // norm.channels, math.prod(x.shape[1:])
        dx = self.workspace("dx", dy.shape, dy.dtype)

        def sums(s: slice) -> tuple[Array, Array]:
            passed = dy[s]
            if self.activation is ReLU:
                passed = relu_backward(dy[s], y[s], dx[s])
            elif self.activation is GELU:
                passed = np.multiply(dy[s], derivative[s], out=dx[s])
            product = self.scratch("product", passed.shape, dy.dtype)
            return sum_by_channel(passed), sum_by_channel(np.multiply(passed, x[s], out=product))

        dbeta, product = (sum(parts) for parts in zip(*parallel_for(n, SLICE, sums, operations), strict=True))
        dgamma = (product - mean * dbeta) * inverse
        norm.grads["beta"][...] = dbeta
        norm.grads["gamma"][...] = dgamma
        scale = norm.params["gamma"] * inverse
        slope = scale * inverse * dgamma / count
        offset = scale * dbeta / count - mean * slope

        scale, slope, offset = (on_pixels(factor, x) for factor in (scale, slope, offset))

        def work(s: slice) -> None:
            result, values = rows_of(dx[s]), rows_of(x[s])
            np.multiply(rows_of(dy[s]) if self.activation is None else result, scale, out=result)
            result -= np.multiply(values, slope, out=self.scratch("product", values.shape, dy.dtype))
            result -= offset

        parallel_for(n, SLICE, work, operations)
        return dx

    def _moments(self, x: Array) -> tuple[Array, Array]:
        """Mean and variance of the batch, each (C,): the mean square less the square of the mean.

        That loses digits where the two are nearly equal, and there the distances from the mean are squared.
        """
        count, operations = x.size // self.norm.channels, math.prod(x.shape[1:])

        def sums(s: slice) -> tuple[Array, Array]:
            square = self.scratch("square", x[s].shape, x.dtype)
            return sum_by_channel(x[s]), sum_by_channel(np.square(x[s], out=square))

        def distances(s: slice) -> Array:
            square = self.scratch("square", x[s].shape, x.dtype)
            np.subtract(rows_of(x[s]), on_pixels(mean, x), out=rows_of(square))
            return sum_by_channel(np.square(square, out=square))

        total, squares = (
            sum(parts) for parts in zip(*parallel_for(len(x), SLICE, sums, operations), strict=True)
        )
        mean = total / count
        variance = squares / count - mean * mean
        if np.any(mean * mean > FAR * variance):
            variance = sum(parallel_for(len(x), SLICE, distances, operations)) / count
        return mean, variance
