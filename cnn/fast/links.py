"""What a chain needs between its steps: both halves of a batch norm, and both ends of a short cut."""

import numpy as np

from cnn.fast.norm import FastBatchNorm
from cnn.fast.step import Step
from cnn.layer import Array


class Measure(Step):
    """The first half of a batch norm: looks at a slice, and pools it where pooling comes first.

    norm: what the slices of a batch share. part: what this slice adds to it.
    """

    def __init__(self, norm: FastBatchNorm) -> None:
        super().__init__((), norm.input_shape)
        self.norm = norm

    def forward(self, x: Array, training: bool = False) -> Array:
        x = np.ascontiguousarray(x)
        self.part = self.norm.measure(x)
        y, won = self.norm.pass_on(self, x)
        self.save_for_backward(x, won)
        return y

    def backward(self, dy: Array) -> Array:
        """dy: back through the activation."""
        x, won = self.saved()
        dx = self.workspace("dx", x.shape, dy.dtype)
        self.norm.differentiate(dy, x, won, dx)
        return dx


class Normalise(Step):
    """The second half of a batch norm, with its activation. Its dx is what `Measure.backward` takes."""

    def __init__(self, norm: FastBatchNorm) -> None:
        super().__init__((), norm.input_shape)
        self.norm = norm

    def forward(self, x: Array, training: bool = False) -> Array:
        y = self.workspace("y", x.shape, x.dtype)
        passed = self.norm.room_for_passed(self, x)
        self.norm.normalise(x, y, passed, self.norm.rows)
        self.save_for_backward(x, passed)
        return y

    def backward(self, dy: Array) -> Array:
        x, passed = self.saved()
        dx = dy if passed is None else self.workspace("dx", dy.shape, dy.dtype)
        self.part = self.norm.add_up(dy, x, passed, dx)
        return dx


class Fork(Step):
    """Where a short cut begins. x, dy: what went past the layers between, forward and backward."""

    def __init__(self) -> None:
        super().__init__((), ())

    def forward(self, x: Array, training: bool = False) -> Array:
        self.x = x
        return x

    def backward(self, dy: Array) -> Array:
        dx = self.workspace("dx", dy.shape, dy.dtype)
        return np.add(dy, self.dy, out=dx)


class Join(Step):
    """Where it ends: adds what went past."""

    def __init__(self, fork: Fork) -> None:
        super().__init__((), ())
        self.fork = fork

    def forward(self, x: Array, training: bool = False) -> Array:
        y = self.workspace("y", x.shape, x.dtype)
        return np.add(x, self.fork.x, out=y)

    def backward(self, dy: Array) -> Array:
        self.fork.dy = dy
        return dy
