"""Pooling on all cores, in reused memory."""

from collections.abc import Sequence

import numpy as np

from cnn.fast.parallel import SLICE, parallel_for
from cnn.fast.step import Step, begins_with
from cnn.layer import Array, Layer, Shape
from cnn.pool import AveragePool2D, MaxPool2D


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
