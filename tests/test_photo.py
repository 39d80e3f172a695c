"""Photos of digits: found, cut, ordered and read, on whatever paper and in whatever light."""

import json

import cv2
import numpy as np
import pytest

from recognition import Reader
from recognition.components import find_components, remove_border_noise
from recognition.photo import (
    dark_on_light,
    even_light,
    ink_of_photo,
    remove_lines,
    stroke_width,
)
from tests.photos import HEIGHT, paper, photo, write


@pytest.fixture(scope="module")
def reader():
    return Reader()


@pytest.fixture
def number():
    return write(paper(), "30417", 30, 50)


# --- what a photo may look like


def test_a_line_of_digits_is_read_from_left_to_right_with_boxes_around_each(reader, number):
    reading = reader.read_photo(photo(number))
    assert reading.text == "30417"
    assert reading.message == ""
    left = [found.box[0] for found in reading.digits]
    assert left == sorted(left)
    for found in reading.digits:
        x, y, width, height = found.box
        assert (y, height) == (pytest.approx(50, abs=6), pytest.approx(HEIGHT, abs=10))
        inside = number[y : y + height, x : x + width]
        assert inside.min() == 0
        for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
            assert edge.min() < 200, "the box is wider or higher than its ink"


def test_lines_are_read_from_the_top_down(reader):
    sheet = write(write(paper(320), "304", 30, 40), "17", 60, 180)
    reading = reader.read_photo(photo(sheet))
    assert reading.text == "304\n17"
    assert [found.line for found in reading.digits] == [0, 0, 0, 1, 1]
    assert [found["line"] for found in json.loads(json.dumps(reading.to_json()))["digits"]] == [0, 0, 0, 1, 1]


def test_light_and_shadow_do_not_change_the_answer(reader, number):
    height, width = number.shape
    slope = np.linspace(0.35, 1.0, width)[None]
    shadow = np.where(np.arange(width) > 200, 0.55, 1.0)[None]
    for light in (slope, shadow):
        picture = photo(number).astype(np.float32) * np.broadcast_to(light, (height, width))[..., None]
        assert reader.read_photo(picture.astype(np.uint8)).text == "30417"


@pytest.mark.parametrize(
    ("paper_colour", "ink_colour"),
    [
        ((235, 230, 110), (30, 60, 130)),  # blue on a yellow note
        ((240, 240, 240), (200, 60, 60)),  # red
        ((225, 220, 215), (165, 160, 158)),  # pencil
        ((40, 60, 45), (215, 220, 215)),  # chalk
        ((0, 0, 0), (40, 40, 40)),  # faint white on black
        ((120, 160, 120), (160, 120, 120)),  # of the same brightness as the paper
    ],
)
def test_any_ink_on_any_paper_is_read(reader, number, paper_colour, ink_colour):
    colours = np.array(ink_colour) + number[..., None] / 255 * (np.array(paper_colour) - ink_colour)
    assert reader.read_photo(np.rint(colours).astype(np.uint8)).text == "30417"


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_grey_colour_and_transparent_pictures_are_read_alike(reader, number, channels):
    if channels == 1:
        picture = number
    elif channels == 3:
        picture = np.repeat(number[..., None], 3, -1)
    else:
        picture = np.zeros((*number.shape, 4), np.uint8)
        picture[..., 3] = 255 - number
    assert reader.read_photo(picture).text == "30417"


def test_a_white_pen_on_transparent_paper_is_read(reader, number):
    picture = np.full((*number.shape, 4), 255, np.uint8)
    picture[..., 3] = 255 - number
    assert reader.read_photo(picture).text == "30417"


@pytest.mark.parametrize("factor", [0.4, 1.0, 5.0])
def test_size_does_not_change_the_answer_and_boxes_are_in_the_pictures_own_pixels(reader, number, factor):
    size = (round(number.shape[1] * factor), round(number.shape[0] * factor))
    reading = reader.read_photo(photo(cv2.resize(number, size, interpolation=cv2.INTER_AREA), noise=1))
    assert reading.text == "30417"
    _, y, _, height = reading.digits[0].box
    assert (y, height) == (pytest.approx(50 * factor, abs=6), pytest.approx(60 * factor, rel=0.2))


@pytest.mark.parametrize("size", [28, 96])
def test_a_picture_that_one_digit_fills_is_read(reader, size):
    sheet = write(paper(100, 100), "3", 5, 5, height=90, pen=12)
    small = cv2.resize(sheet, (size, size), interpolation=cv2.INTER_AREA)
    for picture in (photo(small, noise=0), 255 - photo(small, noise=0)):
        reading = reader.read_photo(picture)
        assert reading.text == "3"
        assert len(reading.digits) == 1


