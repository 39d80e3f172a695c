"""The convolution with a third of the copying, on all cores."""

import math
from collections.abc import Callable, Sequence
from threading import get_ident

import numpy as np

from cnn.activation import ReLU
from cnn.conv import Conv2D
from cnn.fast.kernels import (
    copy_pixels,
    multiply,
    on_pixels,
    relu,
    relu_backward,
    rows_of,
    sum_by_channel,
    sum_of_products,
    view,
)
from cnn.fast.parallel import SLICE, Result, parallel_for
from cnn.fast.step import Step, begins_with
from cnn.layer import Array, Layer, Shape

CACHE = 1 << 21  # bytes: more of the results of a slice make NumPy's operations no faster


class ConvStep(Step):
    """A convolution with what comes after it. The second of what a subclass saves is the shape of x."""

    def backward(self, dy: Array) -> Array:
        saved = self.saved()
        dx = self.workspace("dx", saved[1], dy.dtype)
        self._backward(dy, *saved, dx)
        return dx

    def backward_params(self, dy: Array) -> None:
        self._backward(dy, *self.saved(), None)

    def _backward(self, dy: Array, *saved_and_dx: object) -> None:
        """Fills the gradients; and dx, the last argument, unless that is None."""
        raise NotImplementedError


class FastConv(ConvStep):
    """Conv2D with stride 1 and padding below F, and a ReLU after it.

    im2col copies every pixel F * F times. Here each is copied F times: `columns` holds, for every position,
    the F pixels below one another that begin there. A patch is then F neighbouring positions, which lie side
    by side in memory, and every F-th patch starts where the last one ended: the patches that start at
    position p, p + F, p + 2 F ... are the rows of a matrix without any copying. F such matrix products,
    p = 0 to F - 1, make the whole convolution.

    Positions run along the rows of the result, R = W + P of them a row: the zeros at its left are also the
    right margin of the row before. The last R - W' positions of a row belong to no pixel of the result.

    Backward as in Conv2D, but dx is itself a convolution: of dy with the kernel rotated by 180 degrees.
    """

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        if not begins_with(layers, Conv2D) or not is_fast(layers[0]):
            return None
        return cls(with_relu(layers), shape)

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        super().__init__(layers, input_shape)
        self.conv: Conv2D = self.layers[0]
        self.relu = any(isinstance(layer, ReLU) for layer in self.layers)

    def forward(self, x: Array, training: bool = False) -> Array:
        y = self.workspace("y", (len(x), *self.y_shape), x.dtype, training)
        finish = self.finishing(y)

        def keep(s: slice, z: Array) -> None:
            y[s] = z[:, :, : y.shape[2]]
            finish(s)

        columns, _ = self.convolve(x, keep, training)
        if training:
            self.save_for_backward(columns, x.shape, y)
        return y

    def finishing(self, y: Array) -> Callable[[slice], None]:
        """What adds the bias to a slice of y, and applies ReLU, where there are any."""
        bias = self.conv.params.get("bias")
        on_sample = None if bias is None else on_pixels(bias, y)

        def finish(s: slice) -> None:
            if on_sample is not None:
                rows_of(y[s])[...] += on_sample
            if self.relu:
                relu(y[s], y[s])

        return finish

    def _backward(self, dy: Array, columns: Array, x_shape: Shape, y: Array, dx: Array | None) -> None:
        def spread(s: slice, passed: Array, dz: Array) -> None:
            dz[:, :, : passed.shape[2]] = passed

        self.unfinish(dy, columns, x_shape, y, spread, dx)

    def unfinish(
        self,
        dy: Array,
        columns: Array,
        x_shape: Shape,
        y: Array,
        spread: Callable[[slice, Array, Array], None],
        dx: Array | None,
    ) -> None:
        """Back through ReLU and bias, and through the rest as `differentiate`.

        spread(s, passed, dz) writes to dz what a slice has passed back through ReLU.
        """
        passed = self.workspace("passed", dy.shape, dy.dtype) if self.relu else dy

        def fill(s: slice, dz: Array) -> None:
            if self.relu:
                relu_backward(dy[s], y[s], passed[s])
            spread(s, passed[s], dz)

        self.differentiate(columns, x_shape, fill, dx)
        if "bias" in self.conv.params:
            self.conv.grads["bias"][...] = sum_by_channel(passed)

    def convolve(
        self, x: Array, use: Callable[[slice, Array], Result], training: bool
    ) -> tuple[Array | None, list[Result]]:
        """Calls use(s, z) for every slice s of the batch, on all cores.

        z (n, H', R, K) is the convolution of x[s], without bias, at all positions; it is soon written over.
        Returns, in training, the columns of all slices, for `differentiate`; and what the calls returned.
        """
        rows, row = self.conv.output_shape(x.shape[1:])[0], x.shape[2] + self.conv.padding
        weight, slice_size = _matrix(self.conv.params["weight"]), self._slice_size(rows * row)
        columns = self._room("x", x, rows, self.conv.padding, slice_size) if training else None

        def work(s: slice) -> Result:
            if training:
                room = columns[s.start // slice_size]
            else:
                room = self._room("x", x[s], rows, self.conv.padding, slice_size, training)[0]
            of_slice = self._columns(x[s], rows, self.conv.padding, room)
            return use(s, self._product(of_slice, weight, (len(x[s]), rows, row), training))

        return columns, parallel_for(len(x), slice_size, work)

    def differentiate(
        self, columns: Array, x_shape: Shape, fill: Callable[[slice, Array], None], dx: Array | None
    ) -> None:
        """Fills the gradient of the weight; and dx (N, H, W, C), unless that is None.

        fill(s, dz) writes d loss / d z of a slice to dz (n, H', R, K), which is zero at first; at positions
        that belong to no pixel of the result it must stay so.
        """
        n, height, width, _ = x_shape
        rows, result_width, k = self.conv.output_shape(x_shape[1:])
        f, row = self.conv.kernel_size, width + self.conv.padding
        slice_size = self._slice_size(rows * row)
        turned_padding = f - 1 - self.conv.padding
        turned_matrix = _matrix(self.conv.params["weight"][::-1, ::-1].swapaxes(2, 3))

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
            return sum_of_products(_patches(of_slice), _by_phase(flat, f))

        dweight = sum(parallel_for(n, slice_size, work))
        shape = self.conv.params["weight"].shape
        self.conv.grads["weight"][...] = dweight.reshape(f, f, *shape[2:]).swapaxes(0, 1)

    def _slice_size(self, positions: int) -> int:
        """Samples per slice for this many positions each: a power of two, independent of the cores."""
        sample = 4 * positions * self.conv.out_channels
        return min(SLICE, 1 << int(math.log2(max(1, CACHE / sample))))

    def _room(
        self, name: str, x: Array, rows: int, padding: int, slice_size: int, training: bool = True
    ) -> Array:
        """(slices, positions, F, C): memory for the columns of x, with zeros for its padding."""
        n, _, width, c = x.shape
        f, row = self.conv.kernel_size, width + padding
        shape = (-(-n // slice_size), _whole(min(n, slice_size) * rows * row, f) + f, f, c)
        if not training:
            return np.zeros(shape, x.dtype)
        return self.workspace(f"columns of {name}, {rows} x {row}", shape, x.dtype)

    def _columns(self, x: Array, rows: int, padding: int, room: Array) -> Array:
        """x (n, H, W, C) -> (positions, F, C): at every position the F pixels that begin there.

        There are F positions more than whole patches need, so that every phase has the same number of them.
        """
        n, height, width, _ = x.shape
        f, row = self.conv.kernel_size, width + padding
        length = n * rows * row
        columns = room[: _whole(length, f) + f]
        columns[length:] = 0
        picture = columns[:length].reshape(n, rows, row, f, -1)[:, :, padding:]
        for i in range(f):
            down = i - padding  # from the row of the result to the row of x
            first, last = max(0, -down), min(rows, height - down)
            copy_pixels(picture[:, first:last, :, i], x[:, first + down : last + down])
        return columns

    def _product(self, columns: Array, weight: Array, size: Shape, training: bool) -> Array:
        """columns (positions, F, C) and weight (F F C, K) -> (n, rows, R, K), size being (n, rows, R)."""
        f = columns.shape[1]
        z = self.scratch("z", (len(columns) - f, weight.shape[1]), columns.dtype, training)
        multiply(_patches(columns), weight, _by_phase(z, f))
        return z[: math.prod(size)].reshape(*size, -1)


def with_relu(layers: Sequence[Layer]) -> Sequence[Layer]:
    """The convolution that layers begin with, and a ReLU after it."""
    return layers[: 2 if begins_with(layers, Conv2D, ReLU) else 1]


def is_fast(conv: Conv2D) -> bool:
    """Whether the algorithm above supports this layer."""
    return conv.stride == 1 and conv.padding < conv.kernel_size


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
