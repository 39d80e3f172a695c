"""Ways to write a 6: straight, curled, upright."""

from training.synthesis.strokes import Design, Designs, Uniform


def _loop(u: Uniform, size: float, back: float) -> list[tuple]:
    """From the back, round the bottom, up and over to the back again: big, small, open or crossing."""
    over = u(0.32, 0.5)
    loop = [(over - 0.05, 1), (u(0.5, 0.66), 1 - 0.5 * size), (u(0.25, 0.38), 1 - size)]
    end = u()
    if end < 0.2:
        return loop
    loop.append((back + u(-0.03, 0.1), 1 - size * u(0.45, 0.75)))
    return [*loop, (back + u(0.05, 0.2), 1 - 0.2 * size)] if end > 0.8 else loop


def straight(u: Uniform) -> Design:
    size, back = u(0.2, 0.55), u(-0.02, 0.08)
    top = (u(0.05, 0.55), 0)
    bend = ((top[0] + back) / 2 - u(-0.02, 0.1), u(0.35, 0.5))
    return [[top, bend, (back, 1 - 0.45 * size), *_loop(u, size, back)]]


def curled(u: Uniform) -> Design:
    """A c whose end runs into itself; now and then with a curl before it."""
    size, back = u(0.35, 0.62), u(-0.04, 0.06)
    top = [(u(0.4, 0.65), u(0.04, 0.2)), (u(0.28, 0.42), u(-0.02, 0.02)), (back + 0.05, u(0.28, 0.42))]
    if u() < 0.2:
        x, y = top[0]
        top.insert(0, (x - u(0.05, 0.2), y + u(0.05, 0.2)))
    return [[*top, (back, 1 - 0.4 * size), *_loop(u, size, back)]]


def upright(u: Uniform) -> Design:
    """A stem falling straight into its loop; the top may hook."""
    size = u(0.3, 0.5)
    top = [(u(0.0, 0.1), 0)]
    if u() < 0.3:
        top.insert(0, (top[0][0] + u(0.02, 0.12), u(0.0, 0.08)))
    return [[*top, (u(-0.02, 0.04), 0.4), (u(0.0, 0.05), 1 - 0.4 * size), *_loop(u, size, 0.02)]]


DESIGNS: Designs = [(straight, 0.4), (curled, 0.4), (upright, 0.2)]
