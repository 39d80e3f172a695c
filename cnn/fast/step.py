"""The base class of steps: a few neighbouring layers, run as one."""

import math
import threading
from collections.abc import Sequence

import numpy as np

from cnn.layer import Array, Layer, Shape


class Step(Layer):
    """Computes what `layers` compute one after the other: the same y, gradients and buffers.

    layers: those that it replaces. It owns no parameters: it reads theirs and fills their grads.
    input_shape, y_shape: the shapes of one sample, without N. `Sequential.forward` has checked the shape and
    the precision of the input.

    The next training forward or backward overwrites the arrays that this one returned, because fresh memory
    costs more than the arithmetic done in it. Copy those that must last longer.
    """

    layers: tuple[Layer, ...]

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        super().__init__()
        self.layers, self.input_shape = tuple(layers), input_shape
        self.y_shape = self.output_shape(input_shape)
        self._workspace: dict[tuple, Array] = {}

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> "Step | None":
        """The step for the first few of `layers` if it computes the same as they do, else None.

        shape: one sample's input of the first of them.
        """
        raise NotImplementedError

    def output_shape(self, shape: Shape) -> Shape:
        for layer in self.layers:
            shape = layer.output_shape(shape)
        return shape

    def workspace(self, name: str, shape: Shape, dtype: np.dtype, training: bool = True) -> Array:
        """An array to write to. In training the next call with this name gets the same memory again.

        In training it starts as zeros; after that it holds what was last written there, wherever shape[1:] is
        the same.
        """
        if not training:
            return np.empty(shape, dtype)
        key = (name, shape[1:], np.dtype(dtype))
        if key not in self._workspace or len(self._workspace[key]) < shape[0]:
            self._workspace[key] = np.zeros(shape, dtype)
        return self._workspace[key][: shape[0]]

    def scratch(self, name: str, shape: Shape, dtype: np.dtype, training: bool = True) -> Array:
        """A workspace of this thread, for temporary values of one slice; it starts as zeros in training only.

        Its shape may differ between calls. Where the zeros matter, the name must include the shape.
        """
        if not training:
            return np.empty(shape, dtype)
        name = f"{name} of thread {threading.get_ident()}"
        return self.workspace(name, (math.prod(shape),), dtype, training).reshape(shape)

    def padded(self, x: Array, padding: int, training: bool, overhang: tuple[int, int] = (0, 0)) -> Array:
        """x (n, H, W, C) with so many zeros around every picture, contiguous; a scratch if there are any.

        overhang: so many more rows of zeros below it, and columns at its right.
        """
        if not padding and not any(overhang):
            return np.ascontiguousarray(x)
        n, height, width, c = x.shape
        shape = (n, height + 2 * padding + overhang[0], width + 2 * padding + overhang[1], c)
        padded = self.scratch("padded", shape, x.dtype, training)
        padded[...] = 0
        padded[:, padding : padding + height, padding : padding + width] = x
        return padded

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.layers))})"


def begins_with(layers: Sequence[Layer], *kinds: type[Layer]) -> bool:
    """Whether the first layers are of exactly these classes. A subclass may compute something else."""
    return len(layers) >= len(kinds) and all(type(layers[i]) is kind for i, kind in enumerate(kinds))
