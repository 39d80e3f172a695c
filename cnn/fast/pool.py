"""Pooling on all cores, in reused memory."""

import math
from collections.abc import Sequence

import numpy as np

from cnn.activation import ReLU
from cnn.fast.kernels import bits_of, copy_pixels
from cnn.fast.parallel import SLICE, parallel_for
from cnn.fast.step import Step, begins_with
from cnn.layer import Array, Layer, Shape
from cnn.pool import AveragePool2D, MaxPool2D, Pool2D


class HalvingMaxPool(Step):
    """MaxPool2D of windows of 2x2 that do not overlap: first the higher of two rows, then of two columns.

    Where several values of a window are equal, the gradient goes to one of them.
    """

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        return cls(layers[:1], shape) if begins_with(layers, MaxPool2D) and is_2x2(layers[0]) else None

    def forward(self, x: Array, training: bool = False) -> Array:
        y = self.workspace("y", (len(x), *self.y_shape), x.dtype, training)
        winners = winners_of(self, x.shape, y.shape, x.dtype) if training else None

        def work(s: slice) -> None:
            halve(self, x[s], y[s], winners, s)

        parallel_for(len(x), SLICE, work, math.prod(x.shape[1:]))
        if training:
            self.save_for_backward(x.shape, winners)
        return y

    def backward(self, dy: Array) -> Array:
        x_shape, winners = self.saved()
        dx = self.workspace("dx", x_shape, dy.dtype)
        operations = math.prod(x_shape[1:])
        parallel_for(len(dy), SLICE, lambda s: double(self, dy[s], winners, s, dx[s]), operations)
        return dx


def winners_of(step: Step, x_shape: Shape, y_shape: Shape, dtype: np.dtype) -> list[Array]:
    """Memory for what `halve` notes of a batch: about rows (N, H', W, K), about columns (N, H', W', K)"""
    bits = bits_of(dtype)
    of_rows = (*y_shape[:2], *x_shape[2:])
    return [step.workspace("lower", of_rows, bits), step.workspace("right", y_shape, bits)]


def halve(step: Step, x: Array, y: Array, winners: Sequence[Array] | None, s: slice) -> None:
    """y (n, H', W', K) = the largest value of each 2x2 window of x (n, 2 H' or more, 2 W' or more, K).

    x and y are the samples s of a batch. winners: where to note for `double` which was larger, the lower of
    two rows and then the right of two columns, as integers with all bits set or none; see `winners_of`. None
    if there is no way back.
    """
    (_, height, width, _), training = y.shape, winners is not None
    upper, lower = x[:, 0 : 2 * height : 2], x[:, 1 : 2 * height : 2]
    higher = np.maximum(upper, lower, out=step.scratch("higher", upper.shape, x.dtype, training))
    left, right = step.scratch("left and right", (2, *y.shape), x.dtype, training)
    copy_pixels(left, higher[:, :, 0 : 2 * width : 2])
    copy_pixels(right, higher[:, :, 1 : 2 * width : 2])
    np.maximum(left, right, out=y)
    if winners is not None:
        _mark_smaller(upper, lower, winners[0][s])
        _mark_smaller(left, right, winners[1][s])


def double(step: Step, dy: Array, winners: Sequence[Array], s: slice, dx: Array) -> None:
    """The backward pass of `halve`: each gradient goes to one that was largest.

    Rows and columns of dx that are in no window are zero. Where dx is wider than `halve`'s x was, the rest is
    left as it is.
    """
    (_, height, width, _), (lower_won, right_won) = dy.shape, (won[s] for won in winners)
    left, right = step.scratch("left and right", (2, *dy.shape), dy.dtype)
    bits = bits_of(dy.dtype)
    np.bitwise_and(dy.view(bits), right_won, out=right.view(bits))
    np.subtract(dy, right, out=left)
    dhigher = step.scratch(f"dhigher, {lower_won.shape[1:3]}", lower_won.shape, dy.dtype)
    copy_pixels(dhigher[:, :, 0 : 2 * width : 2], left)
    copy_pixels(dhigher[:, :, 1 : 2 * width : 2], right)
    dx[:, 2 * height :] = 0
    of_windows = dx[:, : 2 * height, : dhigher.shape[2]]
    upper, lower = of_windows[:, 0::2], of_windows[:, 1::2]
    np.bitwise_and(dhigher.view(bits), lower_won, out=lower.view(bits))
    np.subtract(dhigher, lower, out=upper)


def _mark_smaller(a: Array, b: Array, out: Array) -> None:
    """All bits of out are set where a < b, none elsewhere: the sign of the difference, spread by a shift.

    A comparison gives bytes, which a product with floats converts first: that takes longer.
    """
    np.subtract(a, b, out=out.view(a.dtype))
    out >>= 8 * out.itemsize - 1


def begins_with_relu_and_pool(layers: Sequence[Layer]) -> bool:
    """Whether the first two layers are ReLU and MaxPool2D(2), in either order."""
    orders = ((ReLU, MaxPool2D), (MaxPool2D, ReLU))
    return any(begins_with(layers, *order) and is_2x2(layers[order.index(MaxPool2D)]) for order in orders)


