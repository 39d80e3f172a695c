"""What is taken for ruling, and what for a stroke of a digit."""

import cv2
import numpy as np
import pytest

from recognition.ruling import remove_lines
from tests.strokes import STROKES

STROKE = 4.0


def sheet(height=400, width=600):
    return np.zeros((height, width), np.uint8)


def line(picture, start, end, width=4):
    cv2.line(picture, start, end, 1, width)
    return picture


def write(picture, digit, x, y, height=80):
    for stroke in STROKES[digit]:
        cv2.polylines(
            picture, [np.rint(np.array(stroke) * height + (x, y)).astype(np.int32)], digit == 0, 1, 4
        )
    return picture


def removed(picture):
    return picture.astype(bool) & ~remove_lines(picture.astype(bool), STROKE)


def test_a_ruled_line_goes_on_to_both_edges_and_is_removed():
    ruled = line(sheet(), (0, 200), (599, 210), 2)
    assert removed(ruled).sum() > 0.95 * ruled.sum()


@pytest.mark.parametrize(
    ("start", "end"),
    [((80, 300), (520, 296)), ((300, 30), (306, 370))],
)
def test_one_straight_stroke_that_ends_inside_the_picture_stays(start, end):
    assert not removed(line(sheet(), start, end)).any()


def test_the_stem_of_a_seven_stays_though_its_bar_stands_at_its_end():
    seven = line(line(sheet(500, 300), (60, 60), (240, 60)), (240, 60), (180, 440))
    assert not removed(seven).any()


def test_two_tall_ones_beside_each_other_are_no_ruling():
    assert not removed(line(line(sheet(), (200, 40), (200, 360)), (320, 40), (320, 360))).any()


def test_lines_that_repeat_are_ruling_though_they_end_before_the_edge():
    ruled = sheet()
    for y in (80, 160, 240, 320):
        line(ruled, (40, y), (560, y + 6), 2)
    assert removed(ruled).sum() > 0.95 * ruled.sum()


def test_a_frame_is_removed():
    frame = sheet()
    cv2.rectangle(frame, (60, 60), (540, 340), 1, 3)
    assert removed(frame).sum() > 0.9 * frame.sum()


def test_a_digit_that_crosses_a_ruled_line_stays_whole():
    digit = write(sheet(), 4, 250, 160)
    crossed = line(digit.copy(), (0, 220), (599, 220), 2)
    left = remove_lines(crossed.astype(bool), STROKE)
    assert (left & digit.astype(bool)).sum() > 0.93 * digit.sum()
    assert (left & ~cv2.dilate(digit, np.ones((7, 7), np.uint8)).astype(bool)).sum() == 0


def test_a_line_much_longer_than_the_picture_is_high_is_ruling_wherever_it_ends():
    strip = line(sheet(60, 300), (30, 50), (240, 50), 2)
    assert removed(strip).sum() > 0.95 * strip.sum()


def test_a_darker_stroke_that_runs_along_a_ruled_line_stays():
    foot = line(sheet(), (250, 200), (330, 200), 4)
    ruled = line(foot.copy(), (0, 200), (599, 200), 3)
    depth = np.where(foot > 0, 0.8, 0.3) * ruled
    left = remove_lines(ruled.astype(bool), STROKE, depth.astype(np.float32))
    assert (left & foot.astype(bool)).sum() > 0.95 * foot.sum()
    assert (left & ~foot.astype(bool)).sum() < 0.05 * ruled.sum()


def test_nothing_is_left_of_ruled_lines_that_bend():
    ruled = sheet()
    along = np.arange(0, 600, 5)
    for y in (60, 140, 220, 300):
        bent = np.stack([along, y + 14 * np.sin(along / 120)], axis=1)
        cv2.polylines(ruled, [np.rint(bent).astype(np.int32)], False, 1, 2)
    digit = write(sheet(), 4, 250, 160)
    left = remove_lines((ruled | digit).astype(bool), STROKE)
    assert (left & ~cv2.dilate(digit, np.ones((7, 7), np.uint8)).astype(bool)).sum() < 0.02 * ruled.sum()
    assert (left & digit.astype(bool)).sum() > 0.9 * digit.sum()
