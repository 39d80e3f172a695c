"""Ink -> its connected components, without specks, frames and remains of ruled paper."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from recognition.lines import typical_height
from recognition.normalise import Box
from recognition.pen_strokes import PenStrokes

SOLID = 0.45  # ink above this share of full ink belongs to a component; fainter ink is its soft edge
MAX_COMPONENTS = 1000  # most components of a picture: a page of digits has some hundreds
MIN_AREA = 4  # fewest solid pixels of a component
MIN_SPECK_AREA = 0.3  # smallest area of a component, in squared stroke widths: less is a speck of dirt
THICK_STROKE = 0.15  # stroke width, in digit heights, to which strokes are thinned: MNIST's median is 0.13
MAX_THINNING = 32  # most pixels taken from each side of a stroke: what is thicker is a painted shape
BORDER = 0.1  # width of the border zone in which a frame runs, as a share of the picture's shorter side
MIN_INSIDE = 0.15  # share of a component's ink inside that zone's inner edge, below which it is a frame
CUT_OFF = 0.6  # height, in digit heights, below which a component at the border is a cut-off neighbour
GRID_SIZE = (
    1.3  # width and height, in digit heights, above which a component at the border may be ruled paper
)
GRID_INK = 0.12  # share of such a component's box that is ink, below which it is ruled paper
ONE_DIGIT_ASPECT = (
    1.3  # width over height below which a picture may show one digit and parts of its neighbours
)

# Where a slash hides how high digits are:
SEVERAL = 0.8  # width over height from which a component may be a slash and digits
MORE_THAN_ONE = 1.7  # stroke widths of ink in a row above which it is more than that of a slash
MIN_CORE = 0.4  # least height of the rows that count, as a share of the component's
STRAIGHT = 1.25  # a straight stroke's area over its width and length, at most
MIN_OF_TALLEST = 0.35  # height, as a share of the tallest component's, below which none is a digit


@dataclass
class Components:
    """Connected components of ink, labelled from 1.

    ink (H, W) float32. labels (H, W) uint16: the id of the component that a pixel belongs to, soft edges
    included, 0 for paper. boxes (n + 1, 4) int: x, y, width, height. areas (n + 1,) int: solid pixels.
    Row 0 of both is the paper. alone: of components that may cross others, by id, their own ink in their box
    and a pixel around it; the pixels where they cross have one label. strokes: with which all of the ink was
    drawn, if that is known.
    """

    ink: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray
    areas: np.ndarray
    alone: dict[int, np.ndarray] = field(default_factory=dict)
    strokes: PenStrokes | None = None

    @property
    def ids(self) -> np.ndarray:
        """1 to n."""
        return np.arange(1, len(self.boxes))

    def ink_of(self, component_ids: Sequence[int]) -> np.ndarray:
        """The ink of these components alone, cropped to their box and a pixel around it."""
        box = self.box_of(component_ids)
        area = _around(box)
        ink = self.ink[area] * np.isin(self.labels[area], component_ids)
        for component_id in self.alone.keys() & set(component_ids):
            own = self.alone[component_id]
            part = ink[_within(area, _around(self.boxes[component_id]))]
            np.maximum(part, own, out=part)
        return ink

    def box_of(self, component_ids: Sequence[int]) -> Box:
        """The bounding box of these components together."""
        boxes = self.boxes[list(component_ids)]
        x, y = boxes[:, :2].min(0)
        right, bottom = (boxes[:, :2] + boxes[:, 2:]).max(0)
        return int(x), int(y), int(right - x), int(bottom - y)

    def are_straight(self, component_ids: Sequence[int], stroke: float) -> np.ndarray:
        """Which of these components have no more ink than a straight stroke in their box: (n,) bool."""
        _, _, wide, high = self.boxes[component_ids].T
        return self.areas[component_ids] <= STRAIGHT * stroke * np.hypot(wide, high)

    def split(self, component_id: int, cuts: list[np.ndarray]) -> list[int]:
        """Splits a component along its cuts and returns the ids of the parts, from left to right.

        cuts: each gives, for every row of the component's box, the x from the box's left edge at which the
        right part begins.
        """
        if not cuts:
            return [component_id]
        x, y, width, height = self.boxes[component_id]
        area = _around((x, y, width, height))
        top, left = area[0].start, area[1].start
        labels = self.labels[area]
        mine = labels == component_id
        own = self.alone.pop(component_id, None)
        ink = self.ink[area] * mine if own is None else own
        rows = np.clip(np.arange(labels.shape[0]) + top - y, 0, height - 1)
        columns = np.arange(labels.shape[1]) + left - x
        part = sum((columns >= cut[rows][:, None]).astype(np.int32) for cut in cuts)
        part_ids = []
        for index in range(len(cuts) + 1):
            inside = part == index
            solid = inside & (ink >= SOLID)
            if not solid.any():
                labels[inside & mine] = 0
                continue
            new = component_id if not part_ids else self._new_id()
            labels[inside & mine] = new
            box_x, box_y, wide, high = cv2.boundingRect(solid.view(np.uint8))
            self.boxes[new] = box_x + left, box_y + top, wide, high
            self.areas[new] = np.count_nonzero(solid)
            if own is not None:
                self.alone[new] = (own * inside)[_within(area, _around(self.boxes[new]))]
            part_ids.append(new)
        return part_ids

    def split_into_strokes(self, component_id: int) -> list[int]:
        """Splits a component into the strokes that it was drawn with; returns their ids, from left to right.

        Each has all of its own ink, where it crosses others too. A component of a single stroke stays as it
        is, and so do all where the strokes are not known.
        """
        drawn = self.strokes.inks(self.ink.shape, self.box_of([component_id])) if self.strokes else []
        mine = [(box, ink) for box, ink in drawn if self._is_mostly(component_id, box, ink)]
        return self._split_into(component_id, mine) if len(mine) > 1 else [component_id]

    def _is_mostly(self, component_id: int, box: Box, ink: np.ndarray) -> bool:
        """Whether more than half of a piece of ink, which fills a box, is this component's."""
        x, y, width, height = box
        labels = self.labels[y : y + height, x : x + width][ink >= SOLID]
        return 2 * np.count_nonzero(labels == component_id) > len(labels)

    def _split_into(self, component_id: int, pieces: Sequence[tuple[Box, np.ndarray]]) -> list[int]:
        """Splits a component into pieces of ink that may cross; returns their ids, from left to right.

        pieces: of each the box in the picture that it fills and its ink there, float32, solid somewhere.
        Where they cross, a pixel is labelled as the one that has most ink there.
        """
        mine = self.labels == component_id
        strongest = np.zeros(mine.shape, np.float32)
        new_labels = np.zeros_like(self.labels)
        found = []
        for (x, y, width, height), ink in pieces:
            new = component_id if not found else self._new_id()
            solid = ink >= SOLID
            left, top, wide, high = cv2.boundingRect(solid.view(np.uint8))
            self.boxes[new] = x + left, y + top, wide, high
            self.areas[new] = np.count_nonzero(solid)
            filled = np.s_[y : y + height, x : x + width]
            self.alone[new] = ink[_within(filled, _around(self.boxes[new]))]
            stronger = ink > strongest[filled]
            strongest[filled][stronger] = ink[stronger]
            new_labels[filled][stronger] = new
            found.append(new)
        self.labels[mine] = new_labels[mine]
        return sorted(found, key=lambda new: int(self.boxes[new, 0]))

    def _new_id(self) -> int:
        """The id of one more component, whose box and area are still to be filled in."""
        self.boxes = np.vstack([self.boxes, np.zeros((1, 4), self.boxes.dtype)])
        self.areas = np.append(self.areas, 0)
        return len(self.boxes) - 1


