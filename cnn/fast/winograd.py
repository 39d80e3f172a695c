"""The convolution with fewer multiplications: Winograd's algorithm."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from cnn.conv import Conv2D
from cnn.fast.kernels import multiply, sum_by_channel
from cnn.fast.parallel import SLICE, parallel_for
from cnn.fast.step import Step, begins_with
from cnn.layer import Array, Layer, Shape

INPUT_SIDE = 6  # of the pictures, pixels; with their margin they are 8x8
POSITIONS, PAIRS = 8, 4096  # positions, and pairs of channels, worked on at once

# F(6, 3): six results of a filter of three taps from 8 products instead of 18. A polynomial of degree 7 is
# known by its values at 0, 1, -1, 2, -2, 1/2, -1/2 and infinity; values of products are products of values.
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
    3: [[1, 1, 1, 1, 0], [0, 1, -1, 2, 0], [0, 1, 1, 4, 1]],
}


class WinogradConv(Step):
    """Conv2D with a 3x3 kernel and padding 1 on 6x6 pictures, in a fifth of the products.

    y = TO_OUTPUT [(FROM_WEIGHT weight FROM_WEIGHT^T) * (FROM_INPUT x FROM_INPUT^T)] TO_OUTPUT^T

    for every pair of channels, x with its margin of zeros, * element by element; summed over the channels
    that is one matrix product at each of the 8x8 positions. All of x is one tile, so nothing is copied. The
    three transformations in both directions at once are matrices of 64 rows or columns. Results differ from
    Conv2D's in the fifth digit: the points and the reciprocals of their differences are rounded.

    Prepared for inference, it reads a single picture as four tiles of 3x3: 25 products of four rows each read
    less than half of the weights that 64 products of one row read, and reading them is what takes the time.

    Shapes: x (N, 6, 6, C) -> y (N, 6, 6, K); weight (3, 3, C, K), bias (K,).

    Source: Winograd, "Arithmetic Complexity of Computations", 1980; Lavin and Gray, "Fast Algorithms for
    Convolutional Neural Networks", CVPR 2016.
    """

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        if not begins_with(layers, Conv2D) or shape[:2] != (INPUT_SIDE, INPUT_SIDE):
            return None
        conv = layers[0]
        return cls(layers[:1], shape) if (conv.kernel_size, conv.stride, conv.padding) == (3, 1, 1) else None

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        super().__init__(layers, input_shape)
        self.conv: Conv2D = self.layers[0]
        self._prepared: dict[int, Array] = {}  # transformed weights by the side of a tile

    def forward(self, x: Array, training: bool = False) -> Array:
        if len(x) == 1 and self._prepared and not training:
            return self._read_one(x)
        n, c, k = len(x), self.conv.in_channels, self.conv.out_channels
        from_input, _, to_output = _transformations(x.dtype, INPUT_SIDE)
        # The 64 values of every picture and channel: v (N, 64, C), product (N, 64, K). Of the weight: u.
        u = (
            self._prepared[INPUT_SIDE]
            if self._prepared
            else self._transformed(self.conv.params["weight"], INPUT_SIDE, training)
        )
        v = self.workspace("v", (n, len(u), c), x.dtype, training)
        y = self.workspace("y", (n, INPUT_SIDE * INPUT_SIDE, k), x.dtype, training)
        pixels = x.reshape(n, -1, c)

        def work(s: slice) -> None:
            product = self.scratch("product", (len(y[s]), len(u), k), x.dtype, training)
            np.matmul(from_input, pixels[s], out=v[s])
            np.matmul(_turn(v[s]), u, out=_turn(product))
            np.matmul(to_output, product, out=y[s])
            if "bias" in self.conv.params:
                y[s] += self.conv.params["bias"]

        parallel_for(n, SLICE, work)
        if training:
            self.save_for_backward(v)
        return y.reshape(n, INPUT_SIDE, INPUT_SIDE, k)

    def backward(self, dy: Array) -> Array:
        """The same products the other way round, and every transformation transposed."""
        (v,) = self.saved()
        n, c, k = len(dy), self.conv.in_channels, self.conv.out_channels
        from_input, from_weight, to_output = _transformations(dy.dtype, INPUT_SIDE)
        turned = self._transformed(self.conv.params["weight"].swapaxes(2, 3), INPUT_SIDE, training=True)
        dproduct = self.workspace("dproduct", (n, len(turned), k), dy.dtype)
        du = self.workspace("du", (len(turned), c, k), dy.dtype)
        dx = self.workspace("dx", (n, INPUT_SIDE * INPUT_SIDE, c), dy.dtype)
        dpixels = dy.reshape(n, -1, k)

        def work(s: slice) -> None:
            dv = self.scratch("dv", v[s].shape, dy.dtype)
            np.matmul(to_output.T, dpixels[s], out=dproduct[s])
            np.matmul(_turn(dproduct[s]), turned, out=_turn(dv))
            np.matmul(from_input.T, dv, out=dx[s])

        def weigh(s: slice) -> None:
            np.matmul(_turn(v)[s].swapaxes(1, 2), _turn(dproduct)[s], out=du[s])

        parallel_for(n, SLICE, work)
        parallel_for(len(du), POSITIONS, weigh)
        dweight, all_du = self.conv.grads["weight"].reshape(-1, c * k), du.reshape(-1, c * k)
        parallel_for(c * k, PAIRS, lambda s: multiply(all_du[:, s].T, from_weight, dweight[:, s].T))
        if "bias" in self.conv.params:
            self.conv.grads["bias"][...] = sum_by_channel(dy)
        return dx.reshape(n, INPUT_SIDE, INPUT_SIDE, c)

    def prepare_for_inference(self) -> None:
        weight = self.conv.params["weight"]
        self._prepared = {side: self._transformed(weight, side, training=False) for side in FROM_INPUT}

    def _read_one(self, x: Array) -> Array:
        from_input, _, to_output = _transformations(x.dtype, 3)
        u = self._prepared[3]
        v = from_input @ x.reshape(-1, self.conv.in_channels)
        product = np.matmul(v.reshape(len(u), -1, self.conv.in_channels), u)
        y = to_output @ product.reshape(-1, self.conv.out_channels)
        if "bias" in self.conv.params:
            y += self.conv.params["bias"]
        return y.reshape(1, INPUT_SIDE, INPUT_SIDE, -1)

    def _transformed(self, weight: Array, side: int, training: bool) -> Array:
        """weight (3, 3, C, K) -> u (64, C, K), or (25, C, K) for tiles of 3x3"""
        from_weight = _transformations(weight.dtype, side)[1]
        taps = weight.reshape(9, -1)
        u = self.workspace("u", (len(from_weight), taps.shape[1]), weight.dtype, training)
        parallel_for(taps.shape[1], PAIRS, lambda s: multiply(taps[:, s].T, from_weight.T, u[:, s].T))
        return u.reshape(-1, *weight.shape[2:])


@cache
def _transformations(dtype: np.dtype, side: int) -> tuple[Array, Array, Array]:
    """Both directions at once, of a picture cut into T = 36 / side^2 tiles of V = (side + 2)^2 values.

    From the pixels without the margin, which is zero, to values and tiles (V T, 36); from the weight (V, 9);
    from values and tiles to pixels (36, V T).
    """
    tiles, picture = range(0, INPUT_SIDE, side), np.eye(INPUT_SIDE + 2)[:, 1:-1]
    split = np.stack([FROM_INPUT[side] @ picture[tile : tile + side + 2] for tile in tiles], axis=1)
    join = np.stack([np.eye(INPUT_SIDE)[:, tile : tile + side] @ TO_OUTPUT[side] for tile in tiles], axis=2)
    matrices = (
        np.einsum("ptx,quy->pqtuxy", split, split).reshape(-1, INPUT_SIDE * INPUT_SIDE),
        np.kron(FROM_WEIGHT[side], FROM_WEIGHT[side]),
        np.einsum("xpt,yqu->xypqtu", join, join).reshape(INPUT_SIDE * INPUT_SIDE, -1),
    )
    return tuple(np.ascontiguousarray(matrix, dtype) for matrix in matrices)


def _turn(values: Array) -> Array:
    """(N, 64, C) -> (64, N, C): a matrix of samples and channels for each position."""
    return values.swapaxes(0, 1)
