"""The convolution with fewer multiplications: Winograd's algorithm."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from cnn.conv import Conv2D
from cnn.fast.kernels import multiply, on_pixels, rows_of, sum_by_channel, view
from cnn.fast.parallel import SLICE, parallel_for
from cnn.fast.step import Step, begins_with
from cnn.layer import Array, Layer, Shape

INPUT_SIDE = 6  # of the pictures that are one tile, pixels; with their margin they are 8x8
POSITIONS, PAIRS = 8, 4096  # positions, and pairs of channels, worked on at once
ANY = 4  # side of the tiles of a result that no other tiles fit; the last ones of a row or column overhang
MOST_OF_PLAIN = 0.6  # share of the plain convolution's arithmetic, from which several tiles gain nothing

# F(6, 3): six results of a filter of three taps from 8 products instead of 18. A polynomial of degree 7 is
# known by its values at 0, 1, -1, 2, -2, 1/2, -1/2 and infinity; values of products are products of values.
# F(4, 3): four results from 6 products, with the values at 0, 1, -1, 2, -2 and infinity.
# F(3, 3): three results from 5 products, with the values at 0, 1, -1, 2 and infinity.
FROM_INPUT = {
    6: [
        [1, 0, -21 / 4, 0, 21 / 4, 0, -1, 0],
        [0, 1, 1, -17 / 4, -17 / 4, 1, 1, 0],
        [0, -1, 1, 17 / 4, -17 / 4, -1, 1, 0],
        [0, 1 / 2, 1 / 4, -5 / 2, -5 / 4, 2, 1, 0],
        [0, -1 / 2, 1 / 4, 5 / 2, -5 / 4, -2, 1, 0],
        [0, 2, 4, -5 / 2, -5, 1 / 2, 1, 0],
        [0, -2, 4, 5 / 2, -5, -1 / 2, 1, 0],
        [0, -1, 0, 21 / 4, 0, -21 / 4, 0, 1],
    ],
    4: [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    3: [[2, -1, -2, 1, 0], [0, -2, -1, 1, 0], [0, 2, -3, 1, 0], [0, -1, 0, 1, 0], [0, 2, -1, -2, 1]],
}
FROM_WEIGHT = {
    6: [
        [1, 0, 0],
        [-2 / 9, -2 / 9, -2 / 9],
        [-2 / 9, 2 / 9, -2 / 9],
        [1 / 90, 1 / 45, 2 / 45],
        [1 / 90, -1 / 45, 2 / 45],
        [32 / 45, 16 / 45, 8 / 45],
        [32 / 45, -16 / 45, 8 / 45],
        [0, 0, 1],
    ],
    4: [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ],
    3: [[1 / 2, 0, 0], [-1 / 2, -1 / 2, -1 / 2], [-1 / 6, 1 / 6, -1 / 6], [1 / 6, 1 / 3, 2 / 3], [0, 0, 1]],
}
TO_OUTPUT = {
    6: [
        [1, 1, 1, 1, 1, 1, 1, 0],
        [0, 1, -1, 2, -2, 1 / 2, -1 / 2, 0],
        [0, 1, 1, 4, 4, 1 / 4, 1 / 4, 0],
        [0, 1, -1, 8, -8, 1 / 8, -1 / 8, 0],
        [0, 1, 1, 16, 16, 1 / 16, 1 / 16, 0],
        [0, 1, -1, 32, -32, 1 / 32, -1 / 32, 1],
    ],
    4: [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    3: [[1, 1, 1, 1, 0], [0, 1, -1, 2, 0], [0, 1, 1, 4, 1]],
}


class WinogradConv(Step):
    """Conv2D with a 3x3 kernel: of the products a fifth for tiles of 6x6, a quarter for 4x4, a third for 3x3.

    y = TO_OUTPUT [(FROM_WEIGHT weight FROM_WEIGHT^T) * (FROM_INPUT x FROM_INPUT^T)] TO_OUTPUT^T

    for every tile of y and every pair of channels, x being the window of 8x8, 6x6 or 5x5 pixels that the tile
    is computed from, * element by element; summed over the channels that is one matrix product at each of the
    V = 64, 36 or 25 positions. The three transformations in both directions at once are matrices of V rows or
    columns. Results differ from Conv2D's in the fifth digit: the points and the reciprocals of their
    differences are rounded.

    Where one tile is the whole picture, as at 6x6 with padding 1, its margin of zeros is left out and nothing
    is copied. Prepared for inference, such a picture of 6x6 is read as four tiles of 3x3 where it is alone:
    25 products of four rows each read less than half of the weights that 64 products of one row read, and
    reading them is what takes the time.

    Tiles of 6x6 or 3x3 are taken where they fill the result; those of 4x4 may hang over its edges, as at 7x7.

    Shapes: x (N, H, W, C) -> y (N, H', W', K); weight (3, 3, C, K), bias (K,).

    Source: Winograd, "Arithmetic Complexity of Computations", 1980; Lavin and Gray, "Fast Algorithms for
    Convolutional Neural Networks", CVPR 2016.
    """

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        if not begins_with(layers, Conv2D):
            return None
        conv = layers[0]
        is_one_tile = shape[:2] == (INPUT_SIDE, INPUT_SIDE) and conv.padding == 1 and _fits(conv, shape)
        return cls(layers[:1], shape) if is_one_tile or pays(conv, shape) else None

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        super().__init__(layers, input_shape)
        self.conv: Conv2D = self.layers[0]
        self.tile, self.down, self.across = _tiling(self.y_shape)
        self.overhang = (self.down * self.tile - self.y_shape[0], self.across * self.tile - self.y_shape[1])
        self.tiles = self.down * self.across  # of a picture
        self.slice_size = max(1, SLICE // self.tiles)
        # With the whole picture as one tile, only the pixels of the window that are not margin.
        self.is_whole = self.tiles == 1 and self.conv.padding == 1
        self._prepared: dict[int, Array] = {}  # transformed weights by the side of a tile

    def forward(self, x: Array, training: bool = False) -> Array:
        if len(x) == 1 and len(self._prepared) > 1 and not training:
            return self._read_one(x)
        n, c, k = len(x), self.conv.in_channels, self.conv.out_channels
        from_input, _, to_output = _transformations(x.dtype, self.tile, self.is_whole)
        # The V values of every tile and channel: v (N tiles, V, C), product (N tiles, V, K). The weight's: u.
        u = self._prepared.get(self.tile)
        if u is None:
            u = self._transformed(self.conv.params["weight"], self.tile, training)
        v = self.workspace("v", (n * self.tiles, len(u), c), x.dtype, training)
        y = self.workspace("y", (n, *self.y_shape), x.dtype, training)
        bias = on_pixels(self.conv.params["bias"], y) if "bias" in self.conv.params else None

        def work(s: slice) -> None:
            of_slice = v[s.start * self.tiles : s.stop * self.tiles]
            product = self.scratch("product", (len(of_slice), len(u), k), x.dtype, training)
            np.matmul(from_input, self._windows(x[s], training), out=of_slice)
            np.matmul(_turn(of_slice), u, out=_turn(product))
            if self.tiles == 1:
                np.matmul(to_output, product, out=y[s].reshape(len(product), -1, k))
            else:
                tiles = self.scratch("tiles", (len(product), len(to_output), k), x.dtype, training)
                self._join(np.matmul(to_output, product, out=tiles), y[s], training)
            if bias is not None:
                rows_of(y[s])[...] += bias

        parallel_for(n, self.slice_size, work)
        if training:
            self.save_for_backward(v, x.shape)
        return y

    def backward(self, dy: Array) -> Array:
        """The same products the other way round, and every transformation transposed."""
        v, x_shape = self.saved()
        n, c, k = len(dy), self.conv.in_channels, self.conv.out_channels
        from_input, from_weight, to_output = _transformations(dy.dtype, self.tile, self.is_whole)
        turned = self._transformed(self.conv.params["weight"].swapaxes(2, 3), self.tile, training=True)
        dproduct = self.workspace("dproduct", (n * self.tiles, len(turned), k), dy.dtype)
        du = self.workspace("du", (len(turned), c, k), dy.dtype)
        dx = self.workspace("dx", x_shape, dy.dtype)

        def work(s: slice) -> None:
            own = slice(s.start * self.tiles, s.stop * self.tiles)
            dv = self.scratch("dv", v[own].shape, dy.dtype)
            if self.tiles == 1:
                tiles = dy[s].reshape(len(dv), -1, k)
            else:
                tiles = self.scratch("tiles", (len(dv), len(to_output), k), dy.dtype)
                self._split(dy[s], tiles)
            np.matmul(to_output.T, tiles, out=dproduct[own])
            np.matmul(_turn(dproduct[own]), turned, out=_turn(dv))
            if self.is_whole:
                np.matmul(from_input.T, dv, out=dx[s].reshape(len(dv), -1, c))
            else:
                windows = self.scratch("windows", (len(dv), from_input.shape[1], c), dy.dtype)
                self._add_windows(np.matmul(from_input.T, dv, out=windows), dx[s])

        def weigh(s: slice) -> None:
            np.matmul(_turn(v)[s].swapaxes(1, 2), _turn(dproduct)[s], out=du[s])

        parallel_for(n, self.slice_size, work)
        parallel_for(len(du), POSITIONS, weigh)
        dweight, all_du = self.conv.grads["weight"].reshape(-1, c * k), du.reshape(-1, c * k)
        parallel_for(c * k, PAIRS, lambda s: multiply(all_du[:, s].T, from_weight, dweight[:, s].T))
        if "bias" in self.conv.params:
            self.conv.grads["bias"][...] = sum_by_channel(dy)
        return dx

    def prepare_for_inference(self) -> None:
        weight = self.conv.params["weight"]
        sides = FROM_INPUT if self.is_whole and self.tile == INPUT_SIDE else (self.tile,)
        self._prepared = {side: self._transformed(weight, side, training=False) for side in sides}

    def share_preparation(self, other: Layer) -> None:
        if isinstance(other, WinogradConv) and other.layers == self.layers and self.tile in other._prepared:
            self._prepared = {self.tile: other._prepared[self.tile]}

    def _read_one(self, x: Array) -> Array:
        from_input, to_output = _split_in_four(x.dtype)
        u = self._prepared[3]
        v = from_input @ x.reshape(-1, self.conv.in_channels)
        product = np.matmul(v.reshape(len(u), -1, self.conv.in_channels), u)
        y = to_output @ product.reshape(-1, self.conv.out_channels)
        if "bias" in self.conv.params:
            y += self.conv.params["bias"]
        return y.reshape(1, INPUT_SIDE, INPUT_SIDE, -1)

    def _transformed(self, weight: Array, side: int, training: bool) -> Array:
        """weight (3, 3, C, K) -> u (V, C, K)"""
        from_weight = _of_weight(weight.dtype, side)
        taps = weight.reshape(9, -1)
        u = self.workspace("u", (len(from_weight), taps.shape[1]), weight.dtype, training)
        parallel_for(taps.shape[1], PAIRS, lambda s: multiply(taps[:, s].T, from_weight.T, u[:, s].T))
        return u.reshape(-1, *weight.shape[2:])

    def _windows(self, x: Array, training: bool) -> Array:
        """x (n, H, W, C) -> (n tiles, pixels, C): what every tile of the result is computed from."""
        n, _, _, c = x.shape
        if self.is_whole:
            return x.reshape(n, -1, c)
        side = self.tile + 2
        padded = self.padded(x, self.conv.padding, training, self.overhang)
        windows = self.scratch("windows", (n * self.tiles, side * side, c), x.dtype, training)
        windows.reshape(n, self.down, self.across, side, side, c)[...] = self._overlapping(padded)
        return windows

    def _add_windows(self, dwindows: Array, dx: Array) -> None:
        """The backward pass of `_windows`: a pixel gets the sum over all windows that contain it."""
        n, height, width, c = dx.shape
        p, side = self.conv.padding, self.tile + 2
        below, right = (2 * p + overhang for overhang in self.overhang)
        dpadded = self.scratch("padded", (n, height + below, width + right, c), dx.dtype)
        dpadded[...] = 0
        of_tile = dwindows.reshape(n, self.down, self.across, side, side, c)
        for i in range(self.down):
            for j in range(self.across):
                top, left = i * self.tile, j * self.tile
                dpadded[:, top : top + side, left : left + side] += of_tile[:, i, j]
        dx[...] = dpadded[:, p : p + height, p : p + width]

    def _overlapping(self, padded: Array) -> Array:
        """A view (n, down, across, side, side, C) of the padded picture's windows."""
        n, _, _, c = padded.shape
        of_sample, of_row, of_column, of_channel = padded.strides
        side, step = self.tile + 2, self.tile
        strides = (of_sample, step * of_row, step * of_column, of_row, of_column, of_channel)
        return view(padded, (n, self.down, self.across, side, side, c), strides)

    def _join(self, tiles: Array, y: Array, training: bool) -> None:
        """Fills y (n, H', W', K) from tiles (n tiles, T T, K), without what hangs over its edges."""
        if not any(self.overhang):
            self._tiled(y)[...] = self._as_tiles(tiles)
            return
        whole = self._whole("y with overhang", y, training)
        self._tiled(whole)[...] = self._as_tiles(tiles)
        y[...] = whole[:, : y.shape[1], : y.shape[2]]

    def _split(self, dy: Array, tiles: Array) -> None:
        """The backward pass of `_join`: what hangs over has no gradient."""
        if any(self.overhang):
            whole = self._whole("dy with overhang", dy, True)
            whole[:, : dy.shape[1], : dy.shape[2]] = dy
            dy = whole
        self._as_tiles(tiles)[...] = self._tiled(dy)

    def _whole(self, name: str, y: Array, training: bool) -> Array:
        """Memory for results as large as all tiles; zero at first."""
        height, width = self.down * self.tile, self.across * self.tile
        return self.scratch(name, (len(y), height, width, y.shape[3]), y.dtype, training)

    def _tiled(self, pictures: Array) -> Array:
        """A view of pictures of whole tiles (n, T down, T across, K) as (n, down, across, T, T, K)"""
        n, _, _, k = pictures.shape
        return pictures.reshape(n, self.down, self.tile, self.across, self.tile, k).swapaxes(2, 3)

    def _as_tiles(self, tiles: Array) -> Array:
        """A view of tiles (n tiles, T T, K) as (n, down, across, T, T, K)"""
        return tiles.reshape(-1, self.down, self.across, self.tile, self.tile, tiles.shape[2])


