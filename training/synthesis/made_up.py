"""Signs of no alphabet: parts on a grid, parts hung onto a stem or a ring, and flowing script."""

import numpy as np

from training.synthesis.strokes import CORNER, Design, Uniform, arc

C = CORNER
MOST_SLIM = 0.45  # least shorter over longer side of what hangs together


def pick(u: Uniform, choices: list):
    """One of the choices, all equally probable."""
    return choices[int(u(0, len(choices)))]


def moved(design: Design, x: float, y: float) -> Design:
    """The design, farther right by x and lower by y."""
    return [[(x + p[0], y + p[1], *p[2:]) for p in stroke] for stroke in design]


def circle(u: Uniform, x: float, y: float, r: float, squash: float = 1.0) -> list[tuple]:
    """A round that hardly overlaps, from anywhere in either direction."""
    return arc(x, y, r, r * squash, u(0, 360), pick(u, [-1, 1]) * u(340, 380))


def _part(u: Uniform, x: float, y: float, size: float) -> list[tuple]:
    """A line, corner, hook, bow, wave, loop or dot in the square of `size` around (x, y)."""
    kind, h = u(), size / 2
    if kind < 0.4:
        tilt = pick(u, [0, 0, 90, 90, 45, -45]) + u(-12, 12)
        dx, dy = h * np.cos(np.deg2rad(tilt)), h * np.sin(np.deg2rad(tilt))
        return [(x - dx, y - dy), (x + dx, y + dy)]
    if kind < 0.55:
        a, b = pick(u, [-h, h]), pick(u, [-h, h])
        return [(x - a, y - b), (x + a, y - b, C), (x + a * u(-1, 1), y + b)]
    if kind < 0.75:
        return arc(x, y, h * u(0.4, 1), h * u(0.4, 1), u(0, 360), u(120, 280))
    if kind < 0.85:
        return [(x - h, y), (x - h / 2, y - h / 2), (x + h / 2, y + h / 2), (x + h, y)]
    if kind < 0.95:
        return circle(u, x, y, h * u(0.5, 1), u(0.6, 1.2))
    return [(x, y), (x + 0.02, y)]


def foreign(u: Uniform) -> Design:
    """Three to seven parts on a loose grid, some joined, some under a common line."""
    count, size, design = int(u(3, 7.5)), u(0.4, 0.8), []
    for _ in range(count):
        part = _part(u, pick(u, [0.2, 0.5, 0.8]) + u(-0.05, 0.05), pick(u, [0.2, 0.5, 0.8]), size)
        if design and u() < 0.35:  # go on without lifting the pen
            x, y = design[-1][-1][0] - part[0][0], design[-1][-1][1] - part[0][1]
            design[-1] = [*design[-1][:-1], (*design[-1][-1][:2], C), *moved([part[1:]], x, y)[0]]
        else:
            design.append(part)
    if u() < 0.15:
        design.append([(-0.1, 0), (1.1, 0)])
    return design


def hung(u: Uniform) -> Design:
    """Two or three parts hung onto a stem, a level line, a bow or a ring, as letters are made.

    One part would too often make a digit: a ring on a stem is a 9 or a 6, a bow under a line a 5.
    """
    kind = u()
    if kind < 0.45:
        design, anchors = [[(0.5, 0), (0.5, 1)]], [(0.5, 0.0), (0.5, 0.5), (0.5, 1.0)]
    elif kind < 0.65:
        y = pick(u, [0.0, 0.5, 1.0])
        design, anchors = [[(0, y), (1, y)]], [(0.0, y), (0.5, y), (1.0, y)]
    elif kind < 0.85:
        bow = arc(0.5, 0.5, u(0.3, 0.5), u(0.3, 0.5), u(0, 360), pick(u, [-1, 1]) * u(140, 260))
        design, anchors = [bow], [bow[0], bow[len(bow) // 2], bow[-1]]
    else:
        r = u(0.25, 0.45)
        design = [circle(u, 0.5, 0.5, r)]
        anchors = [(0.5, 0.5 - r), (0.5, 0.5 + r), (0.5 - r, 0.5), (0.5 + r, 0.5), (0.5, 0.5)]
    for _ in range(int(u(2, 3.5))):
        x, y = anchors.pop(int(u(0, len(anchors))))
        part = _part(u, 0, 0, u(0.4, 0.8))
        at = pick(u, [part[0], part[len(part) // 2], part[-1]])
        design += moved([part], x - at[0], y - at[1])
    wide, high = np.ptp([point[:2] for stroke in design for point in stroke], axis=0)
    # Parts along a line make it longer, and that would be a 1.
    return design if MOST_SLIM * max(wide, high) <= min(wide, high) else hung(u)


def script(u: Uniform) -> Design:
    """Flowing: lines, bows and loops one after the other, in one to three strokes."""
    design, count = [], 0
    while count < 5:
        x, y, heading, parts = u(0, 0.6), u(0, 0.8), u(0, 360), int(u(1, 5))
        stroke: list[tuple] = [(x, y)]
        for _ in range(parts):
            turn = u(-20, 20) if u() < 0.35 else pick(u, [-1, 1]) * u(70, 360)
            step = u(0.25, 0.9) / 5
            for _ in range(5):
                heading += turn / 5
                x, y = x + step * np.cos(np.deg2rad(heading)), y + step * np.sin(np.deg2rad(heading))
                stroke.append((x, y))
            if u() < 0.35:
                stroke[-1] = (x, y, C)
                heading += pick(u, [-1, 1]) * u(60, 170)
        stroke[-1] = (x, y)
        design.append(stroke)
        count += parts
    return design
