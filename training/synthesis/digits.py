"""How people write digits: a few designs per digit, each with free parameters.

Every design is a function of `u`, which draws a uniform number: u() from 0 to 1, u(low, high) between. It
returns control points (x, y) or (x, y, CORNER), a list a stroke, in a box about 0.6 wide and 1 high, y down.
The styles are those of school copybooks and everyday writing around the world (slashed zeros, continental 1s
and 7s, one- and two-stroke 4s and 5s, ...); rare ones are drawn more often than they are met, because common
ones are what MNIST is full of.
"""

from collections.abc import Callable

import numpy as np

from training.synthesis.strokes import CORNER, Hand, Strokes, arc

C = CORNER
Design = list[list[tuple]]
Uniform = Callable[..., float]


def zero_oval(u: Uniform) -> Design:
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
    elif tail < 0.32:  # or curls inside
        oval += arc(0.3, u(0.2, 0.45), u(0.4, 0.75) * r, u(0.1, 0.3), start, turn * u(60, 230))
    elif tail < 0.42:  # or arrived with a hook
        oval.insert(0, (oval[0][0] + u(-0.25, 0.1), oval[0][1] + u(-0.12, 0.1)))
    return [oval]


def zero_open(u: Uniform) -> Design:
    """Open at the top, as a U that nearly closes: a gap on the side would make a C."""
    gap = u(20, 55)
    start = -80 + u(-25, 25) - gap / 2
    return [arc(0.3, 0.5, u(0.2, 0.42), 0.5, start, gap - 360, u(0.92, 1.08))]


def zero_slashed(u: Uniform) -> Design:
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


def zero_dotted(u: Uniform) -> Design:
    oval = arc(0.3, 0.5, u(0.22, 0.42), 0.5, u(-140, -20), -u(345, 390), u(0.92, 1.08))
    x, y, length, angle = 0.3 + u(-0.05, 0.05), 0.5 + u(-0.1, 0.1), u(0.005, 0.07), u(0, np.pi)
    dx, dy = length * np.cos(angle), length * np.sin(angle)
    return [oval, [(x - dx, y - dy), (x + dx, y + dy)]]


def _stem(u: Uniform, lean: float) -> list[tuple]:
    """The downstroke of a 1 from (0.3 + lean, 0), a little bent."""
    return [(0.3 + lean, 0), (0.3 + lean / 2 + u(-0.035, 0.035), 0.5), (0.3 + u(-0.03, 0.03), 1)]


def one_plain(u: Uniform) -> Design:
    stem = _stem(u, u(-0.25, 0.5))
    end = u()
    if end < 0.12:  # a small hook where the pen lands or leaves
        stem.insert(0, (stem[0][0] + u(-0.08, 0.02), u(0.02, 0.08)))
    elif end < 0.24:
        stem.append((stem[-1][0] + u(-0.04, 0.12), u(0.93, 1.0)))
    return [stem]


def _flag(u: Uniform, top: float, bend: float, least_steep: float = 27) -> list[tuple]:
    """The upstroke before a 1's stem. It falls steeply from the top: a level one would make a 7."""
    length = u(0.08, 0.3) if u() < 0.35 else u(0.3, 0.78)
    steep = np.deg2rad(u(least_steep, 68) if length > 0.22 else u(15, 75))  # below the horizontal
    x, y = top - length * np.cos(steep), length * np.sin(steep)
    bend *= length
    return [(x, y), ((x + top) / 2 + 0.6 * bend, y / 2 + bend)]


def one_flag(u: Uniform) -> Design:
    lean = u(-0.12, 0.55)
    stem = _stem(u, lean)
    if u() < 0.15:  # a round top needs a steep flag, or it is a 7
        return [_flag(u, 0.3 + lean, u(-0.05, 0.15), least_steep=45) + stem]
    stem[0] = (*stem[0], C)
    return [_flag(u, 0.3 + lean, u(-0.12, 0.15)) + stem]


def _foot(u: Uniform, x: float) -> list[tuple]:
    """The base line of a 1; its stem stands on it somewhere in the middle."""
    width, share, tilt = u(0.25, 1.0), u(0.3, 0.7), u(-0.07, 0.07)
    y = 1 + u(-0.03, 0.03)
    left, right = x - width * share, x + width * (1 - share)
    return [(left, y + tilt), ((left + right) / 2, y + u(-0.02, 0.02)), (right, y - tilt)]


