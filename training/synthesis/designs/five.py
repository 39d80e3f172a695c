"""Ways to write a 5: in one stroke, in two, slanted."""

from training.synthesis.strokes import CORNER, Design, Designs, Uniform

C = CORNER


def _bowl(u: Uniform) -> list[tuple]:
    end = [(u(0.22, 0.36), 1), (u(-0.12, 0.1), u(0.8, 0.97))]
    return [(u(0.25, 0.4), u(0.34, 0.46)), (u(0.5, 0.68), u(0.6, 0.75)), *end]


def one_stroke(u: Uniform) -> Design:
    """Hat from the right, down, bowl; like an S where the corners are rounded."""
    left = u(0.05, 0.2)
    round_corners = u() < 0.3
    shoulder, heel = (left + 0.02, u(-0.02, 0.08)), (left - u(0.0, 0.1), u(0.36, 0.5))
    if not round_corners:
        shoulder, heel = (*shoulder, C), (*heel, C)
    return [[(left + u(0.2, 0.6), u(-0.1, 0.08)), shoulder, heel, *_bowl(u)]]


def two_strokes(u: Uniform) -> Design:
    """Down and bowl, then the hat, which may miss the rest."""
    left, top = u(0.06, 0.2), u(-0.02, 0.08)
    heel = (left - u(-0.06, 0.1), u(0.3, 0.48), C)
    if u() < 0.2:
        heel = heel[:2]
    body = [(left, top), heel, *_bowl(u)]
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


def slanted(u: Uniform) -> Design:
    """Short hat, small bowl, all leaning: fast writing."""
    body = [(u(0.3, 0.42), u(0.0, 0.08)), (u(0.1, 0.25), u(0.35, 0.45), C), (u(0.38, 0.55), u(0.5, 0.68))]
    body += [(u(0.2, 0.35), u(0.85, 0.95)), (u(-0.2, 0.05), u(0.88, 1.0))]
    hat = [(body[0][0] + u(-0.05, 0.1), u(-0.06, 0.06)), (u(0.65, 0.95), u(-0.15, 0.06))]
    return [body, hat] if u() < 0.5 else [[hat[1], (body[0][0], body[0][1], C), *body[1:]]]


DESIGNS: Designs = [(one_stroke, 0.4), (two_strokes, 0.4), (slanted, 0.2)]
