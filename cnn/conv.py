"""Convolution as one matrix product."""

from typing import ClassVar

import numpy as np

from cnn.initial_weights import initial_weight
from cnn.layer import Array, Layer, Shape


class Conv2D(Layer):
    """y[n, h, w, k] = bias[k] + sum over i, j, c of x[n, S h + i - P, S w + j - P, c] * weight[i, j, c, k]

    Every FxF patch of x becomes a row of `patches` (im2col); the convolution is then the single product
    patches @ weight.

    in_channels C, out_channels K, kernel_size F, stride S, padding P (zeros on every side).
    init: "he", "xavier" or "identity". rng: where the initial weight comes from. bias: False where a
    BatchNorm follows, which subtracts any constant again.

    Shapes: x (N, H, W, C) -> y (N, H', W', K), H' = (H + 2P - F) // S + 1, W' = (W + 2P - F) // S + 1;
    weight (F, F, C, K), bias (K,).

    Source: Chellapilla, Puri, Simard, "High Performance Convolutional Neural Networks for Document
    Processing", 2006 (im2col); Dumoulin and Visin, "A guide to convolution arithmetic for deep learning".
    """

    kind: ClassVar[str] = "conv"

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        *,
        rng: np.random.Generator,
        init: str = "he",
        bias: bool = True,
    ) -> None:
        super().__init__()
        if min(in_channels, out_channels, kernel_size, stride) < 1 or padding < 0:
            raise ValueError(
                "Conv2D needs channels, kernel_size and stride of at least 1 and padding of at least 0, got "
                f"{in_channels}, {out_channels}, {kernel_size}, {stride} and {padding}"
            )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        area = kernel_size * kernel_size
        shape = (kernel_size, kernel_size, in_channels, out_channels)
        self.add_param("weight", initial_weight(init, shape, area * in_channels, area * out_channels, rng))
        if bias:
            self.add_param("bias", np.zeros(out_channels, np.float32))

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3 or shape[2] != self.in_channels:
            raise ValueError(f"{self} expects (N, H, W, {self.in_channels}), got {('N', *shape)}")
        height, width = (
            (side + 2 * self.padding - self.kernel_size) // self.stride + 1 for side in shape[:2]
        )
        if min(height, width) < 1:
            raise ValueError(f"{self} expects pictures no smaller than its kernel, got {('N', *shape)}")
        return height, width, self.out_channels

    def forward(self, x: Array, training: bool = False) -> Array:
        height, width, k = self.check(x)
        weight = self.params["weight"].reshape(-1, k)  # (F F C, K)
        patches = self._patches(x, height, width)  # (N H' W', F F C)
        y = patches @ weight  # (N H' W', K)
        if "bias" in self.params:
            y += self.params["bias"]
        if training:
            self.save_for_backward(patches, x.shape)
        return y.reshape(len(x), height, width, k)

    def backward(self, dy: Array) -> Array:
        """dweight = patches^T dy;  dbias = sum dy;  dpatches = dy weight^T, summed where patches overlap."""
        patches, (n, in_height, in_width, c) = self.saved()
        _, height, width, k = dy.shape
        f, s, p = self.kernel_size, self.stride, self.padding
        weight = self.params["weight"].reshape(-1, k)  # (F F C, K)
        dy = dy.reshape(-1, k)  # (N H' W', K)
        self.grads["weight"][...] = (patches.T @ dy).reshape(f, f, c, k)
        if "bias" in self.params:
            self.grads["bias"][...] = dy.sum(axis=0)

        dpatches = (dy @ weight.T).reshape(n, height, width, f, f, c)
        dx = np.zeros((n, in_height + 2 * p, in_width + 2 * p, c), dy.dtype)
        for i in range(f):
            for j in range(f):
                dx[:, i : i + s * height : s, j : j + s * width : s] += dpatches[:, :, :, i, j]
        return dx[:, p : p + in_height, p : p + in_width]

    def _patches(self, x: Array, height: int, width: int) -> Array:
        """Every patch the kernel sees, one a row: (N, H, W, C) -> (N H' W', F F C), copied."""
        f, s, p = self.kernel_size, self.stride, self.padding
        n, c = len(x), self.in_channels
        padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
        patches = np.empty((n, height, width, f, f, c), x.dtype)
        for i in range(f):
            for j in range(f):
                patches[:, :, :, i, j] = padded[:, i : i + s * height : s, j : j + s * width : s]
        return patches.reshape(n * height * width, f * f * c)

    def __repr__(self) -> str:
        details = f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
        bias = "" if "bias" in self.params else ", bias=False"
        return f"Conv2D({self.in_channels}, {self.out_channels}, {details}{bias})"
