"""Convolution and pooling of pictures with few channels: four results at once from one window of pixels."""

from threading import get_ident

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cnn.fast import ConvPoolReLU
from cnn.layer import Array, Shape
from cnn.slices import SLICE, for_slices, sum_by_channel


class WindowConvPoolReLU(ConvPoolReLU):
    """ConvPoolReLU for pictures with one channel or a few, where passes over memory cost more than products.

    The four results of the convolution that are pooled together see F+1 by F+1 pixels. These windows are
    copied once, one a column, and multiplied by four matrices that hold the kernel in one corner of a window
    each, and zeros elsewhere. That is 16/9 (F = 3) or 36/25 (F = 5) of the products, but the results lie in
    four arrays of their own, so that pooling and its gradient pass over memory from one end to the other.
    """

    _frozen: Array | None = None

    def freeze(self) -> None:
        self._frozen = self._corners()

    def forward(self, x: Array, training: bool = False) -> Array:
        self.check(x)
        height, width, k = self.output_shape(x.shape[1:])
        size, positions = min(SLICE, len(x)), height * width
        corners = self._corners() if self._frozen is None else self._frozen
        parts = -(-len(x) // size)
        y = self.workspace("y", (len(x) * positions, k), x.dtype, training)
        # Which of a pair was larger: the right one, in the upper and in the lower row; the lower row.
        right_won = self.workspace("right", (parts, 2, size * positions, k), bool) if training else None
        lower_won = self.workspace("lower", y.shape, bool) if training else None
        kept = self.workspace("windows", (parts, corners.shape[1], size * positions), x.dtype, training)

        def work(s: slice) -> None:
            part, rows = s.start // size, slice(s.start * positions, min(s.stop, len(x)) * positions)
            count = rows.stop - rows.start
            windows = self._windows(x[s], kept[part], (height, width), training)
            z = self.scratch("z", (4, size * positions, k), x.dtype, training)[:, :count]
            higher = self.scratch("higher", (2, size * positions, k), x.dtype, training)[:, :count]
            np.matmul(windows.T, corners, out=z)
            left, right = z[:2], z[2:]  # each in the upper and in the lower row
            np.maximum(left, right, out=higher)
            np.maximum(*higher, out=y[rows])
            if "bias" in self.params:
                y[rows] += self.params["bias"]
            np.maximum(y[rows], 0, out=y[rows])
            if training:
                np.greater(right, left, out=right_won[part, :, :count])
                np.greater(higher[1], higher[0], out=lower_won[rows])

        for_slices(len(x), size, work)
        y = y.reshape(len(x), height, width, k)
        if training:
            self.keep(kept, x.shape, y, right_won, lower_won)
        return y

    def _backward(
        self,
        dy: Array,
        kept: Array,
        x_shape: Shape,
        y: Array,
        right_won: Array,
        lower_won: Array,
        dx: Array | None,
    ) -> None:
        n, height, width, k = dy.shape
        size, positions = min(SLICE, n), height * width
        corners = self._corners() if dx is not None else None
        dpooled = self.workspace("dpooled", dy.shape, dy.dtype)

        def work(s: slice) -> Array:
            part, rows = s.start // size, slice(s.start * positions, min(s.stop, n) * positions)
            count = rows.stop - rows.start
            dhigher = self.scratch("higher", (2, size * positions, k), dy.dtype)[:, :count]
            dz = self.scratch("z", (4, size * positions, k), dy.dtype)[:, :count]
            dwon = dpooled[s].reshape(count, k)
            np.multiply(dy[s], y[s] > 0, out=dpooled[s])
            # Each gradient goes to the one that won, and the other gets the rest, which is zero.
            np.multiply(dwon, lower_won[rows], out=dhigher[1])
            np.subtract(dwon, dhigher[1], out=dhigher[0])
            np.multiply(dhigher, right_won[part, :, :count], out=dz[2:])
            np.subtract(dhigher, dz[2:], out=dz[:2])
            if dx is not None:
                dwindows = np.matmul(corners, dz.swapaxes(1, 2)).sum(axis=0)
                self._add_windows(dwindows, dx[s], (height, width))
            windows = kept[part].reshape(-1)[: kept.shape[1] * count].reshape(-1, count)
            return np.matmul(windows, dz)

        f, c = self.kernel_size, self.in_channels
        dcorners = sum(for_slices(n, size, work)).reshape(2, 2, f + 1, f + 1, c, k)
        self.grads["weight"][...] = sum(
            dcorners[right, down, down : down + f, right : right + f] for right in (0, 1) for down in (0, 1)
        )
        if "bias" in self.params:
            self.grads["bias"][...] = sum_by_channel(dpooled)

    def _corners(self) -> Array:
        """The kernel upper left, lower left, upper right, lower right in a window: (4, (F+1) (F+1) C, K)"""
        weight = self.params["weight"]
        f, _, c, k = weight.shape
        corners = np.zeros((2, 2, f + 1, f + 1, c, k), weight.dtype)
        for right in (0, 1):
            for down in (0, 1):
                corners[right, down, down : down + f, right : right + f] = weight
        return corners.reshape(4, -1, k)

    def _windows(self, x: Array, room: Array, size: tuple[int, int], training: bool) -> Array:
        """x (n, H, W, C) -> ((F+1) (F+1) C, n H' W'), the windows, every second one of each direction."""
        n, height, width, c = x.shape
        p, side = self.padding, self.kernel_size + 1
        if p:
            shape = (n, height + 2 * p, width + 2 * p, c)
            padded = self.workspace(f"padded in thread {get_ident()}", shape, x.dtype, training)
            padded[:, p : p + height, p : p + width] = x
        else:
            padded = x
        of_sample, of_row, of_column, of_channel = padded.strides
        windows = as_strided(
            padded,
            (side, side, c, n, *size),
            (of_row, of_column, of_channel, of_sample, 2 * of_row, 2 * of_column),
        )
        result = room.reshape(-1)[: windows.size].reshape(windows.shape)
        result[...] = windows
        return result.reshape(side * side * c, -1)

    def _add_windows(self, dwindows: Array, dx: Array, size: tuple[int, int]) -> None:
        """The way back of `_windows`: a pixel gets the sum over all windows that saw it."""
        n, height, width, c = dx.shape
        p, side = self.padding, self.kernel_size + 1
        dwindows = dwindows.reshape(side, side, c, n, *size)
        dpadded = np.zeros((n, height + 2 * p, width + 2 * p, c), dx.dtype)
        for i in range(side):
            for j in range(side):
                dpadded[:, i : i + 2 * size[0] : 2, j : j + 2 * size[1] : 2] += np.moveaxis(
                    dwindows[i, j], 0, -1
                )
        dx[...] = dpadded[:, p : p + height, p : p + width]
