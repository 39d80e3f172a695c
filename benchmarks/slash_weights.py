"""python -m benchmarks.slash_weights: what tells a slash from a 1.

Fits the weights of `recognition.best_path` to the 1s and slashes in the strings of `training.handwriting`: a
logistic regression on how tall a stroke is, in heights of the string's other digits, and how far it leans.
Both kinds count the same. Fitted to the training writers; the validation writers test it.
"""

from itertools import pairwise

import numpy as np
from scipy.optimize import minimize

from recognition.best_path import SLASH_BIAS, SLASH_HEIGHT, SLASH_LEAN
from training.handwriting import Sample, Split, read_samples

RIDGE = 0.005  # keeps the weights small
STEPS = 20  # points between two of a stroke's, so that all of it counts for its lean


def measured(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """(height, lean, 1) of every 1 and slash (N, 3), and which are slashes (N,) bool."""
    rows, is_slash = [], []
    for sample in read_samples(split):
        if sample.kind == "string" and sample.is_aligned:
            for character, row in _straight_strokes(sample):
                rows.append(row)
                is_slash.append(character == "/")
    return np.array(rows), np.array(is_slash)


def _straight_strokes(sample: Sample) -> list[tuple[str, tuple[float, float, float]]]:
    signs = [
        (character, np.concatenate(strokes))
        for place, character in enumerate(sample.label)
        if (strokes := sample.of_character(place))
    ]
    heights = [np.ptp(points[:, 1]) for character, points in signs if character in "023456789"]
    if not heights:
        return []
    height = float(np.median(heights))
    return [
        (character, (min(float(np.ptp(points[:, 1])) / height, 2.0), _lean(points), 1.0))
        for character, points in signs
        if character in "1/"
    ]


def _lean(points: np.ndarray) -> float:
    """Heights to the right for each height upwards, -1 to 1; points (n, 2), y down."""
    steps = np.linspace(0, 1, STEPS)[:, None]
    dense = [start * (1 - steps) + end * steps for start, end in pairwise(points)]
    x, y = (np.concatenate(dense) if dense else points).T
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip(-(x @ y) / max(y @ y, 1e-9), -1, 1))


def fit(rows: np.ndarray, is_slash: np.ndarray) -> np.ndarray:
    """Weights (3,) of height, lean and 1 that make the truth most likely."""
    share = np.where(is_slash, 0.5 / is_slash.mean(), 0.5 / (1 - is_slash.mean()))
    sign = 2.0 * is_slash - 1

    def loss(weights: np.ndarray) -> float:
        errors = np.logaddexp(0, -sign * (rows @ weights))
        return float((share * errors).mean() + RIDGE * weights[:-1] @ weights[:-1] / 2)

    return minimize(loss, np.zeros(rows.shape[1])).x


def main() -> None:
    rows, is_slash = measured("training")
    weights = fit(rows, is_slash)
    print(f"{np.count_nonzero(~is_slash)} ones and {np.count_nonzero(is_slash)} slashes by training writers")
    print(f"{'':9}{'height':>8}{'lean':>8}{'bias':>8}")
    for name, line in (("fitted", weights), ("in use", (SLASH_HEIGHT, SLASH_LEAN, SLASH_BIAS))):
        print(f"{name:9}" + "".join(f"{value:8.2f}" for value in line))
    for split in ("training", "validation"):
        rows, is_slash = measured(split)
        right = (rows @ weights > 0) == is_slash
        shares = (f"{100 * right[kind].mean():.0f} % of {kind.sum()}" for kind in (~is_slash, is_slash))
        print(f"{split} writers: " + " ones and ".join(shares) + " slashes right")


if __name__ == "__main__":
    main()
