"""Memory in large blocks, which the system maps in large pages."""

import math
import threading

import numpy as np

from cnn.layer import Array, Shape

BLOCK = 1 << 23  # bytes; NumPy asks for large pages from half of that on
LINE = 64  # bytes of a line of the cache


class Arena:
    """Hands out arrays that are never given back one by one; a block lives as long as any of its arrays.

    With pages of 4 kB the processor looks most of them up again on every pass over a network's arrays, which
    on a virtual machine takes longer than reading them does.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rest = np.empty(0, np.uint8)

    def zeros(self, shape: Shape, dtype: np.dtype) -> Array:
        size = math.prod(shape) * np.dtype(dtype).itemsize
        whole = -(-size // LINE) * LINE
        with self._lock:
            if whole > len(self._rest):
                self._rest = _aligned(max(BLOCK, whole))
            own, self._rest = self._rest[:size], self._rest[whole:]
        return own.view(dtype).reshape(shape)


def _aligned(size: int) -> Array:
    block = np.zeros(size + LINE, np.uint8)
    start = -block.ctypes.data % LINE
    return block[start : start + size]
