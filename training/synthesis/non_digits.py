"""Non-digits: letters, words, doodles, foreign signs, scribbles, spoiled digits.

They are drawn with the same hands and pens as the digits, so that only their shapes differ. Shapes that a
person could read as a digit (O, l, I, S, Z, b, q, g, |, ...) are left out.
"""

import numpy as np

from recognition.normalise import normalise
from training.synthesis.digits import digit_strokes
from training.synthesis.made_up import circle, foreign, hung, moved, pick, script
from training.synthesis.signs import letters, signs
from training.synthesis.strokes import (
    CORNER,
    Design,
    Designs,
    Hand,
    Strokes,
    Uniform,
    arc,
    draw_strokes,
    picture_of,
)

C = CORNER


def letter(u: Uniform) -> Design:
    """A sign of some script; those written in several ways, which look more like digits, come more often."""
    return pick(u, signs())


def word(u: Uniform) -> Design:
    """Two to nine printed letters in a row."""
    x, space, design = 0.0, u(0.05, 0.4), []
    for _ in range(int(u(2, 6) if u() < 0.7 else u(6, 10))):
        sign = pick(u, pick(u, list(letters().values())))
        design += moved(sign, x, u(-0.06, 0.06))
        x += max(p[0] for stroke in sign for p in stroke) + space
    return design


def cursive(u: Uniform) -> Design:
    """Joined writing without meaning: humps, cups, tall loops and tails in one line."""
    x, stroke, height, step = 0.0, [(-0.1, 0.95)], u(0.25, 0.6), u(0.12, 0.3)
    for _ in range(int(u(3, 14))):
        kind = u()
        top = 1 - height * u(0.8, 1.1) if kind < 0.8 else u(-0.05, 0.15)
        bottom = u(0.92, 1.02) if u() < 0.88 else u(1.3, 1.5)
        if kind < 0.35:  # a cup
            stroke += [(x + step, top, C), (x + step, bottom), (x + 1.5 * step, bottom)]
        elif kind < 0.55:  # a hump
            stroke += [(x, bottom - 0.1, C), (x + 0.5 * step, top), (x + step, bottom)]
        else:  # a loop
            stroke += [
                (x + 1.2 * step, (top + bottom) / 2),
                (x + 0.9 * step, top),
                (x + 0.4 * step, top + 0.1),
            ]
            stroke += [(x + 0.6 * step, bottom)]
        x += step * u(1.1, 1.9)
    return [stroke]


def _closed(points: list[tuple[float, float]], corner: bool = True) -> list[tuple]:
    return [(*p, C) if corner else p for p in [*points, points[0]]]


def face(u: Uniform) -> Design:
    """A head with ears or at least eyes and a mouth (less would be a dotted 0), perhaps nose and whiskers."""
    squash = u(0.75, 1.2)
    design = [circle(u, 0.5, 0.5, 0.45, squash)]
    ears = u()
    for side in (-1, 1):
        x, y = 0.5 + side * 0.25, 0.5 - 0.36 * squash
        if ears < 0.5:
            design.append(
                [(x - 0.1, y + 0.02), (x + side * u(0.05, 0.2), y - u(0.15, 0.4), C), (x + 0.12, y + 0.05)]
            )
        elif ears < 0.65:
            design.append(circle(u, x, y - 0.08, 0.13))
        if u() < 0.8 or ears >= 0.65:
            eye = 0.5 + side * u(0.13, 0.22)
            design.append(circle(u, eye, 0.42, u(0.02, 0.07)) if u() < 0.6 else [(eye, 0.38), (eye, 0.46)])
    if u() < 0.7 or ears >= 0.65:
        design.append([(0.3, u(0.6, 0.7)), (0.5, u(0.65, 0.8)), (0.7, u(0.6, 0.7))])
    if u() < 0.4:
        design.append([(0.45, 0.52), (0.55, 0.52, C), (0.5, 0.58, C), (0.45, 0.52)])
    if u() < 0.4:
        for side in (-1, 1):
            for tilt in (-0.08, 0.0, 0.08):
                design.append([(0.5 + side * 0.2, 0.58 + tilt / 2), (0.5 + side * 0.6, 0.58 + 2 * tilt)])
    return design


def arches(u: Uniform) -> Design:
    """One to five arches over each other: a rainbow, a hill, a bridge."""
    rx, ry, start, sweep = u(0.4, 0.9), u(0.35, 0.7), 180 + u(-15, 30), u(130, 200)
    ring, count = u(0.08, 0.22), int(u(1, 5.5))
    design = [arc(0, 1, rx * (1 - ring * i), ry * (1 - ring * i), start, sweep) for i in range(count)]
    if u() < 0.25:
        design.append([(-rx, 1), (rx, 1)])
    return design


