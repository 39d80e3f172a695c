"""The same convolution with a third of the copying, on all cores; and one with pooling built in."""

import math
from collections.abc import Callable
from threading import get_ident

import numpy as np

from cnn.activation import relu
from cnn.conv import Conv2D
from cnn.layer import Array, Shape
from cnn.slices import for_slices, multiply, sum_by_channel

CACHE = 1 << 20  # bytes of a core's second-level cache, which the results of a slice should fit in


class FastConv2D(Conv2D):
    """Conv2D with stride 1 and padding below F.

    im2col copies every pixel F * F times. Here each is copied F times: `columns` holds, for every position,
    the F pixels below one another that begin there. A patch is then F neighbouring positions, which lie side
    by side in memory, and every F-th patch starts where the last one ended: the patches that start at
    position p, p + F, p + 2 F ... are the rows of a matrix without any copying. F such matrix products,
    p = 0 to F - 1, make the whole convolution.

    Positions run along the rows of the result, R = W + P of them a row: the zeros at its left are also the
    right margin of the row before. The last R - W' positions of a row belong to no pixel of the result.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        padding: int = 0,
        *,
        rng: np.random.Generator,
        init: str = "he",
        bias: bool = True,
    ) -> None:
        if padding >= kernel_size:
            raise ValueError(f"{type(self).__name__} needs padding below {kernel_size}, got {padding}")
        super().__init__(
            in_channels, out_channels, kernel_size, padding=padding, rng=rng, init=init, bias=bias
        )

    def forward(self, x: Array, training: bool = False) -> Array:
        self.check(x)
        y = self.workspace("y", (len(x), *self.output_shape(x.shape[1:])), x.dtype, training)

        def finish(s: slice, z: Array) -> None:
            result = z[:, :, : y.shape[2]]
            if "bias" in self.params:
                np.add(result, self.params["bias"], out=y[s])
            else:
                y[s] = result

        columns = self.convolve(x, finish, training)
        if training:
            self.keep(columns, x.shape)
        return y

    def backward(self, dy: Array) -> Array:
        """As in Conv2D, but dx is itself a convolution: of dy with the kernel turned by 180 degrees."""
        kept = self.kept()
        dx = self.workspace("dx", kept[1], dy.dtype)
        self._backward(dy, *kept, dx)
        return dx

    def backward_params(self, dy: Array) -> None:
        self._backward(dy, *self.kept(), None)

    def _backward(self, dy: Array, columns: Array, x_shape: Shape, dx: Array | None) -> None:
        def spread(s: slice, dz: Array) -> None:
            dz[:, :, : dy.shape[2]] = dy[s]

        self.differentiate(columns, x_shape, spread, dx)
        if "bias" in self.params:
            self.grads["bias"][...] = sum_by_channel(dy)

    def convolve(self, x: Array, use: Callable[[slice, Array], None], training: bool) -> Array | None:
        """Calls use(s, z) for every slice s of the batch, on all cores.

        z (n, H', R, K) is the convolution of x[s], without bias, at all positions; it is soon written over.
        Returns, in training, the columns of all slices, for `differentiate`.
        """
        rows, row = self.conv_shape(x.shape[1:])[0], x.shape[2] + self.padding
        weight, slice_size = _matrix(self.params["weight"]), self._slice_size(rows * row)
        kept = self._room("x", x, rows, self.padding, slice_size) if training else None

        def work(s: slice) -> None:
            if training:
                room = kept[s.start // slice_size]
            else:
                room = self._room("x", x[s], rows, self.padding, slice_size, training)[0]
            columns = self._columns(x[s], rows, self.padding, room)
            use(s, self._product(columns, weight, (len(x[s]), rows, row), training))

        for_slices(len(x), slice_size, work)
        return kept

    def differentiate(
        self, columns: Array, x_shape: Shape, fill: Callable[[slice, Array], None], dx: Array | None
    ) -> None:
        """Fills the gradient of the weight; and dx (N, H, W, C), unless that is None.

        fill(s, dz) writes d loss / d z of a slice to dz (n, H', R, K), which is zero at first; at positions
        that belong to no pixel of the result it must stay so.
        """
        n, height, width, _ = x_shape
        rows, result_width, k = self.conv_shape(x_shape[1:])
        f, row = self.kernel_size, width + self.padding
        slice_size = self._slice_size(rows * row)
        turned_padding = f - 1 - self.padding
        turned_matrix = _matrix(self.params["weight"][::-1, ::-1].swapaxes(2, 3))

        def work(s: slice) -> Array:
            size = min(s.stop, n) - s.start
            length = size * rows * row
            flat = self.scratch(f"dz, {rows} x {row}", (_whole(length, f), k), columns.dtype)
            flat[length:] = 0
            dz = flat[:length].reshape(size, rows, row, k)
            fill(s, dz)
            if dx is not None:
                result = dz[:, :, :result_width]
                name = f"dz in thread {get_ident()}"
                room = self._room(name, result, height, turned_padding, slice_size)[0]
                dcolumns = self._columns(result, height, turned_padding, room)
                dx[s] = self._product(dcolumns, turned_matrix, (size, height, row), True)[:, :, :width]
            of_slice = columns[s.start // slice_size][: len(flat) + f]
            return np.matmul(_patches(of_slice).swapaxes(1, 2), _by_phase(flat, f)).sum(axis=0)

        dweight = sum(for_slices(n, slice_size, work))
        shape = self.params["weight"].shape
        self.grads["weight"][...] = dweight.reshape(f, f, *shape[2:]).swapaxes(0, 1)

    def _slice_size(self, positions: int) -> int:
        """Samples worked on at once, where each has so many positions: a power of two, whatever the cores."""
        sample = 4 * positions * self.out_channels
        return 1 << int(math.log2(max(1, CACHE / sample)))

    def _room(
        self, name: str, x: Array, rows: int, padding: int, slice_size: int, training: bool = True
    ) -> Array:
        """(slices, positions, F, C): room for the columns of x, with the zeros that are its margins."""
        n, _, width, c = x.shape
        f, row = self.kernel_size, width + padding
        shape = (-(-n // slice_size), _whole(min(n, slice_size) * rows * row, f) + f, f, c)
        if not training:
            return np.zeros(shape, x.dtype)
        return self.workspace(f"columns of {name}, {rows} x {row}", shape, x.dtype)

    def _columns(self, x: Array, rows: int, padding: int, room: Array) -> Array:
        """x (n, H, W, C) -> (positions, F, C): at every position the F pixels that begin there.

        There are F positions more than whole patches need, so that every phase has the same number of them.
        """
        n, height, width, _ = x.shape
        f, row = self.kernel_size, width + padding
        length = n * rows * row
        columns = room[: _whole(length, f) + f]
        columns[length:] = 0
        picture = columns[:length].reshape(n, rows, row, f, -1)[:, :, padding:]
        for i in range(f):
            down = i - padding  # from the row of the result to the row of x
            first, last = max(0, -down), min(rows, height - down)
            picture[:, first:last, :, i] = x[:, first + down : last + down]
        return columns

    def _product(self, columns: Array, weight: Array, size: Shape, training: bool) -> Array:
        """columns (positions, F, C) and weight (F F C, K) -> (n, rows, R, K), size being (n, rows, R)."""
        f = columns.shape[1]
        z = self.scratch("z", (len(columns) - f, weight.shape[1]), columns.dtype, training)
        multiply(_patches(columns), weight, _by_phase(z, f))
        return z[: math.prod(size)].reshape(*size, -1)


class ConvPoolReLU(FastConv2D):
    """y = ReLU(max over each 2x2 window of (x convolved with weight) + bias)

    What Conv2D, ReLU and MaxPool2D(2) compute one after the other, in a better order: both the bias and ReLU
    keep the order of values, so they come after pooling, where a quarter of the values is left. Where several
    values of a window are equal, the gradient goes to one of them.

    Shapes: x (N, H, W, C) -> y (N, H' // 2, W' // 2, K) with H' and W' as in Conv2D.
    """

    def output_shape(self, shape: Shape) -> Shape:
        height, width, k = self.conv_shape(shape)
        if min(height, width) < 2:
            raise ValueError(f"{self} expects pictures with room for a 2x2 window, got {('N', *shape)}")
        return height // 2, width // 2, k

    def forward(self, x: Array, training: bool = False) -> Array:
        self.check(x)
        y = self.workspace("y", (len(x), *self.output_shape(x.shape[1:])), x.dtype, training)
        n, height, width, k = y.shape
        row = x.shape[2] + self.padding
        # Which of a pair was larger: the lower of two rows, then the right of two columns.
        lower_won = self.workspace("lower", (n, height, row, k), bool) if training else None
        right_won = self.workspace("right", y.shape, bool) if training else None

        def pool(s: slice, z: Array) -> None:
            upper, lower = z[:, 0 : 2 * height : 2], z[:, 1 : 2 * height : 2]
            higher = self.scratch("higher", upper.shape, z.dtype, training)
            np.maximum(upper, lower, out=higher)
            left, right = higher[:, :, 0 : 2 * width : 2], higher[:, :, 1 : 2 * width : 2]
            np.maximum(left, right, out=y[s])
            if "bias" in self.params:
                y[s] += self.params["bias"]
            relu(y[s], y[s])
            if training:
                np.greater(lower, upper, out=lower_won[s])
                np.greater(right, left, out=right_won[s])

        columns = self.convolve(x, pool, training)
        if training:
            self.keep(columns, x.shape, y, lower_won, right_won)
        return y

    def _backward(
        self,
        dy: Array,
        columns: Array,
        x_shape: Shape,
        y: Array,
        lower_won: Array,
        right_won: Array,
        dx: Array | None,
    ) -> None:
        _, height, width, _ = dy.shape
        dpooled = self.workspace("dpooled", dy.shape, dy.dtype)

        def unpool(s: slice, dz: Array) -> None:
            """Back the way of `pool`: each gradient goes to the one that won."""
            np.multiply(dy[s], y[s] > 0, out=dpooled[s])
            dhigher = self.scratch(f"dhigher, {height} x {width}", lower_won[s].shape, dy.dtype)
            dleft, dright = dhigher[:, :, 0 : 2 * width : 2], dhigher[:, :, 1 : 2 * width : 2]
            np.multiply(dpooled[s], right_won[s], out=dright)
            np.subtract(dpooled[s], dright, out=dleft)
            dupper, dlower = dz[:, 0 : 2 * height : 2], dz[:, 1 : 2 * height : 2]
            np.multiply(dhigher, lower_won[s], out=dlower)
            np.subtract(dhigher, dlower, out=dupper)

        self.differentiate(columns, x_shape, unpool, dx)
        if "bias" in self.params:
            self.grads["bias"][...] = sum_by_channel(dpooled)


def view(values: Array, shape: Shape, strides: tuple[int, ...], offset: int = 0) -> Array:
    """Contiguous values seen in another shape, from so many bytes on.

    NumPy's as_strided takes ten times as long.
    """
    return np.ndarray(shape, values.dtype, values, offset, strides)


def _patches(columns: Array) -> Array:
    """A view of columns (positions, F, C) as F matrices, one a phase: every F-th patch, one a row.

    (F, positions / F - 1, F F C)
    """
    positions, f, c = columns.shape
    position = f * c * columns.itemsize
    return view(columns, (f, positions // f - 1, f * f * c), (position, f * position, columns.itemsize))


def _by_phase(rows: Array, f: int) -> Array:
    """rows (positions, K) -> (F, positions / F, K), a view: every F-th row from the first, the second ..."""
    return rows.reshape(-1, f, rows.shape[1]).swapaxes(0, 1)


def _matrix(weight: Array) -> Array:
    """(F, F, C, K) -> (F F C, K) in the order of a patch here: column by column, then down."""
    return weight.swapaxes(0, 1).reshape(-1, weight.shape[3])


def _whole(count: int, f: int) -> int:
    """count, rounded up to a multiple of f."""
    return -(-count // f) * f
