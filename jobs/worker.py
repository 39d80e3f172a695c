"""python -m jobs.worker: a process that does one job for the app and exits. `jobs.queue` starts it.

The job is a frame on standard input (`jobs.protocol`), events are frames on standard output. The process
imports neither Gradio nor Matplotlib, so it is ready in a third of a second. It exits within a second after
its standard input is closed, which tells it that the app has ended, in whatever way.

Jobs, by message["job"], with paths as text. Every job but `signs` has `mnist`, a folder or None, and
`cache`, a folder for MNIST in case the user's cache cannot be written to; of another data set its name,
`dataset`, and whether its `samples` are wanted:

train  settings (`Settings` as JSON), start and resume (weights or None), out, seconds, before; array drawing
teach  weights, out, before; arrays images, labels
test   weights, before
likes  weights
signs  weights, names, out; arrays images, labels

Events, by message["event"]:

samples    the arrays of a `Samples`
snapshot   a `Snapshot`, arrays kernels, probs and watched
saved      `out` holds the training up to now
full       the disk is full: the training is not saved yet
trained    reason: "finished", "stopped", "paused" or "time"
taught     a `FineTuneReport`
tested     arrays labels, probs, refused, the last two also with before_, and pictures of the first mistakes
liked      the arrays of a `Likes`
learned    the answers of `OwnSigns`, an array
failed     a message for the visitor, and whether `out` is useless; no event follows

Commands, while a training runs: {"command": "stop"} or "pause", or "draw" with the array drawing.
"""

import errno
import os
import sys
import threading
import time
import traceback
from dataclasses import fields
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from cnn import Checkpoint, ModelFileError, load_model
from jobs.protocol import Arrays, ProtocolError, read_frame, write_frame
from recognition import Reader
from recognition.calibration import Calibration
from recognition.likes import find_likes
from training.data import DataError, Dataset, load_mnist
from training.datasets.hosted import load_hosted
from training.datasets.registry import FACTS, MNIST
from training.evaluate import evaluate
from training.experiment import Experiment, Snapshot
from training.finetune import fine_tune
from training.history import History, history_path
from training.memory import keep_freed_memory
from training.own_signs import learn_signs
from training.samples import samples_of
from training.settings import Settings
from training.sign_files import save_signs
from training.trainer import DivergedError, ignore_overflow

# Drawing comes first, then fine-tuning and signs, because their visitor waits for them, then tests, then
# trainings, and last what is only looked at.
NICENESS = {"teach": 5, "signs": 5, "test": 10, "train": 15, "likes": 19}
SAVE_EVERY = 20.0  # seconds of training between two checkpoints
PATIENCE = 60  # seconds to wait for free space on the disk
PICTURES = 60  # the most mistakes whose pictures are sent
# Seconds until a fault is told. A visitor who leaves takes the files with them, which is no fault: then
# standard input is closed, and this process ends by itself.
LEAVING = 0.5
LIKED_AMONG = 3_000  # training pictures, among which a network's favourites are: ten seconds for digit_net


class UselessModelError(ValueError):
    """The trained network cannot be used for reading; the message says why."""


class Commands:
    """The visitor's commands while a job runs, from standard input."""

    def __init__(self) -> None:
        self.end = ""  # "stop" or "pause"
        self.drawing: np.ndarray | None = None

    def listen(self) -> None:
        """Take commands until standard input is closed, and then end the process: nobody wants its result."""
        try:
            while (frame := read_frame(sys.stdin.buffer)) is not None:
                message, arrays = frame
                if message["command"] == "draw":
                    self.drawing = arrays["drawing"]
                else:
                    self.end = message["command"]
        except (ProtocolError, OSError):
            traceback.print_exc()
        os._exit(0)


