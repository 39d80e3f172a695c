"""The base class of steps: a few neighbouring layers, run as one."""

import math
import threading
from collections.abc import Sequence

import numpy as np

from cnn.fast.memory import Arena
from cnn.layer import Array, Layer, Shape

ARENA = Arena()


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
        self._scratch: dict[tuple, Array] = {}

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
        return self._memory(self._workspace, name, shape, dtype) if training else np.empty(shape, dtype)

    def scratch(self, name: str, shape: Shape, dtype: np.dtype, training: bool = True) -> Array:
        """A workspace of this thread, for temporary values of one slice; it starts as zeros in training only.

        Its shape may differ between calls. Where the zeros matter, the name must include the shape.
        """
        if not training:
            return np.empty(shape, dtype)
        name = f"{name} of thread {threading.get_ident()}"
        return self._memory(self._scratch, name, (math.prod(shape),), dtype).reshape(shape)

    def share_scratch(self, other: "Step") -> None:
        """Work in the same scratch memory as another step for the same layers, but never at the same time
        in one thread.
        """
        self._scratch = other._scratch

    def _memory(self, room: dict[tuple, Array], name: str, shape: Shape, dtype: np.dtype) -> Array:
        key = (name, shape[1:], np.dtype(dtype))
        if key not in room or len(room[key]) < shape[0]:
            room[key] = ARENA.zeros(shape, dtype)
        return room[key][: shape[0]]

    def padded(self, x: Array, padding: int, training: bool) -> Array:
        """x (n, H, W, C) with so many zeros around every picture, contiguous; a scratch if there are any."""
        if not padding:
            return np.ascontiguousarray(x)
        n, height, width, c = x.shape
        shape = (n, height + 2 * padding, width + 2 * padding, c)
        # Nothing else is ever written to the margin. Its place depends on all of the name.
        padded = self.scratch(f"padded {shape[1:]} by {padding}", shape, x.dtype, training)
        if not training:
            padded[...] = 0
        padded[:, padding : padding + height, padding : padding + width] = x
        return padded

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.layers))})"


def begins_with(layers: Sequence[Layer], *kinds: type[Layer]) -> bool:
    """Whether the first layers are of exactly these classes. A subclass may compute something else."""
    return len(layers) >= len(kinds) and all(type(layers[i]) is kind for i, kind in enumerate(kinds))