def is_2x2(pool: Pool2D) -> bool:
    """Whether its windows are 2x2 and do not overlap."""
    return (pool.pool_size, pool.stride) == (2, 2)


class FastMaxPool(Step):
    """MaxPool2D, slice by slice."""

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        return cls(layers[:1], shape) if begins_with(layers, MaxPool2D) else None

    def forward(self, x: Array, training: bool = False) -> Array:
        (pool,) = self.layers
        y = self.workspace("y", (len(x), *self.y_shape), x.dtype, training)

        def work(s: slice) -> None:
            first, *others = pool.corners(x[s])
            best = y[s]
            np.maximum(first, others[0] if others else first, out=best)
            for corner in others[1:]:
                np.maximum(best, corner, out=best)

        parallel_for(len(x), SLICE, work)
        if training:
            self.save_for_backward(x, y)
        return y

    def backward(self, dy: Array) -> Array:
        (pool,), (x, y) = self.layers, self.saved()
        dx = self.workspace("dx", x.shape, dy.dtype)

        def work(s: slice) -> None:
            dx[s] = 0
            waiting = self.scratch("waiting", y[s].shape, bool)
            waiting[...] = True
            winner = self.scratch("winner", y[s].shape, bool)
            passed = self.scratch("passed", y[s].shape, dy.dtype)
            for corner, dcorner in zip(pool.corners(x[s]), pool.corners(dx[s]), strict=True):
                np.equal(corner, y[s], out=winner)
                winner &= waiting
                waiting ^= winner
                dcorner += np.multiply(dy[s], winner, out=passed)

        parallel_for(len(x), SLICE, work)
        return dx


class HalvingAveragePool(Step):
    """AveragePool2D of windows of 2x2 that do not overlap: first the sum of two rows, then of two columns."""

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        return cls(layers[:1], shape) if begins_with(layers, AveragePool2D) and is_2x2(layers[0]) else None

    def forward(self, x: Array, training: bool = False) -> Array:
        y = self.workspace("y", (len(x), *self.y_shape), x.dtype, training)
        height, width, _ = self.y_shape

        def work(s: slice) -> None:
            upper, lower = x[s, 0 : 2 * height : 2], x[s, 1 : 2 * height : 2]
            both = np.add(upper, lower, out=self.scratch("both", upper.shape, x.dtype, training))
            left, right = self.scratch("left and right", (2, *y[s].shape), x.dtype, training)
            copy_pixels(left, both[:, :, 0 : 2 * width : 2])
            copy_pixels(right, both[:, :, 1 : 2 * width : 2])
            np.add(left, right, out=y[s])
            y[s] *= x.dtype.type(1 / 4)

        parallel_for(len(x), SLICE, work, math.prod(x.shape[1:]))
        if training:
            self.save_for_backward(x.shape)
        return y

    def backward(self, dy: Array) -> Array:
        (x_shape,) = self.saved()
        dx = self.workspace("dx", x_shape, dy.dtype)  # zero where no window is
        height, width, _ = self.y_shape

        def work(s: slice) -> None:
            share = self.scratch("share", dy[s].shape, dy.dtype)
            np.multiply(dy[s], dy.dtype.type(1 / 4), out=share)
            upper, lower = dx[s, 0 : 2 * height : 2], dx[s, 1 : 2 * height : 2]
            copy_pixels(upper[:, :, 0 : 2 * width : 2], share)
            copy_pixels(upper[:, :, 1 : 2 * width : 2], share)
            lower[...] = upper

        parallel_for(len(dy), SLICE, work, math.prod(x_shape[1:]))
        return dx


class FastAveragePool(Step):
    """AveragePool2D, slice by slice."""

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        return cls(layers[:1], shape) if begins_with(layers, AveragePool2D) else None

    def forward(self, x: Array, training: bool = False) -> Array:
        (pool,) = self.layers
        y = self.workspace("y", (len(x), *self.y_shape), x.dtype, training)

        def work(s: slice) -> None:
            first, *others = pool.corners(x[s])
            y[s] = first
            for corner in others:
                y[s] += corner
            y[s] *= x.dtype.type(1 / pool.pool_size**2)

        parallel_for(len(x), SLICE, work)
        if training:
            self.save_for_backward(x.shape)
        return y

    def backward(self, dy: Array) -> Array:
        (pool,), (x_shape,) = self.layers, self.saved()
        dx = self.workspace("dx", x_shape, dy.dtype)

        def work(s: slice) -> None:
            dx[s] = 0
            share = np.multiply(
                dy[s],
                dy.dtype.type(1 / pool.pool_size**2),
                out=self.scratch("share", dy[s].shape, dy.dtype),
            )
            for dcorner in pool.corners(dx[s]):
                dcorner += share

        parallel_for(len(dy), SLICE, work)
        return dx
