"""The convolution as it is written, with neighbouring results computed at once, on all cores."""

import math
from collections.abc import Sequence

import numpy as np

from cnn.conv import Conv2D
from cnn.fast.conv import is_fast
from cnn.fast.kernels import as_rows, multiply, sum_by_channel, view
from cnn.fast.parallel import parallel_for, pass_size
from cnn.fast.step import Step, begins_with
from cnn.layer import Array, Layer, Shape

FEWEST_INPUTS = 2  # with one channel FastConv has next to nothing to copy, and keeps that for the way back
FEW_CHANNELS = 64  # in and out together; with more, products take so long that FastConv's copying is little
# What the choice of blocks is made with, in nanoseconds: beginning to copy a run of values, copying a value,
# and an operation of a product that is so many columns wide, or half of its speed with so few.
BEGIN_RUN, COPY, OPERATION, FEW_COLUMNS = 4.0, 0.04, 1 / 150, 12


class PatchConv(Step):
    """Conv2D as it is written, in blocks, a slice of the batch at a time.

    `Blocks` says what a block is. The patches are copied once more on the way back, which takes less time
    than reading so many values from memory. dx is itself a convolution, of dy with the kernel rotated by 180
    degrees, where the stride is 1 and the padding below F; otherwise it is added up patch by patch.
    """

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        if not begins_with(layers, Conv2D):
            return None
        conv = layers[0]
        few = conv.in_channels >= FEWEST_INPUTS and conv.in_channels + conv.out_channels <= FEW_CHANNELS
        return cls(layers[:1], shape) if few or not is_fast(conv) else None

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        super().__init__(layers, input_shape)
        self.conv: Conv2D = self.layers[0]
        f, s, p = self.conv.kernel_size, self.conv.stride, self.conv.padding
        self.blocks = Blocks(self.input_shape, self.y_shape, f, s, p)
        self.turned = Blocks(self.y_shape, self.input_shape, f, 1, f - 1 - p) if is_fast(self.conv) else None
        self.slice_size = 2 * min(pass_size(math.prod(self.y_shape)), pass_size(self.blocks.size))

    def forward(self, x: Array, training: bool = False) -> Array:
        y = self.workspace("y", (len(x), *self.y_shape), x.dtype, training)
        kernel = self.blocks.kernel(self.conv.params["weight"])
        bias = None
        if "bias" in self.conv.params:
            bias = np.tile(self.conv.params["bias"], self.y_shape[1])  # for a row of pixels

        def work(s: slice) -> None:
            self.blocks.convolve(self, x[s], kernel, y[s], training)
            if bias is not None:
                rows = as_rows(y[s])
                rows += bias

        parallel_for(len(x), self.slice_size, work)
        if training:
            self.save_for_backward(x)
        return y

    def backward(self, dy: Array) -> Array:
        (x,) = self.saved()
        dx = self.workspace("dx", x.shape, dy.dtype)
        self._backward(dy, x, dx)
        return dx

    def backward_params(self, dy: Array) -> None:
        self._backward(dy, *self.saved(), None)

    def _backward(self, dy: Array, x: Array, dx: Array | None) -> None:
        weight = self.conv.params["weight"]
        turned = self.turned and self.turned.kernel(weight[::-1, ::-1].swapaxes(2, 3))

        def work(s: slice) -> Array:
            if dx is not None and self.turned:
                self.turned.convolve(self, dy[s], turned, dx[s], True)
            elif dx is not None:
                self._add_patches(dy[s], dx[s])
            patches = self.blocks.patches(self, x[s], True)
            return patches.T @ dy[s].reshape(len(patches), -1)

        dkernel = sum(parallel_for(len(dy), self.slice_size, work))
        self.conv.grads["weight"][...] = self.blocks.of_weight(dkernel)
        if "bias" in self.conv.params:
            self.conv.grads["bias"][...] = sum_by_channel(dy)

    def _add_patches(self, dy: Array, dx: Array) -> None:
        """Every pixel of dx gets the sum over all patches that contain it."""
        f, s, p = self.conv.kernel_size, self.conv.stride, self.conv.padding
        n, in_height, in_width, c = dx.shape
        height, width, k = self.y_shape
        weight = self.conv.params["weight"].reshape(-1, k)
        dpatches = self.scratch("dpatches", (n * height * width, len(weight)), dy.dtype)
        np.matmul(dy.reshape(-1, k), weight.T, out=dpatches)
        dpatches = dpatches.reshape(n, height, width, f, f, c)
        dpadded = self.scratch("dpadded", (n, in_height + 2 * p, in_width + 2 * p, c), dx.dtype)
        dpadded[...] = 0
        for i in range(f):
            for j in range(f):
                dpadded[:, i : i + s * height : s, j : j + s * width : s] += dpatches[:, :, :, i, j]
        dx[...] = dpadded[:, p : p + in_height, p : p + in_width]


