"""The state of a visitor's jobs as the page shows it: immutable plain values."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from training.datasets.registry import MNIST
from training.evaluate import Evaluation
from training.experiment import Snapshot
from training.finetune import FineTuneReport
from training.settings import Settings

MOST_POINTS = 400  # of a curve; neighbours are merged when it gets longer
ACTIVE = (
    "waiting",
    "preparing",
    "training",
    "teaching",
    "testing",
    "learning",
)  # phases in which a job waits or runs


@dataclass(frozen=True)
class Point:
    """A point of the curves. validation_* are None before the first evaluation on the validation set."""

    epoch: float  # epochs done, a fraction
    loss: float
    accuracy: float  # 0 to 1
    validation_loss: float | None
    validation_accuracy: float | None

    @classmethod
    def of(cls, now: Snapshot) -> "Point":
        epoch = now.epoch - 1 + now.step / now.steps_per_epoch
        return cls(epoch, now.loss, now.accuracy, now.validation_loss, now.validation_accuracy)


def add_point(curve: Sequence[Point], point: Point) -> tuple[Point, ...]:
    """The curve with one more point. When it gets too long, each pair of neighbours is averaged."""
    curve = (*curve, point)
    if len(curve) <= MOST_POINTS:
        return curve
    return tuple(_mean(*curve[i : i + 2]) for i in range(0, len(curve), 2))


def _mean(first: Point, second: Point | None = None) -> Point:
    if second is None:
        return first
    loss, accuracy = (first.loss + second.loss) / 2, (first.accuracy + second.accuracy) / 2
    return Point(second.epoch, loss, accuracy, second.validation_loss, second.validation_accuracy)


@dataclass(frozen=True)
class Mistake:
    """A misread test image."""

    image: np.ndarray  # (28, 28) or (32, 32, 3) uint8
    predicted: int
    true: int
    confidence: float  # 0 to 1


@dataclass(frozen=True)
class Comparison:
    """Evaluations on a test set: of a new or uploaded model, and of the one in use before it.

    before: None where that one is for other pictures. dataset: by its name in the registry.
    """

    after: Evaluation
    before: Evaluation | None
    mistakes: tuple[Mistake, ...]  # of `after`, most confident first, at most 60
    dataset: str = MNIST

    @property
    def newly_right(self) -> int:
        """Images that only `after` reads right; 0 without `before`."""
        if self.before is None:
            return 0
        return int((self._right(self.after) & ~self._right(self.before)).sum())

    @property
    def newly_wrong(self) -> int:
        """Images that only `before` reads right; 0 without `before`."""
        if self.before is None:
            return 0
        return int((self._right(self.before) & ~self._right(self.after)).sum())

    def _right(self, evaluation: Evaluation) -> np.ndarray:
        return evaluation.predicted == self.after.labels


@dataclass(frozen=True)
class Status:
    """All that a page shows of a session. Every change makes a new object.

    phase: "idle"; "waiting" in the queue; "preparing", "training", "teaching" (fine-tuning), "testing" (on
    the test set) or "learning" (the visitor's own signs) in a worker; "paused", so that `resume`
    continues; "done"; "failed". message: a sentence for the visitor, or "". position: in the queue, 1 is
    next; 0 when not waiting. settings, snapshot, curve: of the last training. lesson: of the last
    fine-tuning. comparison: of the last model tested. result: whether there is a model that `use_result`
    would put into use. resumable: whether `resume` would continue a training. version: increases with every
    change, from 1.
    """

    phase: str = "idle"
    message: str = ""
    position: int = 0
    settings: Settings | None = None
    snapshot: Snapshot | None = None
    curve: tuple[Point, ...] = ()
    lesson: FineTuneReport | None = None
    comparison: Comparison | None = None
    result: bool = False
    resumable: bool = False
    version: int = field(default=1, compare=False)

    @property
    def active(self) -> bool:
        """Whether a job waits or runs."""
        return self.phase in ACTIVE
