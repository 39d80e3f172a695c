"""Visitors and what is theirs: a model, a collection of drawings, a training in a process of its own.

    workshop = Workshop(Limits.from_environment())     # one for the whole app
    session = workshop.session(request.session_hash)   # a visitor's; made when first asked for
    session.start(Settings.of("small_net"))
    for status in session.updates():                   # about four a second, until nothing runs any more
        show(status.snapshot, status.curve, status.message)
    session.use_result()                               # Reader(session.model) reads with it
    workshop.leave(request.session_hash)               # the page was closed: process and files are gone

Every method may be called from any thread and returns at once; work happens in worker processes
(`jobs.worker`), as many at once as the limits allow, and the others wait in order of arrival. What cannot
be done raises ValueError with a sentence for the visitor, and changes nothing. Shipped weights are never
written to.
"""

import atexit
import contextlib
import shutil
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cnn import ModelFileError, load_model
from jobs.protocol import Arrays
from jobs.queue import BusyError, Lane, Run
from jobs.status import Comparison, Mistake, Point, Status, add_point
from jobs.worker import from_frame
from recognition.calibration import Calibration
from recognition.reader import DEFAULT_WEIGHTS, SHIPPED
from training.evaluate import Evaluation
from training.examples import Example, write_examples
from training.experiment import Settings, Snapshot, unfinished
from training.finetune import MOST, Lesson
from training.limits import Limits

try:
    import fcntl
except ImportError:  # Windows: folders of an app that was killed stay until somebody deletes them
    fcntl = None

WORKER = (sys.executable, "-m", "jobs.worker")
FOLDER_PREFIX = "digits-from-scratch-"
GRACE = 90.0  # seconds for a worker to start, to save and to test, beyond those of its training
STRAY = 1.5  # seconds after a page was closed in which there may still come what it sent before
MOST_UNDO = 10  # models before the one in use that are kept
LOCK = ".lock"
CRASHED = "The training process ended unexpectedly. Your model is as it was."
DISK_FULL = "The disk is full. The training is kept in memory until there is room to save it."


class Workshop:
    """All sessions, their queues and their files. One for an app; `close` ends everything.

    worker: the command of a worker process. mnist: MNIST's folder, or None for the cache or the mirrors.
    """

    def __init__(
        self, limits: Limits | None = None, *, worker: Sequence[str] = WORKER, mnist: Path | None = None
    ) -> None:
        self.limits = limits or Limits()
        self.worker, self.mnist = tuple(worker), mnist
        self.trainings = Lane(self.limits.trainings, self.limits.waiting)
        self.teachings = Lane(self.limits.teachings, self.limits.waiting)
        self.folder, self._lock_file = _own_folder()
        self.changed = threading.Condition(threading.RLock())  # guards all sessions: none waits for another's
        self.shipped: dict[Path, Evaluation] = {}  # on MNIST's test set, of weights that never change
        self.told: Callable[[str, str], None] = lambda job, event: None  # whoever counts: "train", "started"
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(target=self._sweep, name="free-idle-sessions", daemon=True).start()
        atexit.register(self.close)

    def session(self, key: str) -> "Session":
        """The session of this visitor, by whatever tells visitors apart.

        Where there are as many as there may be, whoever has been away longest makes room; BusyError where
        nobody is.
        """
        put_away = None
        with self._lock:
            if key not in self._sessions:
                put_away = self._make_room()
                folder = tempfile.mkdtemp(dir=self.folder, prefix="visitor-")
                self._sessions[key] = Session(self, Path(folder))
            session = self._sessions[key]
        if put_away is not None:
            put_away.close()
        session.touch()
        return session

    def _make_room(self) -> "Session | None":
        """For one more; returns whose session ends for it, if any. With the lock held."""
        if not self._closed.is_set() and len(self._sessions) < self.limits.visitors:
            return None
        key = max(self._sessions, key=lambda key: self._sessions[key].away_for(), default=None)
        if self._closed.is_set() or not self._sessions[key].away_for():
            raise BusyError("Too many visitors are training here now. Please try again in a few minutes.")
        return self._sessions.pop(key)

    def known(self, key: str) -> "Session | None":
        """The session of this visitor where there is one; makes none."""
        with self._lock:
            session = self._sessions.get(key)
        if session is not None:
            session.touch()
        return session

    @property
    def visitors(self) -> int:
        with self._lock:
            return len(self._sessions)

    def leave(self, key: str) -> None:
        """The visitor is gone: ends what runs for them, deletes what was theirs. Unknown keys do nothing."""
        with self._lock:
            session = self._sessions.pop(key, None)
        if session is not None:
            session.close()

    def close(self) -> None:
        """Ends all sessions and their processes, and deletes all files."""
        self._closed.set()
        with self._lock:
            sessions = list(self._sessions.values())
            self._sessions.clear()
        for session in sessions:
            session.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock_file is not None:
            self._lock_file.close()
        atexit.unregister(self.close)

    def free_idle(self) -> None:
        """Frees what visitors left behind, after `idle_seconds` or `away_seconds`."""
        with self._lock:
            left = [
                key
                for key, one in self._sessions.items()
                if one.idle_for() > self.limits.idle_seconds or one.away_for() > self.limits.away_seconds
            ]
        for key in left:
            self.leave(key)

    def _sweep(self) -> None:
        while not self._closed.wait(min(30, self.limits.away_seconds)):
            self.free_idle()