def one_flag_foot(u: Uniform) -> Design:
    """All three strokes, and a sharp top: with a round one it would be a 2."""
    lean = u(-0.1, 0.4)
    top, middle, bottom = _stem(u, lean)
    flagged = [*_flag(u, 0.3 + lean, u(-0.03, 0.15)), (*top, C), middle]
    foot = _foot(u, bottom[0])
    if u() < 0.2:  # in one go: down, left, back to the right
        return [[*flagged, (*bottom, C), (*foot[0], C), foot[2]]]
    return [[*flagged, bottom], foot]


def one_foot(u: Uniform) -> Design:
    stem = _stem(u, u(-0.08, 0.3))
    return [stem, _foot(u, 0.3)]


def _two_top(u: Uniform) -> list[tuple]:
    """The head of a 2 down to where its diagonal begins."""
    right, crown = u(0.38, 0.66), u(0.18, 0.36)
    head = [(u(0.0, 0.12), u(0.1, 0.32)), (crown, u(-0.02, 0.02)), (right, u(0.18, 0.34))]
    if u() < 0.18:  # a curl before it, small or up to a loop
        (x, y), size = head[0], u(0.06, 0.22)
        head = [(x + size, y + u(-0.04, 0.06)), (x + 0.5 * size, y + 0.6 * size), *head]
    return head


def two_angular(u: Uniform) -> Design:
    left = u(-0.05, 0.12)
    base = [(left, 1 + u(-0.04, 0.02), C)]
    width = u(0.35, 0.95)
    if u() < 0.4:
        base.append((left + width / 2, 1 + u(-0.1, 0.06)))
    base.append((left + width, 1 + u(-0.1, 0.06)))
    middle = (u(0.25, 0.5), u(0.55, 0.68))
    return [[*_two_top(u), middle, *base]]


def two_looped(u: Uniform) -> Design:
    x, size = u(0.0, 0.12), u(0.06, 0.17)
    loop = [(x + size, 1 - 0.4 * size), (x, 1 - 0.3 * size), (x + 0.2 * size, 1 - 1.7 * size)]
    loop += [(x + 1.6 * size, 1 - 1.3 * size), (x + u(0.45, 1.0), 1 + u(-0.12, 0.05))]
    if u() < 0.3:
        loop.append((loop[-1][0] + u(0.02, 0.15), loop[-1][1] - u(0.0, 0.12)))
    return [[*_two_top(u), (u(0.35, 0.52), u(0.55, 0.68)), *loop]]


def two_curved(u: Uniform) -> Design:
    """Like a swan: the diagonal flows into the base."""
    low = 1 + u(-0.02, 0.02)
    base = [(u(0.02, 0.14), low - u(0.01, 0.08)), (u(0.3, 0.4), low), (u(0.5, 1.0), low - u(-0.05, 0.15))]
    return [[*_two_top(u), (u(0.22, 0.4), u(0.58, 0.75)), *base]]


def two_z(u: Uniform) -> Design:
    """Like a z, with some of the head's curve left."""
    right = u(0.45, 0.62)
    head = [(u(-0.02, 0.1), u(0.02, 0.15)), (u(0.2, 0.35), u(-0.03, 0.02))]
    head += [(right - 0.05, 0.04), (right, u(0.1, 0.2))]
    left = u(-0.05, 0.1)
    return [[*head, (left, 1 + u(-0.05, 0.02), C), (left + u(0.4, 0.75), 1 + u(-0.06, 0.06))]]


def _three_bottom(u: Uniform) -> list[tuple]:
    end, kind = [(u(0.2, 0.35), 1), (u(-0.1, 0.1), u(0.78, 0.96))], u()
    if kind < 0.12:  # no upturn: the end just falls
        end = [(u(0.1, 0.4), 1)]
    elif kind < 0.27:
        end.append((end[-1][0] + u(-0.02, 0.08), end[-1][1] - u(0.06, 0.15)))
    return [(u(0.5, 0.68), u(0.64, 0.78)), *end]


def three_round(u: Uniform) -> Design:
    waist = (u(0.12, 0.42), u(0.4, 0.52))
    if u() < 0.7:
        waist = (*waist, C)
    start = [(u(-0.05, 0.1), u(0.06, 0.24)), (u(0.2, 0.32), u(-0.02, 0.02)), (u(0.45, 0.6), u(0.12, 0.26))]
    if u() < 0.15:  # a curl before it
        x, y = start[0]
        start.insert(0, (x + u(0.06, 0.16), y + u(0.0, 0.12)))
    return [[*start, waist, *_three_bottom(u)]]


