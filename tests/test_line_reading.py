"""A word read as a whole line, too: what the network is shown, and when its word counts."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from benchmarks.handwriting_sets import draw
from cnn import log_odds
from recognition import Reader
from recognition.best_path import Part, best_path
from recognition.candidates import classify_groups
from recognition.components import find_components
from recognition.line_image import DIGIT, HEIGHT, STEP, line_image
from recognition.line_reading import PAD_SAY, SIGNS, Say, log_odds_of_number, read_both_ways, text_of
from training.handwriting import read_samples

BLANK = len(SIGNS) + 1


def bars(*lefts, height=40, width=8, shape=(120, 200)):
    """Upright bars as ink, and their components."""
    ink = np.zeros(shape, np.float32)
    for left in lefts:
        cv2.rectangle(ink, (left, 40), (left + width - 1, 40 + height - 1), 1.0, -1)
    return find_components(ink, float(width))


def line_that_says(text, surely=6.0):
    """Logits (T, 17) of a line with these signs, a blank between each two."""
    logits = np.zeros((2 * len(text) + 1, BLANK + 1), np.float32)
    logits[::2, BLANK] = surely
    for place, sign in enumerate(text):
        logits[2 * place + 1, len(SIGNS) if sign == "?" else SIGNS.index(sign)] = surely
    return logits


@pytest.mark.parametrize("scale", [0.4, 1, 5])
def test_a_digit_has_one_height_and_level_in_a_line_however_large_it_was(scale):
    shape, height, width = (round(120 * scale), round(200 * scale)), round(40 * scale), round(8 * scale)
    ink = np.zeros(shape, np.float32)
    for left in (20, 60):
        top = round(40 * scale)
        ink[top : top + height, round(left * scale) : round(left * scale) + width] = 1
    line = line_image(find_components(ink, width), [1, 2])
    rows = np.flatnonzero(line.max(1) > 127)
    assert (len(line), line.shape[1] % STEP) == (HEIGHT, 0)
    assert abs(np.ptp(rows) + 1 - DIGIT) <= 2
    assert abs(rows.mean() + 0.5 - HEIGHT / 2) <= 1.5
    assert not line[:, 0].any() and not line[:, -1].any()


def test_dots_and_dashes_do_not_move_a_line_and_what_sticks_out_is_cut_off():
    ink = np.zeros((300, 300), np.float32)
    ink[100:140, 50:60] = ink[100:140, 100:110] = 1
    level = line_image(find_components(ink, 8.0), [1, 2])
    ink[132:138, 80:86] = 1  # a full stop
    with_dot = line_image(find_components(ink, 8.0), [1, 2, 3])
    np.testing.assert_array_equal(np.flatnonzero(level.any(1)), np.flatnonzero(with_dot.any(1)))
    ink[100:260, 150:158] = 1  # a 1 four times as high
    assert line_image(find_components(ink, 8.0), [1, 2, 3, 4]).shape[0] == HEIGHT


def test_what_is_too_wide_for_a_line_is_none():
    components = bars(5, 2900, shape=(120, 3000))
    assert line_image(components, [1, 2]) is None


@pytest.fixture
def word():
    """Two bars, each a 1 or a 7: the first surely a 1, the second a 7 by half a nat."""
    components = bars(30, 90)

    def classify(images):
        logits = np.full((len(images), 10), -4.0, np.float32)
        logits[:, 1] = 5
        if len(images) > 1:
            logits[1, 7] = 5.5
        return logits

    candidates = classify_groups(components, [(1,), (2,)], classify)
    return components, [Part(1, False), Part(2, False)], candidates, 1, 40.0


def test_alone_the_likeliest_digits_are_read_and_a_text_is_spelled_at_a_higher_cost(word):
    alone, other = best_path(*word), best_path(*word, "11")
    assert text_of(alone.word) == "17"
    assert other.cost - alone.cost == pytest.approx(0.5, abs=0.01)
    assert best_path(*word, "171") is None
    assert best_path(*word, "1") is None


def test_a_line_that_is_sure_of_another_text_has_its_way(word):
    read = read_both_ways(*word, lambda line: line_that_says("11"), PAD_SAY)
    assert text_of(read) == "11"
    before = word[2][2,].logits
    after = read.candidates[1].logits
    assert log_odds(after[None])[0] == pytest.approx(log_odds(before[None])[0], abs=1e-4)  # no surer a digit


def test_it_has_no_say_where_another_text_is_not_cheaper_by_the_margin(word):
    assert text_of(read_both_ways(*word, lambda line: line_that_says("11"), Say(1.0, 20.0))) == "17"
    assert text_of(read_both_ways(*word, lambda line: line_that_says("11"), Say(0.01, 0.0))) == "17"


@pytest.mark.parametrize(
    "line",
    [
        line_that_says("17"),
        line_that_says("11", surely=0.2),  # as good as any other text
        line_that_says("1111"),  # which two parts cannot be
        line_that_says("1?"),
        line_that_says(""),
    ],
    ids=["the same", "unsure", "too long", "something else", "nothing"],
)
def test_any_other_line_changes_nothing(word, line):
    assert text_of(read_both_ways(*word, lambda _: line, PAD_SAY)) == "17"


def test_the_line_has_a_say_in_whether_a_doubtful_sign_is_a_digit(word):
    components, parts, candidates, *rest = word
    doubtful = replace(candidates[(2,)], logits=candidates[(2,)].logits - 6)
    candidates = candidates | {(2,): doubtful}
    for line, is_digit in ((line_that_says("17"), True), (line_that_says("1?"), False)):
        sure, supported = read_both_ways(
            components, parts, candidates, *rest, lambda _, line=line: line, PAD_SAY
        ).candidates
        assert sure.support == 0  # no line could refute it
        assert (supported.support > 3, supported.support < -3) == (is_digit, not is_digit)
        np.testing.assert_array_equal(supported.logits, doubtful.logits)


def test_something_else_in_a_line_is_evidence_against_a_number(word):
    assert log_odds_of_number(line_that_says("17")) > 2
    assert log_odds_of_number(line_that_says("1?")) < -2
    assert read_both_ways(*word, lambda _: line_that_says("1?"), PAD_SAY).as_line < -2


@pytest.mark.parametrize(("at", "text"), [(41, "08976"), (77, "12-26-70"), (85, "879-0123")])
def test_a_number_in_which_no_cut_is_right_is_read_as_a_line(at, text):
    """Three by writers who are not trained on, of each of which the path alone misreads a digit."""
    sample = [sample for sample in read_samples("validation") if sample.kind == "string"][at]
    drawing = draw(list(sample.strokes), np.random.default_rng(at), 840, 280)
    assert sample.label == text
    alone = Reader()
    alone.classifier.line_model = None
    assert alone.read_drawing(drawing).text != text
    reading = Reader().read_drawing(drawing)
    assert reading.text == text
    lefts = [symbol.box[0] for symbol in reading.symbols]
    assert lefts == sorted(lefts) and len(lefts) == len(text)