def _around(box: Sequence[int]) -> tuple[slice, slice]:
    """A box and a pixel around it, to index a picture with."""
    x, y, width, height = (int(value) for value in box)
    return np.s_[max(y - 1, 0) : y + height + 1, max(x - 1, 0) : x + width + 1]


def _within(area: tuple[slice, slice], part: tuple[slice, slice]) -> tuple[slice, slice]:
    """A part of an area of the picture, to index what was cut out there with."""
    (top, left), (rows, columns) = (edge.start for edge in area), part
    return np.s_[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]


def find_components(ink: np.ndarray, stroke: float) -> Components:
    """Ink (H, W) float32, 1 full ink -> its components except specks, the largest MAX_COMPONENTS of them.

    stroke: stroke width, pixels.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats((ink >= SOLID).view(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    largest = np.argsort(-areas, kind="stable")[:MAX_COMPONENTS]
    min_area = max(MIN_SPECK_AREA * stroke**2, MIN_AREA)
    kept = np.r_[0, 1 + np.sort(largest[areas[largest] >= min_area])]
    new_label = np.zeros(len(stats), np.uint16)
    new_label[kept] = np.arange(len(kept))
    solid = new_label[labels]
    grown = cv2.dilate(solid, np.ones((3, 3), np.uint8))
    return Components(ink, np.where(solid > 0, solid, grown), stats[kept, :4], stats[kept, cv2.CC_STAT_AREA])


def digit_height(components: Components, ids: np.ndarray, stroke: float) -> float:
    """The height of a digit, pixels: of what the digits among these components most probably are.

    ids: of at least one component. A straight stroke may be a slash, and says nothing unless all are such;
    where a slash touches digits, only the rows count in which there is more than it.
    """
    boxes, areas = components.boxes[ids], components.areas[ids]
    heights = boxes[:, 3].copy()
    for index in np.flatnonzero(boxes[:, 2] >= SEVERAL * boxes[:, 3]):
        x, y, wide, high = boxes[index]
        area = np.s_[y : y + high, x : x + wide]
        ink = (components.labels[area] == ids[index]) & (components.ink[area] >= SOLID)
        rows = np.flatnonzero(ink.sum(1) > MORE_THAN_ONE * stroke)
        if len(rows):
            heights[index] = max(rows[-1] + 1 - rows[0], MIN_CORE * high)
    straight = components.are_straight(ids, stroke)
    counted = ~straight & (heights >= MIN_OF_TALLEST * heights.max())
    if not counted.any():
        counted[:] = True
    boxes = np.column_stack([boxes[:, :3], heights])
    return typical_height(boxes[counted], areas[counted])


def thin_strokes(ink: np.ndarray, stroke: float) -> np.ndarray:
    """The ink as a thinner pen would have left it, where the pen was thick for the digits it wrote.

    Erosion parts digits that a thick pen made touch, and brings strokes nearer to MNIST's width. Returns the
    ink itself where the pen was not thick. Arguments as for `find_components`.
    """
    return thinned(ink, thickness(ink, stroke))


def thickness(ink: np.ndarray, stroke: float) -> int:
    """How many pixels too many a thick pen left on each side of its strokes; see `thin_strokes`."""
    components = find_components(ink, stroke)
    if not len(components.ids):
        return 0
    height = typical_height(components.boxes[1:], components.areas[1:])
    return max(0, min(round((stroke - THICK_STROKE * height) / 2), MAX_THINNING))


def thinned(ink: np.ndarray, radius: int) -> np.ndarray:
    """The ink without so many pixels on each side of its strokes; itself for 0."""
    if radius < 1:
        return ink
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.erode(ink, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)


def remove_border_noise(components: Components) -> np.ndarray:
    """The ids of the components that are not noise at the border of the picture.

    Removed are frames, of a table or of the paper, which run along the border; components that the border
    cuts off, if they are lower than most others (all of them in a picture as narrow as one digit, where a
    whole one is there); and ruled paper: larger than a digit both ways and hardly any ink.
    """
    high, wide = components.labels.shape
    x, y, width, height = components.boxes[1:].T
    areas = components.areas[1:]
    touches = (x <= 1) | (y <= 1) | (x + width >= wide - 1) | (y + height >= high - 1)
    depth = max(2, round(BORDER * min(high, wide)))
    inside = np.s_[depth:-depth, depth:-depth]
    inner_labels = components.labels[inside][components.ink[inside] >= SOLID]
    inner = np.bincount(inner_labels, minlength=len(components.boxes))[1:]
    frame = touches & (inner < MIN_INSIDE * areas)
    if frame.all():
        return components.ids
    typical = typical_height(components.boxes[1:][~frame], areas[~frame])
    cut_off = touches & (height < CUT_OFF * typical)
    if wide < ONE_DIGIT_ASPECT * high and height[~touches].max(initial=0) >= CUT_OFF * height[~frame].max():
        cut_off |= touches
    larger = np.minimum(width, height) > GRID_SIZE * typical
    grid = touches & larger & (areas < GRID_INK * width * height)
    return components.ids[~frame & ~cut_off & ~grid]
