"""Convolution as one matrix product."""

import numpy as np

from cnn.layer import Array, Layer, Shape, initial_weight


class Conv2D(Layer):
    """y[n, h, w, k] = bias[k] + sum over i, j, c of x[n, S h + i - P, S w + j - P, c] * weight[i, j, c, k]

    Every FxF patch of x becomes a row of `patches` (im2col); the convolution is then the single product
    patches @ weight.

    in_channels C, out_channels K, kernel_size F, stride S, padding P (zeros on every side).
    init: "he" or "xavier". rng: where the initial weight comes from. bias: False where a BatchNorm follows,
    which subtracts any constant again.

    Shapes: x (N, H, W, C) -> y (N, (H + 2P - F) // S + 1, (W + 2P - F) // S + 1, K);
    weight (F, F, C, K), bias (K,).

    Source: Chellapilla, Puri, Simard, "High Performance Convolutional Neural Networks for Document
    Processing", 2006 (im2col); Dumoulin and Visin, "A guide to convolution arithmetic for deep learning".
    """

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
        return self.conv_shape(shape)

    def conv_shape(self, shape: Shape) -> Shape:
        """(H', W', K) of the convolution itself, also where a layer does more."""
        if len(shape) != 3 or shape[2] != self.in_channels:
            raise ValueError(f"{self} expects (N, H, W, {self.in_channels}), got {('N', *shape)}")
        height, width = (
            (side + 2 * self.padding - self.kernel_size) // self.stride + 1 for side in shape[:2]
        )
        if min(height, width) < 1:
            raise ValueError(f"{self} expects pictures no smaller than its kernel, got {('N', *shape)}")
        return height, width, self.out_channels

    def forward(self, x: Array, training: bool = False) -> Array:
        self.check(x)
        height, width, _ = self.output_shape(x.shape[1:])
        patches = self._patches(x, height, width)  # (N H' W', F F C)
        y = patches @ self.params["weight"].reshape(-1, self.out_channels)
        if "bias" in self.params:
            y += self.params["bias"]
        if training:
            self.keep(patches, x.shape)
        return y.reshape(len(x), height, width, self.out_channels)

    def backward(self, dy: Array) -> Array:
        """dweight = patches^T dy;  dbias = sum dy;  dpatches = dy weight^T, summed where patches overlap."""
        patches, (n, in_height, in_width, c) = self.kept()
        f, s, p = self.kernel_size, self.stride, self.padding
        height, width = dy.shape[1:3]
        dy = dy.reshape(-1, self.out_channels)
        np.matmul(patches.T, dy, out=self.grads["weight"].reshape(-1, self.out_channels))
        if "bias" in self.params:
            np.sum(dy, axis=0, out=self.grads["bias"])

        dpatches = dy @ self.params["weight"].reshape(-1, self.out_channels).T
        dpatches = dpatches.reshape(n, height, width, f, f, c)
        dx = np.zeros((n, in_height + 2 * p, in_width + 2 * p, c), dy.dtype)
        for i in range(f):
            for j in range(f):
                dx[:, i : i + s * height : s, j : j + s * width : s] += dpatches[:, :, :, i, j]
        return dx[:, p : p + in_height, p : p + in_width]

    def _patches(self, x: Array, height: int, width: int) -> Array:
        """Every patch the kernel sees, one a row: (N, H, W, C) -> (N H' W', F F C), copied."""
        f, s, p = self.kernel_size, self.stride, self.padding
        n, c = len(x), self.in_channels
        padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0))) if p else x
        patches = np.empty((n, height, width, f, f, c), x.dtype)
        for i in range(f):
            for j in range(f):
                patches[:, :, :, i, j] = padded[:, i : i + s * height : s, j : j + s * width : s]
        return patches.reshape(n * height * width, f * f * c)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.in_channels}, {self.out_channels}, "
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding})"
        )