class Session:
    """One visitor's. Made by `Workshop.session`."""

    def __init__(self, workshop: Workshop, folder: Path) -> None:
        self.workshop, self.folder = workshop, folder
        self.id = uuid.uuid4().hex  # by which a page knows that this is another one than before
        self._changed = workshop.changed
        self._status = Status()
        self._model = DEFAULT_WEIGHTS
        self._before: list[Path] = []  # models that `undo` goes back to
        self._result: Path | None = None
        self._unfinished: Path | None = None  # what `resume` goes on with
        self._examples: list[Example] = []
        self._untaught: dict[Path, Path] = {}  # taught weights -> what they were taught from
        self._evaluations: dict[Path, Evaluation] = {}  # of the visitor's own weights
        # What runs or waits; then the lane it is in, the file it makes and the model to compare that with.
        self._run: Run | None = None
        self._lane, self._out, self._compared = workshop.trainings, folder, self._model
        self._drawing: np.ndarray | None = None  # that the worker was not told of yet
        self._files = 0
        self._touched = time.monotonic()
        self._left: float | None = None  # when, if the page was closed or lost its connection
        self._paused = ""  # why, in words, where the visitor did not ask for it
        self._closed = False

    # --- what there is to see

    @property
    def status(self) -> Status:
        with self._changed:
            return self._status

    def updates(self) -> Iterator[Status]:
        """The status now and whenever it changes; the last is one in which nothing waits or runs any more."""
        seen = None
        while True:
            with self._changed:
                self.touch()
                while self._status is seen:
                    self._changed.wait(10)
                    self.touch()
                seen = self._status
            yield seen
            if not seen.active:
                return

    @property
    def model(self) -> Path:
        """The weights in use: the visitor's own file, or shipped ones."""
        with self._changed:
            return self._model

    @property
    def result(self) -> Path | None:
        """The weights that training made or that were uploaded, and are not in use yet; with optimizer state
        where it is of a training, so that training can go on from this file."""
        with self._changed:
            return self._result

    @property
    def evaluation(self) -> Evaluation | None:
        """Of the model in use on MNIST's test set, where it is the visitor's own and was tested."""
        with self._changed:
            return self._evaluations.get(self._model)

    @property
    def is_tested(self) -> bool:
        """Whether the comparison in `status` is of the model in use."""
        with self._changed:
            shown = self._status.comparison
            return shown is not None and self.evaluation is shown.after

    @property
    def examples(self) -> tuple[Example, ...]:
        with self._changed:
            return tuple(self._examples)

    @property
    def can_undo(self) -> bool:
        with self._changed:
            return bool(self._before)

    # --- training

    def start(self, settings: Settings, drawing: np.ndarray | None = None) -> None:
        """Train with these settings, as far as the host's limits allow.

        Fine-tuning begins with the model in use and is of its network, whatever the settings say. drawing:
        (28, 28) uint8, or None: what is read anew for every snapshot. An earlier result that is not in use is
        thrown away.
        """
        settings, note = settings.within(self.workshop.limits)
        with self._changed:
            self._must_rest()
            if settings.fine_tune:
                settings = replace(settings, network=load_model(self._model).model.name)
            job = {
                "job": "train",
                "settings": asdict(settings),
                "start": str(self._model) if settings.fine_tune else None,
                "resume": None,
                "seconds": self.workshop.limits.seconds,
            }
            self._enter(self.workshop.trainings, job, Status(message=note, settings=settings), drawing)
            self._result = self._unfinished = None

    def resume(self, drawing: np.ndarray | None = None) -> None:
        """Go on with the training that was paused, stopped early or uploaded, as if it had never stopped."""
        with self._changed:
            self._must_rest()
            if self._unfinished is None:
                raise ValueError("There is no training to go on with.")
            settings = unfinished(load_model(self._unfinished))
            if settings is None or settings.within(self.workshop.limits)[0] != settings:
                raise ValueError("This training is longer than this host allows. It can go on elsewhere.")
            job = {
                "job": "train",
                "settings": None,
                "start": None,
                "resume": str(self._unfinished),
                "seconds": self.workshop.limits.seconds,
            }
            now = self._status
            shown = Status(settings=settings, snapshot=now.snapshot, curve=now.curve)
            self._enter(self.workshop.trainings, job, shown, drawing)

    def pause(self, why: str = "") -> None:
        """Save the training and make room for others; `resume` goes on with it.

        why: a sentence for the visitor, where somebody else wants it.
        """
        with self._changed:
            if self._status.phase == "training":
                self._paused = why
                self._order_end("pause", "Pausing: the training is being saved.")
            elif self._run is not None and self._run.message["job"] == "train" and self._status.active:
                self._rest(why)
            else:
                raise ValueError("There is no training to pause.")

    def stop(self) -> None:
        """End what waits or runs. A training is saved and tested, and then is the result."""
        with self._changed:
            if self._status.phase == "training":
                self._order_end("stop", "Stopping: the training is being saved.")
            elif self._status.phase == "paused":
                self._test(self._unfinished, "")
            elif self._status.active:
                self._rest("")

    def draw(self, drawing: np.ndarray) -> None:
        """The visitor drew something else: (28, 28) uint8, to be read anew from now on."""
        with self._changed:
            self._drawing = drawing

    # --- models

    def use_result(self) -> None:
        """Read with the result from now on; `undo` takes it back."""
        with self._changed:
            if self._result is None:
                raise ValueError("There is no new model to use.")
            self._take(self._result)
            self._result = None
            self._show(result=False)

    def discard_result(self) -> None:
        """Throw the result away, and with it all that is shown of it."""
        with self._changed:
            self._must_rest()
            self._result = self._unfinished = None
            self._status = Status()
            self._changed.notify_all()
            self._tidy()

    def use(self, weights: Path) -> None:
        """Read with shipped weights from now on; `undo` takes it back."""
        if weights not in SHIPPED.values():
            raise ValueError("There are no such shipped weights.")
        with self._changed:
            self._take(weights)

    def undo(self) -> None:
        """Back to the model that was in use before the last one."""
        with self._changed:
            if not self._before:
                raise ValueError("There is nothing to undo.")
            self._model = self._before.pop()
            self._show(lesson=None)
            self._tidy()

    def upload(self, file: Path) -> None:
        """A weights file of the visitor's: it is checked, and tested, and then is the result.

        Where it holds a training that is not finished, `resume` can go on with it.
        """
        with self._changed:
            self._must_rest()
            copy = self._new_file()
            try:
                if file.stat().st_size > self.workshop.limits.upload_bytes:
                    megabytes = self.workshop.limits.upload_bytes / 1e6
                    raise ModelFileError(f"The file is too large: at most {megabytes:g} MB are read.")
                shutil.copyfile(file, copy)
                checkpoint = load_model(copy)
                Calibration.of(checkpoint)
            except OSError as error:
                copy.unlink(missing_ok=True)
                raise ValueError("The file could not be read, or the disk is full.") from error
            except ModelFileError as error:
                copy.unlink(missing_ok=True)
                raise ModelFileError(str(error).replace(copy.name, file.name)) from error
            self._result = copy
            self._unfinished = copy if unfinished(checkpoint) else None
            self._show(settings=unfinished(checkpoint), snapshot=None, curve=(), lesson=None)
            try:
                self._test(copy, "")
            except BusyError as busy:
                self._rest(
                    f"The file is good. It was not tested, because {str(busy)[0].lower()}{str(busy)[1:]}"
                )

    # --- teaching

    def add_example(self, image: np.ndarray, label: int) -> None:
        """A drawing (28, 28) uint8, normalised, and what it is, 0 to 9."""
        with self._changed:
            self._add([Example(image, label)])

    def remove_example(self, position: int) -> None:
        with self._changed:
            if not 0 <= position < len(self._examples):
                raise ValueError("There is no such example (any more).")
            del self._examples[position]

    def pack_examples(self) -> bytes:
        """The collection as a zip file."""
        with self._changed:
            return write_examples(self._examples)

    def add_examples(self, examples: Sequence[Example]) -> None:
        """Add all of them, or none where there is no room."""
        with self._changed:
            self._add(examples)

    def teach(self) -> None:
        """Teach the model in use all examples of the collection; what comes out is used at once, if it reads
        any of them right.

        A model that was taught is taught anew from what it was before, so that what is learned depends on
        the collection alone, and an example that was deleted is forgotten.
        """
        with self._changed:
            self._must_rest()
            if not self._examples:
                raise ValueError("There is nothing to teach: say first what a drawing is.")
            if len(self._examples) > MOST:
                raise ValueError(f"At most {MOST} examples can be taught at once. Please delete some.")
            weights = self._untaught.get(self._model, self._model)
            arrays = {
                "images": np.stack([example.image for example in self._examples]),
                "labels": np.array([example.label for example in self._examples]),
            }
            job = {"job": "teach", "weights": str(weights)}
            shown = replace(self._status, message="", lesson=None)
            self._enter(self.workshop.teachings, job, shown, arrays=arrays)

    # --- the end

    def touch(self) -> None:
        """The visitor is still here: they asked for something, and not just before they left."""
        now, left = time.monotonic(), self._left
        if left is None or now - left > STRAY:
            self._touched, self._left = now, None

    def leave(self) -> None:
        """The page was closed, or lost its connection: the visitor is away until the next `touch`."""
        self._left = time.monotonic()

    @property
    def is_away(self) -> bool:
        return self._left is not None

    def away_for(self) -> float:
        """Seconds since the visitor left; 0 where they are here, or something of theirs waits or runs."""
        left = self._left
        return 0.0 if left is None or self.status.active else time.monotonic() - left

    def idle_for(self) -> float:
        """Seconds since the visitor last did anything; 0 while something of theirs waits or runs."""
        return 0.0 if self.status.active else time.monotonic() - self._touched

    def close(self) -> None:
        """End what runs and delete everything."""
        with self._changed:
            run, self._closed = self._run, True
            self._rest("")
            self._examples.clear()
            self._status = Status()
            self._changed.notify_all()
        if run is not None:
            run.wait(5)  # it was killed; what it was writing goes with the folder
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- within; all of it with the lock held

    def _must_rest(self) -> None:
        if self._closed:
            raise ValueError("This visit has ended. Please reload the page.")
        if self._status.active:
            raise ValueError("Something is running already. Please wait for its end, or stop it.")

    def _enter(
        self,
        lane: Lane,
        job: dict,
        status: Status,
        drawing: np.ndarray | None = None,
        arrays: Arrays | None = None,
    ) -> None:
        """Put a job into its queue; where there is no room, everything stays as it was."""
        out = self._new_file()
        known = self._model in self._evaluations or self._model in self.workshop.shipped
        run = Run(
            self.workshop.worker,
            job
            | {
                "out": str(out),
                "before": None if known else str(self._model),
                "mnist": self.workshop.mnist and str(self.workshop.mnist),
            },
            arrays or ({} if drawing is None else {"drawing": drawing}),
            self.folder,
            hear=self._hear,
            moved=self._moved,
            ended=self._ended,
        )
        before = self._status, self._run
        self._run, self._lane, self._out, self._compared = run, lane, out, self._model
        self._status = replace(status, phase="waiting", place=0, comparison=None)
        try:
            lane.enter(run)
        except BusyError:
            self._status, self._run = before
            raise
        self._drawing = None
        self._changed.notify_all()

    def _order_end(self, order: str, message: str) -> None:
        self._run.order(order)
        self._run.allow(GRACE)
        self._show(message=message)

    def _test(self, weights: Path, message: str) -> None:
        job = {"job": "test", "weights": str(weights)}
        self._enter(self.workshop.teachings, job, replace(self._status, message=message))
        self._out = weights

    def _rest(self, message: str, failed: bool = False) -> None:
        """Nothing runs any more; what there is, stays."""
        run, self._run = self._run, None
        if run is not None and not self._lane.leave(run):
            run.kill()
        if self._unfinished is not None:
            phase = "paused"
        elif failed:
            phase = "failed"
        else:
            phase = "done" if self._result is not None or self._status.comparison else "idle"
        self._show(phase=phase, place=0, message=message)
        self._tidy()

    def _show(self, **changes: object) -> None:
        self._status = replace(
            self._status,
            **{"result": self._result is not None, "resumable": self._unfinished is not None} | changes,
        )
        self._changed.notify_all()

    def _take(self, weights: Path) -> None:
        """This model is in use now."""
        self._before = [*self._before, self._model][-MOST_UNDO:]
        self._model = weights

    def _add(self, examples: Sequence[Example]) -> None:
        """What shows the very drawing of an earlier example takes its place: the last word counts."""
        most = self.workshop.limits.examples
        of_drawing = {example.image.tobytes(): example for example in (*self._examples, *examples)}
        if len(of_drawing) > most:
            raise ValueError(f"There is room for {most} examples. Please delete some first.")
        self._examples = list(of_drawing.values())

    def _new_file(self) -> Path:
        self._files += 1
        return self.folder / f"model-{self._files}.npz"

    def _tidy(self) -> None:
        """Delete the files that nothing leads to any more."""
        if self._run is None and not self._closed:
            kept = {self._model, self._result, self._unfinished, *self._before}
            kept |= {self._untaught[path] for path in kept if path in self._untaught}
            for path in set(self.folder.iterdir()) - kept:
                path.unlink(missing_ok=True)
            self._evaluations = {path: one for path, one in self._evaluations.items() if path in kept}

    # --- what runs have to tell, from their threads

    def _moved(self, run: Run, place: int) -> None:
        with self._changed:
            if run is not self._run or self._status.phase != "waiting":
                return
            if place == 0:
                seconds = run.message.get("seconds", 0)
                run.allow(1.25 * seconds + GRACE)  # its own clock counts training only
                self.workshop.told(run.message["job"], "started")
                phases = {"train": "preparing", "teach": "teaching", "test": "testing"}
                self._show(phase=phases[run.message["job"]], place=0)
            else:
                self._show(place=place)

    def _hear(self, run: Run, message: dict, arrays: Arrays) -> None:
        heard = {
            "snapshot": self._heard_snapshot,
            "saved": self._heard_saved,
            "full": self._heard_full,
            "trained": self._heard_trained,
            "taught": self._heard_taught,
            "tested": self._heard_tested,
            "failed": self._heard_failed,
        }
        with self._changed:
            if run is self._run:
                event = message.pop("event")
                if event in ("trained", "taught", "tested", "failed"):
                    self.workshop.told(run.message["job"], event)
                heard[event](message, arrays)

    def _heard_snapshot(self, message: dict, arrays: Arrays) -> None:
        now = from_frame(Snapshot, message, arrays)
        self._show(phase="training", snapshot=now, curve=add_point(self._status.curve, Point.of(now)))
        if self._drawing is not None:
            # Told after a snapshot only: a worker that hears nothing any more must not block whoever draws.
            self._run.order("draw", {"drawing": self._drawing})
            self._drawing = None

    def _heard_saved(self, message: dict, arrays: Arrays) -> None:
        self._result = self._unfinished = self._out
        self._show(message="" if self._status.message == DISK_FULL else self._status.message)

    def _heard_full(self, message: dict, arrays: Arrays) -> None:
        self._show(message=DISK_FULL)

    def _heard_trained(self, message: dict, arrays: Arrays) -> None:
        reason = message["reason"]
        if reason == "paused":
            self._rest(self._paused)
            return
        if reason in ("finished", "time"):
            self._unfinished = None
        self._run.allow(GRACE)
        limit = f"The time limit of {self.workshop.limits.seconds} seconds is reached."
        self._show(phase="testing", message=limit if reason == "time" else "")

    def _heard_taught(self, message: dict, arrays: Arrays) -> None:
        lesson = from_frame(Lesson, message, arrays)
        if lesson.right_after == 0:  # it has not been learned, and may have cost something else
            self._show(lesson=lesson)
            self._rest(message="")
            return
        self._untaught[self._out] = Path(self._run.message["weights"])
        self._take(self._out)
        self._show(phase="testing", lesson=lesson)

    def _heard_tested(self, message: dict, arrays: Arrays) -> None:
        labels = arrays["labels"]
        after = Evaluation(labels, arrays["probs"], arrays["refused"])
        self._evaluations[self._out] = after
        if "before_probs" in arrays:
            before = Evaluation(labels, arrays["before_probs"], arrays["before_refused"])
            shipped = self._compared in SHIPPED.values()
            (self.workshop.shipped if shipped else self._evaluations)[self._compared] = before
        else:
            before = self._evaluations.get(self._compared) or self.workshop.shipped[self._compared]
        mistakes = tuple(
            Mistake(
                image,
                int(after.predicted[i]),
                int(labels[i]),
                float(after.probs[i].max()),
            )
            for i, image in zip(after.errors[: len(arrays["pictures"])], arrays["pictures"], strict=True)
        )
        self._show(phase="done", comparison=Comparison(after, before, mistakes))
        self._run = None
        self._tidy()

    def _heard_failed(self, message: dict, arrays: Arrays) -> None:
        self._rest(message["message"], failed=True)

    def _ended(self, run: Run) -> None:
        with self._changed:
            if run is self._run:
                self.workshop.told(run.message["job"], "failed")
                late = "It took longer than this host allows, and was ended. Your model is as it was."
                message = late if run.overdue else CRASHED
                if self._unfinished is not None:
                    message += " What was saved before is kept: you can go on from there."
                self._rest(message, failed=True)


def _own_folder() -> tuple[Path, BinaryIO | None]:
    """A temporary folder, and the lock that says it is in use. Those of apps that were killed are deleted."""
    if fcntl is None:
        return Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX)), None
    for left in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*/{LOCK}"):
        with contextlib.suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # OSError: an app that lives holds it
            shutil.rmtree(left.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    file = (folder / "locking").open("wb")
    fcntl.flock(file, fcntl.LOCK_EX)
    (folder / "locking").rename(folder / LOCK)  # locked before anybody can find it
    return folder, file
