"""Which strokes of a written string are which of its characters: strokes are aligned to the label."""

from collections.abc import Callable, Sequence

import numpy as np

from recognition.normalise import normalise
from training.synthesis.strokes import Strokes, draw_strokes

MOST_STROKES = 4  # of one character
PEN = 0.11  # width of the pen that candidates are drawn with, heights of the string
WORST = 4.0  # nats: a string with a character of higher cost is not aligned
SEPARATORS = "-/.,:"

Network = Callable[[np.ndarray], np.ndarray]  # (N, 28, 28) uint8 -> (N, 10) logits; none of them: 0


def align(label: str, strokes: Sequence[np.ndarray], network: Network) -> tuple[int, ...] | None:
    """For each stroke the index of its character in `label`; None where no way fits well.

    strokes: in the order of writing, heights of the string. A character has one to MOST_STROKES strokes, one
    after the other; spaces have none. The way of least cost is found by dynamic programming: -log P(digit)
    for digits, and how unlike its shape is for a separator.
    """
    places = [i for i, character in enumerate(label) if character != " "]
    count = len(strokes)
    if not len(places) <= count <= MOST_STROKES * len(places):
        return None
    runs = [(a, b) for a in range(count) for b in range(a + 1, min(count, a + MOST_STROKES) + 1)]
    digit_costs = dict(zip(runs, _digit_costs([strokes[a:b] for a, b in runs], network), strict=True))
    best = np.full((len(places) + 1, count + 1), np.inf)
    best[0, 0] = 0.0
    back = np.zeros(best.shape, int)
    for c, place in enumerate(places):
        for a, b in runs:
            cost = _cost(label[place], strokes[a:b], digit_costs[a, b])
            if cost <= WORST and best[c, a] + cost < best[c + 1, b]:
                best[c + 1, b], back[c + 1, b] = best[c, a] + cost, a
    if not np.isfinite(best[-1, -1]):
        return None
    owners, end = [], count
    for c in range(len(places), 0, -1):
        start = back[c, end]
        owners = [places[c - 1]] * (end - start) + owners
        end = start
    middles = [
        np.mean([_box(strokes[i])[[0, 2]].mean() for i in range(count) if owners[i] == p]) for p in places
    ]
    return tuple(owners) if (np.diff(middles) > 0).all() else None


def _digit_costs(runs: list[Strokes], network: Network) -> np.ndarray:
    """-log P(each digit), "none" being one of the answers: (N, 10)."""
    images = []
    for run in runs:
        x, y, right, bottom = _box(np.concatenate(run))
        longest = max(right - x, bottom - y, 1e-3)
        images.append(normalise(draw_strokes(list(run), float(np.clip(PEN / longest, 0.03, 0.3)))))
    logits = network(np.stack(images)).astype(float)
    return np.logaddexp(0, np.logaddexp.reduce(logits, axis=1))[:, None] - logits


def _cost(character: str, run: Sequence[np.ndarray], digit_costs: np.ndarray) -> float:
    if character.isdigit():
        return float(digit_costs[int(character)])
    x, y, right, bottom = _box(np.concatenate(run))
    wide, high = right - x, bottom - y
    if len(run) > 1 or character not in SEPARATORS:
        return np.inf
    if character == "-":
        return 0.3 if high < 0.35 and wide > 1.3 * high else np.inf
    if character == "/":
        start, end = run[0][0], run[0][-1]
        length = float(np.linalg.norm(end - start))
        walked = float(np.linalg.norm(np.diff(run[0], axis=0), axis=1).sum())
        leans = (end[0] - start[0]) * (end[1] - start[1]) < 0 or abs(end[0] - start[0]) < 0.15 * high
        return 0.3 if high > 0.4 and leans and walked < 1.15 * length else np.inf
    return 0.3 if high < 0.4 and wide < 0.35 and bottom > 0.6 else np.inf


def _box(points: np.ndarray) -> np.ndarray:
    """x, y, right, bottom"""
    return np.concatenate([points.min(0), points.max(0)])
