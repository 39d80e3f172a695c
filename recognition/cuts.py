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
MIN_SLASH = 1.25  # least height of a component in which there may be a slash, in digit heights
MIN_SLASH_ROWS = 0.8  # least share of the component's rows that a slash goes through
SLASH_EDGE = 0.6  # least share of a slash's rows that a column beside its middle takes, to belong to it
SLASH_LEANS = np.linspace(-0.1, 1.0, 12)  # pixels to the right for each pixel upwards that a slash may lean
SLASH_SLACK = 1.0  # stroke widths by which a slash may bend aside
SLASHES_APART = 0.5  # least distance of two slashes, in digit heights
MAX_SLASHES = 3  # most slashes that are looked for in a component
DASH_WIDTH = 0.25  # least width of a dash that hangs on a digit, in digit heights
DASH_HEIGHT, DASH_STROKES = 0.25, 1.5  # greatest height of one, in digit heights, or in stroke widths
MIN_DASHED = 0.5  # least height of a component on which a dash may hang, in digit heights
DASH_LEVEL = (0.25, 0.8)  # where its middle lies, from the top of the component, in the component's heights
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


def find_slashes(
    components: Components, component_id: int, stroke: float, digit_height: float
) -> list[np.ndarray]:
    """The cuts along both sides of every slash that touches digits, in a component taller than digits are.

    A slash is a straight stroke through nearly all rows of the component: a peak in the projection of its ink
    along the slash's direction. Arguments and cuts as for `find_cuts`.
    """
    x, y, width, height = (int(v) for v in components.boxes[component_id])
    if height < MIN_SLASH * digit_height or components.are_straight([component_id], stroke)[0]:
        return []
    area = np.s_[y : y + height, x : x + width]
    ink = (components.labels[area] == component_id) & (components.ink[area] >= SOLID)
    rows, columns = np.nonzero(ink)
    cuts: list[np.ndarray] = []
    foot_first = height - 1.0 - np.arange(height)
    for _ in range(MAX_SLASHES):
        lean, first, last = _straightest(columns, height - 1 - rows, height)
        left, right = (edge + lean * foot_first for edge in (first, last))
        if first == last or any(abs(cut - left).mean() < SLASHES_APART * digit_height for cut in cuts):
            break
        slack = round(SLASH_SLACK * stroke)
        right = _to_paper(ink, right, slack)
        left = width - _to_paper(ink[:, ::-1], width - left, slack)
        outside = (columns < left[rows]) | (columns >= right[rows])
        rows, columns = rows[outside], columns[outside]
        if len(rows) < MIN_PART_INK * digit_height * stroke:
            break
        cuts += [left, right]
    return sorted(cuts, key=lambda cut: float(cut.mean()))


def _to_paper(ink: np.ndarray, edge: np.ndarray, slack: int) -> np.ndarray:
    """The right edge of a stroke (H,), moved to where its ink ends in rows in which this is not far."""
    height, width = ink.shape
    rows, start = np.arange(height), np.ceil(edge).astype(int)
    found = np.full(height, -1)
    for step in range(slack + 1):
        column = start + step
        is_paper = (column >= width) | (column < 0) | ~ink[rows, column.clip(0, width - 1)]
        found[is_paper & (found < 0)] = step
    return np.where(found >= 0, start + found, edge)


def _straightest(columns: np.ndarray, up: np.ndarray, height: int) -> tuple[float, int, int]:
    """The straight stroke through most rows: its lean, its first column at its foot, and one past the last.

    columns, up: of the ink's pixels. Both columns are 0 where no stroke goes through MIN_SLASH_ROWS.
    """
    best = MIN_SLASH_ROWS * height
    found = 0.0, 0, 0
    for lean in SLASH_LEANS if len(columns) else ():
        feet = np.rint(columns - lean * up).astype(int)
        lowest = int(feet.min())
        profile = np.bincount(feet - lowest)
        peak = int(profile.argmax())
        if profile[peak] <= best:
            continue
        best = profile[peak]
        beside = profile < SLASH_EDGE * best
        first = peak - int(beside[peak::-1].argmax()) + 1 if beside[:peak].any() else 0
        last = peak + int(beside[peak:].argmax()) if beside[peak:].any() else len(profile)
        found = float(lean), first + lowest, last + lowest
    return found


def find_dashes(
    components: Components, component_id: int, stroke: float, digit_height: float
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The cuts that part a component from a dash at its left end and from one at its right, if any.

    Such a dash is all that stands in the columns at that end: a stroke as low as a dash and at its level.
    Arguments and cuts as for `find_cuts`.
    """
    x, y, width, height = (int(v) for v in components.boxes[component_id])
    if height < digit_height * MIN_DASHED or width < DASH_WIDTH * digit_height:
        return None, None
    area = np.s_[y : y + height, x : x + width]
    ink = (components.labels[area] == component_id) & (components.ink[area] >= SOLID)
    top, bottom = ink.argmax(0), height - ink[::-1].argmax(0)
    lengths = [_length_of_dash(top[::way], bottom[::way], height, stroke, digit_height) for way in (1, -1)]
    left, right = lengths
    if left + right >= width:
        return None, None
    first = np.full(height, float(left)) if left else None
    last = np.full(height, float(width - right)) if right else None
    return first, last


def _length_of_dash(
    top: np.ndarray, bottom: np.ndarray, height: int, stroke: float, digit_height: float
) -> int:
    """How many columns, from the first, a dash takes; top, bottom (W,): the ink of each, from the top."""
    highest, lowest = np.minimum.accumulate(top), np.maximum.accumulate(bottom)
    is_low = lowest - highest <= max(DASH_HEIGHT * digit_height, DASH_STROKES * stroke)
    length = len(top) if is_low.all() else int(is_low.argmin())
    if length == len(top) or length < max(DASH_WIDTH * digit_height, stroke):
        return 0
    level = (highest[length - 1] + lowest[length - 1]) / 2 / height
    return length if DASH_LEVEL[0] <= level <= DASH_LEVEL[1] else 0


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