def three_flat(u: Uniform) -> Design:
    """A level top and a diagonal back to the waist, as in ʒ."""
    right = u(0.42, 0.62)
    top = [(u(-0.02, 0.1), u(-0.04, 0.08)), (right, u(-0.04, 0.06), C)]
    waist = (u(0.12, 0.35), u(0.32, 0.46), C) if u() < 0.75 else (u(0.15, 0.3), u(0.34, 0.44))
    return [[*top, waist, *_three_bottom(u)]]


def three_looped(u: Uniform) -> Design:
    x, y, size = u(0.1, 0.3), u(0.42, 0.52), u(0.03, 0.1)
    start = [(u(-0.05, 0.1), u(0.06, 0.22)), (u(0.2, 0.32), 0), (u(0.45, 0.6), u(0.14, 0.24))]
    loop = [(x + size, y - size), (x - size, y), (x, y + size), (x + 1.5 * size, y)]
    return [[*start, *loop, *_three_bottom(u)]]


def three_angular(u: Uniform) -> Design:
    """Pieces of straight line, as a Σ turned round."""
    x = u(0.42, 0.6)
    upper = [(u(-0.05, 0.1), u(0, 0.12)), (u(0.25, x), u(-0.03, 0.05), C), (x, u(0.15, 0.25))]
    lower = [(u(0.1, 0.3), u(0.4, 0.5), C), (x + u(-0.05, 0.1), u(0.6, 0.75), C), (u(-0.1, 0.1), u(0.9, 1.0))]
    return [[*upper, *lower]]


def _four_stem(u: Uniform, top: float) -> list[tuple]:
    x = u(0.36, 0.5)
    stem = [(x + u(0.0, 0.1), top), (x, 0.6), (x - u(-0.04, 0.12), 1)]
    end = u()
    if end < 0.06:
        stem.append((stem[-1][0] + u(0.05, 0.15), u(0.92, 1.0)))
    elif end < 0.12:
        stem.append((stem[-1][0] - u(0.05, 0.15), u(0.9, 1.0)))
    return stem


def four_open(u: Uniform) -> Design:
    left, bar, top = u(-0.05, 0.12), u(0.48, 0.68), u(-0.05, 0.3)
    arm = [(left + u(-0.02, 0.36), u(-0.05, 0.1)), (left + u(-0.03, 0.03), bar, C)]
    right = u(0.48, 0.62) if u() < 0.35 else u(0.6, 0.95)
    arm.append((right, bar + u(-0.12, 0.06)))
    return [arm, _four_stem(u, top)]


def four_cup(u: Uniform) -> Design:
    """A round cup and a stem, as in y but upright; in one stroke or two."""
    bottom = u(0.45, 0.62)
    arm = [(u(-0.05, 0.15), u(-0.05, 0.1)), (u(-0.03, 0.06), bottom - u(0.12, 0.25)), (u(0.12, 0.24), bottom)]
    stem = _four_stem(u, u(-0.08, 0.15))
    if u() < 0.4:
        return [[*arm, (stem[0][0] - 0.04, bottom - u(0.1, 0.2)), (*stem[0], C), *stem[1:]]]
    return [[*arm, (u(0.45, 0.75), bottom - u(0.02, 0.15))], stem]


def four_closed(u: Uniform) -> Design:
    """A triangle: diagonal, bar, then the stem from the diagonal's top or beside it."""
    stem, bar, left = _four_stem(u, u(-0.02, 0.04)), u(0.52, 0.74), u(-0.12, 0.06)
    top, right = stem[0], u(0.52, 0.95)
    bend = (u(0.12, 0.3), bar * u(0.4, 0.6))
    if u() < 0.25:  # one stroke: bar from the right, up the diagonal, down the stem
        return [[(right, bar + u(-0.05, 0.05)), (left, bar, C), bend, (*top, C), *stem[1:]]]
    start = (top[0] + u(-0.12, 0.06), top[1] + u(-0.08, 0.06))
    loop = [(left, bar, C)]
    if u() < 0.15:  # a small loop at the left corner
        loop = [(left, bar - 0.03), (left - 0.04, bar + 0.05), (left + 0.08, bar + 0.03)]
    return [[start, bend, *loop, (right, bar + u(-0.12, 0.06))], stem]


