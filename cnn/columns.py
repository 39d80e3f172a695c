"""Columns as pixels: with a 1x1 convolution after it, a convolution as high as the picture."""

from typing import ClassVar

import numpy as np

from cnn.layer import Array, Layer, Shape


class ColumnWindows(Layer):
    """y[n, 0, w, (h F + j) C + c] = x[n, h, w + j - F // 2, c]: (N, H, W, C) -> (N, 1, W, H F C)

    Each pixel is a window over all rows and F columns, an odd number, with zeros beyond the edges. A network
    that reads lines of text has what stands at each place in the line, and where it is high and where low.
    """

    kind: ClassVar[str] = "columns"

    def __init__(self, width: int = 3) -> None:
        super().__init__()
        if width < 1 or width % 2 == 0:
            raise ValueError(f"{type(self).__name__} needs an odd width of at least 1, got {width}")
        self.width = width

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3:
            raise ValueError(f"{self} expects (N, H, W, C), got {('N', *shape)}")
        height, columns, channels = shape
        return 1, columns, height * self.width * channels

    def forward(self, x: Array, training: bool = False) -> Array:
        self.check(x)
        n, _, columns, _ = x.shape
        if training:
            self.save_for_backward(x.shape)
        edge = self.width // 2
        padded = np.pad(x, ((0, 0), (0, 0), (edge, edge), (0, 0)))
        windows = np.stack([padded[:, :, j : j + columns] for j in range(self.width)], axis=3)
        return windows.swapaxes(1, 2).reshape(n, 1, columns, -1)

    def backward(self, dy: Array) -> Array:
        """dx[n, h, w, c] = the sum over j of dy[n, 0, w - j + F // 2, (h F + j) C + c]"""
        ((n, height, columns, channels),) = self.saved()
        edge = self.width // 2
        windows = dy.reshape(n, columns, height, self.width, channels).swapaxes(1, 2)
        dpadded = np.zeros((n, height, columns + 2 * edge, channels), dy.dtype)
        for j in range(self.width):
            dpadded[:, :, j : j + columns] += windows[:, :, :, j]
        return dpadded[:, :, edge : edge + columns].copy()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.width})"
