"""Ink becomes components, lines and candidates: digits that touch, digits that are broken."""

import cv2
import numpy as np
import pytest

from recognition import Reader
from recognition.calibration import Calibration
from recognition.candidates import Candidate, classify_groups
from recognition.classifier import Classifier
from recognition.components import digit_height, find_components, thin_strokes
from recognition.cuts import find_cuts, find_dashes, find_slashes
from recognition.limits import WorkBudget
from recognition.lines import find_lines, typical_height
from recognition.photo import (
    faint_strokes,
    stroke_width,
    threshold,
)
from recognition.segment import segment
from tests.photos import paper, photo, write


@pytest.fixture(scope="module")
def reader():
    return Reader()


@pytest.fixture
def number():
    return write(paper(), "30417", 30, 50)


def test_touching_digits_are_cut(reader):
    sheet = write(paper(160, 300), "33", 40, 50, gap=-0.06)
    assert cv2.connectedComponents((sheet < 128).view(np.uint8))[0] == 2, "they must touch"
    assert reader.read_photo(photo(write(sheet, "74", 180, 50, gap=0.3))).text == "3374"


def test_what_a_thick_pen_made_touch_comes_apart_and_a_thin_pen_stays():
    sheet = write(paper(160, 300), "04", 40, 40, height=80, pen=30, gap=0.44)
    cv2.line(sheet, (105, 80), (140, 80), 0, 8)
    ink = (255 - sheet) / np.float32(255)
    assert len(find_components(ink, 30).ids) == 1
    thin = thin_strokes(ink, 30)
    assert len(find_components(thin, 12).ids) >= 2
    assert (thin <= ink).all()
    assert stroke_width(thin >= 0.5) < stroke_width(ink >= 0.5) - 8
    ink = (255 - write(paper(160, 300), "04", 40, 40, height=80, pen=9)) / np.float32(255)
    assert thin_strokes(ink, 9) is ink
    blank = np.zeros((20, 20), np.float32)
    assert thin_strokes(blank, 9) is blank


def test_the_strokes_of_a_broken_digit_are_joined(reader, number):
    cv2.line(number, (100, 40), (100, 120), 255, 3)  # through the 0
    cv2.line(number, (30, 100), (80, 92), 255, 3)  # through the foot of the 3
    assert reader.read_photo(photo(number)).text == "30417"


@pytest.mark.parametrize("clutter", [0, 60])
def test_a_stroke_that_fades_is_followed_on_clean_paper_alone(clutter):
    share = np.zeros((100, 100), np.float32)
    cv2.line(share, (30, 50), (70, 50), 0.2, 6)  # a quick turn
    cv2.line(share, (30, 10), (30, 90), 1.0, 6)
    cv2.line(share, (70, 10), (70, 90), 1.0, 6)
    share[90:, :clutter] = 0.2  # a shadow, or print
    found = threshold(share)
    assert found[50, 30]
    assert not found[50, 50]
    faint = faint_strokes(share, found, 6.0)
    assert faint[50, 50] == (not clutter)
    assert not faint[20:40].any(), "where strokes do not fade their edges are none"


def test_a_digit_of_which_a_part_is_faint_is_read_as_one(reader):
    sheet = paper(160, 160)
    for ends, grey in (
        (((60, 30), (50, 90)), 60),
        (((50, 90), (105, 88)), 205),
        (((92, 50), (88, 135)), 60),
    ):
        cv2.line(sheet, *ends, grey, 6, cv2.LINE_AA)
    assert reader.read_photo(photo(sheet, noise=0)).text == "4"


def test_cuts_go_through_little_ink_and_parts_keep_all_of_it():
    ink = np.zeros((60, 130), np.float32)
    for x in (30, 95):
        cv2.circle(ink, (x, 30), 22, 1.0, 5)
    cv2.line(ink, (30, 52), (95, 52), 1.0, 5)  # as a pen joins two zeros
    components = find_components(ink, 5)
    assert components.ids.tolist() == [1]
    solid = int(components.areas[1])
    cuts = find_cuts(components, 1, 5, 60)
    assert any(55 <= cut[20] + components.boxes[1, 0] <= 70 for cut in cuts)
    parts = components.split(1, cuts)
    assert len(parts) == len(cuts) + 1
    assert components.areas[parts].sum() == solid
    left = [components.box_of([part])[0] for part in parts]
    assert left == sorted(left)


