"""Ways to write a 0: closed or open at the top, slashed, dotted."""

import numpy as np

from training.synthesis.strokes import CORNER, Design, Designs, Uniform, arc

C = CORNER


def oval(u: Uniform) -> Design:
    """One loop from somewhere near the top, closed, overlapping or not quite closed, perhaps with a tail."""
    r = u(0.2, 0.44)
    turn = -1 if u() < 0.8 else 1  # counterclockwise for most right-handers
    sweep = 360 + u(-35, 45)
    start = u(-140, -30)
    if turn > 0 and u() < 0.5:  # clockwise hands may begin at the left, and leave it open there
        start, sweep = u(150, 230), u(315, 380)
    oval = arc(0.3, 0.5, r, 0.5, start, turn * sweep, u(0.82, 1.12))
    tail = u()
    if tail < 0.12:  # the pen leaves outwards
        oval.append((oval[-1][0] + turn * u(0.1, 0.35), oval[-1][1] + u(-0.25, 0.02)))
    elif tail < 0.36:  # or curls inside
        oval += arc(0.3, u(0.2, 0.45), u(0.4, 0.75) * r, u(0.1, 0.3), start, turn * u(60, 230))
    elif tail < 0.46:  # or arrived with a hook
        oval.insert(0, (oval[0][0] + u(-0.25, 0.1), oval[0][1] + u(-0.12, 0.1)))
    return [oval]


def open(u: Uniform) -> Design:
    """Open at the top, as a U that nearly closes: a gap on the side would make a C."""
    gap = u(20, 55)
    start = -80 + u(-25, 25) - gap / 2
    return [arc(0.3, 0.5, u(0.2, 0.42), 0.5, start, gap - 360, u(0.92, 1.08))]


def slashed(u: Uniform) -> Design:
    r = u(0.2, 0.45)
    oval = arc(0.3, 0.5, r, 0.5, u(-140, -20), -u(335, 400), u(0.9, 1.1))
    reach = u(0.35, 0.9)
    angle = np.deg2rad(u(25, 85) if u() < 0.75 else u(85, 190))
    x, y = np.cos(angle) * reach * u(r + 0.2, r + 0.6), -np.sin(angle) * reach
    cx, cy = 0.3 + u(-0.06, 0.06), 0.5 + u(-0.08, 0.08)
    slash = [(cx - x, cy - y), (cx + u(-0.03, 0.03), cy), (cx + x, cy + y)]
    if u() < 0.15:  # without lifting the pen
        return [[*oval[:-1], (*oval[-1], C), slash[2], slash[0]]]
    return [oval, slash]


def dotted(u: Uniform) -> Design:
    oval = arc(0.3, 0.5, u(0.22, 0.42), 0.5, u(-140, -20), -u(345, 390), u(0.92, 1.08))
    x, y, length, angle = 0.3 + u(-0.05, 0.05), 0.5 + u(-0.1, 0.1), u(0.005, 0.07), u(0, np.pi)
    dx, dy = length * np.cos(angle), length * np.sin(angle)
    return [oval, [(x - dx, y - dy), (x + dx, y + dy)]]


DESIGNS: Designs = [(oval, 0.48), (open, 0.07), (slashed, 0.37), (dotted, 0.08)]
