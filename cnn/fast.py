"""The same convolution with a third of the copying, on all cores."""

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
        y = np.empty((n, height, width, self.out_channels), x.dtype)
        weight = self._matrix(self.params["weight"])

        def work(s: slice) -> Array | None:
            columns = self._columns(x[s])
            product = np.empty((len(columns) - self.kernel_size, self.out_channels), x.dtype)
            for p, patches in enumerate(self._patches_by_phase(columns)):
                np.matmul(patches, weight, out=product[p :: self.kernel_size])
            product = self._without_margins(product, y[s].shape)
            if "bias" in self.params:
                np.add(product, self.params["bias"], out=y[s])
            else:
                y[s] = product
            return columns if training else None

        all_columns = for_slices(n, SLICE, work)
        if training:
            self.keep(all_columns, x.shape)
        return y

    def backward(self, dy: Array) -> Array:
        """As in Conv2D, but dx is itself a convolution: of dy with the kernel turned by 180 degrees."""
        all_columns, x_shape = self.kept()
        dx = np.empty(x_shape, dy.dtype)
        turned = self._matrix(self.params["weight"][::-1, ::-1].swapaxes(2, 3))

        def work(s: slice) -> tuple[Array, Array]:
            dcolumns = self._columns(dy[s])
            product = np.empty((len(dcolumns) - self.kernel_size, self.in_channels), dy.dtype)
            for p, patches in enumerate(self._patches_by_phase(dcolumns)):
                np.matmul(patches, turned, out=product[p :: self.kernel_size])
            dx[s] = self._without_margins(product, x_shape)
            return self._param_gradients(all_columns[s.start // SLICE], dcolumns)

        self._sum_gradients(for_slices(len(dy), SLICE, work))
        return dx

    def backward_params(self, dy: Array) -> None:
        all_columns, _ = self.kept()
        self._sum_gradients(
            for_slices(
                len(dy),
                SLICE,
                lambda s: self._param_gradients(all_columns[s.start // SLICE], self._columns(dy[s])),
            )
        )

    def _columns(self, x: Array) -> Array:
        """(N, H, W, C) -> (positions, F, C): at every position the F pixels above one another around it.

        Positions run along the rows; each row begins with P zeros, which are also the margin of the row
        before. There are F more than whole patches need, so that every phase has the same number of rows.
        """
        n, height, width, c = x.shape
        f, p = self.kernel_size, self.padding
        length = n * height * (width + p)
        columns = np.zeros((-(-length // f) * f + f, f, c), x.dtype)
        picture = columns[:length].reshape(n, height, width + p, f, c)[:, :, p:]
        for i in range(f):
            down = i - p  # the pixel this far below the position
            picture[:, max(0, -down) : height - max(0, down), :, i] = x[
                :, max(0, down) : height - max(0, -down)
            ]
        return columns

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
        positions = len(columns) - f
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
