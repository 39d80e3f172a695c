"""Is a row of digits a number, or something else whose components look like digits?

Letters and doodles fall into such components, too, and into more once they are cut; but seldom do all of them
look like digits, as high as each other, on one line. So all evidence is weighed together.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from cnn import log_odds
from recognition.best_path import Word

MIN_LOG_ODDS, MAX_LOG_ODDS = -4.0, 8.0  # range that the log-odds of a single candidate are clipped to
MARKS = "-/"  # separators that are evidence for a number; a dot or comma may be anything
MAX_ASPECT = 4.0  # width over height of a row above which more width is no more evidence


@dataclass(frozen=True)
class Evidence:
    """Evidence for and against a row of candidates being a number; or the weight of each kind of evidence."""

    all_digits: float  # mean of the candidates' log-odds of being a digit
    worst_digit: float  # smallest of these
    cuts: float  # share of candidates that were cut from the one before
    cut_ones: float  # share of candidates that a cut made a 1: a part of any letter looks like one
    unlike_heights: float  # standard deviation of the logarithm of the heights
    off_line: float  # root mean square distance of the feet from a straight line, in digit heights
    stacked: float  # lines after the first, per candidate: a number stands in one line
    skipped_ink: float  # share of the ink that is in no candidate
    aspect: float  # width of the whole over its height: a letter or doodle is about as wide as high
    one_component: float  # 1 where everything was one component before it was cut
    marks: float  # share of the signs that are dashes or slashes, as in dates: seldom beside letters
    as_line: float  # mean of the log-odds that a word, read as a whole, has digits and separators alone
    bias: float = 1.0

    def log_odds(self, weights: "Evidence") -> float:
        """log P(a number) / P(something else) = sum over all evidence of weight * value"""
        return float(np.dot(astuple(self), astuple(weights)))


# Fitted by `python -m benchmarks.number_weights --folder DIR`, but for `as_line` and the bias, which were
# chosen beside them so that no more words and letters are taken for numbers (docs/lab-notes.md). On the pad,
# words are as wide as numbers. A photo of something wide was taken of what is to be read; one of something as
# wide as high, to see whether that sign is a digit.
DRAWING_WEIGHTS = Evidence(
    all_digits=1.01,
    worst_digit=0.13,
    cuts=-0.33,
    cut_ones=-3.60,
    unlike_heights=-6.44,
    off_line=-5.79,
    stacked=-7.20,
    skipped_ink=-23.74,
    aspect=0.00,
    one_component=-1.26,
    marks=0.00,
    as_line=0.80,
    bias=0.40,
)
PHOTO_WEIGHTS = Evidence(
    all_digits=0.99,
    worst_digit=0.09,
    cuts=0.00,
    cut_ones=-1.72,
    unlike_heights=0.00,
    off_line=-4.56,
    stacked=-8.61,
    skipped_ink=0.00,
    aspect=0.50,
    one_component=-2.84,
    marks=0.00,
    as_line=0.20,
    bias=-1.31,
)


def evidence_of_number(lines: Sequence[Sequence[Word]], areas: np.ndarray, height: float) -> Evidence:
    """The evidence of these words, taken together, for and against being numbers.

    lines: of at least two candidates together. areas: the ink of every component, by its id, solid pixels.
    height: of a digit, pixels.
    """
    words = [word for line in lines for word in line]
    candidates = [candidate for word in words for candidate in word.candidates]
    odds = np.clip(log_odds(np.stack([found.logits for found in candidates])), MIN_LOG_ODDS, MAX_LOG_ODDS)
    x, y, wide, high = np.array([found.box for found in candidates], float).T
    separators = [found for word in words for _, found in word.separators]
    read_ids = [component_id for found in [*candidates, *separators] for component_id in found.component_ids]
    all_ids = [component_id for word in words for component_id in word.component_ids]
    is_cut = [cut for word in words for cut in word.is_cut]
    is_sign_cut = [cut for word in words for cut in (*word.is_cut, *word.is_separator_cut)]
    return Evidence(
        all_digits=float(odds.mean()),
        worst_digit=float(odds.min()),
        cuts=float(np.mean(is_cut)),
        cut_ones=float(np.mean([is_one for word in words for is_one in _cut_ones(word)])),
        unlike_heights=float(np.log(high).std()),
        off_line=_off_line(lines) / height,
        stacked=(sum(any(word.candidates for word in line) for line in lines) - 1) / len(candidates),
        skipped_ink=float(1 - areas[read_ids].sum() / areas[all_ids].sum()),
        aspect=float(min(MAX_ASPECT, (np.max(x + wide) - x.min()) / (np.max(y + high) - y.min()))),
        one_component=float(sum(is_sign_cut) == len(is_sign_cut) - 1),
        as_line=float(np.mean([word.as_line for word in words])),
        marks=sum(found.separator in MARKS for found in separators) / len(is_sign_cut),
    )


def _cut_ones(word: Word) -> list[bool]:
    """Which candidates look like a 1 and were cut from one of their neighbours."""
    cut_after = (*word.is_cut, False)[1:]
    return [
        bool((before or after) and found.logits.argmax() == 1)
        for found, before, after in zip(word.candidates, word.is_cut, cut_after, strict=True)
    ]


def _off_line(lines: Sequence[Sequence[Word]]) -> float:
    """Root mean square distance of the feet from the straight line fitted to those of their row, pixels."""
    squares = []
    for line in lines:
        boxes = [found.box for word in line for found in word.candidates]
        if not boxes:
            continue
        x, y, wide, high = np.array(boxes, float).T
        along, foot = x + wide / 2, y + high
        along, foot = along - along.mean(), foot - foot.mean()
        # A straight line always fits two feet, so their distance from a level line counts.
        slope = along @ foot / max(along @ along, 1e-9) if len(foot) > 2 else 0.0
        squares += list((foot - slope * along) ** 2)
    return float(np.sqrt(np.mean(squares)))
