"""Batch normalisation, and its fold into the convolution before it."""

import numpy as np

from cnn.activation import ReLU, relu
from cnn.conv import Conv2D
from cnn.dense import Dense
from cnn.fast import ConvPoolReLU
from cnn.layer import Array, Layer, Shape
from cnn.model import Sequential
from cnn.slices import SLICE, for_slices, sum_by_channel


class BatchNorm(Layer):
    """y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, channel by channel

    In training mean and (biased) variance are the batch's, and running means of both are kept,
    running = m * running + (1 - m) * batch's; in inference the running ones are used. After t batches
    m = min(momentum, (1 + t) / (10 + t)), so that where they started is soon forgotten.

    Shapes: x (N, H, W, C) or (N, C) -> y the same; gamma, beta, running_mean, running_variance (C,);
    batches (1,), t so far. momentum in [0, 1); epsilon > 0. relu: y = max(y, 0) in the same pass over memory.

    Source: Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
    Covariate Shift", ICML 2015; the variance from the slices' own: Chan, Golub, LeVeque, "Updating Formulae
    and a Pairwise Algorithm for Computing Sample Variances", 1979.
    """

    def __init__(
        self, channels: int, *, momentum: float = 0.9, epsilon: float = 1e-5, relu: bool = False
    ) -> None:
        super().__init__()
        if channels < 1 or not 0 <= momentum < 1 or epsilon <= 0:
            raise ValueError(
                "BatchNorm needs channels of at least 1, momentum in [0, 1) and epsilon above 0, got "
                f"{channels}, {momentum} and {epsilon}"
            )
        self.channels, self.momentum, self.epsilon, self.relu = channels, momentum, epsilon, relu
        self.add_param("gamma", np.ones(channels, np.float32))
        self.add_param("beta", np.zeros(channels, np.float32))
        self.buffers["running_mean"] = np.zeros(channels, np.float32)
        self.buffers["running_variance"] = np.ones(channels, np.float32)
        self.buffers["batches"] = np.zeros(1, np.float32)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) not in (1, 3) or shape[-1] != self.channels:
            raise ValueError(f"{self} expects (N, H, W, {self.channels}), got {('N', *shape)}")
        return shape

    def forward(self, x: Array, training: bool = False) -> Array:
        self.check(x)
        y = self.workspace("y", x.shape, x.dtype, training)
        if training:
            mean, variance = self._moments(x)
            inverse = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
            scale = self.params["gamma"] * inverse
            shift = self.params["beta"] - mean * scale
            self._follow(mean, variance)
            self.keep(x, y, mean, inverse)
        else:
            scale, shift = self.scale_and_shift()

        def normalise(s: slice) -> None:
            np.multiply(x[s], scale, out=y[s])
            y[s] += shift
            if self.relu:
                relu(y[s], y[s])

        for_slices(len(x), SLICE, normalise)
        return y

    def backward(self, dy: Array) -> Array:
        """With z = (x - mean) / sqrt(variance + epsilon), and dy zero where ReLU let nothing through:

        dbeta = sum dy;  dgamma = sum dy z
        dx = gamma / sqrt(variance + epsilon) * (dy - dbeta / count - z dgamma / count)
        """
        x, y, mean, inverse = self.kept()
        n, count = len(x), x.size // self.channels
        dx = self.workspace("dx", dy.shape, dy.dtype)

        def sums(s: slice) -> tuple[Array, Array]:
            passed = dy[s]
            if self.relu:
                passed = np.multiply(dy[s], y[s] > 0, out=dx[s])
            product = self.scratch("product", passed.shape, dy.dtype)
            return sum_by_channel(passed), sum_by_channel(np.multiply(passed, x[s], out=product))

        dbeta, product = (sum(parts) for parts in zip(*for_slices(n, SLICE, sums), strict=True))
        dgamma = (product - mean * dbeta) * inverse
        self.grads["beta"][...] = dbeta
        self.grads["gamma"][...] = dgamma
        scale = self.params["gamma"] * inverse
        slope = scale * inverse * dgamma / count
        offset = scale * dbeta / count - mean * slope

        def work(s: slice) -> None:
            product = self.scratch("product", x[s].shape, dy.dtype)
            np.multiply(dx[s] if self.relu else dy[s], scale, out=dx[s])
            dx[s] -= np.multiply(x[s], slope, out=product)
            dx[s] -= offset

        for_slices(n, SLICE, work)
        return dx

    def _moments(self, x: Array) -> tuple[Array, Array]:
        """Mean and variance of the batch, each (C,)."""

        def of_slice(s: slice) -> tuple[int, Array, Array]:
            count = x[s].size // self.channels
            mean = sum_by_channel(x[s]) / count
            square = np.subtract(x[s], mean, out=self.scratch("square", x[s].shape, x.dtype))
            return count, mean, sum_by_channel(np.square(square, out=square))

        slices = for_slices(len(x), SLICE, of_slice)
        total = x.size // self.channels
        mean = sum(count * of_slice for count, of_slice, _ in slices) / total
        squares = sum(square + count * (of_slice - mean) ** 2 for count, of_slice, square in slices)
        return mean, squares / total

    def _follow(self, mean: Array, variance: Array) -> None:
        t = float(self.buffers["batches"][0])
        momentum = min(self.momentum, (1 + t) / (10 + t))
        for name, batch in (("running_mean", mean), ("running_variance", variance)):
            self.buffers[name] *= momentum
            self.buffers[name] += (1 - momentum) * batch
        self.buffers["batches"] += 1

    def scale_and_shift(self) -> tuple[Array, Array]:
        """Inference as y = x * scale + shift, each (C,)."""
        dtype = self.params["gamma"].dtype.type
        scale = self.params["gamma"] / np.sqrt(self.buffers["running_variance"] + dtype(self.epsilon))
        return scale, self.params["beta"] - self.buffers["running_mean"] * scale

    def __repr__(self) -> str:
        return f"BatchNorm({self.channels}{', relu=True' if self.relu else ''})"


def fold_batch_norm(model: Sequential) -> Sequential:
    """The same network for inference, with every BatchNorm taken into the convolution or dense layer before.

    (x weight) * scale + shift = x (weight * scale) + shift, so the normalisation costs nothing any more.
    Returns a new network, frozen, that cannot go on training; `model` stays as it is. ValueError where a
    BatchNorm does not directly follow a layer with weights.

    Source: Jacob et al., "Quantization and Training of Neural Networks", CVPR 2018, section 3.2.
    """
    layers: list[Layer] = []
    for layer in model.copy().layers:
        if not isinstance(layer, BatchNorm):
            layers.append(layer)
            continue
        before = layers[-1] if layers else None
        if not isinstance(before, Conv2D | Dense) or isinstance(before, ConvPoolReLU):
            raise ValueError(f"{layer} follows {before}: only a plain convolution or Dense can take it in")
        scale, shift = layer.scale_and_shift()
        before.params["weight"] = before.params["weight"] * scale
        before.params["bias"] = before.params.get("bias", 0) * scale + shift
        before.grads = {name: np.zeros_like(value) for name, value in before.params.items()}
        if layer.relu:
            layers.append(ReLU())
    folded = Sequential(model.name, layers, model.input_shape)
    for layer in folded.steps:
        layer.freeze()
    return folded
