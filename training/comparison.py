"""Two networks on the same pictures: which is better, and whether that may be chance."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.evaluate import Evaluation, draw_captioned

LISTED = 20  # pictures that are named in the report
SHOWN = 60  # pictures that are drawn


@dataclass(frozen=True)
class Comparison:
    """The evaluations of two networks on the same pictures in the same order."""

    first: Evaluation
    second: Evaluation

    @property
    def only_first(self) -> np.ndarray:
        """Indices of the pictures that the first reads right and the second wrong."""
        return np.flatnonzero(self._right(self.first) & ~self._right(self.second))

    @property
    def only_second(self) -> np.ndarray:
        """Indices of the pictures that the second reads right and the first wrong."""
        return np.flatnonzero(self._right(self.second) & ~self._right(self.first))

    @property
    def differing(self) -> np.ndarray:
        """Indices of all pictures that get different answers, of which both may be wrong."""
        return np.flatnonzero(self.first.predicted != self.second.predicted)

    @property
    def p_value(self) -> float:
        """How likely a difference of this size or larger is, if both networks are equally good."""
        return mcnemar(len(self.only_first), len(self.only_second))

    def report(self, names: tuple[str, str]) -> str:
        """All of it as text. names: of the two networks."""
        width = max(map(len, names))
        lines = [f"{'':{width}}  accuracy  calibration error  rejected"]
        for name, one in zip(names, (self.first, self.second), strict=True):
            error = one.reliability.expected_calibration_error
            lines.append(
                f"{name:{width}}  {one.accuracy:8.4f}  {100 * error:15.2f} %  "
                f"{100 * one.refused.mean():6.2f} %"
            )
        both = int((self._right(self.first) & self._right(self.second)).sum())
        only_first, only_second = len(self.only_first), len(self.only_second)
        neither = len(self.first.labels) - both - only_first - only_second
        lines += [
            "",
            f"right by both {both}, by the first alone {only_first}, by the second alone {only_second}, "
            f"by neither {neither}",
            f"McNemar's exact test: p = {self.p_value:.3g}, so the difference {self._verdict()}",
        ]
        if len(self.differing):
            lines += ["", "picture  true  first  second"]
            lines += [
                f"{i:7}  {self.first.labels[i]:4}  {self.first.predicted[i]:5}  {self.second.predicted[i]:6}"
                for i in self.differing[:LISTED]
            ]
            if len(self.differing) > LISTED:
                lines.append(f"and {len(self.differing) - LISTED} more")
        return "\n".join(lines)

    def _verdict(self) -> str:
        return "is more than chance" if self.p_value < 0.05 else "may be chance"

    @staticmethod
    def _right(evaluation: Evaluation) -> np.ndarray:
        return evaluation.predicted == evaluation.labels


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p-value of McNemar's exact test.

    only_first, only_second: on how many samples only one of two classifiers is right. Where both are equally
    good, each of those is as likely one's as the other's, like the tosses of a coin.

    Source: McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 1947; Dietterich, "Approximate Statistical Tests for Comparing Supervised
    Classification Learning Algorithms", Neural Computation 1998.
    """
    tosses = only_first + only_second
    tail = sum(math.comb(tosses, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * tail / 2**tosses)


def draw_differences(path: str | Path, images: np.ndarray, comparison: Comparison) -> int:
    """Write a picture of at most SHOWN pictures with different answers; returns the number of all of them."""
    indices = comparison.differing
    title = f"{len(indices)} pictures get different answers: first, second, true digit below"

    def caption(i: int) -> str:
        answers = f"{comparison.first.predicted[i]}, {comparison.second.predicted[i]}"
        return f"{answers}\ntrue {comparison.first.labels[i]}"

    draw_captioned(path, title, images, indices[:SHOWN], caption, row_height=1.6)
    return len(indices)
