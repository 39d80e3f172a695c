"""Any other convolution, with all its patches copied, on all cores."""

import math
from collections.abc import Sequence
from itertools import product

import numpy as np

from cnn.activation import ReLU
from cnn.conv import Conv2D
from cnn.fast.kernels import (
    copy_pixels,
    on_pixels,
    relu,
    relu_backward,
    rows_of,
    sum_by_channel,
    sum_of_products,
    view,
)
from cnn.fast.parallel import SLICE, parallel_for
from cnn.fast.step import Step, begins_with
from cnn.layer import Array, Layer, Shape

CACHE = 1 << 20  # bytes that the patches of a slice should fit in


class StridedConv(Step):
    """Conv2D as it is written, a slice of the batch at a time, and a ReLU after it.

    It is for strides, and padding of F or more.
    """

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        if begins_with(layers, Conv2D, ReLU):
            return cls(layers[:2], shape)
        return cls(layers[:1], shape) if begins_with(layers, Conv2D) else None

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        super().__init__(layers, input_shape)
        self.conv: Conv2D = self.layers[0]
        self.relu = len(self.layers) == 2
        height, width, _ = self.y_shape
        self.patch = self.conv.kernel_size**2 * self.conv.in_channels
        self.slice_size = max(1, min(SLICE, CACHE // (4 * height * width * self.patch)))

    def forward(self, x: Array, training: bool = False) -> Array:
        weight = self.conv.params["weight"].reshape(self.patch, -1)
        y = self.workspace("y", (len(x), *self.y_shape), x.dtype, training)
        places = math.prod(self.y_shape[:2])
        saved = self.workspace("patches", (len(x), places, self.patch), x.dtype) if training else None

        def work(s: slice) -> None:
            size = len(y[s])
            patches = np.empty((size, places, self.patch), x.dtype) if saved is None else saved[s]
            self._overlapping(patches, self.padded(x[s], self.conv.padding, training))
            np.matmul(patches.reshape(-1, self.patch), weight, out=y[s].reshape(size * places, -1))
            if "bias" in self.conv.params:
                rows_of(y[s])[...] += on_pixels(self.conv.params["bias"], y)
            if self.relu:
                relu(y[s], y[s])

        parallel_for(len(x), self.slice_size, work)
        if training:
            self.save_for_backward(saved, x.shape, y)
        return y

    def backward(self, dy: Array) -> Array:
        patches, x_shape, y = self.saved()
        dx = self.workspace("dx", x_shape, dy.dtype)
        self._backward(dy, patches, y, dx)
        return dx

    def backward_params(self, dy: Array) -> None:
        patches, _, y = self.saved()
        self._backward(dy, patches, y, None)

    def _backward(self, dy: Array, patches: Array, y: Array, dx: Array | None) -> None:
        passed = self.workspace("passed", dy.shape, dy.dtype) if self.relu else dy
        weight = self.conv.params["weight"].reshape(self.patch, -1)

        def work(s: slice) -> Array:
            if self.relu:
                relu_backward(dy[s], y[s], passed[s])
            of_slice, rows = patches[s].reshape(-1, self.patch), passed[s].reshape(-1, self.conv.out_channels)
            dweight = sum_of_products(of_slice[None], rows[None])
            if dx is not None:
                taps = weight.reshape(-1, self.conv.in_channels, weight.shape[1]).swapaxes(1, 2)
                dtaps = self.scratch("dtaps", (len(taps), len(rows), taps.shape[2]), dy.dtype)
                self._add_patches(np.matmul(rows, taps, out=dtaps), dx[s])
            return dweight

        dweight = sum(parallel_for(len(dy), self.slice_size, work))
        self.conv.grads["weight"][...] = dweight.reshape(self.conv.params["weight"].shape)
        if "bias" in self.conv.params:
            self.conv.grads["bias"][...] = sum_by_channel(passed)

    def _overlapping(self, patches: Array, padded: Array) -> None:
        """Fills patches (n, H' W', F F C) from the padded pictures."""
        f, s, (height, width, _) = self.conv.kernel_size, self.conv.stride, self.y_shape
        n, _, _, c = padded.shape
        of_sample, of_row, of_column, of_channel = padded.strides
        strides = (of_sample, s * of_row, s * of_column, of_row, of_column, of_channel)
        windows = view(padded, (n, height, width, f, f, c), strides)
        patches.reshape(windows.shape)[...] = windows

    def _add_patches(self, dtaps: Array, dx: Array) -> None:
        """The backward pass of both: a pixel gets the sum over all patches that contain it.

        dtaps (F F, n H' W', C): what each pixel of the patches gets. Pixels whose distance is a multiple of
        the stride are summed at once: their rows lie side by side in memory.
        """
        f, s, p = self.conv.kernel_size, self.conv.stride, self.conv.padding
        n, in_height, in_width, c = dx.shape
        height, width, _ = self.y_shape
        dtaps = dtaps.reshape(f, f, n, height, width, c)
        dpadded = self.scratch("padded", (n, in_height + 2 * p, in_width + 2 * p, c), dx.dtype)
        dpadded[...] = 0
        for top, left in product(range(min(s, f)), repeat=2):
            every = dpadded[:, top::s, left::s]
            sums = self.scratch("sums", every.shape, dx.dtype)
            sums[...] = 0
            for i, j in product(range(top, f, s), range(left, f, s)):
                down, right = i // s, j // s
                sums[:, down : down + height, right : right + width] += dtaps[i, j]
            copy_pixels(every, sums)
        dx[...] = dpadded[:, p : p + in_height, p : p + in_width]
