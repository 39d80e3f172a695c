"""The same network in PyTorch, layer by layer and with the same weights, to compare with."""

import numpy as np
import torch
from torch import nn

from cnn import (
    GELU,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Layer,
    MaxPool2D,
    ReLU,
    Residual,
    Sequential,
)


class FlattenChannelsLast(nn.Module):
    """(N, C, H, W) -> (N, H W C): with channels last this is a view."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


class Mean(nn.Module):
    """(N, C, H, W) -> (N, C)"""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


class Added(nn.Module):
    """x plus what the modules make of it"""

    def __init__(self, modules: list[nn.Module]) -> None:
        super().__init__()
        self.inner = nn.Sequential(*modules)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.inner(x)


def as_pytorch(model: Sequential, channels_last: bool) -> nn.Sequential:
    """`model` as a PyTorch user would write it, for pictures (N, C, H, W) in the given memory format.

    Where pictures are flattened, the weights that follow are put into the order in which PyTorch flattens
    that format best. Raises TypeError for a layer that has no counterpart here.
    """
    modules: list[nn.Module] = []
    shape, flattened = model.input_shape, None
    for layer in model.layers:
        modules.append(_module(layer, channels_last, flattened, len(shape) == 1))
        if not isinstance(layer, Dropout):  # which leaves the order of what was flattened
            flattened = shape if isinstance(layer, Flatten) else None
        shape = layer.output_shape(shape)
    network = nn.Sequential(*modules)
    return network.to(memory_format=torch.channels_last) if channels_last else network


def gradients_in_our_order(network: nn.Sequential, model: Sequential, channels_last: bool) -> np.ndarray:
    """(P,): the gradients of `network` where `model.gradients` has its own."""
    pieces, shape, flattened = [], model.input_shape, None
    for layer, module in zip(model.layers, network, strict=True):
        pieces += _gradients(layer, module, None if channels_last else flattened)
        if not isinstance(layer, Dropout):  # which leaves the order of what was flattened
            flattened = shape if isinstance(layer, Flatten) else None
        shape = layer.output_shape(shape)
    return np.concatenate(pieces)


def _gradients(layer: Layer, module: nn.Module, flattened: tuple[int, ...] | None) -> list[np.ndarray]:
    """The gradients of a module in the order of the layer's parameters, each flat.

    flattened: the shape of the pictures that were flattened for it with the channels first, if any were.
    """
    if isinstance(layer, Residual):
        inner = zip(layer.layers, module.inner, strict=True)
        return [piece for one, of_one in inner for piece in _gradients(one, of_one, None)]
    grads = {name: value.grad.numpy() for name, value in module.named_parameters()}
    names = {"gamma": "weight", "beta": "bias"} if isinstance(layer, BatchNorm) else {}
    pieces = []
    for name in layer.params:
        grad = grads[names.get(name, name)]
        if isinstance(layer, Conv2D) and name == "weight":
            grad = grad.transpose(2, 3, 1, 0)
        elif isinstance(layer, Dense) and name == "weight":
            grad = grad.T
            if flattened:
                height, width, channels = flattened
                grad = grad.reshape(channels, height, width, -1).transpose(1, 2, 0, 3)
        pieces.append(np.ascontiguousarray(grad).ravel())
    return pieces


def _module(
    layer: Layer, channels_last: bool, flattened: tuple[int, ...] | None = None, flat: bool = False
) -> nn.Module:
    """flattened: see `_gradients`. flat: whether it takes (N, features)."""
    params = {name: torch.from_numpy(value.copy()) for name, value in layer.params.items()}
    match layer:
        case Conv2D():
            module = nn.Conv2d(
                layer.in_channels,
                layer.out_channels,
                layer.kernel_size,
                layer.stride,
                layer.padding,
                bias="bias" in params,
            )
            params["weight"] = params["weight"].permute(3, 2, 0, 1).contiguous()
        case BatchNorm():
            kind = nn.BatchNorm1d if flat else nn.BatchNorm2d
            module = kind(layer.channels, layer.epsilon, 1 - layer.momentum)
            params = {"weight": params["gamma"], "bias": params["beta"]}
            module.running_mean.copy_(torch.from_numpy(layer.buffers["running_mean"]))
            module.running_var.copy_(torch.from_numpy(layer.buffers["running_variance"]))
        case Dense():
            module = nn.Linear(layer.in_features, layer.out_features)
            weight = params["weight"]
            if flattened and not channels_last:
                weight = weight.reshape(*flattened, -1).permute(2, 0, 1, 3).reshape(len(weight), -1)
            params["weight"] = weight.T.contiguous()
        case MaxPool2D():
            return nn.MaxPool2d(layer.pool_size, layer.stride)
        case AveragePool2D():
            return nn.AvgPool2d(layer.pool_size, layer.stride)
        case GlobalAveragePool():
            return Mean()
        case GELU():
            return nn.GELU(approximate="tanh")
        case Residual():
            return Added([_module(inner, channels_last) for inner in layer.layers])
        case ReLU():
            return nn.ReLU()
        case Dropout():
            return nn.Dropout(layer.rate)
        case Flatten():
            return FlattenChannelsLast() if channels_last else nn.Flatten()
        case _:
            raise TypeError(f"{layer} has no counterpart in PyTorch here")
    with torch.no_grad():
        for name, value in module.named_parameters():
            value.copy_(params[name])
    return module
