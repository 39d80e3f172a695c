"""Tables, boxes and sudokus: the lattice of cells that printed or drawn lines make.

Cells are the holes in the ink of a grid. Where a gap in a line joins two of them, or a digit cuts one in two,
the others still say where they lie: their centres are fitted by a smooth map from (row, column) to (x, y).
"""

from dataclasses import dataclass

import cv2
import numpy as np

MIN_SIDE = 0.2  # share of the picture's longest side that a grid spans, at least
MIN_CELL = 4.0  # stroke widths of a cell's shorter side, at least
MAX_CELLS = 400  # what has more is squared paper
MIN_CELLS = 3  # boxes in a row, at least
LIKE_SIZE = (0.5, 1.7)  # a cell's area over the median cell's
RECTANGULAR = 0.6  # share of its bounding box that a cell fills, at least
ONE_STEP = 0.3  # of a cell's size by which its neighbour's centre may be off
MIN_FILLED = 0.4  # share of the lattice's cells that are found as holes, at least
MIN_LINED = 0.5  # share of the lines around the cells of a further row or column that is ink, at least
SMOOTH = 0.25  # of a cell's size by which a centre may be off the fitted map, at the 90th percentile
MARGIN = 0.08  # of a cell's side that is left out beside its lines


@dataclass(frozen=True)
class Grid:
    """A lattice of cells. corners: (rows + 1, columns + 1, 2) float, x and y of where its lines meet."""

    corners: np.ndarray

    @property
    def rows(self) -> int:
        return self.corners.shape[0] - 1

    @property
    def columns(self) -> int:
        return self.corners.shape[1] - 1

    @property
    def size(self) -> float:
        """Mean side of a cell, pixels."""
        across = np.linalg.norm(np.diff(self.corners, axis=1), axis=2).mean()
        down = np.linalg.norm(np.diff(self.corners, axis=0), axis=2).mean()
        return float((across + down) / 2)

    def middle(self, label: int) -> np.ndarray:
        """x and y of the middle of the cell with this label."""
        row, column = divmod(label - 1, self.columns)
        return self.corners[row : row + 2, column : column + 2].mean((0, 1))

    def labels(self, shape: tuple[int, int], margin: float = 0.0) -> np.ndarray:
        """Which cell a pixel lies in: (H, W) int32, 1 + row * columns + column, 0 outside.

        margin: share of a cell's side that is left out at each of its sides.
        """
        found = np.zeros(shape, np.int32)
        for row in range(self.rows):
            for column in range(self.columns):
                corners = self.corners[[row, row, row + 1, row + 1], [column, column + 1, column + 1, column]]
                middle = corners.mean(0)
                inner = middle + (1 - 2 * margin) * (corners - middle)
                cv2.fillPoly(found, [np.rint(inner).astype(np.int32)], 1 + row * self.columns + column)
        return found


def find_grid(mask: np.ndarray, stroke: float) -> Grid | None:
    """The grid in a picture's ink (H, W) bool, or None. stroke: width of the strokes, pixels."""
    side = max(3, round(stroke) | 1)
    closed = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(closed)
    if count < 2:
        return None
    largest = 1 + int(np.argmax(boxes[1:, 2].astype(np.int64) * boxes[1:, 3]))
    if max(boxes[largest, 2:4]) < MIN_SIDE * max(mask.shape):
        return None
    cells = _holes((labels == largest).view(np.uint8), stroke)
    if len(cells) < MIN_CELLS:
        return None
    grid = _lattice(cells)
    return None if grid is None else _extended(grid, closed)


def _holes(grid: np.ndarray, stroke: float) -> np.ndarray:
    """Cells that lines enclose: (n, 4) float, x and y of the centre, width, height."""
    high, wide = grid.shape
    count, _, boxes, centres = cv2.connectedComponentsWithStats(1 - grid, connectivity=4)
    x, y, width, height, area = boxes[1:count].T
    inside = (x > 0) & (y > 0) & (x + width < wide) & (y + height < high)
    whole = inside & (np.minimum(width, height) >= MIN_CELL * stroke) & (area >= RECTANGULAR * width * height)
    if not whole.any():
        return np.zeros((0, 4))
    typical = np.median(area[whole])
    alike = whole & (area >= LIKE_SIZE[0] * typical) & (area <= LIKE_SIZE[1] * typical)
    found = np.flatnonzero(alike)
    if len(found) > MAX_CELLS:
        return np.zeros((0, 4))
    centres = np.stack([x + width / 2, y + height / 2], axis=1)[found]
    return np.concatenate([centres, width[found, None], height[found, None]], axis=1)


