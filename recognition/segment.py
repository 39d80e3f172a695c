"""Components in lines -> digits: which components belong together, and where touching digits are cut.

Components that may be several digits are over-segmented into parts. Every group of neighbouring parts that
may be one digit is a candidate; the networks classify all candidates, and dynamic programming finds the
cheapest path through each word.

Source: over-segmentation and the best path through the candidates, as in LeCun, Bottou, Bengio, Haffner,
"Gradient-Based Learning Applied to Document Recognition", 1998, section VI.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from recognition.best_path import CONFIDENT_COST, WIDEST, Part, Word, best_path
from recognition.candidates import (
    PAPER_SEPARATOR_COST,
    SHEARS,
    Candidate,
    Candidates,
    Classify,
    Group,
    add_context,
    classify_groups,
)
from recognition.components import Components
from recognition.cuts import MIN_SLASH, find_cuts, find_dashes, find_slashes
from recognition.limits import (
    CONTEXT_WORK,
    CUT_WORK,
    LINE_WORK,
    PATH_WORK,
    SLASH_WORK,
    STROKE_WORK,
    WorkBudget,
)
from recognition.line_reading import PAPER_SAY, ReadLine, Say, read_both_ways
from recognition.normalise import Box

WORD_GAP = 1.5  # width of the gap between two words, in digit heights
MIN_GAPS, WIDER_GAP = (
    3,
    1.75,
)  # gaps of a line from which words need a gap so many times as wide as the median
MAX_PARTS = 5  # most parts of a candidate
MAX_GROUP_WIDTH = 1.8  # greatest width of a candidate of several parts, in digit heights
CUT_TO_DASH = 0.15  # least distance of another cut from that which parts off a dash, in digit heights

WIDE_STROKE = 0.9  # width of a stroke, in digit heights, above which it may be several digits

IsHopeless = Callable[[list[list[Word]]], bool]  # what no second opinion could make a number of


def segment(
    components: Components,
    lines: list[list[int]],
    singles: Candidates,
    stroke: float,
    height: float,
    budget: WorkBudget,
    classify: Classify,
    classify_with_context: Classify | None = None,
    *,
    is_hopeless: IsHopeless | None = None,
    may_cut: Callable[[int], bool] | None = None,
    shears: Sequence[float] = SHEARS,
    separator_cost: float = PAPER_SEPARATOR_COST,
    read_line: ReadLine | None = None,
    say: Say = PAPER_SAY,
) -> list[list[Word]]:
    """The words of every line, from left to right. Splits components in which digits touch: where one of
    their strokes ends, if these are known.

    lines: the component ids of each, in order. singles: the candidates of one component each. stroke: stroke
    width; height: of a digit, pixels. classify: candidates alone. classify_with_context: candidates with all
    others around them; None where there is no such model. is_hopeless: of the words by `classify` alone;
    where they are, they are the answer. may_cut: of a component, by its id; all may be, where it is left out.
    separator_cost: of reading a candidate as a separator. read_line: a word as a whole, where that is asked,
    too; say: how much that counts. Raises TooMuchWorkError where the budget is spent.
    """
    candidates = dict(singles)
    words = [
        (row, word) for row, line in enumerate(lines) for word in split_into_words(components, line, height)
    ]
    parts_of = [
        _oversegment(components, word, candidates, stroke, height, budget, may_cut) for _, word in words
    ]
    has_context = classify_with_context is not None and sum(map(len, parts_of)) > 1
    budget.spend(PATH_WORK * sum(map(len, parts_of)))
    if has_context:
        budget.spend(CONTEXT_WORK * len(candidates), sum(map(_pixels, candidates.values())))
        if read_line is not None:
            budget.spend(LINE_WORK * sum(map(len, parts_of)))
    groups = []
    for parts in parts_of:
        for group in candidate_groups(components, [part.component_id for part in parts], height):
            if group not in candidates:
                _, _, wide, high = components.box_of(group)
                budget.spend(1 + CONTEXT_WORK * has_context, wide * high)
                groups.append(group)
    candidates |= classify_groups(components, sorted(groups), classify)
    longest = max(map(len, candidates), default=0)

    def read(read_line: ReadLine | None = None) -> list[list[Word]]:
        found: list[list[Word]] = [[] for _ in lines]
        for (row, _), parts in zip(words, parts_of, strict=True):
            lattice = components, parts, candidates, longest, height
            if read_line is None or len(parts) < 2:
                found[row].append(best_path(*lattice).word)
            else:
                found[row].append(read_both_ways(*lattice, read_line, say))
        return found

    if has_context:
        if is_hopeless is not None and is_hopeless(alone := read()):
            return alone
        candidates = add_context(
            components, candidates, classify_with_context, height, shears, separator_cost
        )
        return read(read_line)
    return read()


def split_into_words(components: Components, line: list[int], height: float) -> list[list[int]]:
    """A line of component ids, split at its wide gaps. height: of a digit, pixels.

    In a line whose digits all stand apart, as in a form, a gap must be wider than the others.
    """
    boxes = components.boxes[line]
    right_ends = np.maximum.accumulate(boxes[:, 0] + boxes[:, 2])
    gaps = boxes[1:, 0] - right_ends[:-1]
    min_gap = WORD_GAP * height
    if len(gaps) >= MIN_GAPS:
        min_gap = max(min_gap, WIDER_GAP * float(np.median(gaps)))
    words = [[line[0]]]
    for component_id, gap in zip(line[1:], gaps, strict=True):
        if gap > min_gap:
            words.append([])
        words[-1].append(component_id)
    return words


def is_large(box: Box, height: float) -> bool:
    """Is a component large enough to be more than one digit? height: of a digit, pixels."""
    _, _, wide, high = box
    return high >= 0.5 * height and wide >= 0.4 * height


def candidate_groups(components: Components, ids: Sequence[int], height: float) -> Iterator[Group]:
    """All groups of neighbouring parts that may be one digit; ids: of a word's parts, from left to right."""
    for start in range(len(ids)):
        for end in range(start + 1, min(start + MAX_PARTS, len(ids)) + 1):
            group = tuple(ids[start:end])
            if end > start + 1 and components.box_of(group)[2] > MAX_GROUP_WIDTH * height:
                break
            yield group


