"""Pooling: fewer pixels, the strongest answers kept, or their mean."""

from typing import ClassVar

import numpy as np

from cnn.layer import Array, Layer, Shape


class Pool2D(Layer):
    """What both kinds of pooling share: windows of F x F pixels, S apart, each channel by itself.

    pool_size F, stride S (F unless given). Rows and columns that fill no whole window are left out.
    Shapes: x (N, H, W, C) -> y (N, (H - F) // S + 1, (W - F) // S + 1, C).
    """

    def __init__(self, pool_size: int = 2, stride: int | None = None) -> None:
        super().__init__()
        self.pool_size, self.stride = pool_size, pool_size if stride is None else stride
        if min(self.pool_size, self.stride) < 1:
            raise ValueError(
                f"{type(self).__name__} needs pool_size and stride of at least 1, got {self.pool_size} and "
                f"{self.stride}"
            )

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3 or min(shape[:2]) < self.pool_size:
            raise ValueError(
                f"{self} expects (N, H, W, C) with H and W of at least {self.pool_size}, got {('N', *shape)}"
            )
        height, width = ((side - self.pool_size) // self.stride + 1 for side in shape[:2])
        return height, width, shape[2]

    def corners(self, x: Array) -> list[Array]:
        """F * F views of x: the pixel (i, j) of every window at once, each (N, H', W', C)."""
        height, width, _ = self.output_shape(x.shape[1:])
        f, s = self.pool_size, self.stride
        return [
            x[:, i : i + s * (height - 1) + 1 : s, j : j + s * (width - 1) + 1 : s]
            for i in range(f)
            for j in range(f)
        ]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.pool_size}, stride={self.stride})"


class MaxPool2D(Pool2D):
    """y[n, h, w, c] = max over i, j < F of x[n, S h + i, S w + j, c]

    The gradient goes to the first maximum of a window in reading order, as in PyTorch. Arguments and shapes
    as `Pool2D`.
    """

    kind: ClassVar[str] = "pool"

    def forward(self, x: Array, training: bool = False) -> Array:
        first, *others = self.corners(x)
        y = first.copy()
        for corner in others:
            np.maximum(y, corner, out=y)
        if training:
            self.save_for_backward(x, y)
        return y

    def backward(self, dy: Array) -> Array:
        """dx = dy where x was the first maximum of its window, else 0; overlapping windows add up."""
        x, y = self.saved()
        dx = np.zeros_like(x)
        waiting = np.ones(y.shape, bool)  # windows whose maximum is not found yet
        for corner, dcorner in zip(self.corners(x), self.corners(dx), strict=True):
            winner = waiting & (corner == y)
            waiting &= ~winner
            dcorner += dy * winner
        return dx


class AveragePool2D(Pool2D):
    """y[n, h, w, c] = mean over i, j < F of x[n, S h + i, S w + j, c]; arguments and shapes as `Pool2D`."""

    kind: ClassVar[str] = "meanpool"

    def forward(self, x: Array, training: bool = False) -> Array:
        corners = self.corners(x)
        if training:
            self.save_for_backward(x.shape)
        return sum(corners) * x.dtype.type(1 / len(corners))

    def backward(self, dy: Array) -> Array:
        """dx = the sum of dy / F^2 over the windows that a pixel is in"""
        (shape,) = self.saved()
        dx = np.zeros(shape, dy.dtype)
        share = dy * dy.dtype.type(1 / self.pool_size**2)
        for dcorner in self.corners(dx):
            dcorner += share
        return dx


class GlobalAveragePool(Layer):
    """y[n, c] = mean over h, w of x[n, h, w, c]: (N, H, W, C) -> (N, C)

    Source: Lin, Chen, Yan, "Network In Network", ICLR 2014.
    """

    kind: ClassVar[str] = "average"

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3:
            raise ValueError(f"{self} expects (N, H, W, C), got {('N', *shape)}")
        return (shape[2],)

    def forward(self, x: Array, training: bool = False) -> Array:
        self.check(x)
        if training:
            self.save_for_backward(x.shape)
        return x.mean(axis=(1, 2))

    def backward(self, dy: Array) -> Array:
        """dx[n, h, w, c] = dy[n, c] / (H W)"""
        (shape,) = self.saved()
        share = dy / dy.dtype.type(shape[1] * shape[2])
        return np.broadcast_to(share[:, None, None], shape).copy()