def _lattice(cells: np.ndarray) -> Grid | None:
    """Cells (n, 4) -> the lattice that most of them lie on."""
    size = np.median(cells[:, 2:], axis=0)
    places = _places(cells[:, :2], size)
    if len(places) < MIN_CELLS:
        return None
    at = np.array(list(places.values()))
    at -= at.min(0)
    rows, columns = at.max(0) + 1
    if len(places) < MIN_FILLED * rows * columns or rows * columns > MAX_CELLS:
        return None
    centres = cells[list(places), :2]
    fitted = np.linalg.lstsq(_terms(at, rows, columns), centres, rcond=None)[0]
    off = np.linalg.norm((_terms(at, rows, columns) @ fitted - centres) / size, axis=1)
    if np.percentile(off, 90) > SMOOTH:
        return None
    corners = np.stack(np.meshgrid(np.arange(rows + 1), np.arange(columns + 1), indexing="ij"), axis=-1) - 0.5
    mapped = _terms(corners.reshape(-1, 2), rows, columns) @ fitted
    if rows == 1:  # no second row says how high one is: its cells do
        mapped[:, 1] += corners.reshape(-1, 2)[:, 0] * size[1]
    if columns == 1:
        mapped[:, 0] += corners.reshape(-1, 2)[:, 1] * size[0]
    return Grid(mapped.reshape(rows + 1, columns + 1, 2))


def _extended(grid: Grid, ink: np.ndarray) -> Grid:
    """The grid with rows and columns at its sides whose cells are open, but lie between its lines."""
    corners = grid.corners
    for _ in range(2):
        for axis in (0, 1):
            for end in (0, -1):
                if corners.shape[0] < 3 or corners.shape[1] < 3:
                    return Grid(corners)
                along = np.moveaxis(corners, axis, 0)
                last, inner = (along[0], along[1]) if end == 0 else (along[-1], along[-2])
                further = 2 * last - inner
                lined = np.mean([_inked(ink, *ends) for ends in zip(last, further, strict=True)])
                if lined >= MIN_LINED:
                    parts = [further[None], along] if end == 0 else [along, further[None]]
                    corners = np.moveaxis(np.concatenate(parts), 0, axis)
    return Grid(corners)


def _inked(ink: np.ndarray, start: np.ndarray, stop: np.ndarray) -> float:
    """The share of a straight line that has ink on it or right beside it."""
    steps = max(2, int(np.linalg.norm(stop - start)))
    x, y = np.rint(start[:, None] + (stop - start)[:, None] * np.linspace(0, 1, steps)).astype(int)
    if min(x.min(), y.min()) < 0 or x.max() >= ink.shape[1] or y.max() >= ink.shape[0]:
        return 0.0
    reach = max(2, steps // 16)
    level = abs(stop[0] - start[0]) >= abs(stop[1] - start[1])
    hit = np.zeros(steps, bool)
    for off in range(-reach, reach + 1):
        rows = np.clip(y + (off if level else 0), 0, ink.shape[0] - 1)
        columns = np.clip(x + (0 if level else off), 0, ink.shape[1] - 1)
        hit |= ink[rows, columns] > 0
    return float(hit.mean())


def _places(centres: np.ndarray, size: np.ndarray) -> dict[int, tuple[int, int]]:
    """(row, column) of the cells that hang together, by their number: each a step beside another."""
    best: dict[int, tuple[int, int]] = {}
    left = set(range(len(centres)))
    while len(left) > len(best):
        start = left.pop()
        places, waiting = {start: (0, 0)}, [start]
        while waiting:
            cell = waiting.pop()
            row, column = places[cell]
            for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                off = np.abs((centres - centres[cell]) / size - (right, down)).max(1)
                near = int(off.argmin())
                if off[near] < ONE_STEP and near not in places:
                    places[near] = (row + down, column + right)
                    waiting.append(near)
                    left.discard(near)
        if len(places) > len(best):
            best = places
    return best


def _terms(at: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Of places (n, 2): what the map is linear in. Bent where there are enough cells to tell."""
    row, column = at.T.astype(float)
    terms = [np.ones_like(row)]
    if rows > 1:
        terms.append(row)
    if columns > 1:
        terms.append(column)
    if min(rows, columns) > 1:
        terms.append(row * column)
    if min(rows, columns) > 3:
        terms += [row * row, column * column]
    return np.stack(terms, axis=1)
