"""Ways to write a 3: round, with a flat top, looped at its waist, angular."""

from training.synthesis.strokes import CORNER, Design, Designs, Uniform

C = CORNER


def _bottom(u: Uniform) -> list[tuple]:
    end, kind = [(u(0.2, 0.35), 1), (u(-0.1, 0.1), u(0.78, 0.96))], u()
    if kind < 0.12:  # no upturn: the end just falls
        end = [(u(0.1, 0.4), 1)]
    elif kind < 0.27:
        end.append((end[-1][0] + u(-0.02, 0.08), end[-1][1] - u(0.06, 0.15)))
    return [(u(0.5, 0.68), u(0.64, 0.78)), *end]


def round(u: Uniform) -> Design:
    waist = (u(0.12, 0.42), u(0.4, 0.52))
    if u() < 0.7:
        waist = (*waist, C)
    start = [(u(-0.05, 0.1), u(0.06, 0.24)), (u(0.2, 0.32), u(-0.02, 0.02)), (u(0.45, 0.6), u(0.12, 0.26))]
    if u() < 0.15:  # a curl before it
        x, y = start[0]
        start.insert(0, (x + u(0.06, 0.16), y + u(0.0, 0.12)))
    return [[*start, waist, *_bottom(u)]]


def flat(u: Uniform) -> Design:
    """A level top and a diagonal back to the waist, as in ʒ."""
    right = u(0.42, 0.62)
    top = [(u(-0.02, 0.1), u(-0.04, 0.08)), (right, u(-0.04, 0.06), C)]
    waist = (u(0.12, 0.35), u(0.32, 0.46), C) if u() < 0.75 else (u(0.15, 0.3), u(0.34, 0.44))
    return [[*top, waist, *_bottom(u)]]


def looped(u: Uniform) -> Design:
    x, y, size = u(0.1, 0.3), u(0.42, 0.52), u(0.03, 0.1)
    start = [(u(-0.05, 0.1), u(0.06, 0.22)), (u(0.2, 0.32), 0), (u(0.45, 0.6), u(0.14, 0.24))]
    loop = [(x + size, y - size), (x - size, y), (x, y + size), (x + 1.5 * size, y)]
    return [[*start, *loop, *_bottom(u)]]


def angular(u: Uniform) -> Design:
    """Pieces of straight line, as a Σ turned round."""
    x = u(0.42, 0.6)
    upper = [(u(-0.05, 0.1), u(0, 0.12)), (u(0.25, x), u(-0.03, 0.05), C), (x, u(0.15, 0.25))]
    lower = [(u(0.1, 0.3), u(0.4, 0.5), C), (x + u(-0.05, 0.1), u(0.6, 0.75), C), (u(-0.1, 0.1), u(0.9, 1.0))]
    return [[*upper, *lower]]


DESIGNS: Designs = [(round, 0.45), (flat, 0.25), (looped, 0.15), (angular, 0.15)]
