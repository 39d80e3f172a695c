"""About how long an epoch takes on this machine, from a few training steps that are timed once."""

import json
import threading
import time
from dataclasses import dataclass
from functools import cache

import numpy as np

from cnn import Sequential, softmax_cross_entropy
from training.own_network.draft import Draft, read_draft
from training.own_network.presets import PRESETS

SHAPE, CLASSES, BATCH = (28, 28, 1), 10, 64
TIMED = ("small", "five")  # one has few multiplications for its values, the other many
STEPS = 3  # the quickest counts: what else runs at that moment only ever slows them
_measuring = threading.Lock()


@dataclass(frozen=True)
class Pace:
    """Seconds of training for each multiplication, and for each value that a picture becomes."""

    per_operation: float
    per_value: float

    def seconds(self, draft: Draft, pictures: int) -> float:
        """About how long so many pictures take."""
        return pictures * (self.per_operation * draft.operations + self.per_value * draft.values)


def pace() -> Pace:
    """This machine's, measured when it is first asked for: half a second."""
    with _measuring:
        return _measured()


@cache
def _measured() -> Pace:
    drafts = [read_draft(json.dumps(PRESETS[name].blocks(SHAPE, CLASSES)), SHAPE, CLASSES) for name in TIMED]
    costs = np.array([[draft.operations, draft.values] for draft in drafts], float)
    seconds = [_seconds_of(draft.network(np.random.default_rng(0))) for draft in drafts]
    found = np.linalg.solve(costs, seconds)
    if found.min() <= 0:  # a disturbed measurement: all of it by the larger network's multiplications
        return Pace(seconds[1] / costs[1, 0], 0.0)
    return Pace(*found.tolist())


def _seconds_of(model: Sequential) -> float:
    """Of a training step, for one picture."""
    x = np.random.default_rng(0).random((BATCH, *SHAPE), np.float32)
    labels = np.arange(BATCH) % CLASSES
    taken = []
    for _ in range(1 + STEPS):  # the first makes the arrays
        start = time.perf_counter()
        _, dlogits = softmax_cross_entropy(model.forward(x, training=True), labels)
        model.backward_params(dlogits)
        taken.append(time.perf_counter() - start)
    return min(taken[1:]) / BATCH
