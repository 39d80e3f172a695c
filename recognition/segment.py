"""Components in lines -> digits: which components belong together, and where touching digits are cut.

Components that may be several digits are over-segmented into parts. Every group of neighbouring parts that
may be one digit is a candidate; the networks classify all candidates, and dynamic programming finds the
cheapest path through each word. Costs are in nats, as -log P is.

Source: over-segmentation and the best path through the candidates, as in LeCun, Bottou, Bengio, Haffner,
"Gradient-Based Learning Applied to Document Recognition", 1998, section VI.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from cnn import log_odds
from recognition.components import Box, Components
from recognition.context import SEPARATORS, digit_logits, sheared, with_context
from recognition.cuts import find_cuts
from recognition.limits import CONTEXT_WORK, CUT_WORK, WorkBudget
from recognition.normalise import normalise

WORD_GAP = 1.5  # width of the gap between two words, in digit heights
MIN_GAPS, WIDER_GAP = (
    3,
    1.75,
)  # gaps of a line from which words need a gap so many times as wide as the median
MAX_PARTS = 5  # most parts of a candidate
MAX_GROUP_WIDTH = 1.8  # greatest width of a candidate of several parts, in digit heights
REJECT_COST = 6.0  # cost of reading a candidate as "not a digit"; caps the network's cost
WIDE_REJECT_COST = 6.0  # added to that cap for each digit height that a candidate is wider than USUAL_WIDTH:
USUAL_WIDTH = 0.8  # what is wider may be two digits, and these may be as doubtful
CUT_COST = 0.7  # cost of a cut through ink
GAP_COST = 2.0  # cost of joining two parts across a gap, for each digit height of the gap
SIDE_BY_SIDE_COST = 3.0  # cost of joining two parts beside each other that are both as tall as digits
WIDTH_COST = 2.0  # cost of a candidate too wide for its digit, for each of its own heights in excess
WIDEST, WIDEST_ONE = 1.2, 0.8  # width over height above which a digit, and a 1, is too wide
SIZE_COST = 6.0  # cost of a candidate too low for its line, for each digit height that is missing
LOWEST, LOWEST_ONE, LOWEST_ZERO = 0.5, 0.6, 0.2  # digit heights below which a digit, a 1 and a 0 is too low
SKIP_COST = 0.3  # cost of skipping a small component: a full stop, a dash, a speck
MAX_SKIP_HEIGHT = 0.5  # greatest height of a component that may be skipped, in digit heights
SPECK_HEIGHT = 0.25  # height below which a component may be skipped whatever its shape, in digit heights
SHEARS = (-0.2, 0.0, 0.2)  # shears at which the context model sees a candidate: hands lean either way
CONTEXT_SHARE = 0.65  # share of the context model in the logits of candidates
# Costs of reading a candidate as each of SEPARATORS, beside the network's: a slash is rarer than the 1 or 7
# that looks like it.
SEPARATOR_COSTS = np.array((0.1, 1.0, 0.1, 0.1, 0.1), np.float32)
MIN_SLASH_LEAN = 0.12  # pixels to the right for each pixel upwards below which a straight line is a 1
UPRIGHT_SLASH_COST = 5.0  # cost of reading such a line as a slash, beside the network's
MAX_REJECT_SKIP_COST = 4.0  # most that the context model's doubt adds to the cost of skipping a component
CONFIDENT_COST = 0.5  # cost below which a component no wider than WIDEST is taken for one digit and not cut


@dataclass(frozen=True)
class Candidate:
    """Components that may be one digit."""

    component_ids: tuple[int, ...]
    box: Box
    image: np.ndarray  # (28, 28) uint8: the network's input
    logits: np.ndarray  # (10,)
    in_context: bool = False  # whether the context model has a share in the logits
    separator_costs: np.ndarray | None = None  # (5,) -log P(each of SEPARATORS), in context
    reject_cost: float = 0.0  # -log P(neither a digit nor a separator), in context

    @property
    def cost(self) -> float:
        """-log P(the most probable digit), where "not a digit" is one of the classes."""
        logits = self.logits.astype(float)
        return float(np.logaddexp(0, log_odds(logits[None])[0]) - logits.max())

    @property
    def separator(self) -> str:
        """The most probable separator."""
        return SEPARATORS[int(self.separator_costs.argmin())]


@dataclass(frozen=True)
class Word:
    """Digits beside each other without a wide gap."""

    candidates: tuple[Candidate, ...]  # those on the best path, from left to right
    is_cut: tuple[bool, ...]  # for each, whether it was cut from the one before
    component_ids: tuple[int, ...]  # all components of the word, skipped ones included
    separators: tuple[tuple[int, Candidate], ...] = ()  # each with how many of the digits stand before it


@dataclass(frozen=True)
class Part:
    """A component, or what a cut made of one, at its place in a word."""

    component_id: int
    is_cut: bool  # whether it and the part before it were one component


START, DIGIT, SEPARATOR = "start", "digit", "separator"  # the last sign on a path

Classify = Callable[[np.ndarray], np.ndarray]  # (N, 28, 28) or (N, 28, 28, 2) uint8 -> (N, 10) logits
IsHopeless = Callable[[list[list["Word"]]], bool]  # what no second opinion could make a number of
Group = tuple[int, ...]  # the component ids of neighbouring parts that may be one digit
Candidates = dict[Group, Candidate]


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
) -> list[list[Word]]:
    """The words of every line, from left to right. Splits components in which digits touch.

    lines: the component ids of each, in order. singles: the candidates of one component each. stroke: stroke
    width; height: of a digit, pixels. classify: candidates alone. classify_with_context: candidates with all
    others around them; None where there is no such model. is_hopeless: of the words by `classify` alone;
    where they are, they are the answer. may_cut: of a component, by its id; all may be, where it is left out.
    Raises TooMuchWorkError where the budget is spent.
    """
    candidates = dict(singles)
    words = [
        (row, word) for row, line in enumerate(lines) for word in split_into_words(components, line, height)
    ]
    parts_of = [
        _oversegment(components, word, candidates, stroke, height, budget, may_cut) for _, word in words
    ]
    has_context = classify_with_context is not None and sum(map(len, parts_of)) > 1
    if has_context:
        budget.spend(CONTEXT_WORK * len(candidates), sum(map(_pixels, candidates.values())))
    groups = []
    for parts in parts_of:
        for group in candidate_groups(components, [part.component_id for part in parts], height):
            if group not in candidates:
                _, _, wide, high = components.box_of(group)
                budget.spend(1 + CONTEXT_WORK * has_context, wide * high)
                groups.append(group)
    candidates |= classify_groups(components, sorted(groups), classify)
    longest = max(map(len, candidates), default=0)

    def read() -> list[list[Word]]:
        found: list[list[Word]] = [[] for _ in lines]
        for (row, _), parts in zip(words, parts_of, strict=True):
            found[row].append(_best_path(components, parts, candidates, longest, height))
        return found

    if has_context:
        if is_hopeless is not None and is_hopeless(alone := read()):
            return alone
        candidates = add_context(components, candidates, classify_with_context, height, shears)
    return read()


def classify_groups(components: Components, groups: Sequence[Group], classify: Classify) -> Candidates:
    """A candidate for each group of components, each classified alone."""
    if not groups:
        return {}
    images = np.stack([normalise(components.ink_of(group)) for group in groups])
    found = zip(groups, images, classify(images), strict=True)
    return {
        group: Candidate(group, components.box_of(group), image, logits) for group, image, logits in found
    }


def add_context(
    components: Components,
    candidates: Candidates,
    classify: Classify,
    height: float,
    shears: Sequence[float] = SHEARS,
) -> Candidates:
    """logits = (1 - CONTEXT_SHARE) * logits + CONTEXT_SHARE * mean of the context model's over all shears

    The network for digits alone knows no separators, and a slash looks like a 1 to it: its logit for each
    separator is that of its most probable class, so that it has no say in whether something is one.
    """
    images = np.stack([with_context(components, group, height) for group in candidates])
    in_context = classify(np.concatenate([sheared(images, shear) for shear in shears]))
    in_context = in_context.reshape(len(shears), len(images), -1).mean(0)
    alone = np.stack([found.logits for found in candidates.values()])
    neutral = np.repeat(alone.max(1, keepdims=True).clip(0), len(SEPARATORS), axis=1)
    logits = np.concatenate([alone, neutral], axis=1)
    logits += np.float32(CONTEXT_SHARE) * (in_context - logits)
    logits[:, 10:] -= SEPARATOR_COSTS
    reject_costs = np.logaddexp(0, log_odds(logits))
    separator_costs = reject_costs[:, None] - logits[:, 10:]
    upright = np.array([_lean(found.image) < MIN_SLASH_LEAN for found in candidates.values()])
    separator_costs[:, SEPARATORS.index("/")] += UPRIGHT_SLASH_COST * upright
    mixed = zip(candidates.items(), digit_logits(logits), separator_costs, reject_costs.tolist(), strict=True)
    return {
        group: replace(
            found, logits=digits, in_context=True, separator_costs=separators, reject_cost=reject_cost
        )
        for (group, found), digits, separators, reject_cost in mixed
    }


def _lean(image: np.ndarray) -> float:
    """How far the ink of an image (28, 28) leans to the right, pixels for each pixel upwards."""
    y, x = np.nonzero(image >= 128)
    if len(x) < 2:
        return 0.0
    x, y = x - x.mean(), y - y.mean()
    return float(-(x @ y) / max(y @ y, 1e-9))


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
        cuts = []
        whole = candidates.pop((component_id,))
        if _may_be_several(whole, height) and (may_cut is None or may_cut(component_id)):
            budget.spend(CUT_WORK, _pixels(whole))
            digit_height = min(components.boxes[component_id, 3], 1.3 * height)
            cuts = find_cuts(components, component_id, stroke, digit_height)
        part_ids = components.split(component_id, cuts)
        group = tuple(part_ids)
        candidates[group] = Candidate(group, whole.box, whole.image, whole.logits)
        parts += [Part(part_id, index > 0) for index, part_id in enumerate(part_ids)]
    return parts


def _pixels(candidate: Candidate) -> int:
    return candidate.box[2] * candidate.box[3]


def _may_be_several(whole: Candidate, height: float) -> bool:
    _, _, wide, high = whole.box
    is_confident = whole.cost < CONFIDENT_COST and wide <= WIDEST * max(high, 0.7 * height)
    return not is_confident and is_large(whole.box, height)


def _best_path(
    components: Components, parts: list[Part], candidates: Candidates, longest: int, height: float
) -> Word:
    """Viterbi: costs[end, kind] = min over start of costs[start, kind before] + cost of parts[start:end]

    kind: of the last sign before `end`, as a separator stands between digits, or is a minus before the first.
    longest: most parts of a candidate.
    """
    ids = tuple(part.component_id for part in parts)
    costs = {(0, START): 0.0}
    steps: dict[tuple[int, str], tuple[tuple[int, str], Candidate | None]] = {}

    def offer(end: int, kind: str, cost: float, before: tuple[int, str], candidate: Candidate | None) -> None:
        if cost < costs.get((end, kind), np.inf):
            costs[end, kind], steps[end, kind] = cost, (before, candidate)

    for end in range(1, len(parts) + 1):
        skip_cost = _skip_cost(components, parts, end - 1, candidates, height)
        for kind in (START, DIGIT, SEPARATOR):
            if (end - 1, kind) in costs:
                offer(end, kind, costs[end - 1, kind] + skip_cost, (end - 1, kind), None)
        for start in range(max(0, end - longest), end):
            candidate = candidates.get(ids[start:end])
            if candidate is None:
                continue
            cut_cost = CUT_COST * parts[start].is_cut
            cost = _cost(components, candidate, height) + cut_cost
            for kind in (START, DIGIT, SEPARATOR):
                before = start, kind
                if before not in costs:
                    continue
                offer(end, DIGIT, costs[before] + cost, before, candidate)
                if candidate.separator_costs is None or kind == SEPARATOR:
                    continue
                if kind == DIGIT or candidate.separator == "-":
                    separator_cost = float(candidate.separator_costs.min()) + cut_cost
                    offer(end, SEPARATOR, costs[before] + separator_cost, before, candidate)
    at = min(
        ((len(parts), kind) for kind in (START, DIGIT) if (len(parts), kind) in costs),
        key=lambda at: costs[at],
    )
    path: list[tuple[str, Candidate, bool]] = []
    while at[0]:
        kind, (at, candidate) = at[1], steps[at]
        if candidate is not None:
            path.append((kind, candidate, parts[at[0]].is_cut))
    path.reverse()
    digits = [(candidate, is_cut) for kind, candidate, is_cut in path if kind == DIGIT]
    separators, count = [], 0
    for kind, candidate, _ in path:
        if kind == SEPARATOR:
            separators.append((count, candidate))
        count += kind == DIGIT
    return Word(
        tuple(candidate for candidate, _ in digits),
        tuple(is_cut for _, is_cut in digits),
        ids,
        tuple(separators),
    )


def _cost(components: Components, candidate: Candidate, height: float) -> float:
    """The network's cost of a candidate, capped, and that of an unlikely shape for a digit of this line."""
    _, _, wide, high = candidate.box
    digit = int(candidate.logits.argmax())
    lowest = {0: LOWEST_ZERO, 1: LOWEST_ONE}.get(digit, LOWEST)
    cost = min(candidate.cost, REJECT_COST + WIDE_REJECT_COST * max(0, wide / height - USUAL_WIDTH))
    cost += SIZE_COST * max(0, lowest - high / height)
    cost += WIDTH_COST * max(0, wide / high - (WIDEST_ONE if digit == 1 else WIDEST))
    ids, boxes = candidate.component_ids, components.boxes
    for left, right in pairwise(ids):
        gap = boxes[right, 0] - boxes[left, 0] - boxes[left, 2]
        cost += GAP_COST * max(0, gap / height)
        if gap > 0 and min(boxes[left, 3], boxes[right, 3]) > 0.6 * high:
            cost += SIDE_BY_SIDE_COST
    return cost


def _skip_cost(
    components: Components, parts: list[Part], index: int, candidates: Candidates, height: float
) -> float:
    """The cost of skipping a part: infinite for all but small components that look like punctuation.

    A comma looks like a 1, but none stands before a number.
    """
    _, _, wide, high = components.boxes[parts[index].component_id]
    is_cut = parts[index].is_cut or (index + 1 < len(parts) and parts[index + 1].is_cut)
    if is_cut or high > MAX_SKIP_HEIGHT * height:
        return np.inf
    single = candidates[(parts[index].component_id,)]
    if single.logits.argmax() == 0 and single.cost < CONFIDENT_COST:
        return np.inf  # a ring, and punctuation has no holes
    is_comma = index > 0 and single.logits.argmax() == 1
    is_mark = high < SPECK_HEIGHT * height or wide > WIDEST * high or is_comma
    if not (is_mark or single.cost > 2):
        return np.inf
    return SKIP_COST + min(single.reject_cost, MAX_REJECT_SKIP_COST)
