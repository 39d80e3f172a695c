"""Ink -> the pieces it falls into, and a touching pair of digits -> where it may be cut."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from recognition.lines import typical_height

SOLID = 0.45  # ink above this share of full ink belongs to a piece, and what is fainter to its soft edge
MOST_PIECES = 1000  # a page of digits has some hundreds
LEAST_AREA = 4  # pixels of a piece
SPECK = 0.3  # squared strokes' widths of ink: a piece of less is dropped
THICK = 0.15  # digits' heights that a stroke is wide: MNIST's are 0.13 at the median
ASKEW = 0.1  # of a pixel of ink that a step aside costs a cut
HOLE = 0.6  # of a pixel of ink that a pixel of a hole costs a cut: a loop is seldom two digits
CUT_ROWS = 48  # pixels of height at which cuts are looked for
LEAST_APART = 0.2  # digits' heights between two cuts
LEAST_PART = 0.9  # of the ink of a 1, at least, is on each side of a cut
CUTS = 2.5  # for each digit's height of width, at most
EDGE = 0.1  # share of the picture's shortest side in which a frame may run
LEAST_INSIDE = 0.15  # share of a piece's ink that lies farther inside, or it is a frame
CUT_OFF = 0.6  # heights of a digit below which a piece at the edge is the rest of one
GRID, GRID_INK = 1.3, 0.12  # digits' heights both ways, at least, and share of its box that is ink, at most
NARROW = 1.3  # width over height of a picture that may show one digit and scraps of its neighbours
DEEPEST_CUT = 5.0  # strokes' widths of ink that a cut may go through

Box = tuple[int, int, int, int]  # x, y, width, height


@dataclass
class Pieces:
    """Connected pieces of ink, numbered from 1.

    labels (H, W) uint16: which piece a pixel belongs to, soft edges included, 0 for paper.
    boxes (n + 1, 4) int: x, y, width, height. areas (n + 1,) int: solid pixels. Index 0 is the paper.
    """

    ink: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray
    areas: np.ndarray

    @property
    def numbers(self) -> np.ndarray:
        """1 to n."""
        return np.arange(1, len(self.boxes))

    def ink_of(self, numbers: Sequence[int]) -> np.ndarray:
        """The ink of these pieces alone, cropped to them."""
        x, y, width, height = self.box_of(numbers)
        area = np.s_[max(y - 1, 0) : y + height + 1, max(x - 1, 0) : x + width + 1]
        return self.ink[area] * np.isin(self.labels[area], numbers)

    def box_of(self, numbers: Sequence[int]) -> Box:
        """The box around these pieces."""
        boxes = self.boxes[list(numbers)]
        x, y = boxes[:, :2].min(0)
        right, bottom = (boxes[:, :2] + boxes[:, 2:]).max(0)
        return int(x), int(y), int(right - x), int(bottom - y)

    def split(self, number: int, cuts: list[np.ndarray]) -> list[int]:
        """Cuts a piece, and returns the numbers of its parts from left to right.

        cuts: for every row of its box the x, from the box's left edge, at which the right part begins.
        """
        if not cuts:
            return [number]
        x, y, width, height = self.boxes[number]
        top, left = max(y - 1, 0), max(x - 1, 0)
        area = np.s_[top : y + height + 1, left : x + width + 1]
        labels = self.labels[area]
        mine = labels == number
        rows = np.clip(np.arange(labels.shape[0]) + top - y, 0, height - 1)
        columns = np.arange(labels.shape[1]) + left - x
        part = sum((columns >= cut[rows][:, None]).astype(np.int32) for cut in cuts)
        numbers = []
        for index in range(len(cuts) + 1):
            inside = mine & (part == index)
            solid = inside & (self.ink[area] >= SOLID)
            if not solid.any():
                labels[inside] = 0
                continue
            new = number if not numbers else len(self.boxes)
            if numbers:
                self.boxes = np.vstack([self.boxes, np.zeros((1, 4), self.boxes.dtype)])
                self.areas = np.append(self.areas, 0)
            labels[inside] = new
            box_x, box_y, wide, high = cv2.boundingRect(solid.view(np.uint8))
            self.boxes[new] = box_x + left, box_y + top, wide, high
            self.areas[new] = np.count_nonzero(solid)
            numbers.append(new)
        return numbers


def find_pieces(ink: np.ndarray, stroke: float) -> Pieces:
    """Ink (H, W) float32, 1 full ink -> its connected pieces but for specks, at most MOST_PIECES of them.

    stroke: width of the strokes, pixels.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats((ink >= SOLID).view(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    largest = np.argsort(-areas, kind="stable")[:MOST_PIECES]
    least = max(SPECK * stroke**2, LEAST_AREA)
    kept = np.r_[0, 1 + np.sort(largest[areas[largest] >= least])]
    renumber = np.zeros(len(stats), np.uint16)
    renumber[kept] = np.arange(len(kept))
    solid = renumber[labels]
    grown = cv2.dilate(solid, np.ones((3, 3), np.uint8))
    return Pieces(ink, np.where(solid > 0, solid, grown), stats[kept, :4], stats[kept, cv2.CC_STAT_AREA])


def thinned(ink: np.ndarray, stroke: float) -> np.ndarray:
    """The ink as a thinner pen would have left it, where the pen was thick for the digits it wrote.

    So digits that a thick pen made touch come apart, and each looks more like MNIST's. The ink itself where
    the pen was not thick. Arguments as for `find_pieces`.
    """
    pieces = find_pieces(ink, stroke)
    if not len(pieces.numbers):
        return ink
    height = typical_height(pieces.boxes[1:], pieces.areas[1:])
    radius = round((stroke - THICK * height) / 2)
    if radius < 1:
        return ink
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.erode(ink, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)


def places_to_cut(pieces: Pieces, number: int, stroke: float, digit_height: float) -> list[np.ndarray]:
    """Cuts from top to bottom through little ink, from left to right, as `Pieces.split` takes them.

    For every column at half height the cheapest way up and the cheapest way down is found by dynamic
    programming, a step of one row going at most one column aside. No cut goes through the middle of a loop if
    there is another way, and on both its sides is enough ink for a digit.
    """
    x, y, width, height = (int(v) for v in pieces.boxes[number])
    area = np.s_[y : y + height, x : x + width]
    solid = ((pieces.labels[area] == number) & (pieces.ink[area] >= SOLID)).astype(np.uint8)
    scale = min(1.0, CUT_ROWS / height)
    size = max(2, round(width * scale)), max(3, round(height * scale))
    small = cv2.resize(solid * 255, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    costs = small + HOLE * _holes(small)
    middle = size[1] // 2
    up, up_ways = _ways(costs[: middle + 1][::-1])
    down, down_ways = _ways(costs[middle:])
    cost = up + down - costs[middle] + 1e-3 * np.abs(np.arange(size[0]) - size[0] / 2)
    ways = np.concatenate([up_ways[::-1], down_ways[1:]])
    left = np.take_along_axis(small.cumsum(1), ways, 1).sum(0)
    least = LEAST_PART * digit_height * stroke * scale**2
    cost[(left < least) | (left > small.sum() - least)] = np.inf
    apart = max(1, round(LEAST_APART * digit_height * scale))
    most = int(np.clip(np.ceil(CUTS * width / digit_height), 1, 12))
    chosen: list[int] = []
    for at in np.argsort(cost):
        if len(chosen) == most or cost[at] > DEEPEST_CUT * stroke * scale:
            break
        if all(abs(at - other) >= apart for other in chosen):
            chosen.append(int(at))
    rows = np.minimum((np.arange(height) * scale).astype(int), size[1] - 1)
    return [(ways[rows, at] + 0.5) / scale for at in sorted(chosen)]


def _holes(ink: np.ndarray) -> np.ndarray:
    """Which pixels are paper that ink encloses, (H, W) bool."""
    around = np.pad(ink < SOLID, 1, constant_values=True)
    _, labels = cv2.connectedComponents(around.view(np.uint8), connectivity=4)
    return (labels[1:-1, 1:-1] != labels[0, 0]) & (ink < SOLID)


def _ways(cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cheapest ways from every column of the first row (W,) to the last, and where each is in every row.

    cost: (H, W) of a step onto a pixel; a step aside costs ASKEW more.
    """
    height, width = cost.shape
    total = cost[-1].copy()
    steps = np.zeros((height, width), np.int8)
    choices = np.full((3, width), np.inf, cost.dtype)
    for row in range(height - 2, -1, -1):
        choices[0] = total
        np.add(total[:-1], ASKEW, out=choices[1, 1:])
        np.add(total[1:], ASKEW, out=choices[2, :-1])
        steps[row] = choices.argmin(0)
        np.add(cost[row], choices.min(0), out=total)
    steps = np.array([0, -1, 1], np.int8)[steps]
    ways = np.empty((height, width), int)
    ways[0] = np.arange(width)
    for row in range(height - 1):
        ways[row + 1] = ways[row] + steps[row, ways[row]]
    return total, ways


def without_scraps(pieces: Pieces) -> np.ndarray:
    """The numbers of the pieces that are not rubbish at the picture's edge.

    Dropped are frames: what runs along the edge, of a table or of the paper; and pieces that the edge cut
    off: those lower than most others, and in a picture as narrow as one digit's all, where one is whole; and
    what is left of ruled paper: larger than a digit both ways, and hardly any ink.
    """
    high, wide = pieces.labels.shape
    x, y, width, height = pieces.boxes[1:].T
    touches = (x <= 1) | (y <= 1) | (x + width >= wide - 1) | (y + height >= high - 1)
    depth = max(2, round(EDGE * min(high, wide)))
    inside = np.s_[depth:-depth, depth:-depth]
    inner_labels = pieces.labels[inside][pieces.ink[inside] >= SOLID]
    inner = np.bincount(inner_labels, minlength=len(pieces.boxes))[1:]
    frame = touches & (inner < LEAST_INSIDE * pieces.areas[1:])
    if frame.all():
        return pieces.numbers
    typical = typical_height(pieces.boxes[1:][~frame], pieces.areas[1:][~frame])
    cut_off = touches & (height < CUT_OFF * typical)
    if wide < NARROW * high and height[~touches].max(initial=0) >= CUT_OFF * height[~frame].max():
        cut_off |= touches
    larger = np.minimum(width, height) > GRID * typical
    grid = touches & larger & (pieces.areas[1:] < GRID_INK * width * height)
    return pieces.numbers[~frame & ~cut_off & ~grid]
