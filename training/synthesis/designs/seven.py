"""Ways to write a 7: plain, barred, barred without lifting the pen, with a flourish for its top."""

from training.synthesis.strokes import CORNER, Design, Designs, Uniform

C = CORNER


def _top(u: Uniform) -> list[tuple]:
    """The top of a 7, nearly level: a line, a wave or a line after a serif."""
    right, rise = u(0.46, 0.7), u(-0.08, 0.09)
    start, kind = (u(-0.1, 0.05), 0.03 + rise), u()
    end = (right, 0.03 - rise) if u() < 0.2 else (right, 0.03 - rise, C)
    if kind < 0.25:  # a serif that hangs from the start
        return [(start[0] + u(-0.05, 0.05), start[1] + u(0.06, 0.25)), (*start, C), end]
    if kind < 0.42:
        return [start, (0.14, start[1] - u(0.02, 0.1)), (0.35, u(0.02, 0.1)), end]
    if kind < 0.7:  # one arch from the hook to the corner
        return [(start[0], u(0.1, 0.28)), (u(0.15, 0.32), u(-0.04, 0.03)), (right, u(0.05, 0.28))]
    return [start, end]


def _stem(u: Uniform, top: list[tuple]) -> list[tuple]:
    foot, right = u(0.0, 0.45), top[-1][0]
    stem = [((right + foot) / 2 - u(-0.05, 0.12), u(0.42, 0.55)), (foot, 1)]
    if u() < 0.12:
        stem.append((foot + u(-0.12, 0.15), u(0.94, 1.02)))
    return stem


def plain(u: Uniform) -> Design:
    top = _top(u)
    return [top + _stem(u, top)]


def _bar(u: Uniform, middle: tuple) -> list[tuple]:
    """The bar through a 7's stem, at or a little below its middle."""
    width, share, tilt = u(0.22, 0.9), u(0.35, 0.65), u(-0.1, 0.07)
    x, y = middle[0], middle[1] + u(-0.06, 0.14)
    return [(x - share * width, y - tilt), (x + (1 - share) * width, y + tilt)]


def barred(u: Uniform) -> Design:
    top = _top(u)
    stem = _stem(u, top)
    return [top + stem, _bar(u, stem[0])]


def one_stroke_barred(u: Uniform) -> Design:
    """Barred without lifting: from the stem's foot the pen swings up to the left and crosses."""
    top = _top(u)
    middle, foot = _stem(u, top)[:2]
    left, right = _bar(u, (middle[0], middle[1] - 0.08))  # a low bar would be the base of a 2
    if u() < 0.5:
        return [[*top, middle, foot, (left[0] - 0.02, left[1] + u(0.02, 0.06)), right]]
    return [[*top, middle, (*foot, C), (*left, C), right]]


def flourished(u: Uniform) -> Design:
    """The top goes up, down and up again, as deep as half of it; most of these are barred."""
    corner = (C,) if u() < 0.6 else ()
    start = (u(-0.2, 0.0), u(0.12, 0.4))
    peak, valley = (u(0.02, 0.16), u(-0.06, 0.06), *corner), (u(0.18, 0.34), u(0.12, 0.5), *corner)
    top = [start, peak, valley, (u(0.46, 0.7), u(-0.08, 0.06), C)]
    stem = _stem(u, top)
    below = (stem[0][0], max(stem[0][1], valley[1] + u(0.06, 0.2)))
    return [top + stem, _bar(u, below)] if u() < 0.75 else [top + stem]


DESIGNS: Designs = [(plain, 0.36), (barred, 0.42), (one_stroke_barred, 0.06), (flourished, 0.16)]
