"""Are digits in a row a number, or something else that fell into pieces that look like digits?

Letters and doodles do, too, and more so once they are cut; but seldom are all of their pieces plain digits,
as high as each other, on one line. So all that speaks for and against is weighed together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnn import log_odds
from ink.segment import Word

# Weights of a logistic regression: 900 synthetic numbers against 1,800 synthetic words, letters and doodles;
# those of cuts and what a `Prior` holds are set on real ones, where they differed.
ALL_DIGITS = 0.3  # of the candidates' mean log odds that each alone is a digit
WORST_DIGIT = 0.25  # of their smallest
LEAST_ODDS, MOST_ODDS = -4.0, 8.0  # log odds beyond which one candidate's say no more
CUTS = 3.0  # against: the share of candidates that were cut from the one before,
CUT_ONES = 3.0  # and of those that a cut made a 1, for a part of any letter looks like one
UNLIKE_HEIGHTS = 3.5  # against: the standard deviation of the heights' logarithms
OFF_LINE = 3.2  # against: how far the feet stand off a straight line, digits' heights (root mean square)
STACKED = 4.0  # against: lines after the first, by the number of candidates: a number stands in one line
LEFT_ASIDE = 6.0  # against: the share of the ink that is in none of them


@dataclass(frozen=True)
class Prior:
    """How much a row's shape tells of whether it is a number; that depends on how it came here."""

    bias: float  # the log odds of a row without any width
    row: float  # in favour: its width, by its height: a letter or doodle is about as wide as high
    widest: float  # heights up to which the width speaks for it
    one_piece: float  # against: all was one piece of ink before it was cut


# On the pad, words are as wide as numbers, and digits often touch. A photo of something wide was taken of
# what is to be read; one of something as wide as high, to see whether that sign is a digit.
DRAWN = Prior(bias=-0.85, row=0.8, widest=2.5, one_piece=0.0)
PHOTOGRAPHED = Prior(bias=-3.0, row=2.2, widest=4.0, one_piece=1.0)


def log_odds_of_number(
    lines: Sequence[Sequence[Word]], areas: np.ndarray, height: float, prior: Prior
) -> float:
    """The log of the odds that these words, together, are numbers and not something else.

    lines: of at least two candidates together. areas: the ink of every piece, by its number. height: of a
    digit, pixels.
    """
    words = [word for line in lines for word in line]
    candidates = [candidate for word in words for candidate in word.candidates]
    odds = np.clip(log_odds(np.stack([found.logits for found in candidates])), LEAST_ODDS, MOST_ODDS)
    x, y, wide, high = np.array([found.box for found in candidates], float).T
    read = [number for found in candidates for number in found.numbers]
    there = [number for word in words for number in word.numbers]
    row = (np.max(x + wide) - x.min()) / (np.max(y + high) - y.min())
    is_cut = [cut for word in words for cut in word.is_cut]
    return float(
        prior.bias
        + ALL_DIGITS * odds.mean()
        + WORST_DIGIT * odds.min()
        - CUTS * np.mean(is_cut)
        - CUT_ONES * np.mean([is_one for word in words for is_one in _cut_ones(word)])
        - UNLIKE_HEIGHTS * np.log(high).std()
        - OFF_LINE * _off_line(lines) / height
        - STACKED * (sum(any(word.candidates for word in line) for line in lines) - 1) / len(candidates)
        - LEFT_ASIDE * (1 - areas[read].sum() / areas[there].sum())
        + prior.row * min(row, prior.widest)
        - prior.one_piece * (sum(is_cut) == len(is_cut) - 1)
    )


def _cut_ones(word: Word) -> list[bool]:
    """Which candidates look like a 1 and were cut from one of their neighbours."""
    cut_after = (*word.is_cut, False)[1:]
    return [
        bool((before or after) and found.logits.argmax() == 1)
        for found, before, after in zip(word.candidates, word.is_cut, cut_after, strict=True)
    ]


def _off_line(lines: Sequence[Sequence[Word]]) -> float:
    """Root mean square of the feet's distance from the straight line through those of their line, pixels."""
    squares = []
    for line in lines:
        boxes = [found.box for word in line for found in word.candidates]
        if not boxes:
            continue
        x, y, wide, high = np.array(boxes, float).T
        along, foot = x + wide / 2, y + high
        along, foot = along - along.mean(), foot - foot.mean()
        # Through two feet there is always a line: their distance is that from a level one.
        slope = along @ foot / max(along @ along, 1e-9) if len(foot) > 2 else 0.0
        squares += list((foot - slope * along) ** 2)
    return float(np.sqrt(np.mean(squares)))
