"""One visitor: a model, a collection of drawings, and one job at a time in a process of its own.

`Session` adds to `jobs.own_signs.SignKeeper`, and that to `jobs.activity.Activity`.

Made by `jobs.manager.SessionManager.session`. Every method may be called from any thread. What cannot be done
raises ValueError with a sentence for the visitor, and changes nothing. Shipped weights are never written to.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from jobs.activity import RUNNING, Shared
from jobs.models import Model, copy_upload, read_model, shipped_model
from jobs.own_signs import SignKeeper
from jobs.presence import Presence
from jobs.queue import BusyError, Job
from jobs.status import Status
from recognition import Reader
from recognition.reader import SHIPPED
from training.evaluate import Evaluation
from training.examples import Example, write_examples
from training.finetune import MAX_EXAMPLES
from training.picture_reader import PictureReader
from training.settings import Settings


class Session(SignKeeper):
    """All that is one visitor's."""

    def __init__(self, shared: Shared, address: str = "") -> None:
        self.id = uuid.uuid4().hex  # by which a page knows that this is another one than before
        super().__init__(shared, address, shared.folder / f"visitor-{self.id}")
        self._examples: tuple[Example, ...] = ()
        self.presence = Presence()

    # --- what there is to see

    @property
    def folder(self) -> Path:
        """Of the visitor's files; it is made when there is one."""
        return self._models.folder

    @property
    def model(self) -> Path:
        """The weights in use: the visitor's own file, or shipped ones."""
        return self._models.in_use.path

    @property
    def result(self) -> Path | None:
        """The weights that training made or that were uploaded, and are not in use yet; with optimizer state
        where it is of a training, so that training can go on from this file."""
        result = self._models.result
        return result and result.path

    @property
    def result_model(self) -> Model | None:
        """The model in the file `result`."""
        return self._models.result

    @property
    def evaluation(self) -> Evaluation | None:
        """Of the model in use on its test set, where it is the visitor's own and was tested."""
        return self._models.evaluations.get(self.model)

    @property
    def is_tested(self) -> bool:
        """Whether the comparison in `status` is of the model in use."""
        shown = self._status.comparison
        return shown is not None and self.evaluation is shown.after

    @property
    def examples(self) -> tuple[Example, ...]:
        return self._examples

    @property
    def can_undo(self) -> bool:
        return self._models.can_undo

    @property
    def holds_place(self) -> bool:
        """Whether there is anything here that its visitor would miss."""
        return self.is_busy or bool(self._examples) or self._models.has_own or self.signs.is_begun

    @property
    def in_use(self) -> Model:
        """The model in use."""
        return self._models.in_use

    def own_reader(self) -> Reader | None:
        """Reads digits with the model in use; None where that is a shipped one, or reads none. It may load a
        file."""
        reader = self._models.own_reader()
        return reader if isinstance(reader, Reader) else None

    def result_reader(self) -> Reader | None:
        """The same with the result, once that is complete."""
        reader = None if self.is_busy else self._models.result_reader()
        return reader if isinstance(reader, Reader) else None

    def picture_reader(self) -> PictureReader | None:
        """Reads other pictures, with the result or else the model in use; None where neither does. It may
        load a file."""
        found = [None if self.is_busy else self._models.result_reader(), self._models.own_reader()]
        return next((reader for reader in found if isinstance(reader, PictureReader)), None)

    # --- training

    def start(self, settings: Settings, drawing: np.ndarray | None = None) -> None:
        """Train with these settings, as far as the host's limits allow.

        Fine-tuning begins with the model in use and is of its network, whatever the settings say. drawing:
        (28, 28) uint8, or None: what is read anew for every snapshot. An earlier result that is not in use is
        thrown away.
        """
        limits, begin = self.shared.limits, self._models.in_use
        settings, note = settings.within(epochs=limits.epochs, images=limits.images)
        if settings.fine_tune:
            settings = replace(settings, network=begin.network, dataset=begin.dataset, layers="")
        start = str(begin.path) if settings.fine_tune else None
        self._train({"settings": asdict(settings), "start": start, "resume": None}, settings, note, drawing)

    def resume(self, drawing: np.ndarray | None = None) -> None:
        """Go on with the training that was paused, stopped early or uploaded, as if it had never stopped."""
        limits, paused = self.shared.limits, self._models.paused
        if self.is_busy:
            raise ValueError(RUNNING)
        if paused is None:
            raise ValueError("There is no training to go on with.")
        settings = paused.training
        if settings.within(epochs=limits.epochs, images=limits.images)[0] != settings:
            raise ValueError("This training is longer than this host allows. It can go on elsewhere.")
        message = {"settings": None, "start": None, "resume": str(paused.path)}
        self._train(message, settings, "", drawing, goes_on=True)

    def _train(
        self,
        message: dict,
        settings: Settings,
        note: str,
        drawing: np.ndarray | None,
        goes_on: bool = False,
    ) -> None:
        now = self._status
        shown = Status(message=note, settings=settings)
        if goes_on:
            shown = replace(shown, snapshot=now.snapshot, curve=now.curve)
        self._submit(
            self.shared.trainings,
            {"job": "train", "seconds": self.shared.limits.seconds} | message,
            shown,
            makes=lambda path: Model(path, settings.network, settings, dataset=settings.dataset),
            arrays={} if drawing is None else {"drawing": drawing},
            discards=not goes_on,
        )

    def pause(self, why: str = "") -> None:
        """Save the training and make room for others; `resume` goes on with it.

        why: a sentence for the visitor, where somebody else wants it.
        """
        with self._change():
            if self._status.phase == "training":
                self._pause_reason = why
                self._end("pause", "Pausing: the training is being saved.")
            elif self._job is not None and self._job.message["job"] == "train" and self._status.active:
                self._rest(why)
            else:
                raise ValueError("There is no training to pause.")

    def stop(self) -> None:
        """End what waits or runs. A training is saved and tested, and then is the result."""
        with self._change():
            paused = self._models.paused if self._status.phase == "paused" else None
            if self._status.phase == "training":
                self._end("stop", "Stopping: the training is being saved.")
            elif self._status.active:
                self._rest("")
        if paused is not None:
            self._test(paused)

    def draw(self, drawing: np.ndarray) -> None:
        """The visitor drew something else: (28, 28) uint8, to be read anew from now on."""
        with self._change():
            if self._job is not None:
                self._drawing = drawing

    # --- models

    def use_result(self) -> None:
        """Read with the result from now on; `undo` takes it back."""
        with self._change():
            self._must_rest()  # its file may still be written to
            if self._models.result is None:
                raise ValueError("There is no new model to use.")
            self._models.use(self._models.result)
            self._models.result = None
            self._show()

    def discard_result(self) -> None:
        """Throw the result away, and with it all that is shown of it."""
        with self._change():
            self._must_rest()
            self._models.result = self._models.paused = None
            self._set_status(Status())
            self._tidy()

    def use(self, weights: Path) -> None:
        """Read with shipped weights from now on; `undo` takes it back."""
        if weights not in SHIPPED.values():
            raise ValueError("There are no such shipped weights.")
        model = shipped_model(weights)
        with self._change():
            self._must_be_open()
            if self._models.in_use != model:
                self._models.use(model)
                self._show_in_use()

    def undo(self) -> None:
        """Back to the model that was in use before the last one."""
        with self._change():
            self._must_be_open()
            self._models.undo()
            self._show_in_use()
            self._tidy()

    def upload(self, file: Path, name: str = "The file") -> None:
        """A weights file of the visitor's: it is checked, and tested, and then is the result.

        Where it holds a training that is not finished, `resume` can go on with it. name: what to call it.
        """
        most = self.shared.limits.upload_bytes
        self.fetch(lambda path: copy_upload(file, path, name, most), name)

    def fetch(self, bring: Callable[[Path], object], name: str) -> None:
        """As `upload`, of the file that bring(path) puts at `path`, which may take its time."""
        with self._brought(bring, lambda path: read_model(path, name), name) as (_, model), self._change():
            self._must_be_open()
            self._models.result, self._models.paused = model, model if model.training else None
            self._account()
            self._show(settings=model.training, snapshot=None, curve=(), lesson=None, comparison=None)
        try:
            self._test(model)
        except BusyError as busy:
            sentence = f"{str(busy)[0].lower()}{str(busy)[1:]}"
            with self._change():
                if not self.is_busy:
                    self._rest(f"The file is good. It was not tested, because {sentence}")

    def _test(self, model: Model) -> None:
        job = {"job": "test", "weights": str(model.path)}
        self._submit(self.shared.teachings, job, replace(self._status, message=""), makes=model)

    # --- teaching

    def add_example(self, image: np.ndarray, label: int) -> None:
        """A drawing (28, 28) uint8, normalised, and what it is, 0 to 9."""
        self._add([Example(image, label)])

    def remove_example(self, position: int) -> None:
        """position: from 0, in `examples`."""
        with self._change():
            if not 0 <= position < len(self._examples):
                raise ValueError("There is no such example (any more).")
            self._examples = (*self._examples[:position], *self._examples[position + 1 :])

    def export_examples(self) -> bytes:
        """The collection as a zip file."""
        return write_examples(self._examples)

    def add_examples(self, examples: Sequence[Example]) -> None:
        """Add all of them, or none where there is no room."""
        self._add(examples)

    def teach(self) -> None:
        """Teach the model in use all examples of the collection; what comes out is used at once, if it reads
        any of them right.

        A model that was taught is taught anew from what it was before, so that what is learned depends on
        the collection alone, and an example that was deleted is forgotten.
        """
        examples, in_use = self._examples, self._models.in_use
        if self.is_busy:
            raise ValueError(RUNNING)
        if not examples:
            raise ValueError("There is nothing to teach yet: draw a digit and tell which one it is.")
        if len(examples) > MAX_EXAMPLES:
            raise ValueError(f"At most {MAX_EXAMPLES} examples can be taught at once. Please delete some.")
        if not in_use.reads_digits:
            raise ValueError(
                "The network in use does not read digits. Go back to the best network to teach it."
            )
        base = in_use.base or in_use
        self._submit(
            self.shared.teachings,
            {"job": "teach", "weights": str(base.path)},
            replace(self._status, message="", lesson=None),
            makes=lambda path: Model(path, base.network, base=base),
            arrays={
                "images": np.stack([example.image for example in examples]),
                "labels": np.array([example.label for example in examples]),
            },
        )

    def _add(self, examples: Sequence[Example]) -> None:
        """What shows the very drawing of an earlier example takes its place: the last word counts."""
        most = self.shared.limits.examples
        with self._change():
            self._must_be_open()
            of_drawing = {example.image.tobytes(): example for example in (*self._examples, *examples)}
            if len(of_drawing) > most:
                raise ValueError(f"There is room for {most} examples. Please delete some first.")
            self._examples = tuple(of_drawing.values())

    # --- the end

    def away_for(self) -> float:
        """Seconds since the visitor left; 0 where they are here, or something of theirs waits or runs."""
        return 0.0 if self.is_busy else self.presence.away_for()

    def idle_for(self) -> float:
        """Seconds since the visitor last did anything; 0 while something of theirs waits or runs."""
        return 0.0 if self.is_busy else self.presence.idle_for()

    def end(self) -> Job | None:
        """Ends what runs, which is returned, and refuses all that is asked from now on."""
        with self._change():
            job, self._closed = self._job, True
            self._rest("")
            self._examples = ()
            self._forget_signs()
            self._set_status(Status())
        self.shared.storage.remove(self)
        return job

    def close(self) -> None:
        """End what runs and delete everything."""
        job = self.end()
        if job is not None:
            job.wait(5)  # it was killed; what it was writing goes with the folder
        self._models.delete()
