"""Ways to write an 8: in one stroke, from an S, as two circles."""

import numpy as np

from training.synthesis.strokes import Design, Designs, Uniform, arc


def one_stroke(u: Uniform) -> Design:
    """A figure of eight, begun anywhere in its upper half, closed or left open."""
    waist, upper, lower = u(0.4, 0.54), u(0.14, 0.28), u(0.18, 0.34)
    start, direction, sweep = u(-0.2, 0.6), (1 if u() < 0.75 else -1), u(0.93, 1.06)
    t = 2 * np.pi * (start * 0.5 + direction * sweep * np.linspace(0, 1, 15))
    side = np.where(np.cos(t) > 0, upper, lower) * -np.sin(2 * t)
    height = np.where(np.cos(t) > 0, waist * (1 - np.cos(t)), waist - (1 - waist) * np.cos(t))
    path = list(zip(0.3 + side, height, strict=True))
    if u() < 0.2:
        path.append((path[-1][0] + u(0.0, 0.25), path[-1][1] - u(0.0, 0.25)))
    return [path]


def from_s(u: Uniform) -> Design:
    """An S, then straight back up, closing at the top or leaving it open."""
    waist = u(0.4, 0.52)
    s = [(u(0.45, 0.6), u(0.03, 0.16)), (u(0.25, 0.35), 0), (u(0.02, 0.12), waist * u(0.4, 0.6))]
    s += [(0.3, waist), (u(0.52, 0.66), u(0.7, 0.8)), (u(0.22, 0.34), 1), (u(-0.04, 0.08), u(0.72, 0.84))]
    back = (u(0.42, 0.68), u(0.02, 0.24)) if u() < 0.7 else (u(0.5, 0.8), u(-0.12, 0.05))
    path, kind = [*s, (u(0.24, 0.38), waist + u(-0.02, 0.06)), back], u()
    if kind < 0.2:
        narrow = u(0.4, 0.7)
        path = [(narrow * x, y) for x, y in path]
    elif kind < 0.35:  # the lower loop nearly a line
        narrow = u(0.1, 0.5)
        path = [(0.25 + narrow * (x - 0.25) if y > waist + 0.07 else x, y) for x, y in path]
    return [path]


def two_circles(u: Uniform) -> Design:
    waist, upper, lower, aside = u(0.38, 0.52), u(0.13, 0.27), u(0.18, 0.32), u(-0.06, 0.06)
    gap, half = u(-0.06, 0.035), waist / 2
    head = arc(0.3 + aside, half, upper, half, u(-150, 90), -u(335, 385))
    body = arc(0.3, (1 + waist + gap) / 2, lower, (1 - waist - gap) / 2, u(-150, -30), -u(335, 385))
    return [head, body]


DESIGNS: Designs = [(one_stroke, 0.4), (from_s, 0.4), (two_circles, 0.2)]
