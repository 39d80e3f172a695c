"""Candidates: groups of components that may be one digit or separator, and what the networks make of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from cnn import log_odds
from recognition.components import Components
from recognition.context import SEPARATORS, digit_logits, sheared, with_context
from recognition.normalise import Box, normalise

SHEARS = (-0.2, 0.0, 0.2)  # shears at which the context model sees a candidate: hands lean either way
CONTEXT_SHARE = 0.65  # share of the context model in the logits of candidates
# Costs of reading a candidate as a separator, beside the network's: on paper there are specks, too, and the
# remains of ruled lines.
PAD_SEPARATOR_COST, PAPER_SEPARATOR_COST = 0.1, 0.7

Classify = Callable[[np.ndarray], np.ndarray]  # (N, 28, 28) or (N, 28, 28, 2) uint8 -> (N, 10) logits
Group = tuple[int, ...]  # the component ids of neighbouring parts that may be one digit


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
    support: float = 0.0  # log-odds of being a digit that the word, read as a whole line, adds
    separator: str = ""  # which of SEPARATORS it was read as

    @property
    def cost(self) -> float:
        """-log P(the most probable digit), where "not a digit" is one of the classes."""
        return self.cost_of(int(self.logits.argmax()))

    @cached_property
    def lean(self) -> float:
        """How far the ink leans to the right, pixels for each pixel upwards: -1 to 1."""
        y, x = np.nonzero(self.image >= 128)
        if len(x) < 2:
            return 0.0
        x, y = x - x.mean(), y - y.mean()
        return float(np.clip(-(x @ y) / max(y @ y, 1e-9), -1, 1))

    def cost_of(self, digit: int) -> float:
        """-log P(this digit)"""
        logits = self.logits.astype(float)
        return float(np.logaddexp(0, log_odds(logits[None])[0]) - logits[digit])


Candidates = dict[Group, Candidate]


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
    separator_cost: float = PAPER_SEPARATOR_COST,
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
    logits[:, 10:] -= np.float32(separator_cost)
    reject_costs = np.logaddexp(0, log_odds(logits))
    separator_costs = reject_costs[:, None] - logits[:, 10:]
    mixed = zip(candidates.items(), digit_logits(logits), separator_costs, reject_costs.tolist(), strict=True)
    return {
        group: replace(
            found, logits=digits, in_context=True, separator_costs=separators, reject_cost=reject_cost
        )
        for (group, found), digits, separators, reject_cost in mixed
    }