def test_touching_rings_are_cut_between_them_and_not_through_them():
    ink, holes = np.zeros((60, 130), np.float32), np.zeros((60, 130), np.uint8)
    for x in (30, 74):
        cv2.circle(ink, (x, 30), 22, 1.0, 5)
        cv2.circle(holes, (x, 30), 10, 1, -1)  # a cut may shave a ring, not halve it
    components = find_components(ink, 5)
    assert components.ids.tolist() == [1]
    left, top, _, height = components.boxes[1]
    cuts = [np.rint(cut + left).astype(int) for cut in find_cuts(components, 1, 5, 60)]
    assert any(cut.min() >= 44 and cut.max() <= 60 for cut in cuts)
    assert not any(holes[top + height // 2, cut[height // 2]] for cut in cuts)


def test_two_doubtful_digits_are_more_likely_than_one_that_is_none_at_all():
    ink = np.zeros((60, 130), np.float32)
    for x in (30, 74):
        cv2.circle(ink, (x, 30), 22, 1.0, 5)
    components = find_components(ink, 5)

    def judge(images):
        """A 0 of log odds -4 where there is one ring, -20 where there are both: wide, and so not high."""
        odds = [-20.0 if np.count_nonzero(image.any(1)) < 15 else -4.0 for image in images]
        return 100 * np.eye(10)[0] - 100 + np.array(odds)[:, None]

    alone = classify_groups(components, [(1,)], judge)
    ((word,),) = segment(components, [[1]], alone, 5, 49, WorkBudget(1000), judge)
    assert len(word.candidates) == 2


@pytest.mark.parametrize(("reach", "is_cut"), [(25, False), (45, True), (66, True)])
def test_a_tail_is_cut_off_where_it_has_the_ink_of_a_long_dash_or_a_digit(reach, is_cut):
    ink = np.zeros((70, 140), np.float32)
    cv2.circle(ink, (35, 35), 25, 1.0, 5)
    cv2.line(ink, (60, 35), (60 + reach, 35), 1.0, 5)
    components = find_components(ink, 5)
    cuts = find_cuts(components, 1, 5, 55)
    assert any(components.boxes[1, 0] + cut.min() > 64 for cut in cuts) == is_cut


def test_a_slash_between_digits_that_it_touches_is_cut_out_whole():
    ink = np.zeros((140, 200), np.float32)
    cv2.circle(ink, (70, 70), 25, 1.0, 5)
    cv2.circle(ink, (130, 70), 25, 1.0, 5)
    slash = np.zeros_like(ink)
    cv2.line(slash, (80, 125), (120, 15), 1.0, 5)
    components = find_components(np.maximum(ink, slash), 5)
    assert components.ids.tolist() == [1]
    parts = components.split(1, find_slashes(components, 1, 5, 55))
    assert len(parts) == 3
    assert (components.labels == parts[1])[slash > 0.9].mean() > 0.95
    assert components.boxes[parts[0], 3] == pytest.approx(55, abs=3)


def test_a_straight_stroke_alone_is_not_cut_along_its_sides():
    ink = np.zeros((140, 100), np.float32)
    cv2.line(ink, (20, 125), (70, 15), 1.0, 5)
    assert find_slashes(find_components(ink, 5), 1, 5, 55) == []


@pytest.mark.parametrize(("level", "is_dash"), [(35, True), (60, False), (12, False)])
def test_a_dash_that_hangs_on_a_digit_is_cut_off_at_the_level_of_dashes_alone(level, is_dash):
    ink = np.zeros((70, 140), np.float32)
    cv2.circle(ink, (35, 35), 25, 1.0, 5)
    cv2.line(ink, (35 + 10, level), (90, level), 1.0, 5)
    first, last = find_dashes(find_components(ink, 5), 1, 5, 55)
    assert first is None
    assert (last is not None) == is_dash
    if is_dash:
        assert last[0] + 7 == pytest.approx(62, abs=4)


# --- lines of writing


def test_typical_height_is_that_of_the_digits_not_of_the_specks():
    boxes = np.array([[0, 0, 3, 3]] * 50 + [[0, 0, 20, 40]] * 5)
    assert typical_height(boxes, np.array([6] * 50 + [200] * 5)) == 40


@pytest.mark.parametrize("touching", [False, True])
def test_a_slash_does_not_make_digits_higher(touching):
    ink = np.zeros((140, 200), np.float32)
    for x in (30, 150):
        cv2.circle(ink, (x, 70), 25, 1.0, 5)
    cv2.line(ink, (75, 125), (115, 15), 1.0, 5)
    if touching:
        cv2.line(ink, (100, 70), (130, 70), 1.0, 5)
    components = find_components(ink, 5)
    assert len(components.ids) == (2 if touching else 3)
    assert digit_height(components, components.ids, 5) == pytest.approx(55, abs=4)


def test_lines_take_their_bars_and_dots_with_them():
    boxes = np.array([[0, 0, 20, 40], [60, 5, 20, 40], [28, 34, 6, 6], [0, 100, 20, 40], [24, 98, 20, 5]])
    assert find_lines(boxes, 40) == [[0, 2, 1], [3, 4]]


def test_columns_far_apart_are_read_row_by_row():
    boxes = np.array([[x, y, 20, 40] for y in (0, 80) for x in (0, 500)])
    assert find_lines(boxes, 40) == [[0, 1], [2, 3]]


def test_what_stands_a_little_lower_beside_it_is_in_the_same_line():
    boxes = np.array([[x, y + 12 * (x > 300), 20, 20] for y in (0, 60) for x in (0, 400)])
    assert find_lines(boxes, 20) == [[0, 1], [2, 3]]


def test_a_dash_far_from_its_digits_is_in_their_line_and_one_as_far_above_is_not():
    digits = [[0, 0, 20, 40], [130, 0, 20, 40]]
    assert find_lines(np.array([*digits, [60, 18, 20, 5]]), 40) == [[0, 2, 1]]
    assert find_lines(np.array([*digits, [60, -60, 20, 5]]), 40) == [[0, 1]]


def test_a_skewed_page_keeps_its_lines_apart():
    boxes = np.array([[x, y + x // 10, 20, 40] for y in (0, 60) for x in range(0, 800, 40)])
    assert [len(line) for line in find_lines(boxes, 40)] == [20, 20]


# --- blots


def test_a_filled_loop_is_a_digit_among_digits_and_a_blot_alone():
    x, y = np.meshgrid(np.arange(28) - 13.5, np.arange(28) - 13.5)
    image = np.uint8(255 * (x**2 + y**2 <= 100))
    logits = np.where(np.arange(10) == 0, 6.0, -6.0).astype(np.float32)
    candidate = Candidate((1,), (0, 0, 20, 20), image, logits, in_context=True)
    classifier = Classifier(None, Calibration(), None)
    assert classifier.digit(candidate).digit is None
    assert classifier.digit(candidate, prior=5.0).digit == 0
