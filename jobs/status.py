"""What a page shows of a visitor's training: plain values that never change once made."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from training.evaluate import Evaluation
from training.experiment import Settings, Snapshot
from training.finetune import Lesson

MOST_POINTS = 400  # of a curve; of a longer one, neighbours are merged
ACTIVE = (
    "waiting",
    "preparing",
    "training",
    "teaching",
    "testing",
)  # phases in which something waits or runs


@dataclass(frozen=True)
class Point:
    """A point of the curves; held_out_* are None until held-out images were first read."""

    epoch: float  # epochs done, with fractions
    loss: float
    accuracy: float  # 0 to 1
    held_out_loss: float | None
    held_out_accuracy: float | None

    @classmethod
    def of(cls, now: Snapshot) -> "Point":
        epoch = now.epoch - 1 + now.step / now.steps
        return cls(epoch, now.loss, now.accuracy, now.held_out_loss, now.held_out_accuracy)


def add_point(curve: Sequence[Point], point: Point) -> tuple[Point, ...]:
    """The curve with one more point; once it is long, every two neighbours become one, their mean."""
    curve = (*curve, point)
    if len(curve) <= MOST_POINTS:
        return curve
    return tuple(_mean(*curve[i : i + 2]) for i in range(0, len(curve), 2))


def _mean(first: Point, second: Point | None = None) -> Point:
    if second is None:
        return first
    loss, accuracy = (first.loss + second.loss) / 2, (first.accuracy + second.accuracy) / 2
    return Point(second.epoch, loss, accuracy, second.held_out_loss, second.held_out_accuracy)


@dataclass(frozen=True)
class Mistake:
    """A test image that is read wrong."""

    image: np.ndarray  # (28, 28) uint8
    predicted: int
    true: int
    confidence: float  # 0 to 1


@dataclass(frozen=True)
class Comparison:
    """MNIST's test set, read with the model that was made or brought, and with the one in use before it."""

    after: Evaluation
    before: Evaluation
    mistakes: tuple[Mistake, ...]  # of `after`, the most confident first, at most 60

    @property
    def newly_right(self) -> int:
        """Images that only `after` reads right."""
        return int((self._right(self.after) & ~self._right(self.before)).sum())

    @property
    def newly_wrong(self) -> int:
        """Images that only `before` reads right."""
        return int((self._right(self.before) & ~self._right(self.after)).sum())

    def _right(self, evaluation: Evaluation) -> np.ndarray:
        return evaluation.predicted == self.after.labels


@dataclass(frozen=True)
class Status:
    """All that a page shows of a session; a new object whenever something changes.

    phase: "idle"; "waiting" in the queue; "preparing", "training", "teaching" or "testing" (on MNIST's test
    set) in a worker; "paused", `resume` goes on; "done"; "failed". message: a sentence for the visitor or "".
    position: in the queue, 1 is next; 0 when not waiting. settings, snapshot, curve: of the last training.
    lesson: of the last teaching. comparison: of the last model tested. result: whether there is a model that
    `use_result` would take into use. resumable: whether `resume` goes on with something. version: another
    number after every change, from 1 on.
    """

    phase: str = "idle"
    message: str = ""
    position: int = 0
    settings: Settings | None = None
    snapshot: Snapshot | None = None
    curve: tuple[Point, ...] = ()
    lesson: Lesson | None = None
    comparison: Comparison | None = None
    result: bool = False
    resumable: bool = False
    version: int = field(default=1, compare=False)

    @property
    def active(self) -> bool:
        """Whether something waits or runs."""
        return self.phase in ACTIVE
