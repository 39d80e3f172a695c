"""Dashes, slashes, full stops, commas and colons between digits: which candidates are read as which."""

import cv2
import numpy as np
import pytest

from recognition.best_path import State, group_cost
from recognition.candidates import (
    PAD_SEPARATOR_COST,
    PAPER_SEPARATOR_COST,
    add_context,
    classify_groups,
)
from recognition.components import find_components
from recognition.context import SEPARATORS
from recognition.limits import WorkBudget
from recognition.pipeline import read_ink
from recognition.reading import Digit, Reading, Separator
from recognition.segment import segment
from tests.conftest import shipped_reader
from tests.strokes import STROKES

HIGH = 40  # pixels of a digit
MARKS = {"1": (0, HIGH, 8), "-": (18, 24, 24), ".": (HIGH - 8, HIGH, 8)}  # top, bottom, width


def ink_of(text, gap=12):
    """Bars, dashes and dots side by side: (H, W) float32."""
    width = 20 + sum(MARKS[name][2] + gap for name in text)
    ink, x = np.zeros((HIGH + 20, width), np.float32), 10
    for name in text:
        top, bottom, wide = MARKS[name]
        ink[10 + top : 10 + bottom, x : x + wide] = 1
        x += wide + gap
    return ink


def alone(images):
    """Logits (N, 10): a bar is a 1, and all else is not a digit."""
    logits = np.full((len(images), 10), -8.0, np.float32)
    logits[[is_bar(image) for image in images], 1] = 8
    return logits


def in_context(images):
    """Logits (N, 15): a bar is a 1, a filled box a dash or a full stop."""
    logits = np.full((len(images), 10 + len(SEPARATORS)), -8.0, np.float32)
    for image, row in zip(images[..., 0], logits, strict=True):
        high, wide = extent(image)
        is_full = (image >= 128).sum() > 0.7 * high * wide
        if is_bar(image):
            row[1] = 8
        elif is_full:
            row[10 + SEPARATORS.index("-" if wide > 2 * high else ".")] = 8
    return logits


def extent(image):
    return np.count_nonzero((image >= 128).any(1)), np.count_nonzero((image >= 128).any(0))


def is_bar(image):
    high, wide = extent(image)
    return high > 2 * wide


def read(text, gap=12):
    """What is read of it: digits as "1", separators as they are."""
    components = find_components(ink_of(text, gap), 8)
    ids = sorted((int(i) for i in components.ids), key=lambda i: components.boxes[i, 0])
    singles = classify_groups(components, [(i,) for i in ids], alone)
    ((*words,),) = segment(components, [ids], singles, 8, HIGH, WorkBudget(1000), alone, in_context)
    found = []
    for word in words:
        signs = ["1"] * len(word.candidates)
        for place, candidate in reversed(word.separators):
            signs.insert(place, candidate.separator)
        found.append("".join(signs))
    return " ".join(found)


@pytest.mark.parametrize("text", ["1-1", "11.1", "1-1-1", "-1", "-1.1", "111"])
def test_separators_between_digits_and_a_leading_minus_are_read(text):
    assert read(text) == text


@pytest.mark.parametrize(
    ("text", "expected"), [(".1", "1"), ("1-", "1"), ("1.", "1"), ("1--1", "1-1"), ("1.-1", None)]
)
def test_what_stands_at_the_end_or_beside_another_separator_is_none(text, expected):
    found = read(text)
    assert found.count("1") == text.count("1")
    assert not set(found[-1:]) & set(SEPARATORS)
    assert len([sign for sign in found if sign in SEPARATORS]) <= 1
    if expected:
        assert found == expected


@pytest.mark.parametrize(
    ("before", "digits", "after", "is_odd"),
    [
        ("/", 2, "/", False),
        ("/", 4, "", False),
        ("/", 5, "", True),
        (":", 2, "", False),
        (":", 1, "", True),
        (",", 3, ",", False),
        (",", 2, ",", True),
        (",", 2, "", False),
        ("-", 5, "", False),
        ("-", 2, ".", True),
        ("", 5, "-", False),
    ],
)
def test_groups_of_digits_that_people_seldom_write_cost_more(before, digits, after, is_odd):
    assert (group_cost(State(9, "digit", digits, before), after) > 0) == is_odd


