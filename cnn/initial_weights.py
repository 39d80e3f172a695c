"""Initial weights."""

import numpy as np

from cnn.layer import Array, Shape


def he_normal(shape: Shape, fan_in: int, rng: np.random.Generator) -> Array:
    """Normal with variance 2 / fan_in: keeps the variance of activations through ReLU layers.

    Source: He et al., "Delving Deep into Rectifiers", ICCV 2015.
    """
    return (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32)


def xavier_uniform(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    """Uniform in +-sqrt(6 / (fan_in + fan_out)): keeps the variance forward and backward in linear layers.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010.
    """
    limit = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def whitening(patches: Array, count: int, epsilon: float = 5e-4) -> tuple[Array, Array]:
    """weight = V / sqrt(variance + epsilon), and -weight beside it;  bias = -mean weight

    V are the eigenvectors of the patches' covariance with the largest variances, count / 2 of them: so the
    first layer's outputs begin uncorrelated and of one size, and with both signs ReLU loses nothing. The bias
    takes the mean away, so pictures need no normalisation before the network.

    patches (M, D) floating point -> weight (D, count) and bias (count,), float32. count is even and at most
    2 D. Source: Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024.
    """
    variances, vectors = np.linalg.eigh(np.cov(patches.T))  # ascending
    largest = slice(None, -count // 2 - 1, -1)
    half = vectors[:, largest] / np.sqrt(variances[largest] + epsilon)
    weight = np.concatenate([half, -half], axis=1)
    return weight.astype(np.float32), (-patches.mean(0) @ weight).astype(np.float32)


def identity(shape: Shape, fan_in: int, rng: np.random.Generator) -> Array:
    """As `he_normal`, but the first filters of a convolution (F, F, C, K) pass on a channel each.

    So nothing of the picture is lost by the layers of a deep network before they have learned anything.
    Source: Zagoruyko and Komodakis, "DiracNets", 2017; Jordan, "94% on CIFAR-10", 2024.
    """
    weight = he_normal(shape, fan_in, rng)
    middle, same = shape[0] // 2, np.arange(min(shape[2:]))
    weight[..., same] = 0
    weight[middle, middle, same, same] = 1
    return weight


def initial_weight(init: str, shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    """A weight array by the name of its initialisation: "he", "xavier", or "identity" for a convolution."""
    if init == "he":
        return he_normal(shape, fan_in, rng)
    if init == "xavier":
        return xavier_uniform(shape, fan_in, fan_out, rng)
    if init == "identity" and len(shape) == 4:
        return identity(shape, fan_in, rng)
    raise ValueError(f'init must be "he" or "xavier", for convolutions also "identity", got {init!r}')
