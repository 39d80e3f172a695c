"""Convolution and pooling in one, with ReLU or without."""

from collections.abc import Sequence

import numpy as np

from cnn.activation import ReLU
from cnn.conv import Conv2D
from cnn.fast.conv import FastConv, is_fast
from cnn.fast.kernels import relu, sum_by_channel
from cnn.fast.step import Step, begins_with
from cnn.fast.winograd import pays
from cnn.layer import Array, Layer, Shape
from cnn.pool import MaxPool2D


class ConvPool(FastConv):
    """Conv2D and MaxPool2D(2), or these with ReLU between or after them.

    y = ReLU(max over each 2x2 window of (x convolved with weight) + bias)

    Both the bias and ReLU keep the order of values, so they come after pooling, where a quarter of the values
    is left. Where Winograd's algorithm saves much, that runs instead. Where several values of a window are
    equal, the gradient goes to one of them.
    """

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        if begins_with(layers, Conv2D) and pays(layers[0], shape):
            return None
        if is_conv_pool_relu(layers):
            return cls(layers[:3], shape)
        matches = begins_with(layers, Conv2D, MaxPool2D) and is_fast(layers[0]) and is_2x2(layers[1])
        return cls(layers[:2], shape) if matches else None

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        super().__init__(layers, input_shape)
        self.relu = len(self.layers) == 3

    def forward(self, x: Array, training: bool = False) -> Array:
        y = self.workspace("y", (len(x), *self.y_shape), x.dtype, training)
        n, height, width, k = y.shape
        row = x.shape[2] + self.conv.padding
        # Which of a pair was larger: the lower of two rows, then the right of two columns.
        lower_won = self.workspace("lower", (n, height, row, k), bool) if training else None
        right_won = self.workspace("right", y.shape, bool) if training else None

        def pool(s: slice, z: Array) -> None:
            upper, lower = z[:, 0 : 2 * height : 2], z[:, 1 : 2 * height : 2]
            higher = self.scratch("higher", upper.shape, z.dtype, training)
            np.maximum(upper, lower, out=higher)
            left, right = higher[:, :, 0 : 2 * width : 2], higher[:, :, 1 : 2 * width : 2]
            np.maximum(left, right, out=y[s])
            if "bias" in self.conv.params:
                y[s] += self.conv.params["bias"]
            if self.relu:
                relu(y[s], y[s])
            if training:
                np.greater(lower, upper, out=lower_won[s])
                np.greater(right, left, out=right_won[s])

        columns = self.convolve(x, pool, training)
        if training:
            self.save_for_backward(columns, x.shape, y, lower_won, right_won)
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
        dpooled = self.workspace("dpooled", dy.shape, dy.dtype) if self.relu else dy

        def unpool(s: slice, dz: Array) -> None:
            """The backward pass of `pool`: each gradient goes to the maximum."""
            if self.relu:
                np.multiply(dy[s], y[s] > 0, out=dpooled[s])
            dhigher = self.scratch(f"dhigher, {height} x {width}", lower_won[s].shape, dy.dtype)
            dleft, dright = dhigher[:, :, 0 : 2 * width : 2], dhigher[:, :, 1 : 2 * width : 2]
            np.multiply(dpooled[s], right_won[s], out=dright)
            np.subtract(dpooled[s], dright, out=dleft)
            dupper, dlower = dz[:, 0 : 2 * height : 2], dz[:, 1 : 2 * height : 2]
            np.multiply(dhigher, lower_won[s], out=dlower)
            np.subtract(dhigher, dlower, out=dupper)

        self.differentiate(columns, x_shape, unpool, dx)
        if "bias" in self.conv.params:
            self.conv.grads["bias"][...] = sum_by_channel(dpooled)


def is_conv_pool_relu(layers: Sequence[Layer]) -> bool:
    """Whether the first three layers are a convolution, ReLU and 2x2 pooling that the step above computes."""
    if not (begins_with(layers, Conv2D, ReLU, MaxPool2D) or begins_with(layers, Conv2D, MaxPool2D, ReLU)):
        return False
    pool = next(layer for layer in layers if isinstance(layer, MaxPool2D))
    return is_fast(layers[0]) and is_2x2(pool)


def is_2x2(pool: MaxPool2D) -> bool:
    """Whether its windows are 2x2 and do not overlap."""
    return (pool.pool_size, pool.stride) == (2, 2)