def vehicle(u: Uniform) -> Design:
    """Boxes on wheels."""
    design, x = [], 0.0
    for _ in range(int(u(1, 4.5))):
        width, height = u(0.4, 1.2), u(0.25, 0.6)
        box = [(x, 0), (x + width, 0), (x + width, -height), (x, -height)]
        design.append(_closed(box))
        for share in (0.2, 0.8):
            if u() < 0.85:
                design.append(circle(u, x + share * width, 0.08, u(0.06, 0.14)))
        if u() < 0.35:
            w, h = u(0.1, 0.3), u(0.15, 0.4)
            roof = [
                (x + 0.1, -height),
                (x + 0.1, -height - h),
                (x + 0.1 + w, -height - h),
                (x + 0.1 + w, -height),
            ]
            design.append([(*p, C) for p in roof])
        x += width + u(0.02, 0.2)
    return design


def outline(u: Uniform) -> Design:
    """A closed figure: triangle, box, star, flower, heart; perhaps with something inside."""
    kind, inside = u(), int(u(0, 3))
    if kind < 0.1:
        half = [(0.5, 0.25, C), (0.75, 0.0), (1.0, 0.25), (0.5, 1, C)]
        return [[*half, (0.0, 0.25), (0.25, 0.0), (0.5, 0.25)]]
    count = int(u(4, 9) if kind < 0.5 else u(3, 5))
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False) + u(0, 6.3)
    radius = np.array([u(0.35, 0.5) for _ in range(count)])
    if kind < 0.5:  # a star or a flower
        angle = np.repeat(angle, 2) + np.tile([0, np.pi / count], count)
        radius = np.repeat(radius, 2) * np.tile([1, u(0.3, 0.7)], count)
    elif kind > 0.9:  # round things only with something in them: alone they are zeros
        angle, radius = np.linspace(0, 2 * np.pi, 8, endpoint=False), np.full(8, 0.5)
        inside = 3
    points = list(zip(0.5 + radius * np.cos(angle), 0.5 + radius * np.sin(angle), strict=True))
    design = [_closed(points, corner=kind < 0.4 or 0.5 <= kind <= 0.9)]
    for _ in range(inside):
        if u() < 0.4:
            design.append(circle(u, u(0.3, 0.7), u(0.3, 0.7), u(0.05, 0.2)))
        else:
            design.append([(u(0, 1), u(0, 1)), (u(0, 1), u(0, 1))])
    return design


def house(u: Uniform) -> Design:
    roof = u(0.25, 0.5)
    design = [_closed([(0, roof), (1, roof), (1, 1), (0, 1)]), [(-0.1, roof), (0.5, 0, C), (1.1, roof)]]
    if u() < 0.7:
        x = u(0.1, 0.6)
        design.append([(x, 1), (x, 0.7, C), (x + 0.2, 0.7, C), (x + 0.2, 1)])
    return design


def rays(u: Uniform) -> Design:
    """Lines from a middle: sun, asterisk, stick figure, arrow."""
    kind, count = u(), int(u(5, 12))
    if kind < 0.45:
        angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
        spikes = [
            [(0.3 * np.cos(a), 0.3 * np.sin(a)), (u(0.5, 0.7) * np.cos(a), 0.6 * np.sin(a))] for a in angles
        ]
        return [circle(u, 0, 0, u(0.15, 0.28)), *spikes]
    if kind < 0.75:  # a stick figure
        legs = [[(0, 0.6), (-u(0.1, 0.3), 1)], [(0, 0.6), (u(0.1, 0.3), 1)]]
        arms = [[(-u(0.2, 0.4), u(0.2, 0.5)), (0, 0.35), (u(0.2, 0.4), u(0.2, 0.5))]]
        return [circle(u, 0, 0.12, 0.12), [(0, 0.25), (0, 0.6)], *legs, *arms]
    x, y = u(0.6, 1.5), u(-0.6, 0.6)
    head = [(x - 0.3 - 0.2 * y, y - 0.2), (x, y, C), (x - 0.3 + 0.2 * y, y + 0.2)]
    return [[(0, 0), (x, y)], head]


def spiral(u: Uniform) -> Design:
    turns = pick(u, [-1, 1]) * u(800, 1500)
    return [arc(0.5, 0.5, 0.5, u(0.3, 0.5), u(0, 360), turns, u(0.05, 0.3))]


