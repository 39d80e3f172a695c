"""Any other convolution, with all its patches copied, on all cores."""

import math
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from cnn.conv import Conv2D
from cnn.fast.conv import FastConv, with_relu
from cnn.fast.kernels import copy_pixels, sum_of_products, view
from cnn.fast.parallel import SLICE, Result, parallel_for
from cnn.fast.step import Step, begins_with
from cnn.layer import Array, Layer, Shape

CACHE = 1 << 20  # bytes that the patches of a slice should fit in


class StridedConv(FastConv):
    """Conv2D as it is written, a slice of the batch at a time: for strides, and padding of F or more.

    As `FastConv` it computes a ReLU after it, too.
    """

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        return cls(with_relu(layers), shape) if begins_with(layers, Conv2D) else None

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        super().__init__(layers, input_shape)
        self.z_shape = self.conv.output_shape(input_shape)
        self.patch = self.conv.kernel_size**2 * self.conv.in_channels
        of_sample = 4 * math.prod(self.z_shape[:2]) * self.patch
        self.slice_size = max(1, min(SLICE, CACHE // of_sample))

    def convolve(
        self, x: Array, use: Callable[[slice, Array], Result], training: bool
    ) -> tuple[Array | None, list[Result]]:
        """As in `FastConv`, but z (n, H', W', K) has no margin, and the patches are what is returned."""
        weight, places = self.conv.params["weight"].reshape(self.patch, -1), math.prod(self.z_shape[:2])
        saved = self.workspace("patches", (len(x), places, self.patch), x.dtype) if training else None

        def work(s: slice) -> Result:
            size = len(x[s])
            patches = np.empty((size, places, self.patch), x.dtype) if saved is None else saved[s]
            self._overlapping(patches, self.padded(x[s], self.conv.padding, training))
            z = self.scratch("z", (size, *self.z_shape), x.dtype, training)
            np.matmul(patches.reshape(-1, self.patch), weight, out=z.reshape(size * places, -1))
            return use(s, z)

        return saved, parallel_for(len(x), self.slice_size, work)

    def differentiate(
        self, columns: Array, x_shape: Shape, fill: Callable[[slice, Array], None], dx: Array | None
    ) -> None:
        """As in `FastConv`, with patches for columns."""
        weight, (n, *_) = self.conv.params["weight"].reshape(self.patch, -1), x_shape
        taps = weight.reshape(-1, self.conv.in_channels, weight.shape[1]).swapaxes(1, 2)

        def work(s: slice) -> Array:
            of_slice = columns[s].reshape(-1, self.patch)
            dz = self.scratch("dz", (len(columns[s]), *self.z_shape), columns.dtype)
            fill(s, dz)
            rows = dz.reshape(len(of_slice), -1)
            if dx is not None:
                dtaps = self.scratch("dtaps", (len(taps), len(rows), taps.shape[2]), dz.dtype)
                self._add_patches(np.matmul(rows, taps, out=dtaps), dx[s])
            return sum_of_products(of_slice[None], rows[None])

        dweight = sum(parallel_for(n, self.slice_size, work))
        self.conv.grads["weight"][...] = dweight.reshape(self.conv.params["weight"].shape)

    def _overlapping(self, patches: Array, padded: Array) -> None:
        """Fills patches (n, H' W', F F C) from the padded pictures."""
        f, s, (height, width, _) = self.conv.kernel_size, self.conv.stride, self.z_shape
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
        height, width, _ = self.z_shape
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
