"""The cheapest way to read the parts of a word as digits and separators, by dynamic programming.

Costs are in nats, as -log P is: the networks', and those of shapes, cuts and groups of digits that are rare.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from recognition.candidates import Candidate, Candidates
from recognition.components import Components
from recognition.context import SEPARATORS

REJECT_COST = 6.0  # cost of reading a candidate as "not a digit"; caps the network's cost
WIDE_REJECT_COST = 6.0  # added to that cap for each digit height that a candidate is wider than USUAL_WIDTH:
USUAL_WIDTH = 0.8  # what is wider may be two digits, and these may be as doubtful
CUT_COST = 0.7  # cost of a cut through ink
DASH_CUT_COST = 0.0  # cost of a cut between a digit and the dash that hangs on it
MARK_CUT_COST = 3.0  # cost of cutting a full stop, comma or colon off: those are seldom joined to a digit
GAP_COST = 2.0  # cost of joining two parts across a gap, for each digit height of the gap
SIDE_BY_SIDE_COST = 3.0  # cost of joining two parts beside each other that are both as tall as digits
WIDTH_COST = 2.0  # cost of a candidate too wide for its digit, for each of its own heights in excess
WIDEST, WIDEST_ONE = 1.2, 0.8  # width over height above which a digit, and a 1, is too wide
SIZE_COST = 6.0  # cost of a candidate too low for its line, for each digit height that is missing
LOWEST, LOWEST_ONE, LOWEST_ZERO = 0.5, 0.6, 0.2  # digit heights below which a digit, a 1 and a 0 is too low
SKIP_COST = 0.3  # cost of skipping a small component: a full stop, a dash, a speck
MAX_SKIP_HEIGHT = 0.5  # greatest height of a component that may be skipped, in digit heights
SPECK_HEIGHT = 0.25  # height below which a component may be skipped whatever its shape, in digit heights
MAX_REJECT_SKIP_COST = 4.0  # most that the context model's doubt adds to the cost of skipping a component
CONFIDENT_COST = 0.5  # cost below which a component no wider than WIDEST is taken for one digit and not cut

# log P(slash) / P(1) of a straight stroke = SLASH_HEIGHT * its height, in digit heights, + SLASH_LEAN *
# pixels to the right for each pixel upwards + SLASH_MORE * how much that is more than of the word's most
# upright 1 + SLASH_BIAS: a logistic regression on the 1s and slashes in the strings of the training writers,
# but for SLASH_MORE, which was chosen by what is read of these (docs/lab-notes.md).
SLASH_HEIGHT, SLASH_LEAN, SLASH_MORE, SLASH_BIAS = 4.5, 2.6, 2.0, -6.6
TALL_DIGITS = 75  # per cent of a word's digits that are no taller than the height a slash is compared with
SLASH_SHARE = 0.75  # share of the networks' own opinion of which of the two it is
OTHER_SLASH_COST = 1.0  # cost of reading as a slash what looks more like another digit: like a 7, mostly
LIKELY_SEPARATOR = 3.0  # nats above the most probable separator up to which another one is considered
MAX_SEPARATOR_COST = 10.0  # cost from which none is considered: a digit that is none costs less

ODD_GROUP_COST = 2.0  # cost of a group of digits that is too long or short for the separators beside it
MIXED_COST = 1.5  # cost of two kinds of separators in one word
MAX_RUN = 5  # digits of a group that are counted


@dataclass(frozen=True)
class Part:
    """A component, or what a cut made of one, at its place in a word."""

    component_id: int
    is_cut: bool  # whether it and the part before it were one component
    is_dash: bool = False  # whether it was cut off because it looks like a dash that hangs on a digit


@dataclass(frozen=True)
class Word:
    """Digits beside each other without a wide gap."""

    candidates: tuple[Candidate, ...]  # those on the best path, from left to right
    is_cut: tuple[bool, ...]  # for each, whether it was cut from the one before
    component_ids: tuple[int, ...]  # all components of the word, skipped ones included
    separators: tuple[tuple[int, Candidate], ...] = ()  # each with how many of the digits stand before it
    is_separator_cut: tuple[bool, ...] = ()  # for each, whether it was cut from the sign before it
    as_line: float = 0.0  # log-odds of being a number, read as a whole; 0 where it was not


START, DIGIT, SEPARATOR = "start", "digit", "separator"  # the last sign on a path


class State(NamedTuple):
    """How far a path has come, and what the signs on it allow next."""

    end: int  # parts read or skipped
    kind: str = START
    run: int = 0  # digits since the last separator, at most MAX_RUN
    separator: str = ""  # the last separator, but for a leading minus
    place: int = 0  # signs of the text that were read, where there is a text


class Step(NamedTuple):
    """The state before, and the sign that was read from there: None where a part was skipped."""

    before: State
    candidate: Candidate | None
    separator: str = ""  # what the sign was read as, if it is one


class Spelled(NamedTuple):
    """A word as it was read, and what that cost."""

    cost: float
    word: Word


def best_path(
    components: Components,
    parts: list[Part],
    candidates: Candidates,
    longest: int,
    height: float,
    text: str | None = None,
) -> Spelled | None:
    """Viterbi: costs[state] = min over the states before of their costs + that of the sign in between

    A separator stands between digits, or is a minus before the first. longest: most parts of a candidate;
    height: of a digit, pixels. text: read these signs and no others; None where the parts cannot be them.
    """
    ids = tuple(part.component_id for part in parts)
    costs = {State(0): 0.0}
    steps: dict[State, Step] = {}
    at: list[list[State]] = [[State(0)], *([] for _ in parts)]

    def offer(state: State, cost: float, step: Step) -> None:
        if state not in costs:
            at[state.end].append(state)
        if cost < costs.get(state, np.inf):
            costs[state], steps[state] = cost, step

    singles = [candidates[(component_id,)] for component_id in ids if (component_id,) in candidates]
    tall, upright = _height_of_tall_digits(singles, height), _lean_of_upright_one(singles)
    for end in range(1, len(parts) + 1):
        skip_cost = _skip_cost(components, parts, end - 1, candidates, height)
        if np.isfinite(skip_cost):
            for before in at[end - 1]:
                offer(before._replace(end=end), costs[before] + skip_cost, Step(before, None))
        for start in range(max(0, end - longest), end):
            candidate = candidates.get(ids[start:end])
            if candidate is None:
                continue
            one_cost, separator_costs = _one_or_separator(candidate, tall, upright, text is None)
            likeliest = int(candidate.logits.argmax())
            digit_costs: dict[int, float] = {}
            after_dash, cut_costs = _cut_costs(parts, start, end)
            for before in at[start]:
                sign = _next_sign(text, before)
                if sign is None or sign.isdigit():
                    digit = likeliest if sign is None else int(sign)
                    if digit not in digit_costs:
                        digit_costs[digit] = digit_cost(components, candidate, height, digit)
                    may_be_slash = digit == likeliest and before.kind == DIGIT and end < len(parts)
                    cost = costs[before] + digit_costs[digit] + (one_cost if may_be_slash else 0.0)
                    cost += after_dash if before.kind == SEPARATOR else cut_costs[DIGIT]
                    run, place = min(before.run + 1, MAX_RUN), before.place + (text is not None)
                    state = State(end, DIGIT, run, before.separator, place)
                    offer(state, cost, Step(before, candidate))
                for separator, separator_cost in separator_costs:
                    if sign not in (None, separator) or before.kind == SEPARATOR:
                        continue
                    if before.kind == START and separator != "-":
                        continue
                    before_cost = group_cost(before, separator) if before.kind == DIGIT else 0.0
                    known = separator if before.kind == DIGIT else ""
                    cost = costs[before] + separator_cost + cut_costs[separator] + before_cost
                    state = State(end, SEPARATOR, 0, known, before.place + (text is not None))
                    offer(state, cost, Step(before, candidate, separator))
    ends = [state for state in at[-1] if state.kind != SEPARATOR and state.place == len(text or "")]
    if not ends:
        return None
    last = min(ends, key=lambda state: costs[state] + group_cost(state, ""))
    return Spelled(costs[last] + group_cost(last, ""), _word(parts, ids, steps, last))


def _next_sign(text: str | None, state: State) -> str | None:
    """The sign of the text that comes next: "" after its end, None where there is no text."""
    return None if text is None else text[state.place : state.place + 1]


def _word(parts: list[Part], ids: tuple[int, ...], steps: dict[State, Step], last: State) -> Word:
    """The signs on the path to this state."""
    digits: list[tuple[Candidate, bool]] = []
    separators: list[tuple[int, Candidate, bool]] = []  # each with how many digits stand after it
    state = last
    while state.end:
        kind, (state, candidate, separator) = state.kind, steps[state]
        if candidate is None:
            continue
        if kind == DIGIT:
            digits.append((candidate, parts[state.end].is_cut))
        else:
            found = replace(candidate, separator=separator)
            separators.append((len(digits), found, parts[state.end].is_cut))
    digits.reverse()
    return Word(
        tuple(candidate for candidate, _ in digits),
        tuple(is_cut for _, is_cut in digits),
        ids,
        tuple((len(digits) - after, found) for after, found, _ in reversed(separators)),
        tuple(is_cut for _, _, is_cut in reversed(separators)),
    )


def _height_of_tall_digits(singles: list[Candidate], height: float) -> float:
    """What a slash is compared with: most digits of a word are no taller. height: of a digit on the page."""
    digits = [found.box[3] for found in singles if found.cost < CONFIDENT_COST and found.logits.argmax() != 1]
    return max(height, float(np.percentile(digits, TALL_DIGITS))) if digits else height


def _lean_of_upright_one(singles: list[Candidate]) -> float:
    """How far the most upright of a word's parts that look like a 1 leans: a hand leans its 1s alike."""
    return min((found.lean for found in singles if found.logits.argmax() == 1), default=1.0)


