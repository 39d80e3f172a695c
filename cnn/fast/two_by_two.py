"""Pooling windows of 2x2 pixels that do not overlap: which pixel is chosen, and its gradient."""

import numpy as np

from cnn.fast.step import Step
from cnn.layer import Array, Shape
from cnn.pool import MaxPool2D

Won = tuple[
    Array, Array
]  # (n, H', W', K) bool: whether the lower row of a window won, and the right of that row


def is_2x2(pool: MaxPool2D) -> bool:
    """Whether its windows are 2x2 and do not overlap."""
    return (pool.pool_size, pool.stride) == (2, 2)


def room_for_won(step: Step, shape: Shape, name: str = "won") -> Won:
    """Memory of `step` for what `choose` writes."""
    return step.workspace(f"lower {name}", shape, bool), step.workspace(f"right {name}", shape, bool)


def choose(step: Step, x: Array, best: Array, won: Won | None = None, *, smallest: bool = False) -> None:
    """Writes the largest, or smallest, pixel of each window of x (n, H, W, C) to best (n, H', W', C).

    First the pairs that lie side by side, so that the first in reading order wins where several are equal.
    won: in training, for which it was. The scratch memory is that of `step`.
    """
    pick, is_better = (np.minimum, np.less) if smallest else (np.maximum, np.greater)
    _, height, width, _ = best.shape
    left, right = (x[:, : 2 * height, i : 2 * width : 2] for i in range(2))
    of_pairs = step.scratch("of pairs", left.shape, x.dtype, won is not None)
    pick(left, right, out=of_pairs)
    upper, lower = of_pairs[:, 0::2], of_pairs[:, 1::2]
    pick(upper, lower, out=best)
    if won is None:
        return
    lower_won, right_won = won
    is_better(lower, upper, out=lower_won)
    rights = step.scratch("rights", left.shape, bool)
    is_better(right, left, out=rights)
    mix(rights[:, 0::2], rights[:, 1::2], lower_won, right_won)


def mix(a: Array, b: Array, where_b: Array, out: Array) -> None:
    """out = b where where_b, else a; all bool, and out may be b.

    np.where takes many times as long where its choice is as good as random.
    """
    np.bitwise_xor(a, b, out=out)
    out &= where_b
    out ^= a


def give_back(step: Step, dy: Array, won: Won, dx: Array) -> None:
    """The backward pass of `choose`: dx (n, H, W, C) is dy (n, H', W', C) at the pixels that won, else 0."""
    _, height, width, _ = dy.shape
    dx[:, 2 * height :] = 0
    dx[:, :, 2 * width :] = 0
    lower_won, right_won = (
        step.scratch(name, dy.shape, dy.dtype) for name in ("lower won", "right won")
    )  # as numbers: products with bool take twice as long
    lower_won[...], right_won[...] = won
    of_lower = np.multiply(dy, lower_won, out=lower_won)
    of_upper = np.subtract(dy, of_lower, out=step.scratch("of upper", dy.shape, dy.dtype))
    of_right = step.scratch("of right", dy.shape, dy.dtype)
    for row, of_row in enumerate((of_upper, of_lower)):
        np.multiply(of_row, right_won, out=of_right)
        of_row -= of_right
        dx[:, row : 2 * height : 2, 0 : 2 * width : 2] = of_row
        dx[:, row : 2 * height : 2, 1 : 2 * width : 2] = of_right
