"""Pieces of ink in a line -> digits: which pieces belong together, and where touching digits are cut.

The networks decide: every run of neighbouring parts that might be one digit is shown to them, and the way
through the line that they like best is found by dynamic programming. Costs are in nats, as -log P is.

Source: over-segmentation and the best path through the candidates, as in LeCun, Bottou, Bengio, Haffner,
"Gradient-Based Learning Applied to Document Recognition", 1998, section VI.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cnn import log_odds
from recognition.components import Box, Pieces, places_to_cut
from recognition.context import in_its_place, slanted
from recognition.normalise import normalise

GAP = 1.5  # digits' heights between two words
MOST_PARTS = 5  # that are joined to one digit
WIDEST_RUN = 1.8  # digits' heights that joined parts are wide, at most
UNKNOWN = 6.0  # for ink that is no digit: no candidate's is higher for what the networks say
TOO_WIDE = 6.0  # by which it may be higher for each digit's height that it is wider than USUAL_WIDTH:
USUAL_WIDTH = 0.8  # what is wider might be two digits, and these may be as doubtful
CUT = 0.7  # for a cut through ink
APART = 2.0  # for joining two parts with a gap of a digit's height between them
SIDE_BY_SIDE = 3.0  # for joining two parts beside each other that are both tall enough to be digits
BROAD = 2.0  # for a digit wider than usual, each time by its own height
WIDEST, WIDEST_ONE = 1.2, 0.8  # width over height up to which a digit, and a 1, is not too broad
SMALL = 6.0  # for a digit smaller than usual, each time by the height of a digit
SMALLEST, SMALLEST_ONE, SMALLEST_ZERO = 0.5, 0.6, 0.2  # digits' heights from which one is not too small
ASIDE = 0.3  # for leaving a small piece aside: a full stop, a dash, a speck
ASIDE_HEIGHT = 0.5  # digits' heights of what may be left aside
SPECK_HEIGHT = 0.25  # digits' heights below which it may whatever it looks like
SLANTS = (-0.2, 0.0, 0.2)  # to the right, at which the row judge looks at a candidate: hands lean either way
JUDGES_SAY = 0.65  # the row judge's share in the logits of candidates
SURE = 0.5  # a piece of lower cost, and no broader than WIDEST, is not cut


@dataclass(frozen=True)
class Candidate:
    """Pieces that might be one digit."""

    numbers: tuple[int, ...]
    box: Box
    image: np.ndarray  # (28, 28) uint8: what the network sees
    logits: np.ndarray  # (10,)
    in_place: bool = False  # whether the row judge has had its say in them

    @property
    def cost(self) -> float:
        """-log P(the most probable digit), "no digit" being one of the answers."""
        logits = self.logits.astype(float)
        return float(np.logaddexp(0, log_odds(logits[None])[0]) - logits.max())


@dataclass(frozen=True)
class Word:
    """Digits beside each other without a wide gap."""

    candidates: tuple[Candidate, ...]  # those chosen, from left to right
    is_cut: tuple[bool, ...]  # which of them was cut from the one before
    numbers: tuple[int, ...]  # all its pieces, those left aside included


@dataclass(frozen=True)
class Part:
    """A piece in its place in a word."""

    number: int
    cut_from_last: bool  # it and the part before it were one piece


Judge = Callable[[np.ndarray], np.ndarray]  # (N, 28, 28) or (N, 28, 28, 2) uint8 -> (N, 10) logits
Known = dict[tuple[int, ...], Candidate]


def segment(
    pieces: Pieces,
    lines: list[list[int]],
    alone: Known,
    stroke: float,
    height: float,
    judge: Judge,
    row_judge: Judge | None = None,
) -> list[list[Word]]:
    """The words of every line, from left to right.

    lines: the numbers of their pieces, in order. alone: what the network makes of every piece by itself.
    stroke: width of the strokes; height: of a digit, pixels. judge: of a candidate by itself. row_judge: of
    one in its place among others; None where there is only the other. Cuts pieces in two where digits touch.
    """
    known = dict(alone)
    words = [(row, word) for row, line in enumerate(lines) for word in words_of(pieces, line, height)]
    parts_of = [_parts(pieces, word, known, stroke, height) for _, word in words]
    numbers_of = [[part.number for part in parts] for parts in parts_of]
    runs = {run for numbers in numbers_of for run in runs_of(pieces, numbers, height)} - known.keys()
    known |= judged(pieces, sorted(runs), judge)
    if row_judge is not None and sum(map(len, parts_of)) > 1:
        known = judged_in_place(pieces, known, row_judge, height)
    read: list[list[Word]] = [[] for _ in lines]
    for (row, _), parts in zip(words, parts_of, strict=True):
        read[row].append(_best_path(pieces, parts, known, height))
    return read


def judged(pieces: Pieces, runs: Sequence[tuple[int, ...]], judge: Judge) -> Known:
    """What the network makes of each of these pieces or joined pieces."""
    if not runs:
        return {}
    images = np.stack([normalise(pieces.ink_of(run)) for run in runs])
    found = zip(runs, images, judge(images), strict=True)
    return {run: Candidate(run, pieces.box_of(run), image, logits) for run, image, logits in found}


def judged_in_place(pieces: Pieces, known: Known, row_judge: Judge, height: float) -> Known:
    """What is known of candidates by themselves, and the row judge's say of them among the others."""
    in_place = np.stack([in_its_place(pieces, run, height) for run in known])
    seen = row_judge(np.concatenate([slanted(in_place, slant) for slant in SLANTS]))
    logits = np.stack([found.logits for found in known.values()])
    logits += np.float32(JUDGES_SAY) * (seen.reshape(len(SLANTS), *logits.shape).mean(0) - logits)
    return {
        run: replace(found, logits=heard, in_place=True)
        for (run, found), heard in zip(known.items(), logits, strict=True)
    }


