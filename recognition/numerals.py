"""Are digits in a row a number, or something else that fell into pieces that look like digits?

Letters and doodles do, too, and more so once they are cut; but seldom are all of their pieces plain digits,
as high as each other, on one line. So all that speaks for and against is weighed together.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from cnn import log_odds
from recognition.segment import Word

LEAST_ODDS, MOST_ODDS = -4.0, 8.0  # log odds beyond which one candidate's say no more
WIDEST = 4.0  # heights up to which a row's width says something


@dataclass(frozen=True)
class Evidence:
    """What speaks for and against candidates being a number; or, as numbers, how much each of it weighs."""

    all_digits: float  # the candidates' mean log odds that each alone is a digit
    worst_digit: float  # the smallest of these
    cuts: float  # the share of candidates that were cut from the one before
    cut_ones: float  # and of those that a cut made a 1, for a part of any letter looks like one
    unlike_heights: float  # the standard deviation of the heights' logarithms
    off_line: float  # how far the feet stand off a straight line, digits' heights (root mean square)
    stacked: float  # lines after the first, by the number of candidates: a number stands in one line
    left_aside: float  # the share of the ink that is in none of them
    row: float  # the width of all, by its height: a letter or doodle is about as wide as high
    one_piece: float  # 1 where all was one piece of ink before it was cut
    always: float = 1.0

    def weighed(self, weights: "Evidence") -> float:
        """The log of the odds: the sum of all evidence, each by its weight."""
        return float(np.dot(astuple(self), astuple(weights)))


# Fitted by `python -m benchmarks.number_weights --folder DIR`. On the pad, words are as wide as numbers. A
# photo of something wide was taken of what is to be read; one of something as wide as high, to see whether
# that sign is a digit.
DRAWN = Evidence(
    all_digits=1.01,
    worst_digit=0.13,
    cuts=-0.33,
    cut_ones=-3.60,
    unlike_heights=-6.44,
    off_line=-5.79,
    stacked=-7.20,
    left_aside=-23.74,
    row=0.00,
    one_piece=-1.26,
    always=1.05,
)
PHOTOGRAPHED = Evidence(
    all_digits=0.99,
    worst_digit=0.09,
    cuts=0.00,
    cut_ones=-1.72,
    unlike_heights=0.00,
    off_line=-4.56,
    stacked=-8.61,
    left_aside=0.00,
    row=0.50,
    one_piece=-2.84,
    always=-1.11,
)


def evidence_of_number(lines: Sequence[Sequence[Word]], areas: np.ndarray, height: float) -> Evidence:
    """What these words, together, tell of whether they are numbers or something else.

    lines: of at least two candidates together. areas: the ink of every piece, by its number. height: of a
    digit, pixels.
    """
    words = [word for line in lines for word in line]
    candidates = [candidate for word in words for candidate in word.candidates]
    odds = np.clip(log_odds(np.stack([found.logits for found in candidates])), LEAST_ODDS, MOST_ODDS)
    x, y, wide, high = np.array([found.box for found in candidates], float).T
    read = [number for found in candidates for number in found.numbers]
    there = [number for word in words for number in word.numbers]
    is_cut = [cut for word in words for cut in word.is_cut]
    return Evidence(
        all_digits=float(odds.mean()),
        worst_digit=float(odds.min()),
        cuts=float(np.mean(is_cut)),
        cut_ones=float(np.mean([is_one for word in words for is_one in _cut_ones(word)])),
        unlike_heights=float(np.log(high).std()),
        off_line=_off_line(lines) / height,
        stacked=(sum(any(word.candidates for word in line) for line in lines) - 1) / len(candidates),
        left_aside=float(1 - areas[read].sum() / areas[there].sum()),
        row=float(min(WIDEST, (np.max(x + wide) - x.min()) / (np.max(y + high) - y.min()))),
        one_piece=float(sum(is_cut) == len(is_cut) - 1),
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
