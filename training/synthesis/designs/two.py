"""Ways to write a 2: angular, looped, curved like a swan, like a z."""

from training.synthesis.strokes import CORNER, Design, Designs, Uniform

C = CORNER


def _top(u: Uniform) -> list[tuple]:
    """The head of a 2 down to where its diagonal begins."""
    right, crown = u(0.38, 0.66), u(0.18, 0.36)
    head = [(u(0.0, 0.12), u(0.1, 0.32)), (crown, u(-0.02, 0.02)), (right, u(0.18, 0.34))]
    if u() < 0.24:  # a curl before it, small or up to a loop
        (x, y), size = head[0], u(0.06, 0.28)
        head = [(x + size, y + u(-0.04, 0.06)), (x + 0.5 * size, y + 0.6 * size), *head]
    return head


def angular(u: Uniform) -> Design:
    left = u(-0.05, 0.12)
    base = [(left, 1 + u(-0.04, 0.02), C)]
    width = u(0.35, 0.95)
    if u() < 0.4:
        base.append((left + width / 2, 1 + u(-0.1, 0.06)))
    base.append((left + width, 1 + u(-0.1, 0.06)))
    middle = (u(0.25, 0.5), u(0.55, 0.68))
    return [[*_top(u), middle, *base]]


def looped(u: Uniform) -> Design:
    x, size = u(0.0, 0.12), u(0.06, 0.22)
    loop = [(x + size, 1 - 0.4 * size), (x, 1 - 0.3 * size), (x + 0.2 * size, 1 - 1.7 * size)]
    loop += [(x + 1.6 * size, 1 - 1.3 * size), (x + u(0.45, 1.0), 1 + u(-0.12, 0.05))]
    if u() < 0.3:
        loop.append((loop[-1][0] + u(0.02, 0.15), loop[-1][1] - u(0.0, 0.12)))
    return [[*_top(u), (u(0.35, 0.52), u(0.55, 0.68)), *loop]]


def curved(u: Uniform) -> Design:
    """Like a swan: the diagonal flows into the base."""
    low = 1 + u(-0.02, 0.02)
    base = [(u(0.02, 0.14), low - u(0.01, 0.08)), (u(0.3, 0.4), low), (u(0.5, 1.0), low - u(-0.05, 0.15))]
    return [[*_top(u), (u(0.22, 0.4), u(0.58, 0.75)), *base]]


def z(u: Uniform) -> Design:
    """Like a z, with some of the head's curve left."""
    right = u(0.45, 0.62)
    head = [(u(-0.02, 0.1), u(0.02, 0.15)), (u(0.2, 0.35), u(-0.03, 0.02))]
    head += [(right - 0.05, 0.04), (right, u(0.1, 0.2))]
    left = u(-0.05, 0.1)
    return [[*head, (left, 1 + u(-0.05, 0.02), C), (left + u(0.4, 0.75), 1 + u(-0.06, 0.06))]]


DESIGNS: Designs = [(angular, 0.35), (looped, 0.25), (curved, 0.2), (z, 0.2)]
