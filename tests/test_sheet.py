"""A sheet of paper on something else: found in the photo, straightened, and the rest cropped away."""

import cv2
import numpy as np
import pytest

from recognition import Reader
from recognition.sheet import without_desk
from tests.photos import paper, write


@pytest.fixture(scope="module")
def reader():
    return Reader()


@pytest.fixture
def number():
    return write(paper(), "30417", 30, 50)


def on_desk(sheet, corners, size=(900, 700), desk=(96, 70, 50), paper_colour=(247, 222, 96)):
    """A uint8 sheet (255 paper, 0 ink) on a desk, its corners at these pixels: (H, W, 3) uint8."""
    height, width = sheet.shape
    view = cv2.getPerspectiveTransform(
        np.float32([[0, 0], [width, 0], [width, height], [0, height]]), np.float32(corners)
    )
    cover = cv2.warpPerspective(np.ones(sheet.shape, np.float32), view, size)[..., None]
    seen = cv2.warpPerspective(sheet, view, size, borderValue=255)[..., None] / 255
    ink_colour = np.array((30, 30, 40))
    picture = (1 - cover) * np.array(desk) + cover * (
        ink_colour + seen * (np.array(paper_colour) - ink_colour)
    )
    picture += np.random.default_rng(0).normal(0, 2, picture.shape)
    return np.rint(picture.clip(0, 255)).astype(np.uint8)


ASKEW = [(150, 90), (790, 140), (750, 560), (110, 500)]


@pytest.mark.parametrize("desk", [(96, 70, 50), (40, 40, 44), (60, 84, 128)])
@pytest.mark.parametrize("paper_colour", [(247, 222, 96), (242, 240, 236)])
def test_a_note_on_a_desk_is_read_with_boxes_in_the_photo(reader, number, desk, paper_colour):
    picture = on_desk(cv2.copyMakeBorder(number, 70, 70, 0, 0, cv2.BORDER_CONSTANT, value=255), ASKEW,
                      desk=desk, paper_colour=paper_colour)  # fmt: skip
    reading = reader.read_photo(picture)
    assert reading.text == "30417"
    assert reading.stages[0].picture.shape < picture.shape[:2], "the desk is cropped away"
    for found in reading.digits:
        x, y, width, height = found.box
        inside = cv2.cvtColor(picture[y : y + height, x : x + width], cv2.COLOR_RGB2GRAY)
        assert inside.min() < 60 < 150 < np.median(picture[y - 6, x : x + width, 0]), (
            "the box is not around ink"
        )


@pytest.mark.parametrize("desk", [(96, 70, 50), (110, 110, 112)])  # less colourful than the note, and grey
def test_a_photo_that_is_light_beside_the_sheet_too_stays_whole(number, desk):
    sheet = cv2.copyMakeBorder(number, 70, 70, 0, 0, cv2.BORDER_CONSTANT, value=255)
    picture = on_desk(sheet, ASKEW, desk=desk)
    assert without_desk(picture)[0].size < picture.size
    for x, y, wide, high in ((0, 0, 400, 400), (0, 600, 900, 100)):  # a window, a sheet that the edge cuts
        more = picture.copy()
        cv2.rectangle(more, (x, y), (x + wide, y + high), (250, 250, 250), -1)
        alone, corner = without_desk(more)
        assert alone is more
        assert corner == (0, 0)


def test_light_shapes_without_writing_are_no_sheets():
    for shape in ([(200, 60), (700, 60), (700, 600), (200, 600)], ASKEW):
        blank = np.zeros((700, 900), np.uint8)
        cv2.fillPoly(blank, [np.array(shape)], 230)
        assert without_desk(blank)[0] is blank
    ring = np.zeros((700, 900), np.uint8)
    cv2.circle(ring, (450, 350), 250, 230, 120)  # a thick 0
    assert without_desk(ring)[0] is ring
