"""Reading a table cell by cell, so that its lines are no digits and no digit leaves its cell."""

from dataclasses import replace

import numpy as np

from recognition.classifier import Classifier
from recognition.components import SOLID, Components, find_components
from recognition.grid import MARGIN, Grid
from recognition.limits import PHOTO_WORK, WorkBudget
from recognition.lines import typical_height
from recognition.photo import PhotoInk
from recognition.pipeline import NEIGHBOUR_LOG_ODDS, symbols_of
from recognition.reading import SUDOKU, Digit, Separator
from recognition.segment import add_context, classify_groups, segment

FITTING = 0.85  # share of the ink in the grid's components that lies in one cell each: less is squared paper
MIN_READ = 0.6  # share of the signs in cells that are digits, at least
MIN_SIGNS = 3  # signs in a grid that is read cell by cell
BESIDE = 0.3  # of a cell's side from its middle from which a thin component is what is left of a line
SLIVER = 2.0  # stroke widths of what is left of a line at the side of a cell
LOW = 0.25  # share of the cell's side below which a component is dirt, a comma or a note


def read_cells(photo: PhotoInk, grid: Grid, classifier: Classifier) -> list[Digit | Separator] | None:
    """The signs of a grid, each with its cell; None where it is not one to be read by cells.

    Raises TooMuchWorkError.
    """
    if _share_in_one_cell(photo, grid) < FITTING:
        return None
    inside = grid.labels(photo.ruled.shape, MARGIN)
    components = find_components(photo.ruled * (inside > 0), photo.stroke)
    cells = _components_of_cells(components, grid, inside, photo.stroke)
    if len(cells) < MIN_SIGNS:
        return None
    ids = np.array([component_id for group in cells.values() for component_id in group])
    height = typical_height(components.boxes[ids], components.areas[ids])
    groups = [(int(component_id),) for component_id in ids]
    singles = classify_groups(components, groups, classifier.logits)
    in_context = classifier.logits_in_context if classifier.context_model is not None else None
    if (grid.rows, grid.columns) == SUDOKU:
        return _one_a_cell(components, cells, grid, height, classifier)
    budget = WorkBudget(PHOTO_WORK)
    budget.spend(len(groups))
    lines = segment(
        components, list(cells.values()), singles, photo.stroke, height, budget, classifier.logits, in_context
    )
    symbols: list[Digit | Separator] = []
    for cell, line in zip(cells, lines, strict=True):
        row, column = divmod(cell - 1, grid.columns)
        for index, word in enumerate(line):
            found = symbols_of(word, row, index, len(cells), classifier)
            symbols += [replace(symbol, column=column) for symbol in found]
    return _if_digits(symbols)


def _one_a_cell(
    components: Components, cells: dict[int, list[int]], grid: Grid, height: float, classifier: Classifier
) -> list[Digit | Separator] | None:
    """The digits of a sudoku: all that stands in a cell is one."""
    candidates = classify_groups(components, [tuple(ids) for ids in cells.values()], classifier.logits)
    if classifier.context_model is not None:
        candidates = add_context(components, candidates, classifier.logits_in_context, height)
    digits = []
    for cell, candidate in zip(cells, candidates.values(), strict=True):
        row, column = divmod(cell - 1, grid.columns)
        digits.append(replace(classifier.digit(candidate, row, NEIGHBOUR_LOG_ODDS), column=column))
    return _if_digits(digits)


def _if_digits(symbols: list[Digit | Separator]) -> list[Digit | Separator] | None:
    digits = [symbol for symbol in symbols if isinstance(symbol, Digit)]
    accepted = sum(digit.digit is not None for digit in digits)
    return symbols if accepted >= max(MIN_SIGNS, MIN_READ * len(digits)) else None


def _share_in_one_cell(photo: PhotoInk, grid: Grid) -> float:
    """The mean share of a component's ink, lines removed, in the cell that has most of it."""
    whole = grid.labels(photo.ink.shape)
    components = find_components(photo.ink * (whole > 0), photo.stroke)
    solid = (components.labels > 0) & (components.ink >= SOLID)
    most = total = 0
    for component_id in components.ids:
        x, y, wide, high = components.boxes[component_id]
        if max(wide, high) < 2 * photo.stroke:
            continue
        area = np.s_[y : y + high, x : x + wide]
        mine = whole[area][(components.labels[area] == component_id) & solid[area]]
        most, total = most + np.bincount(mine).max(), total + len(mine)
    return most / total if total else 0.0


def _components_of_cells(
    components: Components, grid: Grid, inside: np.ndarray, stroke: float
) -> dict[int, list[int]]:
    """The components of each cell that may be signs, from left to right, by the cell's number."""
    cells: dict[int, list[int]] = {}
    for component_id in components.ids:
        x, y, wide, high = (int(value) for value in components.boxes[component_id])
        area = np.s_[y : y + high, x : x + wide]
        mine = components.labels[area] == component_id
        cell = int(np.bincount(inside[area][mine]).argmax())
        off = np.abs((x + wide / 2, y + high / 2) - grid.middle(cell)).max() / grid.size
        if max(wide, high) < LOW * grid.size or (off > BESIDE and min(wide, high) <= SLIVER * stroke):
            continue
        cells.setdefault(cell, []).append(int(component_id))
    middle = components.boxes[:, 0] + components.boxes[:, 2] / 2
    return {cell: sorted(cells[cell], key=lambda one: middle[one]) for cell in sorted(cells) if cell}
