"""The convolution with fewer multiplications: Winograd's algorithm."""

from functools import cache

import numpy as np

from cnn.conv import Conv2D
from cnn.layer import Array, Shape
from cnn.slices import SLICE, for_slices, sum_by_channel

SIDE = 6  # of the pictures, pixels; with their margin they are 8x8
POSITIONS, PAIRS = 8, 4096  # positions, and pairs of channels, worked on at once

# F(6, 3): six results of a filter of three taps from 8 products instead of 18. A polynomial of degree 7 is
# known by its values at 0, 1, -1, 2, -2, 1/2, -1/2 and infinity; values of products are products of values.
FROM_INPUT = np.array(
    [
        [1, 0, -21 / 4, 0, 21 / 4, 0, -1, 0],
        [0, 1, 1, -17 / 4, -17 / 4, 1, 1, 0],
        [0, -1, 1, 17 / 4, -17 / 4, -1, 1, 0],
        [0, 1 / 2, 1 / 4, -5 / 2, -5 / 4, 2, 1, 0],
        [0, -1 / 2, 1 / 4, 5 / 2, -5 / 4, -2, 1, 0],
        [0, 2, 4, -5 / 2, -5, 1 / 2, 1, 0],
        [0, -2, 4, 5 / 2, -5, -1 / 2, 1, 0],
        [0, -1, 0, 21 / 4, 0, -21 / 4, 0, 1],
    ]
)
FROM_WEIGHT = np.array(
    [
        [1, 0, 0],
        [-2 / 9, -2 / 9, -2 / 9],
        [-2 / 9, 2 / 9, -2 / 9],
        [1 / 90, 1 / 45, 2 / 45],
        [1 / 90, -1 / 45, 2 / 45],
        [32 / 45, 16 / 45, 8 / 45],
        [32 / 45, -16 / 45, 8 / 45],
        [0, 0, 1],
    ]
)
TO_OUTPUT = np.array(
    [
        [1, 1, 1, 1, 1, 1, 1, 0],
        [0, 1, -1, 2, -2, 1 / 2, -1 / 2, 0],
        [0, 1, 1, 4, 4, 1 / 4, 1 / 4, 0],
        [0, 1, -1, 8, -8, 1 / 8, -1 / 8, 0],
        [0, 1, 1, 16, 16, 1 / 16, 1 / 16, 0],
        [0, 1, -1, 32, -32, 1 / 32, -1 / 32, 1],
    ]
)