def four_lightning(u: Uniform) -> Design:
    """Down, across, down, without lifting the pen: the bar ends at the stem."""
    bar = u(0.42, 0.6)
    zigzag = [(u(0.12, 0.4), u(-0.03, 0.05)), (u(-0.05, 0.1), bar, C), (u(0.42, 0.65), bar - u(0.0, 0.16), C)]
    end = (u(0.25, 0.45), 1)
    if u() < 0.4:  # the pen goes up a little before it comes down
        zigzag[2] = zigzag[2][:2]
        zigzag.append((zigzag[2][0] + u(-0.02, 0.1), bar - u(0.2, 0.4), C))
    return [[*zigzag, end]]


def _five_bowl(u: Uniform) -> list[tuple]:
    end = [(u(0.22, 0.36), 1), (u(-0.12, 0.1), u(0.8, 0.97))]
    return [(u(0.25, 0.4), u(0.34, 0.46)), (u(0.5, 0.68), u(0.6, 0.75)), *end]


def five_one_stroke(u: Uniform) -> Design:
    """Hat from the right, down, bowl; like an S where the corners are rounded."""
    left = u(0.05, 0.2)
    round_corners = u() < 0.3
    shoulder, heel = (left + 0.02, u(-0.02, 0.08)), (left - u(0.0, 0.1), u(0.36, 0.5))
    if not round_corners:
        shoulder, heel = (*shoulder, C), (*heel, C)
    return [[(left + u(0.2, 0.6), u(-0.1, 0.08)), shoulder, heel, *_five_bowl(u)]]


def five_two_strokes(u: Uniform) -> Design:
    """Down and bowl, then the hat, which may miss the rest."""
    left, top = u(0.06, 0.2), u(-0.02, 0.08)
    heel = (left - u(-0.06, 0.1), u(0.3, 0.48), C)
    if u() < 0.2:
        heel = heel[:2]
    body = [(left, top), heel, *_five_bowl(u)]
    kind = u()
    start, length = (left, top), u(0.2, 0.65)
    if kind < 0.4:  # the hat misses the body
        start = (left + u(-0.08, 0.22), top + u(-0.14, 0.06))
    elif kind < 0.65:  # or sticks out on both sides of it
        start, length = (left - u(0.08, 0.3), top + u(-0.04, 0.04)), u(0.45, 0.8)
        body[:2] = [(left + u(0.02, 0.12), top), (left - u(0.0, 0.08), heel[1], C)]  # or it is a 3
    hat = [start, (start[0] + length, start[1] + u(-0.14, 0.12))]
    if u() < 0.35:
        hat.insert(1, ((hat[0][0] + hat[1][0]) / 2, (hat[0][1] + hat[1][1]) / 2 + u(-0.06, 0.06)))
    return [body, hat]


def five_slanted(u: Uniform) -> Design:
    """Short hat, small bowl, all leaning: fast writing."""
    body = [(u(0.3, 0.42), u(0.0, 0.08)), (u(0.1, 0.25), u(0.35, 0.45), C), (u(0.38, 0.55), u(0.5, 0.68))]
    body += [(u(0.2, 0.35), u(0.85, 0.95)), (u(-0.2, 0.05), u(0.88, 1.0))]
    hat = [(body[0][0] + u(-0.05, 0.1), u(-0.06, 0.06)), (u(0.65, 0.95), u(-0.15, 0.06))]
    return [body, hat] if u() < 0.5 else [[hat[1], (body[0][0], body[0][1], C), *body[1:]]]


def _six_loop(u: Uniform, size: float, back: float) -> list[tuple]:
    """From the back, round the bottom, up and over to the back again: big, small, open or crossing."""
    over = u(0.32, 0.5)
    loop = [(over - 0.05, 1), (u(0.5, 0.66), 1 - 0.5 * size), (u(0.25, 0.38), 1 - size)]
    end = u()
    if end < 0.2:
        return loop
    loop.append((back + u(-0.03, 0.1), 1 - size * u(0.45, 0.75)))
    return [*loop, (back + u(0.05, 0.2), 1 - 0.2 * size)] if end > 0.8 else loop


