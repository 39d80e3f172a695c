"""Pooling on all cores, in reused memory."""

import math
from collections.abc import Sequence

import numpy as np

from cnn.activation import GELU
from cnn.fast.kernels import gelu
from cnn.fast.parallel import parallel_for, pass_size
from cnn.fast.step import Step, begins_with
from cnn.fast.two_by_two import choose, give_back, is_2x2, mix, room_for_won
from cnn.layer import Array, Layer, Shape
from cnn.pool import AveragePool2D, MaxPool2D


class FastPool(Step):
    """What the steps below share: slices of the batch, and what each has saved."""

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        super().__init__(layers, input_shape)
        self.pool = self.layers[-1]
        self.slice_size = pass_size(math.prod(input_shape))

    def forward(self, x: Array, training: bool = False) -> Array:
        y = self.workspace("y", (len(x), *self.y_shape), x.dtype, training)
        saved = self.room(y) if training else ()
        parallel_for(len(x), self.slice_size, lambda s: self.pool_slice(x[s], y[s], *(a[s] for a in saved)))
        if training:
            self.save_for_backward(x, y, saved)
        return y

    def backward(self, dy: Array) -> Array:
        x, y, saved = self.saved()
        dx = self.workspace("dx", x.shape, dy.dtype)

        def work(s: slice) -> None:
            self.unpool_slice(dx[s], dy[s], x[s], y[s], *(a[s] for a in saved))

        parallel_for(len(x), self.slice_size, work)
        return dx

    def room(self, y: Array) -> tuple[Array, ...]:
        """Memory for what is saved beside x and y, sample by sample."""
        return ()

    def pool_slice(self, x: Array, y: Array, *saved: Array) -> None:
        """Writes y and, in training, what is saved."""
        raise NotImplementedError

    def unpool_slice(self, dx: Array, dy: Array, x: Array, y: Array, *saved: Array) -> None:
        """Writes dx."""
        raise NotImplementedError


class FastMaxPool2x2(FastPool):
    """MaxPool2D(2), slice by slice."""

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        return cls(layers[:1], shape) if begins_with(layers, MaxPool2D) and is_2x2(layers[0]) else None

    def room(self, y: Array) -> tuple[Array, ...]:
        return room_for_won(self, y.shape)

    def pool_slice(self, x: Array, y: Array, *won: Array) -> None:
        choose(self, x, y, won or None)

    def unpool_slice(self, dx: Array, dy: Array, x: Array, y: Array, *won: Array) -> None:
        give_back(self, dy, won, dx)


class GELUPool2x2(FastPool):
    """GELU and MaxPool2D(2) in one, with half of the tanh.

    GELU falls and then rises, so its largest value in a window is at the largest x or at the smallest. Its
    derivative is needed at the one that is chosen only.
    """

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        return cls(layers[:2], shape) if begins_with(layers, GELU, MaxPool2D) and is_2x2(layers[1]) else None

    def room(self, y: Array) -> tuple[Array, ...]:
        return *room_for_won(self, y.shape), self.workspace("slope", y.shape, y.dtype)

    def pool_slice(self, x: Array, y: Array, *saved: Array) -> None:
        training = bool(saved)

        def scratch(name: str, dtype: np.dtype = x.dtype) -> Array:
            return self.scratch(name, y.shape, dtype, training)

        largest, smallest, other, tanh = map(scratch, ("largest", "smallest", "other", "tanh"))
        if not training:
            choose(self, x, largest)
            choose(self, x, smallest, smallest=True)
            gelu(largest, y, tanh)
            gelu(smallest, other, tanh)
            np.maximum(y, other, out=y)
            return
        *won, slope = saved
        won_there = scratch("lower, other", bool), scratch("right, other", bool)
        choose(self, x, largest, won)
        choose(self, x, smallest, won_there, smallest=True)
        slope_there = scratch("slope, other")
        gelu(largest, y, tanh, slope)
        gelu(smallest, other, tanh, slope_there)
        there = np.greater(other, y, out=scratch("there", bool))
        for here, of_other in zip(won, won_there, strict=True):
            mix(of_other, here, ~there, out=here)
        slope_there -= slope
        slope_there *= there
        slope += slope_there
        np.maximum(y, other, out=y)

    def unpool_slice(self, dx: Array, dy: Array, x: Array, y: Array, *saved: Array) -> None:
        *won, slope = saved
        slope *= dy
        give_back(self, slope, won, dx)


class FastMaxPool(FastPool):
    """Any other MaxPool2D, slice by slice."""

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        return cls(layers[:1], shape) if begins_with(layers, MaxPool2D) else None

    def pool_slice(self, x: Array, y: Array, *saved: Array) -> None:
        first, *others = self.pool.corners(x)
        np.maximum(first, others[0] if others else first, out=y)
        for corner in others[1:]:
            np.maximum(y, corner, out=y)

    def unpool_slice(self, dx: Array, dy: Array, x: Array, y: Array, *saved: Array) -> None:
        dx[...] = 0
        waiting = self.scratch("waiting", y.shape, bool)
        waiting[...] = True
        winner = self.scratch("winner", y.shape, bool)
        passed = self.scratch("passed", y.shape, dy.dtype)
        for corner, dcorner in zip(self.pool.corners(x), self.pool.corners(dx), strict=True):
            np.equal(corner, y, out=winner)
            winner &= waiting
            waiting ^= winner
            dcorner += np.multiply(dy, winner, out=passed)


class FastAveragePool(FastPool):
    """AveragePool2D, slice by slice: whole rows of windows first, since they lie side by side."""

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        return cls(layers[:1], shape) if begins_with(layers, AveragePool2D) else None

    def pool_slice(self, x: Array, y: Array, *saved: Array) -> None:
        rows = self._rows(x)
        of_rows = rows[0].copy()
        for row in rows[1:]:
            of_rows += row
        of_rows *= x.dtype.type(1 / self.pool.pool_size**2)
        columns = self._columns(of_rows)
        y[...] = columns[0]
        for column in columns[1:]:
            y += column

    def unpool_slice(self, dx: Array, dy: Array, x: Array, y: Array, *saved: Array) -> None:
        share = self.scratch("share", dy.shape, dy.dtype)
        np.multiply(dy, dy.dtype.type(1 / self.pool.pool_size**2), out=share)
        of_rows = self.scratch("of rows", self._rows(dx)[0].shape, dy.dtype)
        of_rows[...] = 0
        for column in self._columns(of_rows):
            column += share
        dx[...] = 0
        for row in self._rows(dx):
            row += of_rows

    def _rows(self, x: Array) -> list[Array]:
        """F views of x (n, H, W, C): the i-th row of every window, each (n, H', W, C)."""
        f, s, (height, _, _) = self.pool.pool_size, self.pool.stride, self.y_shape
        return [x[:, i : i + s * (height - 1) + 1 : s] for i in range(f)]

    def _columns(self, of_rows: Array) -> list[Array]:
        """F views of (n, H', W, C): the j-th column of every window, each (n, H', W', C)."""
        f, s, (_, width, _) = self.pool.pool_size, self.pool.stride, self.y_shape
        return [of_rows[:, :, j : j + s * (width - 1) + 1 : s] for j in range(f)]
