"""Ways to write a 1: a stem, with a flag, with a foot, with both."""

import numpy as np

from training.synthesis.strokes import CORNER, Design, Designs, Uniform

C = CORNER
LONG = 0.3  # share of flags that are nearly as long as the stem


def _stem(u: Uniform, lean: float) -> list[tuple]:
    """The downstroke of a 1 from (0.3 + lean, 0), a little bent."""
    return [(0.3 + lean, 0), (0.3 + lean / 2 + u(-0.035, 0.035), 0.5), (0.3 + u(-0.03, 0.03), 1)]


def plain(u: Uniform) -> Design:
    stem = _stem(u, u(-0.25, 0.5))
    end = u()
    if end < 0.12:  # a small hook where the pen lands or leaves
        stem.insert(0, (stem[0][0] + u(-0.08, 0.02), u(0.02, 0.08)))
    elif end < 0.24:
        stem.append((stem[-1][0] + u(-0.04, 0.12), u(0.93, 1.0)))
    return [stem]


def _flag(u: Uniform, top: float, bend: float, least_steep: float = 27, long: bool = False) -> list[tuple]:
    """The upstroke before a 1's stem. It falls steeply from the top: a level one would make a 7.

    long: nearly as long as the stem, as in Central Europe.
    """
    length = u(0.08, 0.3) if u() < 0.35 else u(0.3, 0.78)
    steep = np.deg2rad(u(least_steep, 68) if length > 0.22 else u(15, 75))  # below the horizontal
    x, y = top - length * np.cos(steep), length * np.sin(steep)
    if long:
        length, steep = u(0.7, 1.05), np.deg2rad(u(52, 70))
        x, y = top - length * np.cos(steep), length * np.sin(steep)
    bend *= length
    return [(x, y), ((x + top) / 2 + 0.6 * bend, y / 2 + bend)]


def flag(u: Uniform) -> Design:
    lean, long = u(-0.12, 0.55), u() < LONG
    stem = _stem(u, lean)
    if long and u() < 0.4:  # the pen leaves to the right, as from an n
        stem.append((stem[-1][0] + u(0.04, 0.16), u(0.93, 1.0)))
    if u() < (0.4 if long else 0.15):  # a round top needs a steep flag, or it is a 7
        return [_flag(u, 0.3 + lean, u(-0.05, 0.15), least_steep=45, long=long) + stem]
    stem[0] = (*stem[0], C)
    return [_flag(u, 0.3 + lean, u(-0.12, 0.15), long=long) + stem]


def _foot(u: Uniform, x: float, widest: float = 1.0) -> list[tuple]:
    """The base line of a 1; its stem stands on it somewhere in the middle."""
    width, share, tilt = u(0.25, widest), u(0.3, 0.7), u(-0.07, 0.07)
    y = 1 + u(-0.03, 0.03)
    left, right = x - width * share, x + width * (1 - share)
    return [(left, y + tilt), ((left + right) / 2, y + u(-0.02, 0.02)), (right, y - tilt)]


def flag_foot(u: Uniform) -> Design:
    """All three strokes, and a sharp top: with a round one it would be a 2."""
    lean = u(-0.1, 0.4)
    top, middle, bottom = _stem(u, lean)
    flagged = [*_flag(u, 0.3 + lean, u(-0.03, 0.15), long=u() < LONG), (*top, C), middle]
    foot = _foot(u, bottom[0])
    if u() < 0.2:  # in one go: down, left, back to the right
        return [[*flagged, (*bottom, C), (*foot[0], C), foot[2]]]
    return [[*flagged, bottom], foot]


def foot(u: Uniform) -> Design:
    """A wide foot without a flag would make a turned T."""
    stem = _stem(u, u(-0.08, 0.3))
    return [stem, _foot(u, 0.3, widest=0.6)]


DESIGNS: Designs = [(plain, 0.2), (flag, 0.48), (flag_foot, 0.26), (foot, 0.06)]
