"""Reading a table cell by cell, so that its lines are no digits and no digit leaves its cell."""

from dataclasses import replace

import cv2
import numpy as np

from recognition.candidates import add_context, classify_groups
from recognition.classifier import Classifier
from recognition.components import SOLID, Components, find_components
from recognition.grid import MARGIN, Grid
from recognition.limits import WorkBudget
from recognition.lines import typical_height
from recognition.photo import PhotoInk
from recognition.pipeline import NEIGHBOUR_LOG_ODDS, symbols_of
from recognition.reading import SUDOKU, Digit, Separator
from recognition.segment import segment

FITTING = 0.35  # share of the ink in cells that no side of its cell cuts off: less is squared paper
MIN_READ = 0.6  # share of the signs in cells that are digits, at least
MIN_SIGNS = 3  # signs in a grid that is read cell by cell
BESIDE = 0.3  # of a cell's side from its middle from which a thin component is what is left of a line
SLIVER = 2.0  # stroke widths of what is left of a line at the side of a cell
LOW = 0.25  # share of the cell's side below which a component is dirt, a comma or a note


def read_cells(
    photo: PhotoInk, grid: Grid, classifier: Classifier, budget: WorkBudget
) -> list[Digit | Separator] | None:
    """The signs of a grid, each with its cell; None where it is not one to be read by cells.

    Raises TooMuchWorkError.
    """
    inside = grid.labels(photo.ruled.shape, MARGIN)
    components = find_components(photo.ruled * (inside > 0), photo.stroke)
    if not len(components.ids) or _share_of_whole_signs(components, inside, photo.stroke) < FITTING:
        return None
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
    budget.spend(len(groups))
    lines = segment(
        components,
        list(cells.values()),
        singles,
        photo.stroke,
        height,
        budget,
        classifier.logits,
        in_context,
        read_line=classifier.read_line if classifier.line_model is not None else None,
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


def _share_of_whole_signs(components: Components, inside: np.ndarray, stroke: float) -> float:
    """The share of the ink in cells that no side of its cell cuts off: on squared paper, digits cross them.

    inside: the cells' labels, (H, W), 0 where there is none.
    """
    cells = (inside > 0).view(np.uint8)
    rim = cells & ~cv2.erode(cells, np.ones((3, 3), np.uint8), borderValue=0)
    at_rim = np.unique(components.labels[(rim > 0) & (components.ink >= SOLID)])
    is_sign = components.boxes[1:, 2:].max(1) >= 2 * stroke
    areas = components.areas[1:] * is_sign
    whole = areas * ~np.isin(components.ids, at_rim)
    return whole.sum() / areas.sum() if areas.any() else 0.0


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
