"""Where a component of touching digits may be cut: seams from top to bottom through little ink.

Source: the cheapest path by dynamic programming, as in seam carving (Avidan and Shamir, "Seam Carving for
Content-Aware Image Resizing", 2007), here on the cost of the ink that a cut goes through.
"""

import cv2
import numpy as np

from recognition.components import SOLID, Components

CUT_ROWS = 48  # height, in pixels, to which a component is reduced before seams are looked for
SIDESTEP_COST = 0.1  # cost of a seam's step aside, in pixels of ink
HOLE_COST = 0.6  # cost of a pixel inside a loop, in pixels of ink: a loop is seldom two digits
MIN_CUT_DISTANCE = 0.2  # smallest distance between two cuts, in digit heights
MIN_PART_INK = 0.65  # least ink on each side of a cut, as a share of the ink of a 1: a long dash has as much
CUTS_PER_HEIGHT = 2.5  # most cuts for each digit height that the component is wide
MAX_CUTS = 12  # most cuts of a component
MAX_CUT_INK = 5.0  # most ink that a cut may go through, in stroke widths
MIN_HEIGHT = 2.5  # stroke widths below which a component is a bar, too low to hold digits


def is_bar(components: Components, component_id: int, stroke: float) -> bool:
    """Is a component too low to be several digits beside each other? stroke: pixels."""
    return components.boxes[component_id, 3] < MIN_HEIGHT * stroke


def find_cuts(
    components: Components, component_id: int, stroke: float, digit_height: float
) -> list[np.ndarray]:
    """The cuts of a component, from left to right, as `Components.split` takes them.

    For every column at half height dynamic programming finds the cheapest way up and the cheapest way down,
    at most one column aside for each row. No cut goes through the middle of a loop if there is another way,
    and there is enough ink for a digit or a dash on both sides of it. stroke, digit_height: pixels.
    """
    x, y, width, height = (int(v) for v in components.boxes[component_id])
    area = np.s_[y : y + height, x : x + width]
    is_solid = (components.labels[area] == component_id) & (components.ink[area] >= SOLID)
    scale = min(1.0, CUT_ROWS / height)
    size = max(2, round(width * scale)), max(3, round(height * scale))
    small = cv2.resize(is_solid.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA)
    small = small.astype(np.float32) / 255
    costs = small + HOLE_COST * _holes(small)
    middle = size[1] // 2
    up, up_seams = _cheapest_seams(costs[: middle + 1][::-1])
    down, down_seams = _cheapest_seams(costs[middle:])
    cost = up + down - costs[middle] + 1e-3 * np.abs(np.arange(size[0]) - size[0] / 2)
    seams = np.concatenate([up_seams[::-1], down_seams[1:]])
    left = np.take_along_axis(small.cumsum(1), seams, 1).sum(0)
    min_ink = MIN_PART_INK * digit_height * stroke * scale**2
    cost[(left < min_ink) | (left > small.sum() - min_ink)] = np.inf
    min_distance = max(1, round(MIN_CUT_DISTANCE * digit_height * scale))
    max_cuts = int(np.clip(np.ceil(CUTS_PER_HEIGHT * width / digit_height), 1, MAX_CUTS))
    chosen: list[int] = []
    for column in np.argsort(cost):
        if len(chosen) == max_cuts or cost[column] > MAX_CUT_INK * stroke * scale:
            break
        if all(abs(column - other) >= min_distance for other in chosen):
            chosen.append(int(column))
    rows = np.minimum((np.arange(height) * scale).astype(int), size[1] - 1)
    return [(seams[rows, column] + 0.5) / scale for column in sorted(chosen)]


def _holes(ink: np.ndarray) -> np.ndarray:
    """Which pixels are paper enclosed by ink, (H, W) bool."""
    paper = np.pad(ink < SOLID, 1, constant_values=True)
    _, labels = cv2.connectedComponents(paper.view(np.uint8), connectivity=4)
    return (labels[1:-1, 1:-1] != labels[0, 0]) & (ink < SOLID)


def _cheapest_seams(cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """total[c] = cost of the cheapest seam from column c of the first row to the last row

    cost: (H, W), of each pixel that a seam goes through; a step aside costs SIDESTEP_COST more. Returns
    total (W,), and seams (H, W) int: the column of each of the W seams in every row.
    """
    height, width = cost.shape
    total = cost[-1].copy()
    steps = np.zeros((height, width), np.int8)
    choices = np.full((3, width), np.inf, cost.dtype)
    for row in range(height - 2, -1, -1):
        choices[0] = total
        np.add(total[:-1], SIDESTEP_COST, out=choices[1, 1:])
        np.add(total[1:], SIDESTEP_COST, out=choices[2, :-1])
        steps[row] = choices.argmin(0)
        np.add(cost[row], choices.min(0), out=total)
    steps = np.array([0, -1, 1], np.int8)[steps]
    seams = np.empty((height, width), int)
    seams[0] = np.arange(width)
    for row in range(height - 1):
        seams[row + 1] = seams[row] + steps[row, seams[row]]
    return total, seams