@pytest.mark.parametrize(("high", "lean", "is_slash"), [(40, 0, False), (64, 14, True), (70, 4, True)])
def test_a_straight_stroke_between_digits_is_a_slash_where_it_is_taller_than_they_are(high, lean, is_slash):
    ink = np.zeros((100, 140), np.float32)
    for x in (30, 100):
        cv2.circle(ink, (x, 50), 20, 1.0, 4)
    cv2.line(ink, (65 - lean // 2, 50 + high // 2), (65 + lean // 2, 50 - high // 2), 1.0, 4)
    components = find_components(ink, 4)
    ids = sorted((int(i) for i in components.ids), key=lambda i: components.boxes[i, 0])

    def rings_and_bars(images):
        """Rings are 0s, everything else is a 1 or, in context, as probably a slash."""
        logits = np.full((len(images), 10 if images.ndim == 3 else 15), -8.0, np.float32)
        for image, row in zip(images if images.ndim == 3 else images[..., 0], logits, strict=True):
            high, wide = extent(image)
            row[0 if high < 1.6 * wide else 1] = 4
            if images.ndim == 4 and high >= 1.6 * wide:
                row[10 + SEPARATORS.index("/")] = 4
        return logits

    singles = classify_groups(components, [(i,) for i in ids], rings_and_bars)
    networks, cost = (rings_and_bars, rings_and_bars), PAD_SEPARATOR_COST
    ((word,),) = segment(
        components, [ids], singles, 4, HIGH, WorkBudget(1000), *networks, separator_cost=cost
    )
    assert [candidate.separator for _, candidate in word.separators] == ["/"] * is_slash


def test_on_paper_a_separator_takes_more_evidence_than_on_the_pad():
    def unsure(images):
        logits = in_context(images)
        logits[:, 10:] = np.where(logits[:, 10:] > 0, 0.4, logits[:, 10:])  # as likely as a speck
        return logits

    def is_read(cost):
        components = find_components(ink_of("1-1"), 8)
        candidates = classify_groups(components, [(int(i),) for i in components.ids], alone)
        dash = min(candidates, key=lambda group: components.boxes[group[0], 3])
        found = add_context(components, candidates, unsure, HIGH, separator_cost=cost)[dash]
        return found.separator_costs.min() < found.reject_cost

    assert is_read(PAD_SEPARATOR_COST)
    assert not is_read(PAPER_SEPARATOR_COST)


def test_a_separator_that_stands_alone_is_none():
    components = find_components(ink_of("-"), 8)
    singles = classify_groups(components, [(1,)], alone)
    ((word,),) = segment(components, [[1]], singles, 8, HIGH, WorkBudget(1000), alone, in_context)
    assert word.separators == ()


class Networks:
    """A classifier as the pipeline uses it, with the networks above."""

    context_model, line_model = object(), None

    def logits(self, images):
        return alone(images)

    def logits_in_context(self, images):
        return in_context(images)

    def is_digit(self, candidates):
        return np.array([candidate.logits.max() > 0 for candidate in candidates])

    def digit(self, candidate, line=0, prior=0.0):
        probs = np.eye(10, dtype=np.float32)[1]
        return Digit(candidate.box, candidate.image, probs, 1, 1.0, line)


def test_a_reading_has_digits_and_separators_in_order_with_their_boxes():
    reading = read_ink(ink_of("1-11"), Networks())
    assert reading.text == "1-11"
    assert len(reading.digits) == 3 and len(reading.symbols) == 4
    dash = reading.symbols[1]
    assert isinstance(dash, Separator) and dash.separator == "-"
    assert dash.confidence > 0.9
    assert dash.box == pytest.approx((10 + 8 + 12, 10 + 18, 24, 6), abs=2)


def test_a_minus_and_one_digit_are_a_number():
    assert read_ink(ink_of("-1"), Networks()).text == "-1"


def digit(value, line=0, word=0):
    image = np.zeros((28, 28), np.uint8)
    return Digit((0, 0, 1, 1), image, np.eye(10, dtype=np.float32)[value or 0], value, 1.0, line, word)


def test_text_has_spaces_between_words_and_a_line_for_each_line():
    colon = Separator((0, 0, 1, 1), ":", 0.9, line=1, word=0)
    symbols = (digit(1), digit(2, word=1), digit(3, 1), colon, digit(None, 1))
    assert Reading(symbols).text == "1 2\n3:?"
    assert [found.digit for found in Reading(symbols).digits] == [1, 2, 3, None]
    assert Reading(()).text == ""
    assert [symbol["symbol"] for symbol in Reading(symbols).to_json()["symbols"]] == ["1", "2", "3", ":", "?"]


def test_a_stroke_as_high_as_the_digits_is_a_slash_where_it_leans_and_the_1_stands():
    high, x, picture = 90, 20.0, np.full((150, 300), 255, np.uint8)
    for sign in "14/7":
        written = [np.array([(0.0, 1.0), (0.4, 0.0)])] if sign == "/" else map(np.array, STROKES[int(sign)])
        strokes = [points * high for points in written]
        columns = np.concatenate(strokes)[:, 0]
        for points in strokes:
            placed = points + np.array([x - columns.min(), 20])
            cv2.polylines(picture, [np.round(placed * 16).astype(np.int32)], False, 0, 11, cv2.LINE_AA, 4)
        x += np.ptp(columns) + (24 if sign == "/" else 28)
    assert shipped_reader().read_drawing(picture).text == "14/7"
