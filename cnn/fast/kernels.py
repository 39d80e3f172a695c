"""A few array operations, each in the form that is fastest in NumPy."""

import math

import numpy as np

from cnn.activation import CUBIC, SLOPE

SHORT_BLOCK = 64  # rows; sums of more blocks than these make take longer than they save
SMALL_PRODUCT = 1_000_000  # multiplications of a matrix product that OpenBLAS computes without copying


def relu(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """max(x, 0), written to out. np.maximum with a number takes three times as long."""
    return x.clip(0, np.inf, out=out)


def bits_of(dtype: np.dtype) -> np.dtype:
    """The integers that are as wide as these floats."""
    return np.dtype(f"i{np.dtype(dtype).itemsize}")


def relu_backward(dy: np.ndarray, y: np.ndarray, out: np.ndarray) -> np.ndarray:
    """dy where y > 0, else 0, written to out; all of one shape and precision, y the result of `relu`.

    With the bits as integers: -y is negative where y is positive, so its sign bit, spread over all bits by
    a shift, is a mask. A product with y > 0 converts that first, which takes longer, more so on two threads.
    """
    bits = bits_of(y.dtype)
    mask = np.negative(y.view(bits), out=out.view(bits))
    mask >>= 8 * y.itemsize - 1
    mask &= dy.view(bits)
    return out


def gelu(
    x: np.ndarray, out: np.ndarray, tanh: np.ndarray, share: np.ndarray, slope: np.ndarray | None
) -> None:
    """GELU(x), written to out, which may be x; and its derivative, written to slope.

    tanh, share: memory of x's shape to work in; share is used only with a slope. As in
    `cnn.activation.GELU`, in as few passes over memory as there can be.
    """
    np.multiply(x, x, out=tanh)
    if slope is not None:
        np.multiply(tanh, 3 * CUBIC * SLOPE / 2, out=slope)
        slope += SLOPE / 2
        slope *= x
    tanh *= CUBIC * SLOPE
    tanh += SLOPE
    tanh *= x
    np.tanh(tanh, out=tanh)
    if slope is None:
        tanh += 1
        np.multiply(x, tanh, out=out)
        out *= 0.5
        return
    np.multiply(tanh, 0.5, out=share)
    share += 0.5
    tanh *= tanh
    np.subtract(1, tanh, out=tanh)
    slope *= tanh
    slope += share
    np.multiply(x, share, out=out)


def multiply(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> np.ndarray:
    """out = a @ b in blocks of rows: a (..., M, L), b (L, K) or (..., L, K), out (..., M, K).

    BLAS first packs its operands, except for small products. When K is small, packing takes up to a third of
    the time.
    """
    rows, size = a.shape[-2], max(1, SMALL_PRODUCT // (a.shape[-1] * b.shape[-1]))
    if rows <= size:
        return np.matmul(a, b, out=out)
    whole = rows // size * size
    blocks, results = (
        matrix[..., :whole, :].reshape(*matrix.shape[:-2], -1, size, matrix.shape[-1]) for matrix in (a, out)
    )
    np.matmul(blocks, b[..., None, :, :], out=results)
    if whole < rows:
        np.matmul(a[..., whole:, :], b, out=out[..., whole:, :])
    return out


def sum_of_products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The sum of a^T b over all matrices, in blocks of rows: a (B, L, M), b (B, L, K) -> (M, K)"""
    length, size = a.shape[1], SMALL_PRODUCT // (a.shape[2] * b.shape[2])
    if size < SHORT_BLOCK or length <= size:
        return np.matmul(a.swapaxes(1, 2), b).sum(axis=0)
    whole = length // size * size
    a_blocks, b_blocks = (m[:, :whole].reshape(len(m), -1, size, m.shape[2]) for m in (a, b))
    result = np.matmul(a_blocks.swapaxes(2, 3), b_blocks).sum(axis=(0, 1))
    if whole < length:
        result += np.matmul(a[:, whole:].swapaxes(1, 2), b[:, whole:]).sum(axis=0)
    return result


def view(values: np.ndarray, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> np.ndarray:
    """A view of contiguous values with another shape, starting at an offset in bytes.

    NumPy's as_strided takes ten times as long.
    """
    return np.ndarray(shape, values.dtype, values, offset, strides)


def copy_pixels(out: np.ndarray, x: np.ndarray) -> None:
    """out[...] = x, both (..., C), each pixel's channels as one value.

    NumPy's loop over a few channels of every pixel takes twice as long.
    """
    size = x.shape[-1] * x.itemsize
    if size > 16 and x.strides[-1] == x.itemsize:
        pixel = np.dtype((np.void, size))
        out, x = out.view(pixel), x.view(pixel)
    out[...] = x


def on_pixels(by_channel: np.ndarray, x: np.ndarray) -> np.ndarray:
    """by_channel (C,), repeated for every pixel of a sample of x (N, ..., C): (..., C) as one row.

    With `rows_of`, NumPy's loops run over whole samples: over a few channels at a time they take three times
    as long.
    """
    return np.tile(by_channel, math.prod(x.shape[1:-1]))


def rows_of(x: np.ndarray) -> np.ndarray:
    """A view of contiguous x (N, ...) with a row for each sample."""
    return x.reshape(len(x), -1)


def sum_by_channel(x: np.ndarray) -> np.ndarray:
    """(N, ..., C) -> (C,). As a product with ones, because BLAS adds rows faster than NumPy's sum does.

    One product a sample: NumPy keeps Python's lock during an operation with fewer than 500 results.
    """
    rows = x.reshape(len(x), -1, x.shape[-1])
    return np.matmul(np.ones((1, rows.shape[1]), x.dtype), rows).sum(axis=(0, 1))
