"""Ruled, squared and printed lines on paper: found, told from straight strokes, and removed.

A straight run of ink that is far longer than a digit is wide may be a ruled line, or the foot of a large 2
or the stem of a 9. It counts as ruling only if it looks like ruling: it goes on to the edges of the picture,
repeats at a distance, is closed to a frame by others, is thinner than the pen and reaches an edge, or is much
longer than the picture is high, as no digit's stroke can be.
"""

from dataclasses import dataclass

import cv2
import numpy as np

LINE = 25  # stroke widths that a straight run of ink must be long to be a ruled line and not a 1
LONG_LINE = 60  # stroke widths of a line that need not run across most of the picture
ACROSS = 0.6  # share of the picture's width that a shorter line must run
RUN = 6  # stroke widths of the level runs that lines are made of
STEEPEST = 0.15  # rise over run of a line that still counts as level
RIM = 0.02  # share of the picture's side from its edge within which a line reaches the edge
APART = 4.0  # stroke widths between two lines that repeat; two strokes beside each other are one thick stroke
ALIKE = 0.6  # share of the shorter one's length that two lines which repeat have in common, at least
REPEATS = 2  # parallel lines that a line must have: two 1s are parallel, too
THIN = 0.6  # share of the pen's width up to which a line is thinner than the pen
DARKER = (3.0, 0.3)  # standard deviations, and share of its darkness, by which a line is darker where ink is
LONGEST_STROKE = 1.3  # picture heights: no straight stroke of a digit is longer than the digit is high, about
REMAINS = 12  # stroke widths of a straight run beside ruling that is what is left of a line that bends


@dataclass(frozen=True)
class Line:
    """A straight run of ink, level or upright."""

    upright: bool
    start: int  # first pixel along its direction
    end: int  # one past the last
    low: int  # the same across it
    high: int
    thickness: float  # pixels
    label: int  # in the labels that `_level_lines` returns

    @property
    def length(self) -> int:
        return self.end - self.start


def remove_lines(mask: np.ndarray, stroke: float, depth: np.ndarray | None = None) -> np.ndarray:
    """Ink (H, W) bool without ruled, squared and frame lines; stroke: the width of the strokes, pixels.

    A line may be up to 8 degrees askew. It goes where it is thin, and stays where a stroke crosses it.
    depth: how dark the ink is, (H, W), if known: where a line is darker than elsewhere, a stroke runs along
    it and stays.
    """
    level, level_labels = _level_lines(mask, stroke, upright=False)
    flipped = np.ascontiguousarray(mask.T)
    upright, upright_labels = _level_lines(flipped, stroke, upright=True)
    ruling = _ruling(level + upright, mask.shape, stroke)
    level = [line for line in ruling if not line.upright]
    upright = [line for line in ruling if line.upright]
    depth = np.zeros(mask.shape, np.float32) if depth is None else depth
    without = mask & ~_removed(mask, depth, level_labels, level)
    without &= ~_removed(flipped, np.ascontiguousarray(depth.T), upright_labels, upright).T
    if len(level) <= REPEATS:
        return without
    without &= ~_remains(without, level, stroke, REMAINS)
    return without & ~_remains(np.ascontiguousarray(without.T), level, stroke, LINE).T


def _level_lines(mask: np.ndarray, stroke: float, upright: bool) -> tuple[list[Line], np.ndarray]:
    """The level lines in a mask, and where each is, by its label: (H, W) int32, 0 where there is none."""
    ink = mask.view(np.uint8)
    long = max(LINE * stroke, min(LONG_LINE * stroke, ACROSS * mask.shape[1]))
    nowhere = np.zeros(mask.shape, np.int32)
    if long >= mask.shape[1]:
        return [], nowhere
    # Runs of a line that is askew are short, but one lies beside the next, and they are on one straight line.
    bridged = cv2.dilate(ink, np.ones((3, 1), np.uint8))
    runs = ink & cv2.morphologyEx(bridged, cv2.MORPH_OPEN, np.ones((1, round(RUN * stroke)), np.uint8))
    segments = cv2.HoughLinesP(
        runs, 1, np.pi / 360, round(0.5 * long), minLineLength=long, maxLineGap=4 * stroke
    )
    if segments is None:
        return [], nowhere
    near = np.zeros_like(ink)
    for x0, y0, x1, y1 in segments.reshape(-1, 4):
        if abs(y1 - y0) < STEEPEST * abs(x1 - x0):
            cv2.line(near, (x0, y0), (x1, y1), 1, round(stroke) + 2)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(near)
    labels *= ink
    lines = []
    for label in range(1, count):
        x, y, wide, high = (int(value) for value in boxes[label, :4])
        columns = (labels[y : y + high, x : x + wide] == label).sum(0)
        inked = np.flatnonzero(columns)
        if len(inked):
            start, end = x + int(inked[0]), x + int(inked[-1]) + 1
            lines.append(Line(upright, start, end, y, y + high, float(np.median(columns[inked])), label))
    return lines, labels