def zigzag(u: Uniform) -> Design:
    """Up and down along a line: a wave, a spring, a scribble that fills or strikes out."""
    count, height, back = int(u(5, 16)), u(0.1, 0.8), u()
    corner = (C,) if u() < 0.6 else ()
    stroke = [(i * u(0.08, 0.14), (i % 2) * height + u(-0.08, 0.08), *corner) for i in range(count)]
    if back < 0.3:  # over it again
        stroke += [(u(0, 1.2), u(0, height), *corner) for _ in range(int(u(3, 10)))]
    return [stroke]


def wander(u: Uniform) -> Design:
    """A pen that goes anywhere, in one to three strokes."""
    corner = (C,) if u() < 0.3 else ()
    count = int(u(5, 12))
    design = []
    for _ in range(int(u(1, 3.5))):
        design.append([(u(0, 1), u(0, 1), *corner) for _ in range(count)])
        count = int(u(2, 5))
    return design


def ruled(u: Uniform) -> Design:
    """Parallel lines, or two sets of them crossing."""
    across, down = int(u(0, 4.5)), int(u(0, 4.5))
    if across + down < 2:
        across = 3
    rows = [[(u(-0.1, 0.1), (i + 0.5) / across), (u(0.9, 1.1), (i + 0.5) / across)] for i in range(across)]
    return rows + [[((i + 0.5) / down, u(-0.1, 0.1)), ((i + 0.5) / down, u(0.9, 1.1))] for i in range(down)]


DESIGNS: Designs = [  # (design, share)
    (letter, 0.345),
    (word, 0.055),
    (cursive, 0.055),
    (face, 0.045),
    (arches, 0.035),
    (vehicle, 0.03),
    (outline, 0.045),
    (house, 0.01),
    (rays, 0.03),
    (spiral, 0.02),
    (zigzag, 0.025),
    (wander, 0.025),
    (foreign, 0.11),
    (hung, 0.1),
    (script, 0.055),
    (ruled, 0.015),
]
SHARES = np.cumsum([share for _, share in DESIGNS])

# Digits that are non-digits when mirrored, on their side or upside down; others look like digits (6 and 9).
MIRRORED, ON_ITS_SIDE, UPSIDE_DOWN = (3, 6, 7, 9), (1, 2, 3, 4, 5, 6, 7, 8, 9), (3, 4, 7)


def non_digit_strokes(rng: np.random.Generator) -> Strokes:
    """The strokes of a non-digit: a list of (n, 2) paths, x right, y down."""
    if rng.random() < 0.08:
        return _turned_digit(rng)
    design = DESIGNS[int(np.searchsorted(SHARES[:-1], rng.random() * SHARES[-1]))][0](rng.uniform)
    return Hand(rng)(design)


def _turned_digit(rng: np.random.Generator) -> Strokes:
    way = rng.integers(3)
    label = int(rng.choice((MIRRORED, ON_ITS_SIDE, UPSIDE_DOWN)[way]))
    turn = ([[-1, 0], [0, 1]], [[0, 1], [-1, 0]], [[-1, 0], [0, -1]])[way]
    return [stroke @ np.array(turn) for stroke in digit_strokes(label, rng)]


def blot(rng: np.random.Generator) -> np.ndarray:
    """A filled blob: (28, 28) uint8."""
    path = Hand(rng)([[(rng.uniform(0, 1), rng.uniform(0, 1)) for _ in range(rng.integers(4, 9))]])
    return normalise(draw_strokes(path, rng.uniform(0.35, 0.5), rng))


def spoiled(digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A non-digit (28, 28) uint8 made of digits (N, 28, 28) uint8.

    Shuffled and rotated quarters, two digits on top of each other, or one scratched out.
    """
    first, second = digits[rng.integers(len(digits), size=2)].astype(np.float32) / 255
    kind = rng.random()
    if kind < 0.45:
        quarters = [rng.choice((first, second))[y : y + 14, x : x + 14] for y in (0, 14) for x in (0, 14)]
        quarters = [np.rot90(quarters[i], rng.integers(1, 4)) for i in rng.permutation(4)]
        ink = np.block([quarters[:2], quarters[2:]])
    elif kind < 0.75:
        ink = np.zeros((40, 40), np.float32)
        for picture in (first, second):
            y, x = rng.integers(0, 13, 2)
            np.maximum(ink[y : y + 28, x : x + 28], picture, out=ink[y : y + 28, x : x + 28])
    else:
        scratch = picture_of(
            Hand(rng)([[(rng.uniform(), rng.uniform(), C) for _ in range(rng.integers(6, 15))]]), rng
        )
        ink = np.maximum(first, scratch.astype(np.float32) / 255)
    return normalise(np.ascontiguousarray(ink)) if ink.any() else spoiled(digits, rng)
