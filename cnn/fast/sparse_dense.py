"""The first convolution and the dense layer after it in one step, for pictures that are mostly blank."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np

from cnn.dense import Dense, Flatten
from cnn.fast.basic import FastDense
from cnn.fast.kernels import view
from cnn.fast.parallel import SLICE, run_all, slices_of
from cnn.fast.sparse import SparseConvPoolReLU
from cnn.fast.step import Step, begins_with
from cnn.layer import Array, Layer, Shape

GROUP = 8  # pictures multiplied at once, over the box that holds the ink of all of them
BANDS = 4  # parts of the gradient of the weight, for as many cores

BITS = {size: np.dtype(f"u{size}") for size in (4, 8)}  # a number's bytes: all 0 where it is 0

Box = tuple[slice, slice]  # rows and columns of positions


class SparseConvPoolDense(Step):
    """SparseConvPoolReLU, Flatten and Dense in one.

    Where a picture is blank, the convolution gives the same K channels at every position: paper =
    max(bias, 0). So every picture is a blank one and its ink,

    y = blank + sum over positions of (pooled - paper) weight
    blank = sum over positions of paper weight, + the bias of Dense

    and only positions with ink have a part in the first sum. In training the pictures are sorted by how far
    from the middle their ink reaches, and a group of like ones is multiplied over the box that holds the ink
    of all. In the gradients the blank picture counts as one picture more, whose dy is the sum of all.

    Of MNIST 38 % of the positions have ink. A picture's own box has 54 % of them, that of a group 71 %.

    What it gains over SparseConvPoolReLU, Flatten and FastDense depends on the processor: for a training step
    1.17 to 1.29 times the speed on an AMD EPYC and 0.97 on an Intel Xeon; for one picture 2.2 times there.
    """

    _prepared: tuple[Array, Array, Array] | None = None

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        matches = SparseConvPoolReLU.match(layers, shape) and begins_with(layers[3:], Flatten, Dense)
        return cls(layers[:5], shape) if matches else None

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        super().__init__(layers, input_shape)
        self.pooled = SparseConvPoolReLU(self.layers[:3], input_shape)
        self.conv, self.flatten, self.dense = self.pooled.conv, self.layers[3], self.layers[4]
        self.fast_dense = FastDense((self.dense,), self.flatten.output_shape(self.pooled.y_shape))

    def prepare_for_inference(self) -> None:
        self.pooled.prepare_for_inference()
        weight, f, bias = self.conv.params["weight"], self.conv.kernel_size, self._conv_bias()
        # The kernel in the four corners of a window, and what is added: (4 K, (F+1) (F+1) C + 1).
        corners = np.zeros((4, len(bias), f + 1, f + 1, weight.shape[2]), weight.dtype)
        for corner, (i, j) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            corners[corner, :, i : i + f, j : j + f] = np.moveaxis(weight, 3, 0)
        paper = np.maximum(bias, 0)
        corners = np.hstack([corners.reshape(4 * len(bias), -1), np.tile(bias - paper, 4)[:, None]])
        dense = self.dense.params
        blank = paper @ dense["weight"].reshape(-1, len(bias), self.dense.out_features).sum(axis=0)
        self._prepared = blank + dense["bias"], corners, -paper[:, None]

    def forward(self, x: Array, training: bool = False) -> Array:
        if not training and self._prepared is None:
            return self._plainly(x, training)
        n, (height, width, k) = len(x), self.pooled.y_shape
        if n == 1 and not training:
            return self._read_one(x, height, width)
        kernels, bias = self.pooled.kernels(), self._conv_bias()
        weight = self.dense.params["weight"].reshape(height, width * k, -1)
        paper = np.maximum(bias, 0)
        order = np.argsort(_reach(x), kind="stable")
        # What every picture has more than the blank one; and last, as one more, the blank one.
        ink = self.workspace("ink", (n + 1, height, width, k), x.dtype, training)
        y = self.workspace("y in order", (n + 1, weight.shape[2]), x.dtype, training)
        ink[n] = paper

        def blank(_: slice) -> None:
            # Row by row: NumPy keeps Python's lock in an operation with few results.
            np.matmul(ink[n].reshape(height, 1, -1), weight).sum(axis=(0, 1), out=y[n])
            y[n] += self.dense.params["bias"]

        def pictures(s: slice) -> tuple | None:
            windows = self.pooled.windows_of(x[order[s]], (height, width), training)
            drawn = self.pooled.ink_of(windows)
            inked = np.flatnonzero(drawn)
            windows = np.take(windows, inked, axis=1)
            # Each position takes its row; all blank ones the last, which is zero.
            rows = self.scratch("rows", (len(inked) + 1, k), x.dtype, training)
            best, *won = self.pooled.pool(windows, kernels, bias, training, out=rows[:-1])
            best -= paper
            rows[-1] = 0
            row = np.full(len(drawn), len(inked))
            row[inked] = np.arange(len(inked))
            np.take(rows, row, axis=0, out=ink[s].reshape(-1, k), mode="clip")
            groups = _groups(s, drawn.reshape(-1, height, width))
            for group, box in groups:
                np.matmul(_rows(ink[group], box), _part(weight, box, k)).sum(axis=0, out=y[group])
            return (groups, inked, windows, won) if training else None

        # The last slice first, as it has the most ink, and what takes least last.
        tasks = [(pictures, s) for s in reversed(slices_of(n, SLICE))]
        if training:
            tasks.append((blank, slice(n, n + 1)))
        else:
            y[n] = self._prepared[0]
        parts = run_all(tasks)
        y[:n] += y[n]
        result = self.workspace("y", (n, y.shape[1]), x.dtype, training)
        result[order] = y[:n]
        if training:
            self.save_for_backward(x, order, ink, parts[-2::-1])
        return result

    def _read_one(self, x: Array, rows: int, columns: int) -> Array:
        """One picture, (1, H, W, C): only the rows and columns of positions in the box of its ink."""
        blank, corners, floor = self._prepared
        _, height, width, c = x.shape
        side, p, k = self.conv.kernel_size + 1, self.conv.padding, self.conv.out_channels
        pixels = x.view(BITS[x.itemsize]).reshape(height, width * c)
        # Position i sees the pixels from 2i - P to 2i - P + F.
        first, last = _ends(pixels, height)
        top, bottom = max(0, (first + p - side + 2) // 2), min((last + p) // 2 + 1, rows)
        first, last = _ends(np.bitwise_or.reduce(pixels, axis=0), width)
        left, right = max(0, (first + p - side + 2) // 2), min((last + p) // 2 + 1, columns)
        if top >= bottom or left >= right:
            return blank[None].copy()
        padded = np.zeros((height + 2 * p, width + 2 * p, c), x.dtype)
        padded[p : p + height, p : p + width] = x[0]
        of_row, of_column, of_channel = padded.strides
        shape = (side, side, c, bottom - top, right - left)
        windows = np.empty((corners.shape[1], shape[3] * shape[4]), x.dtype)
        windows[:-1].reshape(shape)[...] = view(
            padded,
            shape,
            (of_row, of_column, of_channel, 2 * of_row, 2 * of_column),
            2 * (top * of_row + left * of_column),
        )
        windows[-1] = 1
        z = corners @ windows
        z = np.maximum(z[: 2 * k], z[2 * k :])
        z = np.maximum(z[:k], z[k:])
        ink = np.maximum(z, floor).T  # max(pooled + bias, 0) - paper
        weight = self.dense.params["weight"].reshape(rows, columns * k, -1)[top:bottom, left * k : right * k]
        y = np.add.reduce(np.matmul(ink.reshape(bottom - top, 1, -1), weight), axis=0)
        y += blank
        return y

    def backward(self, dy: Array) -> Array:
        """With d loss / d x, which training does not need: by the plain layers."""
        self._plainly(self.saved()[0], training=True)
        return self.pooled.backward(self.flatten.backward(self.fast_dense.backward(dy)))

    def backward_params(self, dy: Array) -> None:
        x, order, ink, parts = self.saved()
        n, (_, height, width, k) = len(x), ink.shape
        weight, dweight = (
            arrays["weight"].reshape(height, width * k, -1)
            for arrays in (self.dense.params, self.dense.grads)
        )
        of_positions = weight.reshape(height, width, k, -1).swapaxes(2, 3)
        dy_in_order = self.workspace("dy in order", (n + 1, dy.shape[1]), dy.dtype)
        np.take(dy, order, axis=0, out=dy_in_order[:n])
        np.sum(dy, axis=0, out=dy_in_order[n])
        columns = _columns([group for part in parts for group in part[0]], n, width)

        def convolution(s: slice) -> tuple[Array, Array, Array]:
            """The part of the convolution's gradients that comes from the pictures of a slice."""
            groups, inked, windows, won = parts[s.start // SLICE]
            dink = self.scratch("dink", (s.stop - s.start, height, width, k), dy.dtype)
            for group, box in groups:
                part = dink[group.start - s.start : group.stop - s.start, *box]
                np.matmul(dy_in_order[group], of_positions[box], out=part.transpose(1, 2, 0, 3))
            dpooled = np.take(dink.reshape(-1, k), inked, axis=0)
            dz = self.pooled.unpool(dpooled, *won)
            ones = np.ones((1, len(inked)), dy.dtype)
            products = np.matmul(self.pooled.rows_of(windows), dz).sum(axis=1)
            return products, (ones @ dpooled)[0], (ones @ dz[0]).sum(axis=(0, 1))

        def band(rows: slice) -> None:
            """Some rows of the gradient of the weight."""
            for some, first in columns:
                box = rows, some
                np.matmul(
                    _rows(ink[first:], box).swapaxes(1, 2), dy_in_order[first:], out=_part(dweight, box, k)
                )

        def blank(_: slice) -> Array:
            """The gradient that blank paper would have if every picture were blank: (K,)"""
            return np.matmul(weight, dy_in_order[n]).reshape(-1, k).sum(axis=0)

        # Products and the many short operations of a convolution by turns, so that not all cores are at the
        # latter, which wait for one another.
        first, *others = ((convolution, s) for s in reversed(slices_of(n, SLICE)))
        bands = [(band, rows) for rows in slices_of(height, -(-height // BANDS))]
        half = len(bands) // 2
        tasks = [first, *bands[:half], *others, *bands[half:], (blank, slice(n, n + 1))]
        *results, of_all = run_all(tasks)
        products, of_inked, dbias = (
            sum(parts) for parts in zip(*(result for result in results if result), strict=True)
        )
        # Of paper itself: what is blank, as ink is counted from paper on.
        dbias += (self._conv_bias() > 0) * (of_all - of_inked)
        self.pooled.fill_grads(products, dbias)
        self.dense.grads["bias"][...] = dy_in_order[n]

    def _plainly(self, x: Array, training: bool) -> Array:
        return self.fast_dense.forward(
            self.flatten.forward(self.pooled.forward(x, training), training), training
        )

    def _conv_bias(self) -> Array:
        weight = self.conv.params["weight"]
        return self.conv.params.get("bias", np.zeros(weight.shape[3], weight.dtype))


def _reach(x: Array) -> Array:
    """x (N, H, W, C) -> (N,): the farther from the middle column there is ink, the more.

    To sort by; the result of the layer does not depend on it.
    """
    return x.reshape(len(x), -1) @ _distances(x.shape[1:], x.dtype)


@cache
def _distances(shape: Shape, dtype: np.dtype) -> Array:
    """Of every pixel: its distance from the middle column to a power that leaves little but the largest."""
    middle = (shape[1] - 1) / 2
    distances = (abs(np.arange(shape[1]) - middle) / max(middle, 1)) ** 12
    return np.ascontiguousarray(np.broadcast_to(distances[:, None], shape), dtype).ravel()


def _groups(s: slice, drawn: Array) -> list[tuple[slice, Box]]:
    """The groups of a slice of pictures with ink at `drawn` (n, H, W), each with the box of its ink."""
    groups = []
    for start in range(0, len(drawn), GROUP):
        together = np.logical_or.reduce(drawn[start : start + GROUP], axis=0)
        box = _extent(together), _extent(np.logical_or.reduce(together, axis=0))
        groups.append((slice(s.start + start, min(s.start + start + GROUP, s.stop)), box))
    return groups


def _ends(drawn: Array, parts: int) -> tuple[int, int]:
    """Indices of the first and last of `parts` equal parts that are not all 0; (parts, -1) if all are 0.

    Python strips zeros from bytes in a fifth of the time that NumPy takes to find the first other value.
    """
    content = drawn.tobytes()
    part = len(content) // parts
    return (len(content) - len(content.lstrip(b"\0"))) // part, (len(content.rstrip(b"\0")) - 1) // part


def _extent(drawn: Array) -> slice:
    first, last = _ends(drawn, len(drawn))
    return slice(min(first, last + 1), last + 1)


def _columns(groups: list[tuple[slice, Box]], n: int, width: int) -> list[tuple[slice, int]]:
    """Runs of columns, each with the first picture of the first group with ink there, n where none has."""
    first = [
        next((group.start for group, (_, columns) in groups if columns.start <= column < columns.stop), n)
        for column in range(width)
    ]
    edges = [0, *(i for i in range(1, width) if first[i] != first[i - 1]), width]
    return [(slice(start, stop), first[start]) for start, stop in pairwise(edges)]


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
