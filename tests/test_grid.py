"""Tables: their cells are found however the photo lies, and read one by one."""

import cv2
import numpy as np
import pytest

from recognition import Reader
from recognition.cells import read_cells
from recognition.grid import find_grid
from recognition.limits import WorkBudget
from recognition.photo import ink_of_photo
from recognition.reading import Digit, Reading
from tests.photos import photo, write

CELL = 80


def lattice(rows, columns, cell=CELL, margin=50, pen=3):
    """A sheet with an empty table, 255 paper."""
    drawn = np.full((rows * cell + 2 * margin, columns * cell + 2 * margin), 255, np.uint8)
    for row in range(rows + 1):
        y = margin + row * cell
        cv2.line(drawn, (margin, y), (margin + columns * cell, y), 0, pen)
    for column in range(columns + 1):
        x = margin + column * cell
        cv2.line(drawn, (x, margin), (x, margin + rows * cell), 0, pen)
    return drawn


def filled(texts, **kwargs):
    """A table with these texts in its cells."""
    drawn = lattice(len(texts), len(texts[0]), **kwargs)
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            write(drawn, text, 50 + column * CELL + 12, 50 + row * CELL + 22, height=36, pen=3, gap=0.2)
    return drawn


def skewed(picture):
    """The picture as a camera sees it that is not straight above."""
    high, wide = picture.shape[:2]
    corners = np.float32([[0, 0], [wide, 0], [wide, high], [0, high]])
    seen = np.float32([[30, 10], [wide - 10, 40], [wide - 45, high - 20], [10, high - 10]])
    return cv2.warpPerspective(
        picture, cv2.getPerspectiveTransform(corners, seen), (wide, high), borderValue=255
    )


@pytest.fixture(scope="module")
def reader():
    return Reader()


@pytest.mark.parametrize("see", [lambda picture: picture, skewed])
@pytest.mark.parametrize(("rows", "columns"), [(9, 9), (4, 3), (1, 6), (5, 1)])
def test_a_table_has_as_many_rows_and_columns_as_were_drawn(see, rows, columns):
    drawn = see(lattice(rows, columns))
    grid = find_grid(drawn < 128, 3.0)
    assert (grid.rows, grid.columns) == (rows, columns)


def test_cells_whose_lines_are_broken_are_found_by_the_others():
    drawn = lattice(6, 6)
    drawn[200:260, 120:140] = 255
    drawn[300:380, 200:206] = 255
    grid = find_grid(drawn < 128, 3.0)
    assert (grid.rows, grid.columns) == (6, 6)
    np.testing.assert_allclose(grid.corners[0, 0], (50, 50), atol=4)
    np.testing.assert_allclose(grid.corners[-1, -1], (530, 530), atol=4)


def test_a_row_or_column_that_is_open_at_the_side_is_found_by_its_lines():
    drawn = lattice(6, 6)
    drawn[:, :56] = 255  # the leftmost line has faded
    assert (find_grid(drawn < 128, 3.0).rows, find_grid(drawn < 128, 3.0).columns) == (6, 6)


def test_a_page_without_a_table_has_no_grid():
    assert find_grid(np.zeros((300, 400), bool), 3.0) is None
    assert find_grid(write(np.full((160, 460), 255, np.uint8), "30417", 30, 50) < 128, 6.0) is None


def test_the_labels_of_cells_leave_out_a_margin_beside_the_lines():
    grid = find_grid(lattice(3, 4) < 128, 3.0)
    labels = grid.labels((350, 450), margin=0.1)
    assert set(np.unique(labels)) == set(range(13))
    assert labels[90, 90] == 1
    assert labels[55, 90] == labels[90, 55] == 0
    np.testing.assert_allclose(grid.middle(12), (330, 250), atol=3)


def test_a_frame_between_two_digits_is_no_one(reader):
    reading = reader.read_photo(photo(filled([["3", "0", "4", "1", "7", "4"]])))
    assert reading.cells == (1, 6)
    assert reading.text == "3\t0\t4\t1\t7\t4"


def test_a_table_is_read_row_by_row_with_a_tab_between_its_cells(reader):
    reading = reader.read_photo(photo(skewed(filled([["30", "4"], ["1", "74"], ["7", "0"]]))))
    assert reading.text == "30\t4\n1\t74\n7\t0"
    assert [(found.line, found.column) for found in reading.digits] == [
        (0, 0), (0, 0), (0, 1), (1, 0), (1, 1), (1, 1), (2, 0), (2, 1)
    ]  # fmt: skip


def test_digits_that_keep_to_no_squares_are_not_read_by_cells(reader):
    drawn = lattice(8, 14, cell=30, pen=2)
    write(drawn, "3047", 70, 90, height=110, pen=6)
    ink = ink_of_photo(photo(drawn))
    grid = find_grid(ink.found, ink.stroke)
    assert grid is None or read_cells(ink, grid, reader.classifier, WorkBudget(16_000)) is None


def test_a_sudoku_is_nine_lines_of_nine():
    def digit(value, row, column):
        return Digit(
            (0, 0, 1, 1), np.zeros((28, 28), np.uint8), np.eye(10)[value], value, 1.0, row, 0, column
        )

    reading = Reading((digit(5, 0, 0), digit(3, 0, 1), digit(7, 8, 8)), cells=(9, 9))
    assert reading.text == "\n".join(["53......."] + ["." * 9] * 7 + ["........7"])