def _one_or_separator(
    candidate: Candidate, height: float, upright: float, likely_alone: bool
) -> tuple[float, list[tuple[str, float]]]:
    """What is added to the cost of this candidate as a 1 between digits, and its costs as separators.

    A straight stroke may be a 1 or a slash. What the networks leave open is decided by how tall it is and
    how far it leans; their probability of one of the two stays the same.
    """
    costs = candidate.separator_costs
    if costs is None:
        return 0.0, []
    costs = costs.astype(float)
    slash, one_cost = SEPARATORS.index("/"), 0.0
    high = min(candidate.box[3] / height, 2.0)
    lean = candidate.lean
    log_odds = SLASH_HEIGHT * high + SLASH_LEAN * lean + SLASH_MORE * max(0, lean - upright) + SLASH_BIAS
    if candidate.logits.argmax() == 1:
        one, other = candidate.cost, costs[slash]
        log_odds += SLASH_SHARE * (one - other)
        both = -np.logaddexp(-one, -other)
        costs[slash] = both + np.logaddexp(0, -log_odds)
        one_cost = float(both + np.logaddexp(0, log_odds) - one)
    else:
        costs[slash] += OTHER_SLASH_COST + np.logaddexp(0, -log_odds)
    most = min(costs.min() + LIKELY_SEPARATOR, MAX_SEPARATOR_COST) if likely_alone else MAX_SEPARATOR_COST
    return one_cost, [(SEPARATORS[place], float(costs[place])) for place in np.flatnonzero(costs < most)]