class Worker:
    """One job. events: the stream for the frames of its events."""

    def __init__(self, message: dict, arrays: Arrays, events) -> None:
        self.message, self.arrays, self.events = message, arrays, events
        self.commands = Commands()

    def work(self) -> None:
        threading.Thread(target=self.commands.listen, daemon=True).start()
        jobs = {"train": self.train, "teach": self.teach, "test": self.test, "likes": self.find_likes}
        try:
            if self.message["job"] == "signs":
                self.learn_signs()
                return
            dataset = self.load_dataset()
            if self.message.get("samples"):
                self.send("samples", to_frame(samples_of(dataset))[1])
            jobs[self.message["job"]](dataset)
        except BrokenPipeError:
            return  # nobody listens any more
        except (DivergedError, UselessModelError) as error:  # the settings are to blame, not this program
            self.send("failed", message=str(error), is_useless=isinstance(error, UselessModelError))
        except Exception as error:
            time.sleep(LEAVING)
            traceback.print_exc()
            self.send("failed", message=self.in_words(error), is_useless=False)

    def load_dataset(self) -> Dataset:
        name = self.message.get("dataset", MNIST)
        if name != MNIST:
            return load_hosted(name)
        return load_mnist(self.message["mnist"], self.message["cache"])

    def train(self, dataset: Dataset) -> None:
        start, resume, seconds = (self.message[name] for name in ("start", "resume", "seconds"))
        out = Path(self.message["out"])
        if resume is not None:
            experiment = Experiment.resume(resume, dataset, seconds=seconds)
        else:
            settings = Settings.from_json(self.message["settings"])
            begin = start and load_model(start, None, None, any_classes=True)
            experiment = Experiment(settings, dataset, begin, seconds=seconds)
        if self.commands.drawing is None:
            self.commands.drawing = self.arrays.get("drawing")
        experiment.drawing = self.commands.drawing
        saved, trainer = experiment.trainer.seconds, experiment.trainer
        history = History(experiment.settings.epochs * trainer.steps_per_epoch)
        if resume is not None:
            history.go_on_from(history_path(resume))
        elif not self.commands.end:
            history.note(trainer.result(), 0, 0.0)
        if not self.commands.end and not experiment.finished:
            for now in experiment.run():
                self.show(now)
                history.note_snapshot(experiment, now)
                if now.seconds - saved > SAVE_EVERY:
                    saved = now.seconds
                    self.save(experiment, history, out, patience=0)
                experiment.drawing = self.commands.drawing
                if self.commands.end:
                    experiment.stop()
            history.note_snapshot(experiment, now, is_last=True)
        self.save(experiment, history, out, patience=PATIENCE)
        if experiment.finished:
            reason = "finished"
        else:
            reason = {"pause": "paused", "stop": "stopped"}.get(self.commands.end, "time")
        self.send("trained", reason=reason)
        if reason != "paused":
            self.compare(out, dataset)

    def teach(self, dataset: Dataset) -> None:
        images, labels = self.arrays["images"], self.arrays["labels"]
        tuned = fine_tune(load_model(self.message["weights"]), images, labels, dataset)
        tuned.save(self.message["out"])
        notes, arrays = to_frame(tuned.report)
        self.send("taught", arrays, **notes)
        self.compare(Path(self.message["out"]), dataset)

    def learn_signs(self) -> None:
        """The one job for which MNIST need not be there."""
        network, images = load_model(self.message["weights"]).model, self.arrays["images"]
        signs = learn_signs(network, images, self.arrays["labels"], self.message["names"])
        save_signs(self.message["out"], signs, images)
        self.send("learned", {"answers": signs.answers})

    def test(self, dataset: Dataset) -> None:
        self.compare(Path(self.message["weights"]), dataset)

    def compare(self, weights: Path, dataset: Dataset) -> None:
        """Evaluate `weights` on the test set, and the model before if that was not done yet."""
        arrays: Arrays = {}
        before = self.message["before"]
        for prefix, path in (("", weights), ("before_", before and Path(before))):
            if path is not None:
                checkpoint = self.load(path)
                found = evaluate(
                    checkpoint.model, dataset.test_images, dataset.test_labels, Calibration.of(checkpoint)
                )
                arrays |= {f"{prefix}probs": found.probs, f"{prefix}refused": found.refused}
                if path is weights:
                    arrays |= {
                        "labels": found.labels,
                        "pictures": dataset.test_images[found.errors[:PICTURES]],
                    }
        self.send("tested", arrays)

    def find_likes(self, dataset: Dataset) -> None:
        model = Reader(self.message["weights"]).model
        self.send("liked", find_likes(model, dataset.train_images[:LIKED_AMONG]).to_arrays())

    def load(self, path: Path) -> Checkpoint:
        """Like `load_model`, but raises UselessModelError for the model that this job made."""
        try:
            return load_model(path, None, None, any_classes=True)
        except ModelFileError as error:
            if str(path) != self.message["out"]:
                raise
            reason = str(error).replace(path.name, "The new model")
            raise UselessModelError(f"{reason}. Your model is as it was.") from error

    def show(self, now: Snapshot) -> None:
        notes, arrays = to_frame(now)
        self.send("snapshot", arrays, **notes)

    def save(self, experiment: Experiment, history: History, out: Path, patience: float) -> None:
        """Write the checkpoint and its history; while the disk is full, retry for `patience` seconds."""
        give_up = time.monotonic() + patience
        while True:
            try:
                experiment.save(out)
                history.save(history_path(out))
            except OSError:
                self.send("full")
                if time.monotonic() > give_up:
                    if patience:
                        raise
                    return
                time.sleep(1)
            else:
                self.send("saved")
                return

    def in_words(self, error: Exception) -> str:
        """The error as a sentence for the visitor, without paths and without Python."""
        if isinstance(error, DataError):
            name = self.message.get("dataset", MNIST)
            use = "" if name == MNIST else " with them"
            title = FACTS[name].title
            return f"{title}'s images could not be downloaded, so nothing can be trained{use} here now."
        return _in_words(error)

    def send(self, event: str, arrays: Arrays | None = None, **notes: object) -> None:
        write_frame(self.events, {"event": event} | notes, arrays)


def to_frame(of: object) -> tuple[dict, Arrays]:
    """Split a dataclass into the two parts of a frame: plain values, and arrays."""
    values = {field.name: getattr(of, field.name) for field in fields(of)}
    arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    return {name: value for name, value in values.items() if name not in arrays}, arrays


def from_frame(kind: type, message: dict, arrays: Arrays) -> object:
    """The inverse of `to_frame`."""
    values = message | arrays
    return kind(**{field.name: values[field.name] for field in fields(kind)})


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError):
        return "The disk is full." if error.errno == errno.ENOSPC else "A file could not be read or written."
    if isinstance(error, MemoryError):
        return "There is not enough memory for this. Please try fewer images or a smaller network."
    if isinstance(error, ModelFileError | ValueError):
        return str(error)
    return "The training process failed because of a fault in this program. Your model is as it was."


def main() -> None:
    # Standard output carries frames only: whatever prints, a library or a download, prints to standard error.
    events = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    keep_freed_memory()
    ignore_overflow()
    threadpool_limits(1, user_api="blas")  # cnn spreads work over the cores; BLAS must not do it again
    frame = read_frame(sys.stdin.buffer)
    if frame is not None:
        message, arrays = frame
        if hasattr(os, "nice"):
            os.nice(NICENESS[message["job"]])
        Worker(message, arrays, events).work()
    # A regular exit would wait for the thread that listens.
    os._exit(0)


if __name__ == "__main__":
    main()