def pays(conv: Conv2D, shape: Shape) -> bool:
    """Whether the algorithm above takes much less arithmetic than plain products, for this input's shape."""
    if not _fits(conv, shape):
        return False
    height, width, k = conv.output_shape(shape)
    tile, down, across = _tiling((height, width))
    values, c = (tile + 2) ** 2, conv.in_channels
    ours = down * across * values * (values * c + c * k + tile * tile * k)
    return ours < MOST_OF_PLAIN * 9 * height * width * c * k


def _fits(conv: Conv2D, shape: Shape) -> bool:
    return (conv.kernel_size, conv.stride) == (3, 1) and conv.padding <= 2


def _tiling(y_shape: Shape) -> tuple[int, int, int]:
    """The side of the tiles that a result of this shape is computed in, and how many there are each way."""
    sides = y_shape[:2]
    fits = (tile for tile in FROM_INPUT if tile != ANY and not any(side % tile for side in sides))
    tile = next(fits, ANY)
    down, across = (-(-side // tile) for side in sides)
    return tile, down, across


@cache
def _transformations(dtype: np.dtype, tile: int, is_whole: bool) -> tuple[Array, Array, Array]:
    """Both directions at once, of a tile of T x T and the window of V = (T + 2)^2 pixels that it is made of.

    From the pixels to the values, (V, V), or (V, T^2) where the window's margin is zero and left out; from
    the weight (V, 9); from the values to the tile (T^2, V).
    """
    from_input = FROM_INPUT[tile] @ np.eye(tile + 2)[:, 1:-1] if is_whole else FROM_INPUT[tile]
    matrices = np.kron(from_input, from_input), np.kron(TO_OUTPUT[tile], TO_OUTPUT[tile])
    from_input, to_output = (np.ascontiguousarray(matrix, dtype) for matrix in matrices)
    return from_input, _of_weight(dtype, tile), to_output


@cache
def _of_weight(dtype: np.dtype, tile: int) -> Array:
    """From the weight to the values, (V, 9)"""
    return np.kron(FROM_WEIGHT[tile], FROM_WEIGHT[tile]).astype(dtype)


@cache
def _split_in_four(dtype: np.dtype) -> tuple[Array, Array]:
    """A whole picture of 6x6 as four tiles of 3x3: from its pixels to values and tiles (25 4, 36), and back
    from values and tiles to pixels (36, 25 4).
    """
    tile = INPUT_SIDE // 2
    starts, picture = range(0, INPUT_SIDE, tile), np.eye(INPUT_SIDE + 2)[:, 1:-1]
    split = np.stack([FROM_INPUT[tile] @ picture[start : start + tile + 2] for start in starts], axis=1)
    join = np.stack(
        [np.eye(INPUT_SIDE)[:, start : start + tile] @ TO_OUTPUT[tile] for start in starts], axis=2
    )
    matrices = (
        np.einsum("ptx,quy->pqtuxy", split, split).reshape(-1, INPUT_SIDE * INPUT_SIDE),
        np.einsum("xpt,yqu->xypqtu", join, join).reshape(INPUT_SIDE * INPUT_SIDE, -1),
    )
    return tuple(np.ascontiguousarray(matrix, dtype) for matrix in matrices)


def _turn(values: Array) -> Array:
    """(N, 64, C) -> (64, N, C): a matrix of samples and channels for each position."""
    return values.swapaxes(0, 1)