def _ruling(lines: list[Line], shape: tuple[int, int], stroke: float) -> list[Line]:
    """Those of the lines that look like ruling."""
    return [line for line in lines if _is_ruling(line, lines, shape, stroke)]


def _is_ruling(line: Line, lines: list[Line], shape: tuple[int, int], stroke: float) -> bool:
    side = shape[0] if line.upright else shape[1]
    rim = RIM * side
    edges = (line.start <= rim) + (line.end >= side - rim)
    if edges == 2 or (edges == 1 and line.thickness <= THIN * stroke):
        return True
    if line.length > LONGEST_STROKE * (shape[1] if line.upright else shape[0]):
        return True
    repeats = sum(_repeats(line, other, stroke) for other in lines)
    if repeats >= REPEATS or (repeats and edges):
        return True
    return _is_closed(line, lines, stroke) and all(
        _is_closed(other, lines, stroke) for other in _at_ends(line, lines, stroke)
    )


def _repeats(line: Line, other: Line, stroke: float) -> bool:
    """Is the other line the same one again, at a distance?"""
    if other.upright != line.upright:
        return False
    apart = max(line.low - other.high, other.low - line.high)
    shared = min(line.end, other.end) - max(line.start, other.start)
    return apart > APART * stroke and shared >= ALIKE * min(line.length, other.length)


def _at_ends(line: Line, lines: list[Line], stroke: float) -> list[Line]:
    """The lines across that end where this one ends."""
    near = 2 * stroke + 2
    return [
        other
        for other in lines
        if other.upright != line.upright
        and min(
            max(other.low - end, end - other.high, line.low - other.end, other.start - line.high)
            for end in (line.start, line.end)
        )
        < near
    ]


def _is_closed(line: Line, lines: list[Line], stroke: float) -> bool:
    """Does a line across stand at either end, as in a frame?"""
    near = 2 * stroke + 2
    across = _at_ends(line, lines, stroke)
    return any(abs(other.low - line.start) < near + (other.high - other.low) for other in across) and any(
        abs(other.high - line.end) < near + (other.high - other.low) for other in across
    )


def _removed(mask: np.ndarray, depth: np.ndarray, labels: np.ndarray, lines: list[Line]) -> np.ndarray:
    """The ink of these level lines (bool), but for where it is higher than the line is thick: there a stroke
    crosses it; or darker: there one runs along it."""
    removed = np.zeros_like(mask)
    ink = mask.view(np.uint8)
    for line in lines:
        rows, columns = slice(line.low, line.high), slice(line.start, line.end)
        around = slice(
            max(0, line.low - int(2 * line.thickness) - 4), line.high + int(2 * line.thickness) + 4
        )
        tall = _taller_than(line.thickness, np.ascontiguousarray(ink[around, columns]))
        tall = tall[line.low - around.start :][: line.high - line.low]
        own = labels[rows, columns] == line.label
        own_depth = depth[rows, columns]
        removed[rows, columns] |= own & (tall == 0) & (own_depth <= _darkest_of(own_depth[own]))
    return removed


def _darkest_of(depth: np.ndarray) -> float:
    """How dark a line is at most by itself; depth: of the ink all along it."""
    middle = np.median(depth)
    spread = 1.4826 * np.median(np.abs(depth - middle))
    return float(middle + max(DARKER[0] * spread, DARKER[1] * middle))


def _remains(mask: np.ndarray, ruling: list[Line], stroke: float, least: float) -> np.ndarray:
    """What is left of ruled lines that bend (bool): thin, nearly straight and level.

    ruling: of at least one line. least: stroke widths of what is long enough.
    """
    thickness = float(np.median([line.thickness for line in ruling]))
    thin = mask.view(np.uint8) & ~_taller_than(thickness, mask.view(np.uint8))
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(thin)
    _, _, wide, high, area = boxes.T
    is_level = (high <= STEEPEST * wide + 2 * stroke) & (area <= 2 * max(thickness, stroke) * wide)
    remains = (wide >= least * stroke) & is_level
    remains[0] = False
    return remains[labels]


def _taller_than(thickness: float, ink: np.ndarray) -> np.ndarray:
    """The ink (uint8, 0 or 1) that is higher than a level line is thick: that of strokes across it."""
    return cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((int(1.5 * thickness) + 3, 1), np.uint8))
