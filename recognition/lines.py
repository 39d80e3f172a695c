"""Pieces of ink -> the lines of writing they stand in, in reading order."""

import numpy as np

TALL = 0.5  # digits' heights from which a piece is a digit or most of one, and not a bar or a dot
BESIDE = 0.35  # share of the lower one's height by which two pieces in one line overlap, at least
REACH = 3.0  # digits' heights of the widest gap that is still looked across
ABOVE = 0.2  # share of the higher one's height that may lie between two pieces of a broken digit
HIGHEST = 1.5  # digits' heights that a broken digit is high, at most
NEAR = 0.6  # digits' heights from a tall piece within which a small one belongs to its line
ASIDE = 1.5  # the same for one that stands no higher and no lower than the tall piece does
MAX_SKEW, SKEWS = 0.06, 25  # rise over run by which the lines' slope is looked for, and how many are tried
ONE_LEVEL = 0.4  # digits' heights by which the middles of one line's halves may differ
SIDE_BY_SIDE = 0.7  # the same where nothing in one half stands above anything in the other


def typical_height(boxes: np.ndarray, areas: np.ndarray) -> float:
    """The height of a digit: half of all ink is in pieces at least as high.

    boxes (n, 4): x, y, width, height; areas (n,): their ink. Specks may be many, but have little ink.
    """
    order = np.argsort(boxes[:, 3])
    share = np.cumsum(areas[order]) / areas.sum()
    return float(boxes[order, 3][np.searchsorted(share, 0.5)])


def find_lines(boxes: np.ndarray, height: float) -> list[list[int]]:
    """Indices of boxes (n, 4), (x, y, width, height) each, by line from the top, each line from the left.

    height: of a digit. Every tall piece is linked to its neighbour on the right and to what may be another
    part of the same digit; chains on one level become one line, as in a table; small pieces join the nearest.
    """
    tall = np.flatnonzero(boxes[:, 3] >= TALL * height)
    if not len(tall):
        return []
    chains = _chains(boxes[tall], height)
    lines = _on_one_level([[int(tall[i]) for i in chain] for chain in chains], boxes, height)
    _add_small(lines, boxes, height)
    middles = boxes[:, 0] + boxes[:, 2] / 2
    return [sorted(line, key=lambda i: middles[i]) for line in lines]


def _chains(boxes: np.ndarray, height: float) -> list[list[int]]:
    """Indices of boxes that hang together, beside or above each other."""
    x, y, wide, high = boxes.T.astype(float)
    right, bottom, middle = x + wide, y + high, x + wide / 2
    chain_of = list(range(len(boxes)))

    def first(i: int) -> int:
        while chain_of[i] != i:
            i = chain_of[i]
        return i

    for i in range(len(boxes)):
        overlap = np.minimum(bottom, bottom[i]) - np.maximum(y, y[i])
        gap = x - right[i]
        beside = (overlap >= BESIDE * np.minimum(high, high[i])) & (gap < REACH * height)
        following = np.flatnonzero(beside & (middle > middle[i]))
        linked = list(following[np.argsort(gap[following])[:1]])
        covered = np.minimum(right, right[i]) - np.maximum(x, x[i])
        above = (covered >= 0.5 * np.minimum(wide, wide[i])) & (-overlap < ABOVE * np.maximum(high, high[i]))
        linked += list(np.flatnonzero(above & (high + high[i] - overlap < HIGHEST * height)))
        for j in linked:
            chain_of[first(i)] = first(int(j))
    chains: dict[int, list[int]] = {}
    for i in range(len(boxes)):
        chains.setdefault(first(i), []).append(i)
    return list(chains.values())


def _on_one_level(chains: list[list[int]], boxes: np.ndarray, height: float) -> list[list[int]]:
    """Chains on one level joined to lines, from the top down; the level may be as askew as the chains are."""
    x, y = boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + boxes[:, 3] / 2
    left, right = boxes[:, 0], boxes[:, 0] + boxes[:, 2]
    slopes = [np.polyfit(x[chain], y[chain], 1)[0] for chain in chains if np.ptp(x[chain]) > 4 * height]
    level = y - _slope(x, y, height, float(np.median(slopes or [0.0]))) * x
    lines: list[list[int]] = []
    for chain in sorted(chains, key=lambda chain: float(np.mean(level[chain]))):
        if not lines:
            lines.append(chain)
            continue
        above = (left[chain][:, None] < right[lines[-1]]) & (right[chain][:, None] > left[lines[-1]])
        apart = ONE_LEVEL if above.any() else SIDE_BY_SIDE
        if np.mean(level[chain]) - np.mean(level[lines[-1]]) < apart * height:
            lines[-1] += chain
        else:
            lines.append(chain)
    return lines


def _slope(x: np.ndarray, y: np.ndarray, height: float, near: float) -> float:
    """Rise over run of the lines that most of the points (n,), (n,) stand on, by the projection profile.

    near: the slope that short pieces of lines have; of equally good slopes the nearest is taken.
    """
    slopes = near + np.linspace(-MAX_SKEW, MAX_SKEW, SKEWS)
    bins = np.rint((y - np.outer(slopes, x)) / (ONE_LEVEL / 2 * height)).astype(int)
    peaks = [np.square(np.bincount(row - row.min())).sum() for row in bins]
    best = np.flatnonzero(np.array(peaks) >= 0.97 * max(peaks))
    return float(slopes[best[np.abs(best - SKEWS // 2).argmin()]])


def _add_small(lines: list[list[int]], boxes: np.ndarray, height: float) -> None:
    """Puts every small piece, a bar or a dot, into the line of the nearest tall one within reach."""
    tall = np.concatenate(lines)
    line_of = np.concatenate([np.full(len(line), number) for number, line in enumerate(lines)])
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    for i in np.setdiff1d(np.arange(len(boxes)), tall):
        gaps = np.maximum(low[tall] - high[i], low[i] - high[tall]).clip(0.0)
        gaps[gaps[:, 1] == 0] *= (NEAR / ASIDE, 1)
        distance = np.hypot(*gaps.T)
        nearest = int(distance.argmin())
        if distance[nearest] < NEAR * height:
            lines[line_of[nearest]].append(int(i))
