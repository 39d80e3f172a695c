"""Convolution and batch norm in one."""

from collections.abc import Sequence

from cnn.conv import Conv2D
from cnn.fast.conv import ConvStep, FastConv, is_fast
from cnn.fast.norm import FastBatchNorm, length_of
from cnn.fast.step import Step, begins_with
from cnn.fast.strided import StridedConv
from cnn.layer import Array, Layer, Shape
from cnn.norm import BatchNorm


class ConvNorm(ConvStep):
    """Conv2D, BatchNorm and what `FastBatchNorm` takes with it.

    A slice of the convolution's results is summed for the batch's mean and variance while it is in the cache,
    and a slice of their gradient is used as soon as it is written. A bias before batch norm changes nothing:
    it is not added, and its gradient is zero.
    """

    @classmethod
    def match(cls, layers: Sequence[Layer], shape: Shape) -> Step | None:
        matches = begins_with(layers, Conv2D, BatchNorm)
        return cls(layers[: 1 + length_of(layers[1:])], shape) if matches else None

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        super().__init__(layers, input_shape)
        self.conv: Conv2D = self.layers[0]
        kind = FastConv if is_fast(self.conv) else StridedConv
        self.before = kind([self.conv], input_shape)
        self.after = FastBatchNorm(self.layers[1:], self.conv.output_shape(input_shape))

    def forward(self, x: Array, training: bool = False) -> Array:
        z = self.workspace("z", (len(x), *self.after.input_shape), x.dtype, training)

        def keep(s: slice, result: Array) -> tuple[Array, Array] | None:
            z[s] = result[:, :, : z.shape[2]]
            return self.after.sums(z[s]) if training else None

        columns, sums = self.before.convolve(x, keep, training)
        if training:
            self.save_for_backward(columns, x.shape)
        return self.after.normalise(z, sums, training, self.conv.params.get("bias"))

    def _backward(self, dy: Array, columns: Array, x_shape: Shape, dx: Array | None) -> None:
        write, width = self.after.differentiate(dy), self.after.input_shape[1]

        def fill(s: slice, dz: Array) -> None:
            result = self.scratch("dz, contiguous", dz[:, :, :width].shape, dz.dtype)
            write(s, result)
            dz[:, :, :width] = result

        self.before.differentiate(columns, x_shape, fill, dx)
        if "bias" in self.conv.params:
            self.conv.grads["bias"][...] = 0