def six_straight(u: Uniform) -> Design:
    size, back = u(0.2, 0.55), u(-0.02, 0.08)
    top = (u(0.05, 0.55), 0)
    bend = ((top[0] + back) / 2 - u(-0.02, 0.1), u(0.35, 0.5))
    return [[top, bend, (back, 1 - 0.45 * size), *_six_loop(u, size, back)]]


def six_curled(u: Uniform) -> Design:
    """A c whose end runs into itself."""
    size, back = u(0.35, 0.62), u(-0.04, 0.06)
    top = [(u(0.4, 0.65), u(0.04, 0.2)), (u(0.28, 0.42), u(-0.02, 0.02)), (back + 0.05, u(0.28, 0.42))]
    return [[*top, (back, 1 - 0.4 * size), *_six_loop(u, size, back)]]


def six_upright(u: Uniform) -> Design:
    """A stem falling straight into its loop; the top may hook."""
    size = u(0.3, 0.5)
    top = [(u(0.0, 0.1), 0)]
    if u() < 0.3:
        top.insert(0, (top[0][0] + u(0.02, 0.12), u(0.0, 0.08)))
    return [[*top, (u(-0.02, 0.04), 0.4), (u(0.0, 0.05), 1 - 0.4 * size), *_six_loop(u, size, 0.02)]]


def _seven_top(u: Uniform) -> list[tuple]:
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


def _seven_stem(u: Uniform, top: list[tuple]) -> list[tuple]:
    foot, right = u(0.0, 0.45), top[-1][0]
    stem = [((right + foot) / 2 - u(-0.05, 0.12), u(0.42, 0.55)), (foot, 1)]
    if u() < 0.12:
        stem.append((foot + u(-0.12, 0.15), u(0.94, 1.02)))
    return stem


def seven_plain(u: Uniform) -> Design:
    top = _seven_top(u)
    return [top + _seven_stem(u, top)]


def _bar(u: Uniform, middle: tuple) -> list[tuple]:
    """The bar through a 7's stem, at or a little below its middle."""
    width, share, tilt = u(0.22, 0.9), u(0.35, 0.65), u(-0.1, 0.07)
    x, y = middle[0], middle[1] + u(-0.06, 0.14)
    return [(x - share * width, y - tilt), (x + (1 - share) * width, y + tilt)]


def seven_barred(u: Uniform) -> Design:
    top = _seven_top(u)
    stem = _seven_stem(u, top)
    return [top + stem, _bar(u, stem[0])]


def seven_one_stroke_barred(u: Uniform) -> Design:
    """Barred without lifting: from the stem's foot the pen swings up to the left and crosses."""
    top = _seven_top(u)
    middle, foot = _seven_stem(u, top)[:2]
    left, right = _bar(u, (middle[0], middle[1] - 0.08))  # a low bar would be the base of a 2
    if u() < 0.5:
        return [[*top, middle, foot, (left[0] - 0.02, left[1] + u(0.02, 0.06)), right]]
    return [[*top, middle, (*foot, C), (*left, C), right]]


def eight_one_stroke(u: Uniform) -> Design:
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


def eight_from_s(u: Uniform) -> Design:
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


def eight_two_circles(u: Uniform) -> Design:
    waist, upper, lower, aside = u(0.38, 0.52), u(0.13, 0.27), u(0.18, 0.32), u(-0.06, 0.06)
    gap, half = u(-0.06, 0.035), waist / 2
    head = arc(0.3 + aside, half, upper, half, u(-150, 90), -u(335, 385))
    body = arc(0.3, (1 + waist + gap) / 2, lower, (1 - waist - gap) / 2, u(-150, -30), -u(335, 385))
    return [head, body]


def _nine_loop(u: Uniform, size: float, right: float) -> list[tuple]:
    """From the right, over the top, round to the right again; may start low (open) or inside."""
    start = (
        (right + u(-0.12, 0.02), size * u(0.1, 0.4)) if u() < 0.7 else (right - u(0, 0.2), size * u(0.0, 0.5))
    )
    loop = [start, (u(0.22, 0.36), 0), (u(-0.04, 0.08), 0.5 * size), (u(0.18, 0.32), size)]
    return [*loop, (right - u(0.0, 0.06), size * u(0.4, 0.75))]


def nine_stem(u: Uniform) -> Design:
    """Loop, up to its start, straight down."""
    size, right = u(0.27, 0.66), u(0.42, 0.62)
    up = (right + u(-0.02, 0.08), size * u(-0.1, 0.4), C)
    stem = [(right + u(-0.1, 0.04), 0.6), (right - u(-0.05, 0.3), 1)]
    return [[*_nine_loop(u, size, right), up, *stem]]