def words_of(pieces: Pieces, line: list[int], height: float) -> list[list[int]]:
    """A line of pieces, parted at its wide gaps."""
    words: list[list[int]] = []
    reached = -np.inf
    for number in line:
        x, _, wide, _ = pieces.boxes[number]
        if x - reached > GAP * height:
            words.append([])
        words[-1].append(number)
        reached = max(reached, x + wide)
    return words


def _parts(pieces: Pieces, word: list[int], known: Known, stroke: float, height: float) -> list[Part]:
    """A word of pieces, those cut that might be several digits; in `known` these go by their parts."""
    parts = []
    for number in word:
        cuts = []
        if _may_be_cut(pieces, known[(number,)], height):
            cuts = places_to_cut(pieces, number, stroke, min(pieces.boxes[number, 3], 1.3 * height))
        numbers = pieces.split(number, cuts)
        whole = known.pop((number,))
        known[tuple(numbers)] = Candidate(tuple(numbers), whole.box, whole.image, whole.logits)
        parts += [Part(number, index > 0) for index, number in enumerate(numbers)]
    return parts


def _may_be_cut(pieces: Pieces, whole: Candidate, height: float) -> bool:
    _, _, wide, high = whole.box
    sure = whole.cost < SURE and wide <= WIDEST * max(high, 0.7 * height)
    return not sure and is_large(whole.box, height)


def is_large(box: Box, height: float) -> bool:
    """Is a piece large enough to be more than one digit? height: of a digit, pixels."""
    _, _, wide, high = box
    return high >= 0.5 * height and wide >= 0.4 * height


def runs_of(pieces: Pieces, numbers: Sequence[int], height: float) -> Iterator[tuple[int, ...]]:
    """All neighbouring parts that might be one digit; numbers: of a word's parts, from left to right."""
    for start in range(len(numbers)):
        for end in range(start + 1, min(start + MOST_PARTS, len(numbers)) + 1):
            run = tuple(numbers[start:end])
            if end > start + 1 and pieces.box_of(run)[2] > WIDEST_RUN * height:
                break
            yield run


def _best_path(pieces: Pieces, parts: list[Part], known: Known, height: float) -> Word:
    """The cheapest way to read a word, by the cheapest way to read all that is left of each of its parts."""
    numbers = tuple(part.number for part in parts)
    costs = [0.0]
    steps: list[tuple[int, Candidate | None]] = [(0, None)]
    for end in range(1, len(parts) + 1):
        ways = [(costs[end - 1] + _cost_aside(pieces, parts, end - 1, known, height), end - 1, None)]
        for start in range(end):
            candidate = known.get(numbers[start:end])
            if candidate is not None:
                cost = costs[start] + _cost(pieces, candidate, height) + CUT * parts[start].cut_from_last
                ways.append((cost, start, candidate))
        cost, start, candidate = min(ways, key=lambda way: way[0])
        costs.append(cost)
        steps.append((start, candidate))
    chosen, is_cut, end = [], [], len(parts)
    while end:
        end, candidate = steps[end]
        if candidate is not None:
            chosen.append(candidate)
            is_cut.append(parts[end].cut_from_last)
    return Word(tuple(chosen[::-1]), tuple(is_cut[::-1]), numbers)


def _cost(pieces: Pieces, candidate: Candidate, height: float) -> float:
    """What the network says of it, and how odd its shape would be for a digit of this line."""
    _, _, wide, high = candidate.box
    digit = candidate.logits.argmax()
    is_one = digit == 1
    smallest = {0: SMALLEST_ZERO, 1: SMALLEST_ONE}.get(int(digit), SMALLEST)
    cost = min(candidate.cost, UNKNOWN + TOO_WIDE * max(0, wide / height - USUAL_WIDTH))
    cost += SMALL * max(0, smallest - high / height)
    cost += BROAD * max(0, wide / high - (WIDEST_ONE if is_one else WIDEST))
    for left, right in zip(candidate.numbers[:-1], candidate.numbers[1:], strict=True):
        gap = pieces.boxes[right, 0] - pieces.boxes[left, 0] - pieces.boxes[left, 2]
        cost += APART * max(0, gap / height)
        if gap > 0 and min(pieces.boxes[left, 3], pieces.boxes[right, 3]) > 0.6 * high:
            cost += SIDE_BY_SIDE
    return cost


def _cost_aside(pieces: Pieces, parts: list[Part], index: int, known: Known, height: float) -> float:
    """What it costs to read nothing in a part: only small pieces that look like punctuation may be left.

    A comma looks like a 1, but none stands before a number.
    """
    _, _, wide, high = pieces.boxes[parts[index].number]
    is_cut = parts[index].cut_from_last or (index + 1 < len(parts) and parts[index + 1].cut_from_last)
    if is_cut or high > ASIDE_HEIGHT * height:
        return np.inf
    alone = known[(parts[index].number,)]
    if alone.logits.argmax() == 0 and alone.cost < SURE:
        return np.inf  # a ring, and punctuation has no holes
    is_comma = index > 0 and alone.logits.argmax() == 1
    is_mark = high < SPECK_HEIGHT * height or wide > WIDEST * high or is_comma
    return ASIDE if is_mark or alone.cost > 2 else np.inf
