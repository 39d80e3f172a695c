"""The same convolution with a third of the copying, on all cores."""

import threading

import numpy as np

from cnn.conv import Conv2D
from cnn.layer import Array
from cnn.slices import for_slices

SLICE = 8  # samples worked on at once: their columns stay in a core's cache


class SameConv2D(Conv2D):
    """Conv2D with stride 1 and padding (F - 1) / 2, so that the picture keeps its size; F is odd.

    im2col copies every pixel F * F times. Here each is copied F times: `columns` holds, for every position
    of the picture, the F pixels above one another around it. A patch is then F neighbouring positions, which
    lie side by side in memory, and every F-th patch starts where the last one ended: the patches that start
    at position p, p + F, p + 2 F ... are the rows of a matrix without any copying. F such matrix products,
    p = 0 to F - 1, make the whole convolution.

    Rows of a picture share their zeros: the right margin of one is the left margin of the next.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        rng: np.random.Generator,
        init: str = "he",
        bias: bool = True,
    ) -> None:
        if kernel_size % 2 == 0:
            raise ValueError(f"SameConv2D needs an odd kernel_size, got {kernel_size}")
        super().__init__(
            in_channels, out_channels, kernel_size, padding=kernel_size // 2, rng=rng, init=init, bias=bias
        )

    def forward(self, x: Array, training: bool = False) -> Array:
        self.check(x)
        n, height, width, _ = x.shape
        y = self.workspace("y", (n, height, width, self.out_channels), x.dtype, training)
        weight = self._matrix(self.params["weight"])
        # In training the columns of all slices are kept; in inference there are those of one at a time.
        all_columns = self._room_for_columns("x", x) if training else None

        def work(s: slice) -> None:
            room = all_columns[s.start // SLICE] if training else self._room_for_columns("x", x[s], False)[0]
            product = self._convolve(self._columns(x[s], room), weight, training)
            product = self._without_margins(product, y[s].shape)
            if "bias" in self.params:
                np.add(product, self.params["bias"], out=y[s])
            else:
                y[s] = product

        for_slices(n, SLICE, work)
        if training:
            self.keep(all_columns, x.shape)
        return y

    def backward(self, dy: Array) -> Array:
        """As in Conv2D, but dx is itself a convolution: of dy with the kernel turned by 180 degrees."""
        all_columns, x_shape = self.kept()
        dx = self.workspace("dx", x_shape, dy.dtype)
        turned = self._matrix(self.params["weight"][::-1, ::-1].swapaxes(2, 3))

        def work(s: slice) -> tuple[Array, Array | None]:
            dcolumns = self._columns(dy[s], self._scratch_for_columns(dy))
            dx[s] = self._without_margins(self._convolve(dcolumns, turned, True), x_shape)
            return self._param_gradients(all_columns[s.start // SLICE], dcolumns)

        self._sum_gradients(for_slices(len(dy), SLICE, work))
        return dx

    def backward_params(self, dy: Array) -> None:
        all_columns, _ = self.kept()

        def work(s: slice) -> tuple[Array, Array | None]:
            dcolumns = self._columns(dy[s], self._scratch_for_columns(dy))
            return self._param_gradients(all_columns[s.start // SLICE], dcolumns)

        self._sum_gradients(for_slices(len(dy), SLICE, work))

    def _columns(self, x: Array, room: Array) -> Array:
        """(N, H, W, C) -> (positions, F, C): at every position the F pixels above one another around it.

        Positions run along the rows; each row begins with P zeros, which are also the margin of the row
        before. There are F more than whole patches need, so that every phase has the same number of rows.
        `room` is where they are written; its margins are zero and stay so.
        """
        n, height, width, _ = x.shape
        f, p = self.kernel_size, self.padding
        length = n * height * (width + p)
        columns = room[: _whole(length, f) + f]
        columns[length:] = 0
        picture = columns[:length].reshape(n, height, width + p, f, -1)[:, :, p:]
        for i in range(f):
            down = i - p  # the pixel this far below the position
            picture[:, max(0, -down) : height - max(0, down), :, i] = x[
                :, max(0, down) : height - max(0, -down)
            ]
        return columns

    def _room_for_columns(self, name: str, x: Array, training: bool = True) -> Array:
        """(slices, positions, F, C) of zeros, or with the zeros where the margins of pictures like x are."""
        n, height, width, c = x.shape
        f, p = self.kernel_size, self.padding
        positions = _whole(min(n, SLICE) * height * (width + p), f) + f
        shape = (-(-n // SLICE), positions, f, c)
        return self.workspace(f"columns of {name}, {height} x {width}", shape, x.dtype, training)

    def _scratch_for_columns(self, dy: Array) -> Array:
        return self._room_for_columns(f"dy in thread {threading.get_ident()}", dy[:SLICE])[0]

    def _convolve(self, columns: Array, weight: Array, training: bool) -> Array:
        """columns (positions, F, C) and weight (F F C, K) -> (positions, K), margins included."""
        f = self.kernel_size
        product = self.scratch("product", (len(columns) - f, weight.shape[1]), columns.dtype, training)
        for p, patches in enumerate(self._patches_by_phase(columns)):
            np.matmul(patches, weight, out=product[p::f])
        return product

    def _patches_by_phase(self, columns: Array) -> list[Array]:
        """F views of `columns` as matrices: one patch a row, every F-th patch of the picture."""
        f = self.kernel_size
        positions = len(columns) - f
        flat = columns.reshape(len(columns), -1)
        return [flat[p : p + positions].reshape(positions // f, -1) for p in range(f)]

    def _without_margins(self, product: Array, shape: tuple[int, ...]) -> Array:
        """(positions, K) -> (N, H, W, K), a view: the results at the margins belong to no pixel."""
        _, height, width, _ = shape
        row = width + self.padding
        n = len(product) // (height * row)
        return product[: n * height * row].reshape(n, height, row, -1)[:, :, :width]

    def _param_gradients(self, columns: Array, dcolumns: Array) -> tuple[Array, Array]:
        """(dweight as a matrix, dbias) of one slice, from the columns of x and of dy."""
        f, p = self.kernel_size, self.padding
        positions = len(dcolumns) - f
        columns = columns[: len(dcolumns)]  # the last slice may be smaller than the room for it
        # dy itself, position by position, is the middle pixel of its columns; margins are zero, so they add
        # nothing. The patch of a pixel starts P positions before it.
        dy = dcolumns[p : p + positions, p]
        dweight = sum(
            patches.T @ dy[phase::f] for phase, patches in enumerate(self._patches_by_phase(columns))
        )
        return dweight, dy.sum(axis=0) if "bias" in self.params else None

    def _sum_gradients(self, of_slices: list[tuple[Array, Array]]) -> None:
        f, shape = self.kernel_size, self.params["weight"].shape
        dweight = sum(dweight for dweight, _ in of_slices)
        self.grads["weight"][...] = dweight.reshape(f, f, *shape[2:]).swapaxes(0, 1)
        if "bias" in self.params:
            self.grads["bias"][...] = sum(dbias for _, dbias in of_slices)

    def _matrix(self, weight: Array) -> Array:
        """(F, F, C, K) -> (F F C, K) in the order of a patch here: column by column, then down."""
        return weight.swapaxes(0, 1).reshape(-1, weight.shape[3])


def _whole(count: int, f: int) -> int:
    """count, rounded up to a multiple of f."""
    return -(-count // f) * f
