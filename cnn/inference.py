"""A network made ready to read with."""

from collections.abc import Sequence

import numpy as np

from cnn.conv import Conv2D
from cnn.dense import Dense
from cnn.layer import Layer
from cnn.model import Sequential
from cnn.norm import BatchNorm
from cnn.residual import Residual


def prepare_for_inference(model: Sequential) -> Sequential:
    """The same network with every BatchNorm folded into the convolution or dense layer right before it.

    (x weight + bias) * scale + shift = x (weight * scale) + (bias * scale + shift), so normalisation costs
    nothing any more. A BatchNorm that follows anything else stays. What the steps derive from the parameters
    is computed once, so the network returned must not be trained; `model` stays as it is.

    Source: Jacob et al., "Quantization and Training of Neural Networks", CVPR 2018, section 3.2.
    """
    layers = _folded(model.copy().layers)
    prepared = Sequential(model.name, layers, model.input_shape, fast=model.fast, classes=model.classes)
    for step in prepared.steps:
        step.prepare_for_inference()
    return prepared


def _folded(layers: Sequence[Layer]) -> list[Layer]:
    """The layers without those BatchNorms. Their parameters may become others."""
    folded: list[Layer] = []
    for layer in layers:
        before = folded[-1] if folded else None
        if isinstance(layer, BatchNorm) and isinstance(before, Conv2D | Dense):
            _fold(layer, before)
        elif isinstance(layer, Residual):
            folded.append(Residual(_folded(layer.layers)))
        else:
            folded.append(layer)
    return folded


def _fold(norm: BatchNorm, before: Conv2D | Dense) -> None:
    scale, shift = norm.scale_and_shift()
    before.params["weight"] = before.params["weight"] * scale
    before.params["bias"] = before.params.get("bias", 0) * scale + shift
    before.grads = {name: np.zeros_like(value) for name, value in before.params.items()}
