"""Batch normalisation, and its fold into the convolution before it."""

import numpy as np

from cnn.conv import Conv2D
from cnn.dense import Dense
from cnn.layer import Array, Layer, Shape
from cnn.model import Sequential
from cnn.slices import SLICE, for_slices


class BatchNorm(Layer):
    """y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, channel by channel

    In training mean and (biased) variance are the batch's, and running means of both are kept,
    running = momentum * running + (1 - momentum) * batch's; in inference the running ones are used.

    Shapes: x (N, H, W, C) or (N, C) -> y the same; gamma, beta, running_mean, running_variance (C,).
    momentum in [0, 1); epsilon > 0.

    Source: Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
    Covariate Shift", ICML 2015.
    """

    def __init__(self, channels: int, *, momentum: float = 0.9, epsilon: float = 1e-5) -> None:
        super().__init__()
        if channels < 1 or not 0 <= momentum < 1 or epsilon <= 0:
            raise ValueError(
                "BatchNorm needs channels of at least 1, momentum in [0, 1) and epsilon above 0, got "
                f"{channels}, {momentum} and {epsilon}"
            )
        self.channels, self.momentum, self.epsilon = channels, momentum, epsilon
        self.add_param("gamma", np.ones(channels, np.float32))
        self.add_param("beta", np.zeros(channels, np.float32))
        self.buffers["running_mean"] = np.zeros(channels, np.float32)
        self.buffers["running_variance"] = np.ones(channels, np.float32)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) not in (1, 3) or shape[-1] != self.channels:
            raise ValueError(f"{self} expects (N, H, W, {self.channels}), got {('N', *shape)}")
        return shape

    def forward(self, x: Array, training: bool = False) -> Array:
        self.check(x)
        if not training:
            scale, shift = self.scale_and_shift()
            y = x * scale
            y += shift
            return y

        count = x.size // self.channels
        n = len(x)
        mean = sum(for_slices(n, SLICE, lambda s: _sum_by_channel(x[s]))) / count
        centred = self.workspace("centred", x.shape, x.dtype)

        def centre(s: slice) -> Array:
            np.subtract(x[s], mean, out=centred[s])
            square = self.scratch("square", centred[s].shape, x.dtype)
            return _sum_by_channel(np.square(centred[s], out=square))

        variance = sum(for_slices(n, SLICE, centre)) / count
        inverse = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
        for name, batch in (("running_mean", mean), ("running_variance", variance)):
            self.buffers[name] *= self.momentum
            self.buffers[name] += (1 - self.momentum) * batch

        y = self.workspace("y", x.shape, x.dtype)
        scale = self.params["gamma"] * inverse

        def normalise(s: slice) -> None:
            np.multiply(centred[s], scale, out=y[s])
            y[s] += self.params["beta"]

        for_slices(n, SLICE, normalise)
        self.keep(centred, inverse)
        return y

    def backward(self, dy: Array) -> Array:
        """With z = (x - mean) / sqrt(variance + epsilon):

        dbeta = sum dy;  dgamma = sum dy z
        dx = gamma / sqrt(variance + epsilon) * (dy - dbeta / count - z dgamma / count)
        """
        centred, inverse = self.kept()
        count = centred.size // self.channels
        n = len(dy)

        def sums(s: slice) -> tuple[Array, Array]:
            product = self.scratch("product", dy[s].shape, dy.dtype)
            return _sum_by_channel(dy[s]), _sum_by_channel(np.multiply(dy[s], centred[s], out=product))

        dbeta, product = (sum(parts) for parts in zip(*for_slices(n, SLICE, sums), strict=True))
        dgamma = product * inverse
        self.grads["beta"][...] = dbeta
        self.grads["gamma"][...] = dgamma

        dx = self.workspace("dx", dy.shape, dy.dtype)
        scale = self.params["gamma"] * inverse
        slope, offset = scale * inverse * dgamma / count, scale * dbeta / count

        def work(s: slice) -> None:
            product = self.scratch("product", dy[s].shape, dy.dtype)
            np.multiply(dy[s], scale, out=dx[s])
            dx[s] -= np.multiply(centred[s], slope, out=product)
            dx[s] -= offset

        for_slices(n, SLICE, work)
        return dx

    def scale_and_shift(self) -> tuple[Array, Array]:
        """Inference as y = x * scale + shift, each (C,)."""
        dtype = self.params["gamma"].dtype.type
        scale = self.params["gamma"] / np.sqrt(self.buffers["running_variance"] + dtype(self.epsilon))
        return scale, self.params["beta"] - self.buffers["running_mean"] * scale

    def __repr__(self) -> str:
        return f"BatchNorm({self.channels})"


def fold_batch_norm(model: Sequential) -> Sequential:
    """The same network for inference, with every BatchNorm taken into the convolution or dense layer before.

    (x weight) * scale + shift = x (weight * scale) + shift, so the normalisation costs nothing any more.
    Returns a new network that cannot go on training; `model` stays as it is. ValueError where a BatchNorm
    does not directly follow a layer with weights.

    Source: Jacob et al., "Quantization and Training of Neural Networks", CVPR 2018, section 3.2.
    """
    layers: list[Layer] = []
    for layer in model.copy().layers:
        if not isinstance(layer, BatchNorm):
            layers.append(layer)
            continue
        before = layers[-1] if layers else None
        if not isinstance(before, Conv2D | Dense):
            raise ValueError(f"{layer} follows {before}: only Conv2D and Dense can take it in")
        scale, shift = layer.scale_and_shift()
        before.params["weight"] = before.params["weight"] * scale
        before.params["bias"] = before.params.get("bias", 0) * scale + shift
        before.grads = {name: np.zeros_like(value) for name, value in before.params.items()}
    return Sequential(model.name, layers, model.input_shape)


def _sum_by_channel(x: Array) -> Array:
    """(..., C) -> (C,). As a product with ones, because BLAS adds rows faster than NumPy's sum does."""
    rows = x.reshape(-1, x.shape[-1])
    return np.ones(len(rows), x.dtype) @ rows