def test_a_tilted_line_is_one_line(reader, number):
    tilt = cv2.getRotationMatrix2D((230, 80), 6, 1.0)
    turned = cv2.warpAffine(number, tilt, (460, 160), borderValue=255)
    assert reader.read_photo(photo(turned)).text == "30417"


# --- what does not belong to the digits


@pytest.mark.parametrize("tilt", [0, 2])
def test_ruled_lines_are_removed_and_the_digits_on_them_stay(reader, number, tilt):
    for y in (20, 80, 140):
        cv2.line(number, (0, y), (460, y + round(460 * np.tan(np.radians(tilt)))), 50, 2, cv2.LINE_AA)
    assert reader.read_photo(photo(number)).text == "30417"


def test_squared_paper_is_removed(reader, number):
    for at in range(10, 460, 50):
        cv2.line(number, (at, 0), (at, 159), 80, 1)
        cv2.line(number, (0, at), (459, at), 80, 1)
    assert reader.read_photo(photo(number)).text == "30417"


def test_a_frame_at_the_edge_and_cut_off_neighbours_are_left_out(reader):
    sheet = write(paper(100, 90), "3", 25, 20)
    cv2.rectangle(sheet, (0, 0), (89, 99), 30, 5)
    assert reader.read_photo(photo(sheet)).text == "3"
    scraps = write(paper(100, 90), "3", 25, 20)
    cv2.circle(scraps, (0, 50), 18, 0, 6)
    cv2.line(scraps, (89, 70), (80, 99), 0, 6)
    assert reader.read_photo(photo(scraps)).text == "3"


def test_a_small_ring_between_high_digits_is_a_zero_and_no_full_stop(reader):
    sheet = write(paper(200, 400), "7", 30, 40, height=100)
    write(sheet, "37", 170, 40, height=100)
    cv2.circle(sheet, (130, 110), 8, 0, 5, cv2.LINE_AA)
    assert reader.read_photo(photo(sheet)).text == "7037"


def test_a_full_stop_between_digits_is_read_and_specks_and_a_dash_behind_them_are_not(reader, number):
    rng = np.random.default_rng(1)
    for x, y in rng.uniform((5, 5), (455, 40), (40, 2)).astype(int):
        number[y, x] = 0
    cv2.circle(number, (77, 110), 4, 0, -1)  # a full stop after the 3
    cv2.line(number, (335, 85), (360, 85), 0, 6)  # a dash behind the number
    assert reader.read_photo(photo(number)).text == "3.0417"


def test_without_ink_there_is_nothing_to_read_and_it_is_said(reader):
    blank = photo(paper(), noise=0)
    for picture in (blank, np.zeros_like(blank), blank[:1, :1], blank[:1], blank[:, :1]):
        reading = reader.read_photo(picture)
        assert (reading.text, reading.digits) == ("", ())
        assert reading.message == "Nothing is drawn: the picture is all one colour."


def test_of_paper_with_nothing_but_lines_on_it_it_is_not_said_that_it_is_all_one_colour(reader):
    ruled = paper()
    for y in range(30, len(ruled), 40):
        cv2.line(ruled, (0, y), (ruled.shape[1], y), 120, 2)
    reading = reader.read_photo(photo(ruled))
    assert reading.text == ""
    assert reading.message.startswith("No digits were found in this picture.")


def test_noise_is_no_digit(reader):
    for seed in range(3):
        reading = reader.read_photo(photo(paper(300, 400), noise=12, seed=seed))
        assert not any(character.isdigit() for character in reading.text)
        assert reading.message


def test_a_page_of_text_holds_no_digits(reader):
    page = np.full((700, 900), 255, np.uint8)
    for row, words in enumerate(["Sehr geehrte Damen", "und Herren, wenn ein", "Reisender bei Nacht"] * 3):
        cv2.putText(page, words, (30, 70 + 70 * row), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 1.8, 0, 3, cv2.LINE_AA)
    reading = reader.read_photo(page)
    assert reading.digits == ()
    assert reading.message == "No digits were found in this picture. Is it the right way up?"


def test_a_doodle_is_refused_as_a_whole_and_keeps_its_bars(reader):
    page = np.full((300, 300), 255, np.uint8)
    cv2.circle(page, (150, 170), 90, 0, 8, cv2.LINE_AA)
    for ear in ([(80, 110), (90, 30), (140, 85)], [(160, 85), (215, 30), (222, 115)]):
        cv2.polylines(page, [np.array(ear)], False, 0, 8, cv2.LINE_AA)
    for x in (115, 185):
        cv2.circle(page, (x, 150), 10, 0, -1)
    reading = reader.read_photo(page)
    assert reading.text == "?"
    assert reading.digits[0].probs.sum() == pytest.approx(1, rel=1e-5)
    assert "does not look like a digit" in reading.message


