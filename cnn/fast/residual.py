"""A residual block whose layers run as steps."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from cnn.fast.parallel import SLICE, parallel_for
from cnn.fast.step import Step
from cnn.layer import Array, Layer, Shape
from cnn.residual import Residual


class FastResidual(Step):
    """Residual, with the steps for its layers.

    plan: from layers and an input's shape to steps, `cnn.fast.plan.plan`.
    """

    def __init__(
        self, residual: Residual, shape: Shape, plan: Callable[[Sequence[Layer], Shape], list[Layer]]
    ) -> None:
        super().__init__([residual], shape)
        self.steps = plan(residual.layers, shape)

    def forward(self, x: Array, training: bool = False) -> Array:
        inner = x
        for step in self.steps:
            inner = step.forward(inner, training)
        y = self.workspace("y", x.shape, x.dtype, training)
        operations = math.prod(x.shape[1:])
        parallel_for(len(x), SLICE, lambda s: np.add(x[s], inner[s], out=y[s]), operations)
        if training:
            self.save_for_backward()
        return y

    def backward(self, dy: Array) -> Array:
        self.saved()
        inner = dy
        for step in reversed(self.steps):
            inner = step.backward(inner)
        dx = self.workspace("dx", dy.shape, dy.dtype)
        operations = math.prod(dy.shape[1:])
        parallel_for(len(dy), SLICE, lambda s: np.add(dy[s], inner[s], out=dx[s]), operations)
        return dx

    def prepare_for_inference(self) -> None:
        for step in self.steps:
            step.prepare_for_inference()
