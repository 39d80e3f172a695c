"""What runs for one visitor: one job at a time, and what its worker reports.

`Activity` is the lower half of a `jobs.session.Session`, which adds what a visitor may ask for.

What there is to see is read without a lock. What changes it holds the lock of this one visitor, for a few
assignments only: whoever loads or copies a file has claimed the activity instead, and queues, processes and
listeners, which may take the locks of others, are told after the lock is released.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from jobs.account import StorageAccount
from jobs.limits import Limits
from jobs.models import Model, Models
from jobs.protocol import Arrays
from jobs.queue import BusyError, Job, JobQueue
from jobs.status import Comparison, Mistake, Point, Status, add_point
from jobs.worker import from_frame
from training.datasets.registry import FACTS, MNIST
from training.evaluate import Evaluation
from training.experiment import Snapshot
from training.finetune import FineTuneReport
from training.samples import Samples

GRACE = 90.0  # seconds for a worker to start, to save and to test, beyond those of its training
CRASHED = "The training process ended unexpectedly. Your model is as it was."
DISK_FULL = "The disk is full. The training is kept in memory until there is room to save it."
OVERDUE = "It took longer than this host allows, and was ended. Your model is as it was."
RUNNING = "Something is running already. Please wait for its end, or stop it."
NO_ROOM = "There is no room here for more models of yours. Discard some, or try again later."
PHASES = {
    "train": "preparing",
    "teach": "teaching",
    "test": "testing",
    "signs": "learning",
}  # of a job that begins


class SessionEndedError(ValueError):
    """The session was closed, because its visitor left or because others needed the place."""

    def __init__(self) -> None:
        super().__init__("This visit has ended. Please reload the page.")


@dataclass
class Shared:
    """What all visitors share.

    worker: the command of a worker process. mnist: MNIST's folder, or None for the cache or the mirrors.
    folder: of all visitors' files. samples: of the data sets that were used, but MNIST's. shipped:
    evaluations on MNIST's test set of weights that never change.
    on_job_event: called with the job, "train", "teach", "test" or "signs", and what happened to it.
    """

    limits: Limits
    worker: tuple[str, ...]
    mnist: Path | None
    folder: Path
    trainings: JobQueue
    teachings: JobQueue
    storage: StorageAccount
    shipped: dict[Path, Evaluation] = field(default_factory=dict)
    samples: dict[str, Samples] = field(default_factory=dict)
    on_job_event: Callable[[str, str], None] = lambda job, event: None


class Activity:
    """The job of one visitor, and the models and the status that it changes."""

    def __init__(self, shared: Shared, address: str, folder: Path) -> None:
        self.shared, self.address = shared, address
        self._models = Models(folder)
        self._status = Status()
        # The job that runs or waits; then its queue, the model it makes and the one to compare that with.
        self._job: Job | None = None
        self._queue: JobQueue = shared.trainings
        self._out, self._compared = self._models.in_use, self._models.in_use
        self._drawing: np.ndarray | None = None  # that the worker was not sent yet
        self._ending = ""  # "stop" or "pause", once the worker was sent that
        self._pause_reason = ""  # a sentence, where the visitor did not ask for the pause
        self._tested: dict[Path, Status] = {}  # what was shown of the visitor's own models, once tested
        self._claimed = False
        self._closed = False
        self._listeners: set[Callable[[], None]] = set()
        self._later: list[Callable[[], object]] = []  # to be done once the lock is released
        self._lock = threading.Lock()

    @property
    def status(self) -> Status:
        """All that a page shows of it, now."""
        return self._status

    @property
    def is_busy(self) -> bool:
        """Whether a job waits or runs, or something is being loaded."""
        return self._claimed or self._status.active

    @property
    def is_closed(self) -> bool:
        """Whether it has ended for good."""
        return self._closed

    @contextmanager
    def listening(self, on_change: Callable[[], None]) -> Iterator[None]:
        """Until the block ends, calls on_change() whenever `status` is another, from any thread."""
        self._listeners.add(on_change)
        try:
            yield
        finally:
            self._listeners.discard(on_change)

    # --- the lock

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Holds the lock; then does what was left for later, and tells the listeners."""
        later: list[Callable[[], object]] = []
        try:
            with self._lock:
                before = self._status
                try:
                    yield
                finally:
                    later, self._later = self._later, []
                    if self._status is not before:
                        later.extend(tuple(self._listeners))
        finally:
            for act in later:
                act()

    @contextmanager
    def _claim(self) -> Iterator[None]:
        """Nothing else may begin until the block ends, though no lock is held in it."""
        with self._change():
            self._must_rest()
            self._claimed = True
        try:
            yield
        finally:
            with self._change():
                self._claimed = False
                if self._closed:
                    self._models.delete()

    @contextmanager
    def _reserve(self, size: int) -> Iterator[None]:
        """Has so many bytes more on account until the block ends; BusyError where there is no room."""
        reservation = object()
        if not self.shared.storage.reserve(reservation, self.address, size):
            raise BusyError(NO_ROOM)
        try:
            yield
        finally:
            self.shared.storage.remove(reservation)

    # --- all below with the lock held, unless it says otherwise

    def _must_be_open(self) -> None:
        if self._closed:
            raise SessionEndedError

    def _must_rest(self) -> None:
        self._must_be_open()
        if self.is_busy:
            raise ValueError(RUNNING)

    def _set_status(self, status: Status) -> None:
        self._status = replace(status, version=self._status.version + 1)

    def _show(self, **changes: object) -> None:
        models = self._models
        shown = {"result": models.result is not None, "resumable": models.paused is not None}
        self._set_status(replace(self._status, **shown | changes))

    def _show_in_use(self) -> None:
        """A model is in use: shown is that one, unless a new one waits to be used or is made."""
        if self.is_busy or self._models.result is not None:
            self._show(lesson=None)
            return
        shown = self._tested.get(self._models.in_use.path, Status())
        self._set_status(replace(shown, lesson=None, message="", version=self._status.version))
        self._show()

    def _submit(
        self,
        queue: JobQueue,
        message: dict,
        status: Status,
        *,
        makes: Callable[[Path], Model] | Model,
        arrays: Arrays | None = None,
        discards: bool = False,
    ) -> None:
        """Puts a job into its queue; where there is no room, everything stays as it was. Without the lock.

        makes: the model that comes of it, by the path that the worker shall write to, or that is tested.
        discards: an earlier result that is not in use, and what could go on from it.
        """
        shared = self.shared
        if callable(makes) and not shared.storage.has_room(self.address, 1):
            raise BusyError(NO_ROOM)
        with self._change():
            self._must_rest()
            compared, path = self._models.in_use, self._models.new_path()
            out = makes(path) if callable(makes) else makes
            known = compared.path in self._models.evaluations or compared.path in shared.shipped
            is_alike = compared.dataset == out.dataset  # or the two cannot be compared
            message |= {
                "out": str(out.path),
                "before": str(compared.path) if is_alike and not known else None,
                "dataset": out.dataset,
                "samples": out.dataset != MNIST and out.dataset not in shared.samples,
                "mnist": shared.mnist and str(shared.mnist),
                "cache": str(shared.folder / "mnist"),
            }
            job = Job(
                shared.worker,
                message,
                arrays or {},
                self._models.folder,
                address=self.address,
                on_event=self._on_event,
                on_position=self._on_position,
                on_exit=self._on_exit,
            )
            models, before = self._models, (self._status, self._models.result, self._models.paused)
            if discards:
                models.result = models.paused = None
            self._job, self._queue, self._out, self._compared = job, queue, out, compared
            self._drawing, self._ending, self._pause_reason = None, "", ""
            self._set_status(replace(status, phase="waiting", position=0, comparison=None))
        try:
            queue.submit(job)
        except BusyError:
            with self._change():
                if self._job is job:
                    self._job, (status, models.result, models.paused) = None, before
                    self._set_status(status)
            raise

    def _end(self, command: str, message: str) -> None:
        """Has the worker save what it trains, and then test it ("stop") or not ("pause")."""
        if self._ending != command:
            job = self._job
            if not self._ending:
                job.set_deadline(GRACE)
            self._ending = command
            self._later.append(lambda: job.send(command))
            self._show(message=message)

    def _rest(self, message: str, failed: bool = False) -> None:
        """Nothing runs any more; what there is, stays."""
        job, self._job = self._job, None
        if job is not None:
            queue = self._queue
            self._later.append(lambda: queue.withdraw(job) or job.kill())
        if self._models.paused is not None:
            phase = "paused"
        elif failed:
            phase = "failed"
        else:
            phase = "done" if self._models.result is not None or self._status.comparison else "idle"
        self._show(phase=phase, position=0, message=message)
        self._tidy()

    def _tidy(self) -> None:
        """Deletes the files that nothing leads to any more, and accounts for the others."""
        if not self.is_busy and not self._closed:
            self._models.tidy(self.shared.limits.model_bytes)
            kept = self._models.evaluations
            self._tested = {path: status for path, status in self._tested.items() if path in kept}
            self._account()

    def _account(self) -> None:
        self.shared.storage.enter(self, self.address, self._models.stored_bytes())

    # --- what the job reports, from its thread; these take the lock

    def _on_position(self, job: Job) -> None:
        with self._change():
            if job is not self._job or self._status.phase != "waiting":
                return
            position = self._queue.position(job)
            if position > 0:
                self._show(position=position)
                return
            kind = job.message["job"]
            job.set_deadline(
                1.25 * job.message.get("seconds", 0) + GRACE
            )  # its own clock counts training only
            self._later.append(lambda: self.shared.on_job_event(kind, "started"))
            self._show(phase=PHASES[kind], position=0)

    def _on_event(self, job: Job, message: dict, arrays: Arrays) -> None:
        handlers = {
            "samples": self._on_samples,
            "snapshot": self._on_snapshot,
            "saved": self._on_saved,
            "full": self._on_full,
            "trained": self._on_trained,
            "taught": self._on_taught,
            "tested": self._on_tested,
            "failed": self._on_failed,
        }
        with self._change():
            if job is self._job:
                event = message.pop("event")
                if event in ("trained", "taught", "tested", "failed"):
                    kind = job.message["job"]
                    self._later.append(lambda: self.shared.on_job_event(kind, event))
                handlers[event](job, message, arrays)

    def _on_exit(self, job: Job) -> None:
        with self._change():
            if job is self._job:
                kind = job.message["job"]
                self._later.append(lambda: self.shared.on_job_event(kind, "failed"))
                message = OVERDUE if job.overdue else CRASHED
                if self._models.paused is not None:
                    message += " What was saved before is kept: you can go on from there."
                self._rest(message, failed=True)

    # --- one a kind of event; with the lock held

    def _on_samples(self, job: Job, message: dict, arrays: Arrays) -> None:
        self.shared.samples[job.message["dataset"]] = Samples(**arrays)

    def _on_snapshot(self, job: Job, message: dict, arrays: Arrays) -> None:
        now = from_frame(Snapshot, message, arrays)
        self._show(phase="training", snapshot=now, curve=add_point(self._status.curve, Point.of(now)))
        if self._drawing is not None:
            # Sent after a snapshot only: a worker that reads nothing any more must not block whoever draws.
            drawing, self._drawing = {"drawing": self._drawing}, None
            self._later.append(lambda: job.send("draw", drawing))

    def _on_saved(self, job: Job, message: dict, arrays: Arrays) -> None:
        self._models.result = self._models.paused = self._out
        self._account()
        self._show(message="" if self._status.message == DISK_FULL else self._status.message)

    def _on_full(self, job: Job, message: dict, arrays: Arrays) -> None:
        self._show(message=DISK_FULL)

    def _on_trained(self, job: Job, message: dict, arrays: Arrays) -> None:
        reason = message["reason"]
        if reason == "paused":
            self._rest(self._pause_reason)
            return
        if reason in ("finished", "time"):
            self._models.paused = None
        job.set_deadline(GRACE)
        limit = f"The time limit of {self.shared.limits.seconds} seconds is reached."
        self._show(phase="testing", message=limit if reason == "time" else "")

    def _on_taught(self, job: Job, message: dict, arrays: Arrays) -> None:
        lesson = from_frame(FineTuneReport, message, arrays)
        if lesson.right_after == 0:  # it has not been learned, and may have cost something else
            self._show(lesson=lesson)
            self._rest(message="")
            return
        self._models.use(self._out)
        self._account()
        self._show(phase="testing", lesson=lesson)

    def _on_tested(self, job: Job, message: dict, arrays: Arrays) -> None:
        labels, models = arrays["labels"], self._models
        classes = FACTS[self._out.dataset].classes
        after = Evaluation(labels, arrays["probs"], arrays["refused"], classes)
        models.evaluations[self._out.path] = after
        evaluations = self.shared.shipped if self._compared.is_shipped else models.evaluations
        if "before_probs" in arrays:
            before = Evaluation(labels, arrays["before_probs"], arrays["before_refused"], classes)
            evaluations[self._compared.path] = before
        mistakes = tuple(
            Mistake(image, int(after.predicted[i]), int(labels[i]), float(after.probs[i].max()))
            for i, image in zip(after.errors[: len(arrays["pictures"])], arrays["pictures"], strict=True)
        )
        before = evaluations[self._compared.path] if self._compared.dataset == self._out.dataset else None
        comparison = Comparison(after, before, mistakes, self._out.dataset)
        self._show(phase="done", comparison=comparison)
        self._tested[self._out.path] = self._status
        self._job = None
        self._tidy()

    def _on_failed(self, job: Job, message: dict, arrays: Arrays) -> None:
        if message["is_useless"]:
            self._models.result = self._models.paused = None
        self._rest(message["message"], failed=True)
