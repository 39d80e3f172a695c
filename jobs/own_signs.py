"""A visitor's own signs: the collection, the network that learned it, and the job that learns.

`SignKeeper` is the part of a `jobs.session.Session` between its job, `jobs.activity.Activity`, and what
concerns digits. Signs are learned beside whatever else the visitor has: what the Train tab shows of a
training is there again afterwards.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from cnn import ModelFileError
from jobs.activity import RUNNING, Activity, Shared
from jobs.models import Model, copy_upload
from jobs.protocol import Arrays
from jobs.queue import Job
from jobs.sign_collection import Collection, Learned
from recognition.reader import DEFAULT_WEIGHTS
from training.own_signs import MAX_EXAMPLES, OwnSigns, check_examples
from training.sign_files import load_signs, save_signs

Read = TypeVar("Read")

NETWORK = "own_signs"  # the name of its architecture
NOT_LEARNED = "Your signs are not learned yet."
LEARN_FIRST = "Learn your signs first: the file is of what was learned."
DAMAGED = "{} is damaged or not a file of signs."


class SignKeeper(Activity):
    """The signs of one visitor. Every method may be called from any thread, as those of a `Session`."""

    def __init__(self, shared: Shared, address: str, folder: Path) -> None:
        super().__init__(shared, address, folder)
        self.signs = Collection()
        self.learned: Learned | None = None
        self.sign_trouble = ""  # why the last attempt to learn failed, in a sentence
        self._earlier: Collection | None = None  # what `undo_signs` returns to
        self._asked = self.signs  # the collection that is being learned
        self._shown_before = self._status  # what was shown before the job that learns
        self._sign_reader: tuple[Path, OwnSigns] | None = None

    # --- what there is to see

    @property
    def can_undo_signs(self) -> bool:
        return self._earlier is not None

    @property
    def is_learning_signs(self) -> bool:
        """Whether the job that waits or runs learns signs."""
        job = self._job
        return self._status.active and job is not None and job.message["job"] == "signs"

    @property
    def most_sign_examples(self) -> int:
        return min(self.shared.limits.sign_examples, MAX_EXAMPLES)

    def read_sign(self, image: np.ndarray) -> list[float]:
        """The probability of each sign that was learned, and of anything else. It may load a file.

        image: (28, 28) uint8, normalised.
        """
        return self._reader().probs(image[None])[0].tolist()

    # --- the collection

    def add_sign(self, name: str) -> None:
        self._change_signs(lambda signs: signs.with_sign(name))

    def rename_sign(self, sign_id: int, name: str) -> None:
        """What was learned stays learned: the network knows the sign by the new name from now on."""
        self._change_signs(lambda signs: signs.renamed(sign_id, name))

    def add_sign_example(self, sign_id: int, image: np.ndarray) -> None:
        """image: (28, 28) uint8, normalised."""
        self._change_signs(lambda signs: signs.with_example(sign_id, image, self.most_sign_examples))

    def remove_sign(self, sign_id: int) -> None:
        """`undo_signs` brings it back."""
        self._change_signs(lambda signs: signs.without_sign(sign_id), can_undo=True)

    def remove_sign_example(self, example_id: int) -> None:
        """`undo_signs` brings it back."""
        self._change_signs(lambda signs: signs.without_example(example_id), can_undo=True)

    def undo_signs(self) -> None:
        """Brings back what was deleted, or replaced by a file, last."""
        with self._change():
            self._must_be_open()
            if self._earlier is None:
                raise ValueError("There is nothing to undo.")
            self.signs, self._earlier = self._earlier, None
            here = {sign.id for sign in self.signs.signs}
            if self.learned and not here & {sign.id for sign in self.learned.collection.signs}:
                self.learned = self._models.signs = None  # it came with the file
            self._show()

    def _change_signs(self, change: Callable[[Collection], Collection], can_undo: bool = False) -> None:
        with self._change():
            self._must_be_open()
            before, self.signs = self.signs, change(self.signs)
            self._earlier = replace(before, next_id=self.signs.next_id) if can_undo else None
            self._show()  # pages that watch hear of it

    # --- learning

    def learn_signs(self) -> None:
        """Learn all signs of the collection, in a process of its own; then `read_sign` knows them."""
        if self.is_busy:
            raise ValueError(RUNNING)
        asked = self.signs
        images, labels, names = asked.to_learn()
        check_examples(images, labels, names)

        def begin(path: Path) -> Model:  # with the lock held
            self._asked, self._shown_before, self.sign_trouble = asked, self._status, ""
            return Model(path, NETWORK)

        self._submit(
            self.shared.teachings,
            {"job": "signs", "weights": str(DEFAULT_WEIGHTS), "names": names},
            replace(self._status, message=""),
            makes=begin,
            arrays={"images": images, "labels": labels},
        )

    def _on_event(self, job: Job, message: dict, arrays: Arrays) -> None:
        if message["event"] != "learned":
            super()._on_event(job, message, arrays)
            return
        with self._change():
            if job is self._job:
                self._later.append(lambda: self.shared.on_job_event("signs", "learned"))
                self.learned = Learned(self._asked, tuple(arrays["answers"].tolist()))
                self._models.signs = self._out
                self._rest("")

    def _rest(self, message: str, failed: bool = False) -> None:
        """A job that learned signs leaves what was shown of others as it was."""
        if self._job is not None and self._job.message["job"] == "signs":
            self.sign_trouble = message
            self._show(comparison=self._shown_before.comparison)
            message, failed = "", False
        super()._rest(message, failed)

    # --- files

    def load_signs(self, file: Path, name: str = "The file") -> None:
        """The signs, the examples and the network of a file, in place of those here; `undo_signs` brings
        these back. name: what to call the file."""
        most = self.shared.limits.upload_bytes
        self.fetch_signs(lambda path: copy_upload(file, path, name, most), name)

    def fetch_signs(self, bring: Callable[[Path], object], name: str) -> None:
        """As `load_signs`, of the file that bring(path) puts at `path`, which may take its time."""

        def read(path: Path) -> tuple[OwnSigns, np.ndarray]:
            signs, images = _read(path, name)
            if len(images) > self.most_sign_examples:
                raise ModelFileError(f"{name} holds more than {self.most_sign_examples} examples.")
            save_signs(path, signs, images)  # without whatever else a stranger's file may hold
            return signs, images

        with self._brought(bring, read, name) as (path, (signs, images)), self._change():
            self._must_be_open()
            before, self.signs = self.signs, Collection.of(signs, images, self.signs.next_id)
            self._earlier = replace(before, next_id=self.signs.next_id) if before.is_begun else None
            ordered = [signs.answers[signs.labels == k] for k in range(len(signs.names))]
            self.learned = Learned(self.signs, tuple(np.concatenate(ordered).tolist()))
            self._models.signs, self.sign_trouble = Model(path, NETWORK), ""
            self._account()
            self._show()
        with self._change():
            self._tidy()  # of the file before

    def save_signs(self) -> bytes:
        """The `.npz` of `training.sign_files`, with the signs as they are called now."""
        signs, images = self.current_signs()
        with tempfile.TemporaryDirectory(dir=self.shared.folder, prefix="signs-") as folder:
            path = Path(folder) / "signs.npz"
            save_signs(path, signs, images)
            return path.read_bytes()

    def current_signs(self) -> tuple[OwnSigns, np.ndarray]:
        """What was learned, with the signs as they are called now, and its examples (n, 28, 28) uint8.

        Raises ValueError where the collection was not learned as it is now.
        """
        signs, learned, model = self.signs, self.learned, self._models.signs
        if learned is None or model is None or not learned.is_of(signs):
            raise ValueError(LEARN_FIRST)
        try:
            found, images = load_signs(model.path)
        except OSError:
            raise ValueError(LEARN_FIRST) from None  # they were learned anew just now
        names = learned.names(signs)
        found.model.name_classes((*names, found.model.classes[-1]))
        return replace(found, names=names), images

    @contextmanager
    def _brought(
        self, bring: Callable[[Path], object], read: Callable[[Path], Read], name: str
    ) -> Iterator[tuple[Path, Read]]:
        """A stranger's file in a place of its own, and what read(path) makes of it; nothing else begins in
        the block. The file is gone where anything fails before that.

        bring: puts the file at the path that it is given, and may take its time. name: what to call it.
        """
        with self._claim(), self._reserve(self.shared.limits.upload_bytes):
            with self._change():
                self._must_be_open()
                path = self._models.new_path()
            try:
                bring(path)
                found = read(path)
            except BaseException as error:
                path.unlink(missing_ok=True)
                if isinstance(error, OSError):
                    raise ValueError(f"{name} could not be read, or the disk is full.") from error
                raise
            yield path, found

    def _reader(self) -> OwnSigns:
        """The network that reads signs, loaded once. Without a lock."""
        while (model := self._models.signs) is not None:
            known = self._sign_reader
            if known is not None and known[0] == model.path:
                return known[1]
            try:
                found, _ = load_signs(model.path)
            except (OSError, ModelFileError):
                if self._models.signs is model:
                    break  # the visitor left just now, and their files are gone
            else:
                self._sign_reader = model.path, found
                return found
        raise ValueError(NOT_LEARNED)

    # --- with the lock held

    def _forget_signs(self) -> None:
        self.signs, self._earlier, self.learned, self._sign_reader = Collection(), None, None, None
        self._models.signs = None


def _read(path: Path, name: str) -> tuple[OwnSigns, np.ndarray]:
    """What is in a stranger's file. ModelFileError in one sentence, whatever is wrong with it."""
    try:
        return load_signs(path)
    except ModelFileError as error:
        raise ModelFileError(str(error).replace(path.name, name)) from error
    except OSError:
        raise
    # A file can be broken in ways that nobody thought of. None of them is a fault of the program.
    except Exception as error:
        raise ModelFileError(DAMAGED.format(name)) from error
