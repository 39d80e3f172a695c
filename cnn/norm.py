"""Batch normalisation."""

from typing import ClassVar

import numpy as np

from cnn.layer import Array, Layer, Shape


class BatchNorm(Layer):
    """y = gamma * z + beta, z = (x - mean) / sqrt(variance + epsilon), channel by channel

    In training mean and (biased) variance are the batch's, and running means of both are updated,
    running = m * running + (1 - m) * batch's; in inference the running ones are used. After t batches
    m = min(momentum, (1 + t) / (10 + t)), so that where they started is soon forgotten.

    Shapes: x (N, H, W, C) or (N, C) -> y the same; gamma, beta, running_mean, running_variance (C,);
    batches (1,), t so far. momentum in [0, 1); epsilon > 0.

    Source: Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
    Covariate Shift", ICML 2015.
    """

    kind: ClassVar[str] = "norm"

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
        self.buffers["batches"] = np.zeros(1, np.float32)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) not in (1, 3) or shape[-1] != self.channels:
            raise ValueError(f"{self} expects (N, H, W, {self.channels}), got {('N', *shape)}")
        return shape

    def forward(self, x: Array, training: bool = False) -> Array:
        self.check(x)
        if not training:
            scale, shift = self.scale_and_shift()
            return x * scale + shift
        axes = tuple(range(x.ndim - 1))  # all but the channels
        mean, variance = x.mean(axis=axes), x.var(axis=axes)
        self.update_running_statistics(mean, variance)
        inverse = 1 / np.sqrt(variance + x.dtype.type(self.epsilon))
        z = (x - mean) * inverse
        self.save_for_backward(z, inverse)
        return self.params["gamma"] * z + self.params["beta"]

    def backward(self, dy: Array) -> Array:
        """dbeta = sum dy;  dgamma = sum dy z;  count values a channel:

        dx = gamma / sqrt(variance + epsilon) * (dy - dbeta / count - z dgamma / count)
        """
        z, inverse = self.saved()
        axes, count = tuple(range(dy.ndim - 1)), dy.size // self.channels
        dbeta, dgamma = dy.sum(axis=axes), (dy * z).sum(axis=axes)
        self.grads["beta"][...] = dbeta
        self.grads["gamma"][...] = dgamma
        return self.params["gamma"] * inverse * (dy - dbeta / count - z * (dgamma / count))

    def update_running_statistics(self, mean: Array, variance: Array) -> None:
        """mean and variance of one more batch, each (C,)."""
        t = float(self.buffers["batches"][0])
        momentum = min(self.momentum, (1 + t) / (10 + t))
        for name, of_batch in (("running_mean", mean), ("running_variance", variance)):
            self.buffers[name] *= momentum
            self.buffers[name] += (1 - momentum) * of_batch
        self.buffers["batches"] += 1

    def scale_and_shift(self) -> tuple[Array, Array]:
        """Inference as y = x * scale + shift, each (C,)."""
        dtype = self.params["gamma"].dtype.type
        scale = self.params["gamma"] / np.sqrt(self.buffers["running_variance"] + dtype(self.epsilon))
        return scale, self.params["beta"] - self.buffers["running_mean"] * scale

    def __repr__(self) -> str:
        return f"BatchNorm({self.channels})"