class Blocks:
    """B neighbouring results of a convolution from one window of F rows and (B - 1) S + F columns.

    A row of a window lies side by side in memory, so few and long runs are copied; and its product with a
    kernel that is repeated B times, each S pixels farther to the right with zeros around, is B K wide: BLAS
    is slow with few columns. There are more products than a convolution needs, the more the larger B is.

    Shapes: x (n, H, W, C) -> windows (n H' W' / B, F ((B-1) S + F) C), kernel (F ((B-1) S + F) C, B K).
    """

    def __init__(self, x_shape: Shape, y_shape: Shape, f: int, s: int, p: int) -> None:
        self.f, self.s, self.p = f, s, p
        (self.height, self.width, self.k), self.c = y_shape, x_shape[2]
        divisors = [b for b in range(1, self.width + 1) if self.width % b == 0]
        self.b = min(divisors, key=lambda b: self._time(b) / b)
        self.columns = (self.b - 1) * s + f
        self.size = self.height * self.width // self.b * f * self.columns * self.c  # values of a sample

    def kernel(self, weight: Array) -> Array:
        """weight (F, F, C, K) -> (F ((B-1) S + F) C, B K)"""
        if self.b == 1:
            return weight.reshape(-1, self.k)
        kernel = np.zeros((self.f, self.columns, self.c, self.b, self.k), weight.dtype)
        for i, at in enumerate(self._places(kernel)):
            at[:, :, :, i] = weight
        return kernel.reshape(-1, self.b * self.k)

    def of_weight(self, dkernel: Array) -> Array:
        """The backward pass of `kernel`."""
        dkernel = dkernel.reshape(self.f, self.columns, self.c, self.b, self.k)
        return sum(at[:, :, :, i] for i, at in enumerate(self._places(dkernel)))

    def patches(self, step: Step, x: Array, training: bool) -> Array:
        """The windows of x, one a row, in scratch memory of `step`."""
        f, s, c = self.f, self.s, self.c
        padded = step.padded(x, self.p, training)
        of_sample, of_row, of_column, _ = padded.strides
        shape = (len(x), self.height, self.width // self.b, f, self.columns * c)
        strides = (of_sample, s * of_row, self.b * s * of_column, of_row, padded.itemsize)
        patches = step.scratch("patches", shape, x.dtype, training)
        patches[...] = view(padded, shape, strides)
        return patches.reshape(-1, f * self.columns * c)

    def convolve(self, step: Step, x: Array, kernel: Array, y: Array, training: bool) -> None:
        """Writes y (n, H', W', K), contiguous, without bias."""
        patches = self.patches(step, x, training)
        multiply(patches, kernel, y.reshape(len(patches), -1))

    def _places(self, kernel: Array) -> list[Array]:
        return [kernel[:, i * self.s : i * self.s + self.f] for i in range(self.b)]

    def _time(self, b: int) -> float:
        """Nanoseconds a block, roughly."""
        window = ((b - 1) * self.s + self.f) * self.c
        wide = b * self.k
        operations = 2 * self.f * window * wide
        return self.f * (BEGIN_RUN + COPY * window) + operations * OPERATION * (1 + FEW_COLUMNS / wide)