def _oversegment(
    components: Components,
    word: list[int],
    candidates: Candidates,
    stroke: float,
    height: float,
    budget: WorkBudget,
    may_cut: Callable[[int], bool] | None,
) -> list[Part]:
    """A word's parts: components that may be several digits are cut, and stay candidates as wholes."""
    parts = []
    for component_id in word:
        whole = candidates.pop((component_id,))
        if whole.box[3] >= MIN_SLASH * height:
            budget.spend(SLASH_WORK, _pixels(whole))
        slashes = find_slashes(components, component_id, stroke, height)
        is_one = not slashes and not _may_be_several(whole, height)
        if not is_one and may_cut is not None and not may_cut(component_id):
            slashes, is_one = [], True
        own = [] if is_one else _parts_of_strokes(components, component_id, stroke, height, budget)
        if not own:
            pieces = components.split(component_id, slashes)
            for piece, is_slash in zip(pieces, components.are_straight(pieces, stroke), strict=True):
                may_be_several = not is_one and not (slashes and is_slash)
                own += _cut_piece(components, piece, may_be_several, stroke, height, budget)
        group = tuple(part.component_id for part in own)
        candidates[group] = Candidate(group, whole.box, whole.image, whole.logits)
        parts += [replace(own[0], is_cut=False), *own[1:]]
    return parts


def _parts_of_strokes(
    components: Components,
    component_id: int,
    stroke: float,
    height: float,
    budget: WorkBudget,
) -> list[Part]:
    """The parts of a component that was drawn with several strokes, from left to right; else none.

    A stroke is not cut unless it is as wide as two digits: people lift the pen between most of them.
    """
    if components.strokes is None:
        return []
    count = len(components.strokes.points)
    budget.spend(STROKE_WORK * count, components.ink.size * count // 4)
    pieces = components.split_into_strokes(component_id)
    if len(pieces) < 2:
        return []
    parts = []
    for piece, is_straight in zip(pieces, components.are_straight(pieces, stroke), strict=True):
        may_be_several = not is_straight and components.boxes[piece, 2] > WIDE_STROKE * height
        parts += _cut_piece(components, piece, bool(may_be_several), stroke, height, budget)
    return sorted(parts, key=lambda part: _middle(components, part.component_id))


def _middle(components: Components, component_id: int) -> float:
    x, _, width, _ = components.boxes[component_id]
    return x + width / 2


def _cut_piece(
    components: Components,
    component_id: int,
    may_be_several: bool,
    stroke: float,
    height: float,
    budget: WorkBudget,
) -> list[Part]:
    """The parts of a component, or of a piece of one, all of them taken for cut from the one before."""
    cuts = []
    _, _, wide, high = (int(value) for value in components.boxes[component_id])
    if may_be_several and is_large((0, 0, wide, high), height):
        budget.spend(CUT_WORK, wide * high)
        cuts = find_cuts(components, component_id, stroke, min(high, 1.3 * height))
    first, last = find_dashes(components, component_id, stroke, height)
    part_ids = components.split(component_id, _with_dashes(cuts, first, last, CUT_TO_DASH * height))
    dashes = ({0} if first is not None else set()) | ({len(part_ids) - 1} if last is not None else set())
    return [Part(part_id, True, index in dashes) for index, part_id in enumerate(part_ids)]


def _with_dashes(
    cuts: list[np.ndarray], first: np.ndarray | None, last: np.ndarray | None, apart: float
) -> list[np.ndarray]:
    """The cuts with those that part off a dash at either end, and without what lies nearer to these."""
    if first is not None:
        cuts = [first, *(cut for cut in cuts if cut.min() > first[0] + apart)]
    if last is not None:
        cuts = [*(cut for cut in cuts if cut.max() < last[0] - apart), last]
    return cuts


def _pixels(candidate: Candidate) -> int:
    return candidate.box[2] * candidate.box[3]


def _may_be_several(whole: Candidate, height: float) -> bool:
    _, _, wide, high = whole.box
    is_confident = whole.cost < CONFIDENT_COST and wide <= WIDEST * max(high, 0.7 * height)
    return not is_confident and is_large(whole.box, height)
