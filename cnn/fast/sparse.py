"""Convolution and pooling of pictures with few channels: four results at once from one window of pixels."""

from collections.abc import Sequence

import numpy as np

from cnn.fast.conv_pool import ConvPool, is_conv_pool_relu
from cnn.fast.kernels import multiply, relu, sum_by_channel, view
from cnn.fast.parallel import SLICE, parallel_for
from cnn.fast.step import Step
from cnn.layer import Array, Layer, Shape

FEW_CHANNELS = 4  # of the input, at most: with more, products cost more than passes over memory
FEW_WINDOWS = 1024  # sooner multiplied all than those with ink chosen, where nothing is saved for backward


class SparseConvPoolReLU(ConvPool):
    """ConvPool for pictures with one channel or a few, where passes over memory cost more than products.

    The four results of the convolution that are pooled together see F+1 by F+1 pixels. These windows are
    copied once, one a column. Their upper F rows and their lower F rows are multiplied by two matrices that
    hold the kernel at the left and at the right, and a column of zeros. That is 4/3 (F = 3) or 6/5 (F = 5) of
    the products, but the results lie in four arrays of their own, so that pooling and its gradient pass over
    memory from one end to the other.

    A window without ink gives max(bias, 0) and adds nothing to the gradient of the weight. Most of a picture
    of ink is blank paper (62 % of the windows of MNIST with F = 3), so only windows with ink are multiplied.
    """

    _prepared: Array | None = None

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        matches = is_conv_pool_relu(layers) and layers[0].in_channels <= FEW_CHANNELS
        return cls(layers[:3], shape) if matches else None

    def prepare_for_inference(self) -> None:
        self._prepared = self.kernels()

    def forward(self, x: Array, training: bool = False) -> Array:
        height, width, k = self.y_shape
        kernels = self.kernels() if self._prepared is None else self._prepared
        bias = self.conv.params.get("bias", np.zeros(k, x.dtype))
        y = self.workspace("y", (len(x), height, width, k), x.dtype, training)

        def work(s: slice) -> tuple[Array, ...] | None:
            windows = self.windows_of(x[s], (height, width), training)
            inked = slice(None)
            if training or windows.shape[1] > FEW_WINDOWS:
                inked = np.flatnonzero(self.ink_of(windows))
                windows = np.take(windows, inked, axis=1)
                y[s].reshape(-1, height * width * k)[...] = np.tile(np.maximum(bias, 0), height * width)
            best, *won = self.pool(windows, kernels, bias, training)
            y[s].reshape(-1, k)[inked] = best
            return (inked, windows, *won) if training else None

        parts = parallel_for(len(x), SLICE, work)
        if training:
            self.save_for_backward(parts, x.shape, y)
        return y

    def _backward(self, dy: Array, parts: list, x_shape: Shape, y: Array, dx: Array | None) -> None:
        _, height, width, k = dy.shape
        side = self.conv.kernel_size + 1
        kernels = self.kernels()
        bias = self.conv.params.get("bias", np.zeros(k, dy.dtype))

        def work(s: slice) -> tuple[Array, Array]:
            inked, windows, row_won, right_won = parts[s.start // SLICE]
            dpooled = dy[s].reshape(-1, k)
            dz = self.unpool(np.take(dpooled, inked, axis=0), row_won, right_won)
            dpair, dright = dz
            if dx is not None:
                left, right = kernels
                # Where nothing is drawn all four are equal, and the first of them has the gradient.
                dwindows = np.zeros((side * side * self.conv.in_channels, len(dpooled)), dy.dtype)
                self.rows_of(dwindows)[0] = left @ (dpooled * (y[s].reshape(-1, k) > 0)).T
                dinked = np.zeros((len(dwindows), windows.shape[1]), dy.dtype)
                for row, of_row in enumerate(self.rows_of(dinked)):
                    of_row += left @ (dpair[row] - dright[row]).T + right @ dright[row].T
                dwindows[:, inked] = dinked
                self._add_windows(dwindows, dx[s], (height, width))
            blank = np.ones((1, len(dpooled)), dy.dtype)
            blank[:, inked] = 0
            dbias = (blank @ dpooled)[0] * (bias > 0) + sum_by_channel(dpair)
            return np.matmul(self.rows_of(windows), dz).sum(axis=1), dbias

        products, dbias = (sum(parts) for parts in zip(*parallel_for(len(dy), SLICE, work), strict=True))
        self.fill_grads(products, dbias)

    def ink_of(self, windows: Array) -> Array:
        """windows ((F+1) (F+1) C, n) -> (n,) bool, whether there is ink in a window."""
        return np.bitwise_or.reduce(windows.view(f"u{windows.itemsize}"), axis=0) != 0

    def pool(
        self, windows: Array, kernels: Array, bias: Array, training: bool, out: Array | None = None
    ) -> list[Array]:
        """windows ((F+1) (F+1) C, n) -> max(the largest of their four results + bias, 0), (n, K).

        In training also which of them won, for `unpool`: the upper row, the lower or none, (2, n, K), and
        whether the right of each row, (2, n, K).
        """
        n, k = windows.shape[1], kernels.shape[2]
        z = self.scratch("z", (2, 2, n, k), windows.dtype, training)
        multiply(self.rows_of(windows).swapaxes(1, 2), kernels[:, None], z)
        left, right = z  # each in the upper and in the lower row
        higher = np.maximum(left, right, out=self.scratch("higher", left.shape, z.dtype, training))
        best = np.maximum(*higher, out=out)
        best += bias
        relu(best, best)
        if not training:
            return [best]
        passed, lower_won = best > 0, higher[1] > higher[0]
        row_won = np.empty(left.shape, bool)
        np.greater(passed, lower_won, out=row_won[0])  # passed and not lower_won
        np.logical_and(passed, lower_won, out=row_won[1])
        return [best, row_won, right > left]

    def unpool(self, dpooled: Array, row_won: Array, right_won: Array) -> Array:
        """dpooled (n, K) -> (2, 2, n, K): each gradient goes to the one that won.

        First what a row has, then what its right one has. The left's is the row's without the right's, and
        that is subtracted last, from the products.
        """
        dz = self.scratch("z", (2, *row_won.shape), dpooled.dtype)
        np.multiply(dpooled, row_won, out=dz[0])
        np.multiply(dz[0], right_won, out=dz[1])
        return dz

    def fill_grads(self, products: Array, dbias: Array) -> None:
        """products (2, F (F+1) C, K): the windows' rows times `unpool`'s result, summed over the two rows."""
        f, side = self.conv.kernel_size, self.conv.kernel_size + 1
        of_pair, of_right = products.reshape(2, f, side, self.conv.in_channels, -1)
        self.conv.grads["weight"][...] = (of_pair - of_right)[:, :f] + of_right[:, 1:]
        if "bias" in self.conv.params:
            self.conv.grads["bias"][...] = dbias

    def kernels(self) -> Array:
        """The kernel at the left and at the right of F rows of a window: (2, F (F+1) C, K)"""
        weight = self.conv.params["weight"]
        f, _, c, k = weight.shape
        kernels = np.zeros((2, f, f + 1, c, k), weight.dtype)
        kernels[0, :, :f] = kernels[1, :, 1:] = weight
        return kernels.reshape(2, -1, k)

    def rows_of(self, windows: Array) -> Array:
        """A view of windows ((F+1) (F+1) C, n): their upper F rows and lower F rows, (2, F (F+1) C, n)"""
        row = len(windows) // (self.conv.kernel_size + 1)
        of_value, of_window = windows.strides
        shape = (2, len(windows) - row, windows.shape[1])
        return view(windows, shape, (row * of_value, of_value, of_window))

    def windows_of(self, x: Array, size: tuple[int, int], training: bool) -> Array:
        """x (n, H, W, C) -> ((F+1) (F+1) C, n H' W'), the windows, every second one of each direction."""
        n, _, _, c = x.shape
        side = self.conv.kernel_size + 1
        padded = self.padded(x, self.conv.padding, training)
        of_sample, of_row, of_column, of_channel = padded.strides
        windows = view(
            padded,
            (side, side, c, n, *size),
            (of_row, of_column, of_channel, of_sample, 2 * of_row, 2 * of_column),
        )
        result = self.scratch("windows", windows.shape, x.dtype, training)
        result[...] = windows
        return result.reshape(side * side * c, -1)

    def _add_windows(self, dwindows: Array, dx: Array, size: tuple[int, int]) -> None:
        """The backward pass of `windows_of`: a pixel gets the sum over all windows that contain it."""
        n, height, width, c = dx.shape
        p, side = self.conv.padding, self.conv.kernel_size + 1
        dwindows = dwindows.reshape(side, side, c, n, *size)
        dpadded = np.zeros((n, height + 2 * p, width + 2 * p, c), dx.dtype)
        for i in range(side):
            for j in range(side):
                dpadded[:, i : i + 2 * size[0] : 2, j : j + 2 * size[1] : 2] += np.moveaxis(
                    dwindows[i, j], 0, -1
                )
        dx[...] = dpadded[:, p : p + height, p : p + width]
