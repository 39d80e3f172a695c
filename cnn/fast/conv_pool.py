"""Convolution and pooling in one, with ReLU or without."""

from collections.abc import Sequence

from cnn.conv import Conv2D
from cnn.fast.conv import FastConv, is_fast
from cnn.fast.pool import begins_with_relu_and_pool, double, halve, is_2x2, winners_of
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

    def forward(self, x: Array, training: bool = False) -> Array:
        y = self.workspace("y", (len(x), *self.y_shape), x.dtype, training)
        row = x.shape[2] + self.conv.padding
        z_shape = (*x.shape[:2], row, y.shape[3])
        winners = winners_of(self, z_shape, y.shape, x.dtype) if training else None
        finish = self.finishing(y)

        def pool(s: slice, z: Array) -> None:
            halve(self, z, y[s], winners, s)
            finish(s)

        columns, _ = self.convolve(x, pool, training)
        if training:
            self.save_for_backward(columns, x.shape, y, winners)
        return y

    def _backward(
        self,
        dy: Array,
        columns: Array,
        x_shape: Shape,
        y: Array,
        winners: list[Array],
        dx: Array | None,
    ) -> None:
        def unpool(s: slice, passed: Array, dz: Array) -> None:
            double(self, passed, winners, s, dz)

        self.unfinish(dy, columns, x_shape, y, unpool, dx)


def is_conv_pool_relu(layers: Sequence[Layer]) -> bool:
    """Whether the first three layers are a convolution, ReLU and 2x2 pooling that the step above computes."""
    return begins_with(layers, Conv2D) and is_fast(layers[0]) and begins_with_relu_and_pool(layers[1:])
