"""A residual block whose layers run as steps."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from cnn.activation import ReLU
from cnn.fast.kernels import relu, relu_backward
from cnn.fast.parallel import SLICE, parallel_for
from cnn.fast.step import Step, begins_with
from cnn.layer import Array, Layer, Shape
from cnn.residual import Residual


class FastResidual(Step):
    """Residual, with the steps for its layers, and a ReLU after it.

    plan: from layers and an input's shape to steps, `cnn.fast.plan.plan`.
    """

    def __init__(
        self, layers: Sequence[Layer], shape: Shape, plan: Callable[[Sequence[Layer], Shape], list[Layer]]
    ) -> None:
        self.relu = begins_with(layers, Residual, ReLU)
        super().__init__(layers[: 2 if self.relu else 1], shape)
        self.steps = plan(self.layers[0].layers, shape)

    def forward(self, x: Array, training: bool = False) -> Array:
        inner = x
        for step in self.steps:
            inner = step.forward(inner, training)
        y = self.workspace("y", x.shape, x.dtype, training)

        def work(s: slice) -> None:
            np.add(x[s], inner[s], out=y[s])
            if self.relu:
                relu(y[s], y[s])

        parallel_for(len(x), SLICE, work, math.prod(x.shape[1:]))
        if training:
            self.save_for_backward(y)
        return y

    def backward(self, dy: Array) -> Array:
        (y,) = self.saved()
        operations = math.prod(dy.shape[1:])
        if self.relu:
            passed = self.workspace("passed", dy.shape, dy.dtype)
            parallel_for(len(dy), SLICE, lambda s: relu_backward(dy[s], y[s], passed[s]), operations)
            dy = passed
        inner = dy
        for step in reversed(self.steps):
            inner = step.backward(inner)
        dx = self.workspace("dx", dy.shape, dy.dtype)
        parallel_for(len(dy), SLICE, lambda s: np.add(dy[s], inner[s], out=dx[s]), operations)
        return dx

    def prepare_for_inference(self) -> None:
        for step in self.steps:
            step.prepare_for_inference()
