"""Ways to write a 4: open, with a round cup, closed, as a flash of lightning."""

from training.synthesis.strokes import CORNER, Design, Designs, Uniform

C = CORNER


def _stem(u: Uniform, top: float) -> list[tuple]:
    x = u(0.36, 0.5)
    stem = [(x + u(0.0, 0.1), top), (x, 0.6), (x - u(-0.04, 0.12), 1)]
    end = u()
    if end < 0.06:
        stem.append((stem[-1][0] + u(0.05, 0.15), u(0.92, 1.0)))
    elif end < 0.12:
        stem.append((stem[-1][0] - u(0.05, 0.15), u(0.9, 1.0)))
    return stem


def open(u: Uniform) -> Design:
    left, bar, top = u(-0.05, 0.12), u(0.48, 0.68), u(-0.05, 0.3)
    arm = [(left + u(-0.02, 0.36), u(-0.05, 0.1)), (left + u(-0.03, 0.03), bar, C)]
    right = u(0.48, 0.62) if u() < 0.35 else u(0.6, 0.95)
    arm.append((right, bar + u(-0.12, 0.06)))
    return [arm, _stem(u, top)]


def cup(u: Uniform) -> Design:
    """A round cup and a stem, as in y but upright; in one stroke or two."""
    bottom = u(0.45, 0.62)
    arm = [(u(-0.05, 0.15), u(-0.05, 0.1)), (u(-0.03, 0.06), bottom - u(0.12, 0.25)), (u(0.12, 0.24), bottom)]
    stem = _stem(u, u(-0.08, 0.15))
    if u() < 0.4:
        return [[*arm, (stem[0][0] - 0.04, bottom - u(0.1, 0.2)), (*stem[0], C), *stem[1:]]]
    return [[*arm, (u(0.45, 0.75), bottom - u(0.02, 0.15))], stem]


def closed(u: Uniform) -> Design:
    """A triangle: diagonal, bar, then the stem from the diagonal's top or beside it."""
    stem, bar, left = _stem(u, u(-0.02, 0.04)), u(0.52, 0.74), u(-0.12, 0.06)
    top, right = stem[0], u(0.52, 0.95)
    bend = (u(0.12, 0.3), bar * u(0.4, 0.6))
    if u() < 0.25:  # one stroke: bar from the right, up the diagonal, down the stem
        return [[(right, bar + u(-0.05, 0.05)), (left, bar, C), bend, (*top, C), *stem[1:]]]
    start = (top[0] + u(-0.12, 0.06), top[1] + u(-0.08, 0.06))
    loop = [(left, bar, C)]
    if u() < 0.15:  # a small loop at the left corner
        loop = [(left, bar - 0.03), (left - 0.04, bar + 0.05), (left + 0.08, bar + 0.03)]
    return [[start, bend, *loop, (right, bar + u(-0.12, 0.06))], stem]


def lightning(u: Uniform) -> Design:
    """Down, across, down, without lifting the pen: the bar ends at the stem."""
    bar = u(0.42, 0.7)
    zigzag = [(u(0.12, 0.4), u(-0.03, 0.05)), (u(-0.05, 0.1), bar, C), (u(0.42, 0.65), bar - u(0.0, 0.16), C)]
    end = [(u(0.25, 0.6), 1)]
    if u() < 0.25:
        end.append((end[0][0] + u(0.05, 0.18), u(0.92, 1.0)))
    if u() < 0.55:  # the pen goes up a little before it comes down
        zigzag[2] = zigzag[2][:2]
        zigzag.append((zigzag[2][0] + u(-0.02, 0.1), bar - u(0.2, 0.4), C))
    return [[*zigzag, *end]]


DESIGNS: Designs = [(open, 0.33), (cup, 0.19), (closed, 0.28), (lightning, 0.2)]
