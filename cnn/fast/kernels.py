"""A few array operations, each in the form that is fastest in NumPy."""

import numpy as np

from cnn.activation import CUBIC, SLOPE

SMALL_PRODUCT = 1_000_000  # multiplications of a matrix product that OpenBLAS computes without copying


def relu(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """max(x, 0), written to out. np.maximum with a number takes three times as long."""
    return x.clip(0, np.inf, out=out)


def gelu(x: np.ndarray, out: np.ndarray, scratch: np.ndarray, slope: np.ndarray | None = None) -> None:
    """GELU(x), written to out, which may be x; and its derivative, written to slope.

    scratch: of x's shape. As in `cnn.activation.GELU`, in as few passes over memory as there can be.
    """
    tanh = np.multiply(x, x, out=scratch)
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
    share = np.multiply(tanh, 0.5)
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


def view(values: np.ndarray, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> np.ndarray:
    """A view of contiguous values with another shape, starting at an offset in bytes.

    NumPy's as_strided takes ten times as long.
    """
    return np.ndarray(shape, values.dtype, values, offset, strides)


def sum_by_channel(x: np.ndarray) -> np.ndarray:
    """(N, ..., C) -> (C,). As a product with ones, because BLAS adds rows faster than NumPy's sum does.

    One product a sample: NumPy keeps Python's lock during an operation with fewer than 500 results.
    """
    rows = x.reshape(len(x), -1, x.shape[-1])
    return np.matmul(np.ones((1, rows.shape[1]), x.dtype), rows).sum(axis=(0, 1))
