"""BatchNorm on all cores, with what comes after it."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from cnn.activation import GELU, ReLU
from cnn.fast.kernels import gelu, on_pixels, relu, relu_backward, rows_of, sum_by_channel
from cnn.fast.parallel import SLICE, parallel_for
from cnn.fast.pool import begins_with_relu_and_pool, double, halve, winners_of
from cnn.fast.step import Step, begins_with
from cnn.layer import Array, Layer, Shape
from cnn.norm import BatchNorm
from cnn.pool import MaxPool2D

FAR = 100  # times a channel's variance: the square of a mean in which the variance may be lost

Sums = tuple[Array, Array]  # by channel, of values and of their squares


class FastBatchNorm(Step):
    """BatchNorm, and in the same pass over memory the ReLU or GELU after it, or ReLU and MaxPool2D(2).

    ReLU and a scale above zero keep the order of values, so pooling comes first, and a quarter of the values
    is normalised. Where gamma is negative, the smallest value of a window wins: pooling looks at -x there.
    Where several values of a window are equal, the gradient goes to one of them.
    """

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        return cls(layers[: length_of(layers)], shape) if begins_with(layers, BatchNorm) else None

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        super().__init__(layers, input_shape)
        self.norm: BatchNorm = self.layers[0]
        kinds = [type(layer) for layer in self.layers[1:]]
        self.activation = next((kind for kind in kinds if kind is not MaxPool2D), None)
        self.pools = MaxPool2D in kinds

    def forward(self, x: Array, training: bool = False) -> Array:
        sums = []
        if training:
            operations = math.prod(x.shape[1:])
            sums = parallel_for(len(x), SLICE, lambda s: self.sums(x[s]), operations)
        return self.normalise(x, sums, training)

    def sums(self, x: Array) -> Sums:
        """Of one slice of x, for `normalise`."""
        square = self.scratch("square", x.shape, x.dtype)
        return sum_by_channel(x), sum_by_channel(np.square(x, out=square))

    def normalise(self, x: Array, sums: Sequence[Sums], training: bool, bias: Array | None = None) -> Array:
        """y, in training with the sums of all slices; bias (C,) is what x would be more by.

        In training a bias changes nothing but the running mean.
        """
        y = self.workspace("y", (len(x), *self.y_shape), x.dtype, training)
        if training:
            mean, variance = self._moments(x, sums)
            inverse = 1 / np.sqrt(variance + x.dtype.type(self.norm.epsilon))
            scale = self.norm.params["gamma"] * inverse
            shift = self.norm.params["beta"] - mean * scale
            self.norm.update_running_statistics(mean if bias is None else mean + bias, variance)
        else:
            scale, shift = self.norm.scale_and_shift()
            shift = shift if bias is None else shift + bias * scale
        if self.pools:
            saved = self._pool(x, scale, shift, y, training)
        else:
            saved = self._pass(x, scale, shift, y, training)
        if training:
            self.save_for_backward(x, y, mean, inverse, *saved)
        return y

    def _moments(self, x: Array, sums: Sequence[Sums]) -> tuple[Array, Array]:
        """Mean and variance of the batch, each (C,): the mean square less the square of the mean.

        That loses digits where the two are nearly equal, and there the distances from the mean are squared.
        """
        count = x.size // self.norm.channels
        total, squares = (sum(parts) for parts in zip(*sums, strict=True))
        mean = total / count
        variance = squares / count - mean * mean
        if np.all(mean * mean <= FAR * variance):
            return mean, variance

        def distances(s: slice) -> Array:
            square = self.scratch("square", x[s].shape, x.dtype)
            np.subtract(rows_of(x[s]), on_pixels(mean, x), out=rows_of(square))
            return sum_by_channel(np.square(square, out=square))

        return mean, sum(parallel_for(len(x), SLICE, distances, math.prod(x.shape[1:]))) / count

    def _pass(self, x: Array, scale: Array, shift: Array, y: Array, training: bool) -> list[Array]:
        """Fills y, pixel by pixel. Returns, in training, GELU's derivative, if it is GELU."""
        slope = self.workspace("slope", x.shape, x.dtype) if training and self.activation is GELU else None
        scale, shift = on_pixels(scale, x), on_pixels(shift, x)

        def work(s: slice) -> None:
            result = np.multiply(rows_of(x[s]), scale, out=rows_of(y[s]))
            result += shift
            if self.activation is ReLU:
                relu(y[s], y[s])
            elif self.activation is GELU:
                tanh, share = self.scratch("tanh and share", (2, *y[s].shape), x.dtype, training)
                gelu(y[s], y[s], tanh, share, None if slope is None else slope[s])

        parallel_for(len(x), SLICE, work, math.prod(x.shape[1:]))
        return [] if slope is None else [slope]

    def _pool(self, x: Array, scale: Array, shift: Array, y: Array, training: bool) -> list[Array]:
        """Fills y, window by window. Returns, in training, what `differentiate` needs.

        The largest of each window of x, or of -x where gamma is negative, (N, H', W', C); gamma's signs
        (C,); and which won.
        """
        sign = np.where(self.norm.params["gamma"] < 0, -1, 1).astype(x.dtype)
        flips, on_x = (sign < 0).any(), on_pixels(sign, x)
        scale, shift = on_pixels(scale * sign, y), on_pixels(shift, y)
        best = self.workspace("best", y.shape, x.dtype, training)
        winners = winners_of(self, x.shape, y.shape, x.dtype) if training else None

        def work(s: slice) -> None:
            values = x[s]
            if flips:
                values = self.scratch("turned", x[s].shape, x.dtype, training)
                np.multiply(rows_of(x[s]), on_x, out=rows_of(values))
            halve(self, values, best[s], winners, s)
            result = np.multiply(rows_of(best[s]), scale, out=rows_of(y[s]))
            result += shift
            relu(result, result)

        parallel_for(len(x), SLICE, work, math.prod(x.shape[1:]))
        return [best, sign, winners]

    def backward(self, dy: Array) -> Array:
        write = self.differentiate(dy)
        dx = self.workspace("dx", (len(dy), *self.input_shape), dy.dtype)
        parallel_for(len(dy), SLICE, lambda s: write(s, dx[s]), math.prod(self.input_shape))
        return dx

    def differentiate(self, dy: Array) -> Callable[[slice, Array], None]:
        """Fills the gradients of gamma and beta; returns what writes dx of a slice, contiguous, to an array.

        As in BatchNorm, with dy times the activation's derivative and z written out: x is saved already, so
        dx = dy * scale - x * slope - offset.
        """
        norm, operations = self.norm, math.prod(dy.shape[1:])
        x, y, mean, inverse, *saved = self.saved()
        best, sign, winners = saved if self.pools else (x, 1, None)
        count = x.size // norm.channels
        passed = dy if self.activation is None else self.workspace("passed", dy.shape, dy.dtype)

        def sums(s: slice) -> Sums:
            if self.activation is ReLU:
                relu_backward(dy[s], y[s], passed[s])
            elif self.activation is GELU:
                np.multiply(dy[s], saved[0][s], out=passed[s])
            product = self.scratch("product", passed[s].shape, dy.dtype)
            return sum_by_channel(passed[s]), sum_by_channel(np.multiply(passed[s], best[s], out=product))

        of_slices = parallel_for(len(dy), SLICE, sums, operations)
        dbeta, product = (sum(parts) for parts in zip(*of_slices, strict=True))
        dgamma = (product * sign - mean * dbeta) * inverse
        norm.grads["beta"][...] = dbeta
        norm.grads["gamma"][...] = dgamma
        scale = norm.params["gamma"] * inverse
        slope = scale * inverse * dgamma / count
        offset = on_pixels(scale * dbeta / count - mean * slope, x)
        scale, slope = on_pixels(scale, dy), on_pixels(slope, x)

        def write(s: slice, dx: Array) -> None:
            if self.pools:
                scaled = self.scratch("scaled", passed[s].shape, dy.dtype)
                np.multiply(rows_of(passed[s]), scale, out=rows_of(scaled))
                double(self, scaled, winners, s, dx)
            else:
                np.multiply(rows_of(passed[s]), scale, out=rows_of(dx))
            result, values = rows_of(dx), rows_of(x[s])
            result -= np.multiply(values, slope, out=self.scratch("product", values.shape, dy.dtype))
            result -= offset

        return write


def length_of(layers: Sequence[Layer]) -> int:
    """How many layers from a BatchNorm on are one step."""
    if begins_with_relu_and_pool(layers[1:]):
        return 3
    return 2 if begins_with(layers[1:], ReLU) or begins_with(layers[1:], GELU) else 1
