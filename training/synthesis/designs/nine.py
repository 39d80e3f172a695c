"""Ways to write a 9: with a stem, a curved, flat or bowed tail, a hook for its loop, in two strokes."""

from training.synthesis.strokes import CORNER, Design, Designs, Uniform, arc

C = CORNER


def _loop(u: Uniform, size: float, right: float) -> list[tuple]:
    """From the right, over the top, round to the right again; may start low (open) or inside."""
    start = (
        (right + u(-0.12, 0.02), size * u(0.1, 0.4)) if u() < 0.7 else (right - u(0, 0.2), size * u(0.0, 0.5))
    )
    loop = [start, (u(0.22, 0.36), 0), (u(-0.04, 0.08), 0.5 * size), (u(0.18, 0.32), size)]
    return [*loop, (right - u(0.0, 0.06), size * u(0.4, 0.75))]


def stem(u: Uniform) -> Design:
    """Loop, up to its start, straight down."""
    size, right = u(0.27, 0.66), u(0.42, 0.62)
    up = (right + u(-0.02, 0.08), size * u(-0.1, 0.4), C)
    stem = [(right + u(-0.1, 0.04), 0.6), (right - u(-0.05, 0.3), 1)]
    return [[*_loop(u, size, right), up, *stem]]


def curved(u: Uniform) -> Design:
    """The loop flows into a tail that hooks to the left, a little or as in g."""
    size, right = u(0.2, 0.64), u(0.42, 0.64)
    loop = _loop(u, size, right)
    join = (right + u(-0.02, 0.05), size * u(0.15, 0.5))
    kind = u()
    if kind < 0.6:
        join = (*join, C)
    elif kind < 0.78:  # the pen does not go up again: the loop is closed by its start reaching down
        loop[0] = (right - u(-0.04, 0.06), size * u(0.4, 0.7))
        join = (right, size * u(0.85, 1.1))
    low = u(0.9, 1.0)
    tail = [(right + u(-0.03, 0.06), u(0.58, 0.72)), (u(0.22, 0.4), low)]
    if u() < 0.6:
        tail.append((u(-0.15, 0.15), low - u(-0.06, 0.16)))
    return [[*loop, join, *tail]]


def flat_tail(u: Uniform) -> Design:
    """The tail turns a corner and runs left along the line."""
    size, right = u(0.24, 0.55), u(0.42, 0.6)
    turn = (right + u(-0.06, 0.04), u(0.85, 0.98), C) if u() < 0.5 else (right - 0.02, u(0.82, 0.92))
    tail = [turn, (u(0.05, 0.3), u(0.94, 1.04)), (u(-0.35, 0.0), u(0.85, 1.06))]
    return [[*_loop(u, size, right), (right, size * u(0.1, 0.4), C), *tail]]


def bow(u: Uniform) -> Design:
    """The loop, closed by its own start, flows into a bow as of a 3."""
    size, right = u(0.25, 0.52), u(0.34, 0.54)
    waist = (u(0.12, 0.34), size * u(0.95, 1.08))
    start = (waist[0] + u(-0.06, 0.16), size * u(0.6, 1.1))
    loop = [start, (right, 0.5 * size), (u(0.18, 0.32), 0), (u(-0.05, 0.08), 0.45 * size), waist]
    low = u(0.92, 1.0)
    tail = [(right + u(0.0, 0.16), u(0.6, 0.76)), (u(0.15, 0.4), low), (u(-0.25, 0.1), low - u(-0.06, 0.1))]
    turn = u()
    if turn < 0.2:  # the tail turns a corner, as in a flash of lightning
        tail = [(right + u(0.05, 0.25), u(0.6, 0.76), C), (u(0.0, 0.35), low)]
    elif turn < 0.36:  # it turns once more
        tail[1:] = [(u(0.25, 0.4), u(0.8, 0.88)), (u(0.0, 0.2), low), (u(0.45, 0.9), low + u(-0.03, 0.05))]
    return [[*loop, *tail]]


def hook(u: Uniform) -> Design:
    """The loop is only a hook: down a little, round, up into the stem; its top is open but bends over."""
    size, right, left = u(0.25, 0.45), u(0.38, 0.55), u(-0.05, 0.1)
    start = [(right - u(0.1, 0.22), u(-0.04, 0.04)), (left, size * u(0.4, 0.6)), (left + u(0.1, 0.2), size)]
    up = [(right - 0.06, size * 0.7), (right + u(-0.02, 0.05), size * u(-0.1, 0.2), C)]
    stem = [(right - u(0.0, 0.06), 0.55), (right - u(0.05, 0.4), 1)]
    if u() < 0.4:
        stem.append((stem[-1][0] - u(0.1, 0.3), u(0.93, 1.03)))
    return [[*start, *up, *stem]]


def two_strokes(u: Uniform) -> Design:
    size = u(0.3, 0.56)
    loop = arc(u(0.2, 0.3), size / 2, u(0.16, 0.28), size / 2, u(-100, 30), -u(330, 380), u(0.9, 1.1))
    x = u(0.46, 0.56)
    return [loop, [(x, size * u(-0.1, 0.4)), (x + u(-0.06, 0.03), 0.6), (x - u(-0.05, 0.25), 1)]]


DESIGNS: Designs = [
    (stem, 0.25),
    (curved, 0.3),
    (bow, 0.15),
    (flat_tail, 0.15),
    (two_strokes, 0.08),
    (hook, 0.07),
]
