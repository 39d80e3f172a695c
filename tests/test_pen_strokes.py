"""The strokes of a drawing part signs that touch, and change nothing else."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from recognition import Reader
from recognition.components import SOLID, find_components
from recognition.pen_strokes import PenStrokes
from tests.strokes import STROKES

PEN = 11
SIDE = 90  # of a digit's box


def written(*digits, step):
    """The strokes of digits that stand so many pixels apart."""
    return [
        np.array([(20 + place * step + SIDE * x, 30 + SIDE * y) for x, y in stroke])
        for place, digit in enumerate(digits)
        for stroke in STROKES[digit]
    ]


def sheet(strokes, shape=(160, 360)):
    """Black on white, as the pad sends it."""
    drawn = np.full(shape, 255, np.uint8)
    for points in strokes:
        cv2.polylines(drawn, [np.round(16 * points).astype(np.int32)], False, 0, PEN, cv2.LINE_AA, 4)
    return drawn


def with_pen(strokes):
    return PenStrokes(tuple(strokes), PEN)


@pytest.fixture(scope="module")
def reader():
    return Reader()


@pytest.mark.parametrize(("digits", "step"), [((3, 3), 33), ((0, 3), 50), ((4, 4), 33), ((0, 7, 4), 40)])
def test_digits_written_across_each_other_are_told_apart_by_their_strokes(reader, digits, step):
    strokes = written(*digits, step=step)
    assert reader.read_drawing(sheet(strokes)).text == "?"
    assert reader.read_drawing(sheet(strokes), strokes=with_pen(strokes)).text == "".join(map(str, digits))


def test_a_digit_of_several_strokes_stays_one(reader):
    four = written(4, step=0)
    assert reader.read_drawing(sheet(four), strokes=with_pen(four)).text == "4"


def test_where_nothing_touches_strokes_change_nothing(reader):
    strokes = written(3, 4, 7, step=90)
    by_picture, by_strokes = (
        reader.read_drawing(sheet(strokes), strokes=known).to_json() for known in (None, with_pen(strokes))
    )
    assert by_picture == by_strokes


def test_two_digits_in_one_stroke_are_still_cut(reader):
    ligature = [np.concatenate(written(3, 7, step=70))]
    assert reader.read_drawing(sheet(ligature), strokes=with_pen(ligature)).text == "37"


def test_while_the_pen_moves_digits_are_not_parted(reader):
    strokes = written(4, 4, step=50)
    assert reader.read_moving(sheet(strokes), strokes=with_pen(strokes)).provisional


def test_strokes_that_cross_have_all_of_their_own_ink_and_none_of_the_others():
    cross = [np.array([(20.0, 60), (120, 60)]), np.array([(70.0, 20), (70, 110)])]
    ink = (255 - sheet(cross, (130, 140))) / np.float32(255)
    components = replace(find_components(ink, PEN), strokes=with_pen(cross))
    assert components.ids.tolist() == [1]
    flat, upright = components.split_into_strokes(1)
    for part, alone in ((flat, cross[:1]), (upright, cross[1:])):
        wanted = (255 - sheet(alone, (130, 140))) / np.float32(255) >= SOLID
        x, y, width, height = components.box_of([part])
        found = components.ink_of([part])[1 : 1 + height, 1 : 1 + width] >= SOLID
        np.testing.assert_array_equal(found, wanted[y : y + height, x : x + width])
        assert components.areas[part] == wanted.sum()
    together = components.ink_of([flat, upright]) >= SOLID
    assert together.sum() == (ink >= SOLID).sum()


def test_a_part_that_is_cut_again_keeps_only_its_own_ink():
    cross = [np.array([(20.0, 60), (120, 60)]), np.array([(70.0, 20), (70, 110)])]
    ink = (255 - sheet(cross, (130, 140))) / np.float32(255)
    components = replace(find_components(ink, PEN), strokes=with_pen(cross))
    flat, _ = components.split_into_strokes(1)
    width, height = components.boxes[flat, 2:]
    left, right = components.split(flat, [np.full(height, width // 2)])
    assert components.box_of([left])[2] + components.box_of([right])[2] == width
    for part in (left, right):  # a bar, without what stood across it
        assert (components.ink_of([part]) >= SOLID).any(axis=1).sum() == height


@pytest.mark.parametrize("pen", [PEN - 4, PEN + 4])
def test_a_pen_that_is_not_quite_the_one_that_drew_does_no_harm(reader, pen):
    strokes = written(4, 4, step=50)
    assert reader.read_drawing(sheet(strokes), strokes=PenStrokes(tuple(strokes), pen)).text == "44"


def test_strokes_outside_of_the_picture_do_no_harm(reader):
    strokes = written(4, 4, step=50)
    strange = [*strokes, np.array([(-500.0, 900), (4000, 900)]), np.array([(-90.0, -90)])]
    assert reader.read_drawing(sheet(strokes), strokes=with_pen(strange)).text == "44"


def test_strokes_that_are_not_what_was_drawn_lead_to_some_answer_within_the_work_that_is_allowed(reader):
    rng = np.random.default_rng(0)
    scribble = with_pen([rng.uniform(0, 360, (60, 2)) for _ in range(60)])
    full = sheet([rng.uniform(0, 360, (2, 2)) for _ in range(40)])
    for picture in (full, sheet(written(4, 4, step=50)), np.zeros((480, 480), np.uint8)):
        assert isinstance(reader.read_drawing(picture, strokes=scribble).text, str)
