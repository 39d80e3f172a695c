"""Photos that lie on their side or upside down, and what shows beside the sheet."""

import cv2
import numpy as np
import pytest

from recognition import Reader
from recognition.photo import ink_of_photo, turned_clockwise, without_pale
from tests.photos import paper, photo, write


@pytest.fixture(scope="module")
def reader():
    return Reader()


@pytest.fixture(scope="module")
def page():
    return photo(write(write(paper(320, 460), "30417", 30, 40), "74130", 30, 180))


@pytest.mark.parametrize("quarters", [0, 1, 3])
def test_a_photo_on_its_side_is_turned_and_says_by_how_much(reader, page, quarters):
    lying = np.ascontiguousarray(np.rot90(page, quarters))
    reading = reader.read_photo(lying)
    assert reading.text == "30417\n74130"
    assert reading.turned == reading.to_json()["turned"] == 90 * quarters
    upright = np.rot90(lying, -quarters)
    for found in reading.digits:
        x, y, wide, high = found.box  # in the photo as it was turned
        assert upright[y : y + high, x : x + wide].min() < 100


def test_turning_the_ink_is_turning_the_photo(page):
    ink = ink_of_photo(page)
    for quarters in range(4):
        turned = turned_clockwise(ink, quarters, page.shape)
        np.testing.assert_array_equal(turned.ink, np.rot90(ink.ink, -quarters))
        full = np.zeros([round(side * ink.scale) for side in page.shape[:2]])
        x, y = ink.corner
        full[y : y + ink.ink.shape[0], x : x + ink.ink.shape[1]] = ink.ink
        x, y = turned.corner
        high, wide = turned.ink.shape
        np.testing.assert_array_equal(np.rot90(full, -quarters)[y : y + high, x : x + wide], turned.ink)


def test_a_single_sign_is_not_turned_until_it_looks_like_a_digit(reader):
    bar = paper(240, 320)
    cv2.line(bar, (60, 120), (260, 120), 0, 8)  # on its side it would be a 1
    assert reader.read_photo(photo(bar)).turned == 0


def test_a_dark_corner_is_no_ink(reader):
    seen = photo(write(paper(400, 500), "3", 200, 150, height=70, pen=6)).astype(np.float32)
    x, y = np.meshgrid(np.arange(500), np.arange(400))
    depth = np.clip((0.9 * x + y - 760) / 60, 0, 1)[..., None]
    dark = (seen * (1 - 0.9 * depth)).astype(np.uint8)
    reading = reader.read_photo(dark)
    assert [found.digit for found in reading.digits if found.digit is not None] == [3]


def test_print_that_shines_through_is_left_out_where_nothing_makes_sense_with_it(reader):
    sheet = paper(500, 600)
    for x in range(20, 560, 40):  # a table on the other side
        cv2.line(sheet, (x, 40), (x + 16, 70), 190, 3)
        cv2.line(sheet, (x + 16, 40), (x, 70), 190, 3)
        cv2.line(sheet, (x, 400), (x + 20, 430), 190, 3)
        cv2.line(sheet, (x + 20, 400), (x, 430), 190, 3)
    reading = reader.read_photo(photo(write(sheet, "3", 260, 200, height=70, pen=6)))
    assert reading.text == "3"


def test_ink_that_is_all_alike_is_none_of_it_pale(page):
    assert without_pale(ink_of_photo(page)) is None


def test_what_is_left_of_a_margin_is_no_sign_on_a_page_of_digits(reader):
    page = write(write(paper(320, 760), "30417", 30, 40), "74130", 30, 180)
    cv2.line(page, (600, 190), (740, 300), 0, 5)  # no 1 leans like that
    assert reader.read_photo(photo(page), may_turn=False).text == "30417\n74130"


def test_a_digit_on_a_stain_is_read_in_a_small_crop_too(reader):
    crop = paper(110, 90)
    cv2.circle(crop, (60, 70), 18, 100, -1)
    assert reader.read_photo(photo(write(crop, "7", 18, 22, height=64, pen=6))).text == "7"


def test_a_scrap_is_not_read_when_its_digit_went_with_the_edge_that_it_touched(reader):
    crop = write(paper(110, 90), "3", 40, 22, height=64, pen=6)
    cv2.rectangle(crop, (76, 0), (90, 110), 40, -1)
    cv2.line(crop, (60, 50), (80, 50), 0, 6)  # the 3 touches the edge
    cv2.line(crop, (10, 70), (10, 105), 0, 6)  # the end of a neighbour, which looks like a 1
    assert reader.read_photo(photo(crop)).text == "?"
