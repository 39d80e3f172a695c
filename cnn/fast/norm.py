"""Batch norm and the activation after it, a slice of the batch at a time."""

import math
from collections.abc import Sequence

import numpy as np

from cnn.activation import GELU, ReLU
from cnn.fast.kernels import as_rows, fold, gelu, relu
from cnn.fast.parallel import parallel_for, pass_size
from cnn.fast.step import Step, begins_with
from cnn.fast.two_by_two import Won, choose, give_back, is_2x2, room_for_won
from cnn.layer import Array, Layer, Shape
from cnn.norm import BatchNorm
from cnn.pool import MaxPool2D


class FastBatchNorm(Step):
    """BatchNorm, and the ReLU or GELU after it in the same pass over memory.

    Everything depends on sums over the whole batch, so there are two passes in each direction: `measure` of
    every slice, `update`, and `normalise` of every slice; then `add_up`, `update_grads` and `differentiate`.
    `Chain` calls these, too, with slices that have just been computed.

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
        kinds = [type(layer) for layer in self.layers]
        self.activation = next((kind for kind in (ReLU, GELU) if kind in kinds), None)
        self.slice_size = pass_size(math.prod(input_shape))
        self.width = math.prod(input_shape[1:-1])  # pixels of a row of `as_rows`
        self.y_width = math.prod(self.y_shape[1:-1])

    def forward(self, x: Array, training: bool = False) -> Array:
        x, y = np.ascontiguousarray(x), self.workspace("y", x.shape, x.dtype, training)
        passed = self.room_for_passed(self, x) if training else None
        if training:
            self.update(parallel_for(len(x), self.slice_size, lambda s: self.measure(x[s])))
            rows = self.rows
        else:
            rows = [self._row_of(values, self.y_width) for values in self.norm.scale_and_shift()]

        def work(s: slice) -> None:
            self.normalise(x[s], y[s], None if passed is None else passed[s], rows)

        parallel_for(len(x), self.slice_size, work)
        if training:
            self.save_for_backward(x, passed)
        return y

    def backward(self, dy: Array) -> Array:
        x, passed = self.saved()
        dx = self.workspace("dx", dy.shape, dy.dtype)

        def add_up(s: slice) -> tuple[Array, Array]:
            return self.add_up(dy[s], x[s], None if passed is None else passed[s], dx[s])

        def differentiate(s: slice) -> None:
            self.differentiate(dy[s] if passed is None else dx[s], x[s], None, dx[s])

        self.update_grads(parallel_for(len(dy), self.slice_size, add_up))
        parallel_for(len(dy), self.slice_size, differentiate)
        return dx

    def room_for_passed(self, step: Step, x: Array) -> Array | None:
        """Memory of `step` for what the activation multiplies a gradient by; None without an activation."""
        if self.activation is None:
            return None
        return step.workspace("passed", x.shape, x.dtype if self.activation is GELU else bool)

    def measure(self, x: Array) -> tuple[int, Array, Array]:
        """x (n, ..., C) -> number of values a channel, their mean and their squares about it, each (C,)."""
        count = x.size // self.norm.channels
        mean = self._sum(x) / count
        rows = as_rows(x)
        about = self.scratch("product", rows.shape, x.dtype)
        np.subtract(rows, self._row_of(mean, self.width), out=about)
        return count, mean, self._sum_of_products(about, about)

    def update(self, parts: Sequence[tuple[int, Array, Array]]) -> None:
        """From the measures of all slices: this batch's scale and shift, and the running statistics."""
        norm = self.norm
        self.count = sum(count for count, _, _ in parts)
        self.mean = sum(count * mean for count, mean, _ in parts) / self.count
        squares = sum(square + count * (mean - self.mean) ** 2 for count, mean, square in parts)
        variance = squares / self.count
        norm.update_running_statistics(self.mean, variance)
        self.inverse = 1 / np.sqrt(variance + variance.dtype.type(norm.epsilon))
        scale = norm.params["gamma"] * self.inverse
        shift = norm.params["beta"] - self.mean * scale
        self.rows = [self._row_of(values, self.y_width) for values in (scale, shift)]

    def normalise(self, x: Array, y: Array, passed: Array | None, rows: Sequence[Array]) -> None:
        """Writes y and, unless that is None, what the activation will multiply a gradient by.

        rows: of scale and shift, `self.rows` in training.
        """
        result = as_rows(y)
        np.multiply(as_rows(x), rows[0], out=result)
        result += rows[1]
        if self.activation is ReLU:
            relu(y, y)
            if passed is not None:
                np.greater(y, 0, out=passed)
        elif self.activation is GELU:
            gelu(y, y, self.scratch("tanh", y.shape, x.dtype, passed is not None), passed)

    def add_up(self, dy: Array, x: Array, passed: Array | None, out: Array) -> tuple[Array, Array]:
        """The sums of dy times x and of dy alone, each (C,), when it is back through the activation.

        Writes that to out, where there is an activation.
        """
        if passed is not None:
            dy = np.multiply(dy, passed, out=out)
        return self._sum_of_products(dy, x), self._sum(dy)

    def update_grads(self, parts: Sequence[tuple[Array, Array]]) -> None:
        """From the sums of all slices: the gradients, and what dx is made with.

        As in BatchNorm with z written out, as x is saved already: dx = dy * scale - x * slope - offset.
        """
        norm = self.norm
        product, dbeta = (sum(of_slices) for of_slices in zip(*parts, strict=True))
        dgamma = (product - self.mean * dbeta) * self.inverse
        norm.grads["beta"][...] = dbeta
        norm.grads["gamma"][...] = dgamma
        scale = norm.params["gamma"] * self.inverse
        slope = scale * self.inverse * dgamma / self.count
        offset = scale * dbeta / self.count - self.mean * slope
        self.rows = [self._row_of(scale, self.y_width)]
        self.rows += [self._row_of(values, self.width) for values in (slope, offset)]

    def pass_on(self, step: Step, x: Array) -> tuple[Array, Won | None]:
        """What `normalise` gets of a slice, in memory of `step`, and which pixels these are."""
        return x, None

    def differentiate(self, dy: Array, x: Array, won: Won | None, dx: Array) -> None:
        """Writes dx, which may be dy; dy is back through the activation."""
        scale, slope, offset = self.rows
        rows, result = as_rows(x), as_rows(dx)
        if won is None:
            np.multiply(as_rows(dy), scale, out=result)
        else:
            scaled = self.scratch("scaled", dy.shape, dy.dtype)
            np.multiply(as_rows(dy), scale, out=as_rows(scaled))
            give_back(self, scaled, won, dx)
        product = np.multiply(rows, slope, out=self.scratch("product", rows.shape, dy.dtype))
        product += offset
        result -= product

    def _row_of(self, values: Array, width: int) -> Array:
        """One a channel, (C,), repeated for `as_rows`: (W C,), or (C,) where there are no pixels."""
        return np.tile(values, width)

    def _sum(self, x: Array) -> Array:
        """(n, ..., C) -> (C,). A product with ones, because BLAS adds rows faster than NumPy's sum does."""
        rows = as_rows(x)
        return fold((np.ones((1, len(rows)), x.dtype) @ rows)[0], self.norm.channels)

    def _sum_of_products(self, a: Array, b: Array) -> Array:
        """The sums of a * b over all but the channels, (C,)."""
        return fold(np.einsum("ij,ij->j", as_rows(a), as_rows(b)), self.norm.channels)


class BatchNormPool(FastBatchNorm):
    """BatchNorm and MaxPool2D(2), or with ReLU between, for `Chain`: a quarter of the pixels is normalised.

    Both the normalisation and ReLU keep the order of values, or turn it round where gamma is negative, so
    pooling comes before them, right after the convolution. All pixels have a part in the moments, and so in
    the gradient.
    """

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        for kinds in ((BatchNorm, MaxPool2D), (BatchNorm, ReLU, MaxPool2D)):
            if begins_with(layers, *kinds) and is_2x2(layers[len(kinds) - 1]):
                return cls(layers[: len(kinds)], shape)
        return None

    def pass_on(self, step: Step, x: Array) -> tuple[Array, Won | None]:
        y = step.workspace("pooled", (len(x), *self.y_shape), x.dtype)
        won = room_for_won(step, y.shape)
        sign = np.where(self.norm.params["gamma"] < 0, -1, 1).astype(x.dtype)
        if (sign > 0).all():
            choose(self, x, y, won)
            return y, won
        turned = self.scratch("product", x.shape, x.dtype)
        np.multiply(as_rows(x), self._row_of(sign, self.width), out=as_rows(turned))
        choose(self, turned, y, won)
        y *= sign
        return y, won