class WinogradConv2D(Conv2D):
    """Conv2D with a 3x3 kernel and padding 1 on 6x6 pictures, in a fifth of the products.

    y = TO_OUTPUT [(FROM_WEIGHT weight FROM_WEIGHT^T) * (FROM_INPUT x FROM_INPUT^T)] TO_OUTPUT^T

    for every pair of channels, x with its margin of zeros, * element by element; summed over the channels
    that is one matrix product at each of the 8x8 positions. All of x is one tile, so nothing is copied. The
    three transformations in both directions at once are matrices of 64 rows or columns. Results differ from
    Conv2D's in the fifth digit: the points and the reciprocals of their differences are rounded.

    Shapes: x (N, 6, 6, C) -> y (N, 6, 6, K); weight (3, 3, C, K), bias (K,).

    Source: Winograd, "Arithmetic Complexity of Computations", 1980; Lavin and Gray, "Fast Algorithms for
    Convolutional Neural Networks", CVPR 2016.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        rng: np.random.Generator,
        init: str = "he",
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1, rng=rng, init=init, bias=bias)
        self._frozen: Array | None = None

    def output_shape(self, shape: Shape) -> Shape:
        if shape[:2] != (SIDE, SIDE):
            raise ValueError(f"{self} expects (N, {SIDE}, {SIDE}, {self.in_channels}), got {('N', *shape)}")
        return super().output_shape(shape)

    def forward(self, x: Array, training: bool = False) -> Array:
        self.check(x)
        n, c, k = len(x), self.in_channels, self.out_channels
        from_input, _, to_output = _transformations(x.dtype)
        # The 64 values of every picture and channel: v (N, 64, C), product (N, 64, K). Of the weight: u.
        u = self._transformed_weight(training) if self._frozen is None else self._frozen
        v = self.workspace("v", (n, len(u), c), x.dtype, training)
        product = self.workspace("product", (n, len(u), k), x.dtype, training)
        y = self.workspace("y", (n, SIDE * SIDE, k), x.dtype, training)
        pixels = x.reshape(n, -1, c)
        positions = POSITIONS if n > SLICE else len(u)  # little work is done sooner than shared

        for_slices(n, SLICE, lambda s: np.matmul(from_input, pixels[s], out=v[s]))
        for_slices(len(u), positions, lambda s: np.matmul(_turn(v)[s], u[s], out=_turn(product)[s]))

        def finish(s: slice) -> None:
            np.matmul(to_output, product[s], out=y[s])
            if "bias" in self.params:
                y[s] += self.params["bias"]

        for_slices(n, SLICE, finish)
        if training:
            self.keep(u, v, product)
        return y.reshape(n, SIDE, SIDE, k)

    def backward(self, dy: Array) -> Array:
        """The same products the other way round, and every transformation transposed."""
        u, v, product = self.kept()
        n, c, k = len(dy), self.in_channels, self.out_channels
        from_input, from_weight, to_output = _transformations(dy.dtype)
        du = self.workspace("du", u.shape, dy.dtype)
        dx = self.workspace("dx", (n, SIDE * SIDE, c), dy.dtype)
        dpixels = dy.reshape(n, -1, k)
        dv, dproduct = v, product  # in the memory of what is not needed any more

        for_slices(n, SLICE, lambda s: np.matmul(to_output.T, dpixels[s], out=dproduct[s]))

        def multiply(s: slice) -> None:
            np.matmul(_turn(v)[s].swapaxes(1, 2), _turn(dproduct)[s], out=du[s])
            np.matmul(_turn(dproduct)[s], u[s].swapaxes(1, 2), out=_turn(dv)[s])

        for_slices(len(u), POSITIONS, multiply)
        for_slices(n, SLICE, lambda s: np.matmul(from_input.T, dv[s], out=dx[s]))
        dweight, all_du = self.grads["weight"].reshape(-1, c * k), du.reshape(-1, c * k)
        for_slices(c * k, PAIRS, lambda s: np.matmul(from_weight.T, all_du[:, s], out=dweight[:, s]))
        if "bias" in self.params:
            self.grads["bias"][...] = sum_by_channel(dy)
        return dx.reshape(n, SIDE, SIDE, c)

    def freeze(self) -> None:
        self._frozen = self._transformed_weight(training=False)

    def _transformed_weight(self, training: bool) -> Array:
        """u (64, C, K)"""
        weight = self.params["weight"].reshape(9, -1)
        from_weight = _transformations(weight.dtype)[1]
        u = self.workspace("u", (len(from_weight), weight.shape[1]), weight.dtype, training)
        for_slices(weight.shape[1], PAIRS, lambda s: np.matmul(from_weight, weight[:, s], out=u[:, s]))
        return u.reshape(-1, self.in_channels, self.out_channels)

    def __repr__(self) -> str:
        return f"WinogradConv2D({self.in_channels}, {self.out_channels})"


@cache
def _transformations(dtype: np.dtype) -> tuple[Array, Array, Array]:
    """Both directions of a picture at once: (64, 36) without the margin, which is zero; (64, 9); (36, 64)."""
    inside = np.arange(64).reshape(8, 8)[1:-1, 1:-1].ravel()
    matrices = (
        np.kron(FROM_INPUT, FROM_INPUT)[:, inside],
        np.kron(FROM_WEIGHT, FROM_WEIGHT),
        np.kron(TO_OUTPUT, TO_OUTPUT),
    )
    return tuple(np.ascontiguousarray(matrix, dtype) for matrix in matrices)


def _turn(values: Array) -> Array:
    """(N, 64, C) -> (64, N, C): a matrix of samples and channels for each position."""
    return values.swapaxes(0, 1)