def test_what_looks_like_a_digit_in_a_picture_of_something_else_is_none(reader):
    picture = write(paper(200, 200), "7", 80, 70)
    for x in range(12, 200, 44):  # leaves, say, that the picture's edge cuts off
        cv2.ellipse(picture, (x, 0), (12, 30), 0, 0, 360, 0, -1, cv2.LINE_AA)
        cv2.ellipse(picture, (x + 7, 199), (12, 28), 0, 0, 360, 0, -1, cv2.LINE_AA)
    reading = reader.read_photo(photo(picture))
    assert reading.text == "?"
    assert "does not look like a digit" in reading.message
    few = picture.copy()
    few[:60], few[:, 60:][140:] = 255, 255  # one leaf stays
    assert reader.read_photo(photo(few)).text == "7"


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (np.zeros((28, 28)), TypeError),
        ("photo.jpg", TypeError),
        (np.zeros((0, 0), np.uint8), ValueError),
        (np.zeros((5, 5, 2), np.uint8), ValueError),
    ],
)
def test_what_is_no_picture_is_refused(reader, image, error):
    with pytest.raises(error, match="a photo must"):
        reader.read_photo(image)


# --- stages


def test_the_stages_are_pictures_of_bounded_size_in_the_order_they_were_made(reader, number):
    large = cv2.resize(number, None, fx=9, fy=9, interpolation=cv2.INTER_AREA)
    stages = reader.read_photo(photo(large, noise=0)).stages
    assert [stage.name for stage in stages] == ["Grey", "Light evened", "Ink", "Lines removed", "Pieces"]
    for stage in stages:
        assert stage.picture.dtype == np.uint8
        assert max(stage.picture.shape) <= 1600
        assert stage.picture.ndim == (3 if stage.name == "Pieces" else 2)
    assert "stages" not in reader.read_photo(photo(number)).to_json()


def test_a_drawing_has_no_stages(reader):
    assert reader.read_drawing(np.full((20, 20), 255, np.uint8)).stages == ()


def test_evened_light_leaves_paper_at_zero_and_ink_where_it_was(number):
    light = np.linspace(80, 250, number.shape[1])[None]
    contrast, noise, stroke = even_light(np.uint8(light * (0.3 + 0.7 / 255 * number)))
    assert np.median(contrast[number == 255]) < 0.02
    assert contrast[number == 0].mean() == pytest.approx(0.7, abs=0.06)
    assert noise < 0.01
    assert stroke == pytest.approx(7, abs=1)


def test_dark_on_light_turns_chalk_and_leaves_ink(number):
    dark = np.uint8(40 + 180 / 255 * number)
    np.testing.assert_array_equal(dark_on_light(dark), dark)
    np.testing.assert_array_equal(dark_on_light(255 - dark), dark)


def test_grey_levels_inside_strokes_and_at_their_edges_are_kept(number):
    ink = ink_of_photo(photo(number, noise=0)).ink
    assert len(np.unique(np.round(ink[ink > 0], 2))) > 10
    assert ink.max() == 1


@pytest.mark.parametrize("width", [3, 6, 12])
def test_the_width_of_strokes_is_measured(width):
    mask = np.zeros((100, 200), bool)
    mask[40 : 40 + width, 20:180] = True
    assert stroke_width(mask) == pytest.approx(width, abs=1)


def test_only_long_lines_are_removed_and_crossing_strokes_stay_whole():
    mask = np.zeros((200, 400), bool)
    mask[100:103] = True
    digit = np.zeros_like(mask)
    digit[60:150, 50:56] = digit[60:66, 50:110] = True  # a stroke across the line, a bar above it
    without = remove_lines(mask | digit, 5)
    assert (without & digit).sum() == digit.sum()
    assert (without & ~digit).sum() < 0.03 * mask.sum()


# --- limits


def test_twelve_megapixels_are_read(reader, number):
    sheet = paper(3000, 4000)
    sheet[1000 : 1000 + 4 * 160, 800 : 800 + 4 * 460] = cv2.resize(number, None, fx=4, fy=4)
    assert reader.read_photo(np.uint8(60 + 0.5 * sheet)).text == "30417"


def test_a_picture_full_of_pieces_ends(reader):
    rng = np.random.default_rng(0)
    coarse = cv2.resize(rng.integers(0, 255, (200, 300)).astype(np.uint8), (1600, 1200))
    reading = reader.read_photo(coarse)
    assert len(reading.digits) <= 1000


def test_scraps_are_never_all_there_is():
    ink = np.zeros((50, 50), np.float32)
    ink[:4] = 1.0
    components = find_components(ink, 4)
    assert remove_border_noise(components).tolist() == [1]
