"""Which step replaces which sequence of layers."""

from collections.abc import Sequence

from cnn.fast.basic import FastDense, FastGELU, FastReLU
from cnn.fast.conv import FastConv
from cnn.fast.conv_norm import ConvNorm
from cnn.fast.conv_pool import ConvPool
from cnn.fast.norm import FastBatchNorm
from cnn.fast.pool import FastAveragePool, FastMaxPool, HalvingAveragePool, HalvingMaxPool
from cnn.fast.residual import FastResidual
from cnn.fast.sparse import SparseConvPoolReLU
from cnn.fast.sparse_dense import SparseConvPoolDense
from cnn.fast.step import Step
from cnn.fast.strided import StridedConv
from cnn.fast.winograd import WinogradConv
from cnn.layer import Layer, Shape
from cnn.residual import Residual

# The most specific first.
PATTERNS: tuple[type[Step], ...] = (
    SparseConvPoolDense,
    SparseConvPoolReLU,
    ConvPool,
    WinogradConv,
    ConvNorm,
    FastConv,
    StridedConv,
    FastBatchNorm,
    FastReLU,
    FastGELU,
    HalvingMaxPool,
    FastMaxPool,
    HalvingAveragePool,
    FastAveragePool,
    FastDense,
)


def plan(layers: Sequence[Layer], input_shape: Shape) -> list[Layer]:
    """The steps that replace `layers`: at every position the first pattern that matches.

    input_shape: one sample's. A layer that no pattern matches runs itself.
    """
    steps: list[Layer] = []
    shape, rest = tuple(input_shape), list(layers)
    while rest:
        if type(rest[0]) is Residual:
            step = FastResidual(rest, shape, plan)
        else:
            matches = (pattern.match(rest, shape) for pattern in PATTERNS)
            step = next((match for match in matches if match is not None), rest[0])
        steps.append(step)
        shape = step.output_shape(shape)
        del rest[: len(step.layers) if isinstance(step, Step) else 1]
    return steps