def nine_curved(u: Uniform) -> Design:
    """The loop flows into a tail that hooks to the left, a little or as in g."""
    size, right = u(0.2, 0.64), u(0.42, 0.64)
    loop = _nine_loop(u, size, right)
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


def nine_flat_tail(u: Uniform) -> Design:
    """The tail turns a corner and runs left along the line."""
    size, right = u(0.24, 0.55), u(0.42, 0.6)
    turn = (right + u(-0.06, 0.04), u(0.85, 0.98), C) if u() < 0.5 else (right - 0.02, u(0.82, 0.92))
    tail = [turn, (u(0.05, 0.3), u(0.94, 1.04)), (u(-0.35, 0.0), u(0.85, 1.06))]
    return [[*_nine_loop(u, size, right), (right, size * u(0.1, 0.4), C), *tail]]


def nine_hook(u: Uniform) -> Design:
    """The loop is only a hook: down a little, round, up into the stem; its top is open but bends over."""
    size, right, left = u(0.25, 0.45), u(0.38, 0.55), u(-0.05, 0.1)
    start = [(right - u(0.1, 0.22), u(-0.04, 0.04)), (left, size * u(0.4, 0.6)), (left + u(0.1, 0.2), size)]
    up = [(right - 0.06, size * 0.7), (right + u(-0.02, 0.05), size * u(-0.1, 0.2), C)]
    stem = [(right - u(0.0, 0.06), 0.55), (right - u(0.05, 0.4), 1)]
    if u() < 0.4:
        stem.append((stem[-1][0] - u(0.1, 0.3), u(0.93, 1.03)))
    return [[*start, *up, *stem]]


def nine_two_strokes(u: Uniform) -> Design:
    size = u(0.3, 0.56)
    loop = arc(u(0.2, 0.3), size / 2, u(0.16, 0.28), size / 2, u(-100, 30), -u(330, 380), u(0.9, 1.1))
    x = u(0.46, 0.56)
    return [loop, [(x, size * u(-0.1, 0.4)), (x + u(-0.06, 0.03), 0.6), (x - u(-0.05, 0.25), 1)]]


DESIGNS: dict[int, list[tuple[Callable[[Uniform], Design], float]]] = {  # (design, share)
    0: [(zero_oval, 0.48), (zero_open, 0.07), (zero_slashed, 0.37), (zero_dotted, 0.08)],
    1: [(one_plain, 0.2), (one_flag, 0.48), (one_flag_foot, 0.26), (one_foot, 0.06)],
    2: [(two_angular, 0.35), (two_looped, 0.25), (two_curved, 0.2), (two_z, 0.2)],
    3: [(three_round, 0.45), (three_flat, 0.25), (three_looped, 0.15), (three_angular, 0.15)],
    4: [(four_open, 0.35), (four_cup, 0.2), (four_closed, 0.3), (four_lightning, 0.15)],
    5: [(five_one_stroke, 0.4), (five_two_strokes, 0.4), (five_slanted, 0.2)],
    6: [(six_straight, 0.4), (six_curled, 0.4), (six_upright, 0.2)],
    7: [(seven_plain, 0.42), (seven_barred, 0.52), (seven_one_stroke_barred, 0.06)],
    8: [(eight_one_stroke, 0.4), (eight_from_s, 0.4), (eight_two_circles, 0.2)],
    9: [
        (nine_stem, 0.3),
        (nine_curved, 0.35),
        (nine_flat_tail, 0.17),
        (nine_two_strokes, 0.1),
        (nine_hook, 0.08),
    ],
}
SHARES = {label: np.cumsum([share for _, share in designs]) for label, designs in DESIGNS.items()}


def digit_strokes(label: int, rng: np.random.Generator, wild: float = 1.0) -> Strokes:
    """One digit as somebody might write it: a list of (n, 2) paths, x right, y down, about 1 high.

    label: 0 to 9; wild: 0 draws a design as written down, 1 as people do. Raises ValueError.
    """
    if label not in DESIGNS:
        raise ValueError(f"label must be a digit 0 to 9, got {label!r}")
    shares = SHARES[label]
    design = DESIGNS[label][int(np.searchsorted(shares[:-1], rng.random() * shares[-1]))][0]
    return Hand(rng, wild)(design(rng.uniform))