def _cut_costs(parts: list[Part], start: int, end: int) -> tuple[float, dict[str, float]]:
    """The cost of the cut before parts[start:end]: for a digit after a separator, and for each sign else."""
    if not parts[start].is_cut and not (end < len(parts) and parts[end].is_cut):
        return 0.0, dict.fromkeys((DIGIT, *SEPARATORS), 0.0)
    before = CUT_COST * parts[start].is_cut
    costs = {DIGIT: before, "/": before, "-": before}
    if end == start + 1 and parts[start].is_dash:
        costs["-"] = DASH_CUT_COST * parts[start].is_cut
    costs |= dict.fromkeys(".,:", before + MARK_CUT_COST)
    return (DASH_CUT_COST if parts[start - 1].is_dash and start else before), costs


def group_cost(state: State, after: str) -> float:
    """The cost of the digits since the last separator, where this separator comes next, or "" the end.

    Times have groups of two digits, commas part thousands or decimals, and dates and fractions have short
    numbers. Dashes and full stops part groups of any length.
    """
    before = state.separator
    cost = MIXED_COST * bool(before and after and before != after)
    too_long = state.run > (2 if ":" in (before, after) else 4 if "/" in (before, after) else MAX_RUN)
    is_odd = before == ":" and state.run != 2
    if before == ",":
        is_odd = state.run != 3 if after else state.run > 3
    return cost + ODD_GROUP_COST * bool(too_long or is_odd)


def digit_cost(components: Components, candidate: Candidate, height: float, digit: int) -> float:
    """The networks' cost of a candidate as this digit, capped, and that of an unlikely shape for it."""
    _, _, wide, high = candidate.box
    lowest = {0: LOWEST_ZERO, 1: LOWEST_ONE}.get(digit, LOWEST)
    cost = min(candidate.cost_of(digit), REJECT_COST + WIDE_REJECT_COST * max(0, wide / height - USUAL_WIDTH))
    cost += SIZE_COST * max(0, lowest - high / height)
    cost += WIDTH_COST * max(0, wide / high - (WIDEST_ONE if digit == 1 else WIDEST))
    ids, boxes = candidate.component_ids, components.boxes
    for left, right in pairwise(ids):
        gap = boxes[right, 0] - boxes[left, 0] - boxes[left, 2]
        cost += GAP_COST * max(0, gap / height)
        if gap > 0 and min(boxes[left, 3], boxes[right, 3]) > 0.6 * high:
            cost += SIDE_BY_SIDE_COST
    return float(cost)


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
