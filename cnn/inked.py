"""The first layer and the dense layer after it in one, for pictures of which most is blank paper."""

import numpy as np

from cnn.dense import Dense, Flatten
from cnn.layer import Array, Layer, Shape
from cnn.slices import SLICE, for_slices
from cnn.window import WindowConvPoolReLU

GROUP = 8  # pictures multiplied at once, over the box that holds the ink of all of them
BANDS = 4  # parts of the gradient of the weight, for as many cores

Box = tuple[slice, slice]  # rows and columns of positions


class InkedDense(Layer):
    """WindowConvPoolReLU, Flatten and Dense in one. The parameters stay those of the three.

    Where a picture is blank, the convolution gives the same K channels at every position: paper =
    max(bias, 0). So every picture is a blank one and its ink,

    y = blank + sum over positions of (pooled - paper) weight
    blank = sum over positions of paper weight, + the bias of Dense

    and only positions with ink have a part in the first sum. In training the pictures are sorted by how far
    from the middle their ink reaches, and a group of like ones is multiplied over the box that holds the ink
    of all. In the gradients the blank picture counts as one picture more, whose dy is the sum of all.

    Of MNIST 38 % of the positions have ink. A picture's own box has 54 % of them, that of a group 71 %.
    """

    def __init__(self, conv: WindowConvPoolReLU, flatten: Flatten, dense: Dense) -> None:
        super().__init__()
        self.conv, self.flatten, self.dense = conv, flatten, dense

    def output_shape(self, shape: Shape) -> Shape:
        return self.dense.output_shape(self.flatten.output_shape(self.conv.output_shape(shape)))

    def forward(self, x: Array, training: bool = False) -> Array:
        if not training:
            return self._plainly(x, training)
        self.conv.check(x)
        n, (height, width, k) = len(x), self.conv.output_shape(x.shape[1:])
        kernels, bias = self.conv.kernels(), self._conv_bias()
        weight = self.dense.params["weight"].reshape(height, width * k, -1)
        paper = np.maximum(bias, 0)
        order = np.argsort(_reach(x), kind="stable")
        # What every picture has more than the blank one; and last, as one more, the blank one.
        ink = self.workspace("ink", (n + 1, height, width, k), x.dtype)
        ink[n] = paper
        y = self.workspace("y in order", (n + 1, self.dense.out_features), x.dtype)

        def work(task: slice) -> tuple | None:
            if task.start == 0:
                # Row by row: NumPy keeps Python's lock in an operation with few results.
                np.matmul(ink[n].reshape(height, 1, -1), weight).sum(axis=(0, 1), out=y[n])
                return None
            s = slice(SLICE * (task.start - 1), min(SLICE * task.start, n))
            windows = self.conv.windows_of(x[order[s]], (height, width), training)
            drawn = self.conv.ink_of(windows)
            inked = np.flatnonzero(drawn)
            windows = np.take(windows, inked, axis=1)
            best, *won = self.conv.pool(windows, kernels, bias, training)
            best -= paper
            ink[s] = 0
            ink[s].reshape(-1, k)[inked] = best
            groups = _groups(s, drawn.reshape(-1, height, width))
            for group, box in groups:
                np.matmul(_rows(ink[group], box), _part(weight, box, k)).sum(axis=0, out=y[group])
            return groups, inked, windows, won

        parts = for_slices(1 + -(-n // SLICE), 1, work)[1:]
        y[n] += self.dense.params["bias"]
        y[:n] += y[n]
        result = self.workspace("y", (n, y.shape[1]), x.dtype)
        result[order] = y[:n]
        self.keep(x, order, ink, parts)
        return result

    def backward(self, dy: Array) -> Array:
        """With d loss / d x, which training does not want: plainly."""
        self._plainly(self.kept()[0], training=True)
        return self.conv.backward(self.flatten.backward(self.dense.backward(dy)))

    def backward_params(self, dy: Array) -> None:
        x, order, ink, parts = self.kept()
        n, (_, height, width, k) = len(x), ink.shape
        weight, dweight = (
            arrays["weight"].reshape(height, width * k, -1) for arrays in (self.dense.params, self.dense.grads)
        )
        of_positions = weight.reshape(height, width, k, -1).swapaxes(2, 3)
        dy_in_order = self.workspace("dy in order", (n + 1, dy.shape[1]), dy.dtype)
        np.take(dy, order, axis=0, out=dy_in_order[:n])
        np.sum(dy, axis=0, out=dy_in_order[n])
        columns = _columns([group for part in parts for group in part[0]], n, width)

        def convolution(s: slice) -> tuple[Array, Array, Array]:
            """From the pictures of a slice to its part of the gradients of the convolution."""
            groups, inked, windows, won = parts[s.start // SLICE]
            dink = self.scratch("dink", (s.stop - s.start, height, width, k), dy.dtype)
            for group, box in groups:
                part = dink[group.start - s.start : group.stop - s.start, *box]
                np.matmul(dy_in_order[group], of_positions[box], out=part.transpose(1, 2, 0, 3))
            dpooled = np.take(dink.reshape(-1, k), inked, axis=0)
            dz = self.conv.unpool(dpooled, *won)
            ones = np.ones((1, len(inked)), dy.dtype)
            products = np.matmul(self.conv.rows_of(windows), dz).sum(axis=1)
            return products, (ones @ dpooled)[0], (ones @ dz[0]).sum(axis=(0, 1))

        def band(rows: slice) -> None:
            """Some rows of the gradient of the weight."""
            for some, first in columns:
                box = rows, some
                np.matmul(
                    _rows(ink[first:], box).swapaxes(1, 2), dy_in_order[first:], out=_part(dweight, box, k)
                )

        def blank(_: slice) -> Array:
            """What the blank picture adds to the gradient of paper: (K,)"""
            return np.matmul(weight, dy_in_order[n]).reshape(-1, k).sum(axis=0)

        # Products and the many short operations of a convolution by turns, so that not all cores are at the
        # latter, which wait for one another.
        slices = [slice(i, min(i + SLICE, n)) for i in range(0, n, SLICE)]
        size = -(-height // BANDS)
        bands = [slice(i, min(i + size, height)) for i in range(0, height, size)]
        tasks = [(blank, slice(0))]
        tasks += [(convolution, s) for s in slices[:1]]
        tasks += [(band, rows) for rows in bands[: len(bands) // 2]]
        tasks += [(convolution, s) for s in slices[1:]]
        tasks += [(band, rows) for rows in bands[len(bands) // 2 :]]

        def work(task: slice) -> object:
            do, which = tasks[task.start]
            return do(which)

        of_all, *results = for_slices(len(tasks), 1, work)
        products, of_inked, dbias = (
            sum(parts) for parts in zip(*(result for result in results if result), strict=True)
        )
        dbias += (self._conv_bias() > 0) * (of_all - of_inked)
        self.conv.fill_grads(products, dbias)
        self.dense.grads["bias"][...] = dy_in_order[n]

    def _plainly(self, x: Array, training: bool) -> Array:
        return self.dense.forward(self.flatten.forward(self.conv.forward(x, training), training), training)

    def _conv_bias(self) -> Array:
        weight = self.conv.params["weight"]
        return self.conv.params.get("bias", np.zeros(weight.shape[3], weight.dtype))

    def __repr__(self) -> str:
        return f"InkedDense({self.conv}, {self.flatten}, {self.dense})"


def _reach(x: Array) -> Array:
    """x (N, H, W, C) -> (N,): how far from the middle column there is ink."""
    columns = np.bitwise_or.reduce(x.view(f"u{x.itemsize}"), axis=(1, 3)) != 0
    return (columns * abs(np.arange(x.shape[2]) - (x.shape[2] - 1) / 2)).max(axis=1)


def _groups(s: slice, drawn: Array) -> list[tuple[slice, Box]]:
    """The groups of a slice of pictures with ink at `drawn` (n, H, W), each with the box of its ink."""
    starts = range(0, len(drawn), GROUP)
    drawn = np.bitwise_or.reduceat(drawn, starts, axis=0)
    boxes = zip(np.bitwise_or.reduce(drawn, axis=2), np.bitwise_or.reduce(drawn, axis=1), strict=True)
    return [
        (slice(s.start + start, min(s.start + start + GROUP, s.stop)), (_extent(rows), _extent(columns)))
        for start, (rows, columns) in zip(starts, boxes, strict=True)
    ]


def _extent(drawn: Array) -> slice:
    """From the first to the last that is not 0."""
    where = np.flatnonzero(drawn)
    return slice(int(where[0]), int(where[-1]) + 1) if len(where) else slice(0, 0)


def _columns(groups: list[tuple[slice, Box]], n: int, width: int) -> list[tuple[slice, int]]:
    """Runs of columns, each with the first picture of the first group that has ink there, n where none has."""
    first = [
        next((group.start for group, (_, columns) in groups if columns.start <= column < columns.stop), n)
        for column in range(width)
    ]
    edges = [0, *(i for i in range(1, width) if first[i] != first[i - 1]), width]
    return [(slice(start, stop), first[start]) for start, stop in zip(edges, edges[1:], strict=False)]


def _rows(pictures: Array, box: Box) -> Array:
    """A view of pictures (n, H, W, K): (rows, n, columns K), a matrix for each row of the box."""
    rows, columns = box
    n, height, width, k = pictures.shape
    part = pictures.reshape(n, height, width * k)[:, rows, columns.start * k : columns.stop * k]
    return part.swapaxes(0, 1)


def _part(weight: Array, box: Box, k: int) -> Array:
    """A view of weight (H, W K, out): (rows, columns K, out), what such rows are multiplied by."""
    rows, columns = box
    return weight[rows, columns.start * k : columns.stop * k]
