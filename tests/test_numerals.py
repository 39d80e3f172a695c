"""The evidence that a row of candidates is a number."""

from dataclasses import replace

import numpy as np
import pytest

from recognition.best_path import Word
from recognition.candidates import Candidate
from recognition.numerals import DRAWING_WEIGHTS, evidence_of_number

HIGH = 40  # pixels, of the candidates below


def word(odds=(6.0, 6.0, 6.0), digit=3, cut=(), heights=(HIGH,) * 3, feet=(0, 0, 0)):
    """Three candidates side by side, each the digit with these log odds, standing on these feet."""
    logits = np.full((3, 10), -20.0)
    logits[:, digit] = odds
    candidates = tuple(
        Candidate((1 + i,), (30 * i, HIGH + feet[i] - heights[i], 24, heights[i]), None, logits[i])
        for i in range(3)
    )
    return Word(candidates, tuple(i in cut for i in range(3)), (1, 2, 3))


def number_odds(*lines, areas=(0, 100, 100, 100, 0)):
    return evidence_of_number(lines, np.array(areas), HIGH).log_odds(DRAWING_WEIGHTS)


def test_everything_odd_about_a_row_speaks_against_a_number():
    plain = number_odds([word()])
    assert plain > 2
    for odd in (
        word(odds=(6, 6, 2)),
        word(cut=(1, 2)),  # all was one piece
        word(heights=(HIGH, 22, HIGH)),
        word(feet=(0, -12, 0)),
    ):
        assert number_odds([odd]) < plain - 0.3
    assert number_odds([word()], areas=(0, 60, 60, 60, 0)) == plain, "only shares count"
    aside = Word(word().candidates, (False,) * 3, (1, 2, 3, 4))
    assert number_odds([aside], areas=(0, 100, 100, 100, 100)) < plain - 1
    assert number_odds([word(odds=(-9, -9, -9))]) < 0


def test_a_one_that_was_cut_from_something_is_believed_less_than_another_digit():
    assert number_odds([word(digit=1)]) == pytest.approx(number_odds([word(digit=3)]))
    assert number_odds([word(digit=1, cut=(1,))]) < number_odds([word(digit=3, cut=(1,))]) - 1


def test_a_tilted_row_stands_on_one_line_and_rows_on_their_own():
    assert number_odds([word(feet=(0, 6, 12))]) > number_odds([word(feet=(0, 12, 0))]) + 0.2
    below = [
        replace(found, box=(found.box[0], found.box[1] + 90, *found.box[2:])) for found in word().candidates
    ]
    two = number_odds([word()], [Word(tuple(below), (False,) * 3, (1, 2, 3))])
    assert two > number_odds([word(feet=(0, 40, 0))])


def test_digits_below_each_other_are_believed_less_than_beside_each_other():
    first, *others = word().candidates
    column = [
        [Word((replace(found, box=(0, 60 * row, 24, HIGH)),), (False,), found.component_ids)]
        for row, found in enumerate((first, *others))
    ]
    assert number_odds(*column) < number_odds([word()]) - 2
    assert number_odds([word()], [Word((), (), (4,))]) < number_odds([word()]) + 1e-9


def test_width_is_told_up_to_a_limit_and_where_all_was_one_piece():
    def told(*boxes, cut=(1,)):
        row = [replace(found, box=box) for found, box in zip(word(cut=cut).candidates, boxes, strict=True)]
        lines = [[Word(tuple(row), word(cut=cut).is_cut, (1, 2, 3))]]
        return evidence_of_number(lines, np.array((0, 100, 100, 100, 0)), HIGH)

    narrow = told((0, 0, 24, HIGH), (30, 0, 24, HIGH), (60, 0, 24, HIGH))
    assert narrow.aspect == pytest.approx(84 / HIGH)
    assert told((0, 0, 24, HIGH), (300, 0, 24, HIGH), (600, 0, 24, HIGH)).aspect == 4
    assert narrow.one_component == 0
    assert told((0, 0, 24, HIGH), (30, 0, 24, HIGH), (60, 0, 24, HIGH), cut=(1, 2)).one_component == 1
