"""The models of one visitor: the one in use, the new one, and those that `undo` returns to.

They are files in the visitor's folder; `tidy` deletes those that are no longer referenced.
"""

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cnn import ModelFileError, load_model, save_model
from cnn.storage import is_npz
from recognition import Reader
from recognition.calibration import Calibration
from recognition.reader import DEFAULT_WEIGHTS, SHIPPED
from training.datasets.registry import MNIST, name_of_dataset
from training.evaluate import Evaluation
from training.experiment import unfinished
from training.history import history_path
from training.picture_reader import PictureReader
from training.settings import Settings

MOST_UNDO = 10  # earlier models that are kept for `undo`, if there is room


@dataclass(frozen=True)
class Model:
    """A weights file that was checked.

    network: the name of its architecture. training: the settings of the training that can be resumed from
    this file, or None. base: the model that it was fine-tuned from, or None. dataset: the one whose pictures
    it tells apart, by its name in the registry.
    """

    path: Path
    network: str
    training: Settings | None = None
    base: "Model | None" = None
    dataset: str = MNIST

    @property
    def reads_digits(self) -> bool:
        """Whether drawings and photos of digits can be read with it."""
        return self.dataset == MNIST

    @property
    def is_shipped(self) -> bool:
        """Whether the model came with the program, and so is not the visitor's own."""
        return self.path in SHIPPED.values()


@cache
def shipped_model(path: Path) -> Model:
    """The shipped model with these weights."""
    return Model(path, load_model(path).model.name)


def read_model(path: Path, name: str) -> Model:
    """Check a weights file that a stranger sent, and make it an `.npz`. name: what messages call the file.

    Raises ModelFileError, in one sentence, whatever is wrong with it, and OSError if it cannot be read.
    """
    try:
        checkpoint = load_model(path, None, None, any_classes=True)
        dataset = name_of_dataset(checkpoint.model)
        if dataset is None:
            load_model(path)  # says which pictures, or which answers, are not a digit's
        Calibration.of(checkpoint)
        if not is_npz(path):  # so that what is downloaded and pushed from here is always one
            save_model(path, checkpoint.model, progress=checkpoint.progress)
        return Model(path, checkpoint.model.name, unfinished(checkpoint), dataset=dataset)
    except ModelFileError as error:
        raise ModelFileError(str(error).replace(path.name, name)) from error
    except OSError:
        raise
    # A file can be broken in ways that nobody thought of. None of them is a fault of the program.
    except Exception as error:
        raise ModelFileError(f"{name} is damaged or not a weights file of this project.") from error


def copy_upload(file: Path, path: Path, name: str, most: int) -> None:
    """Copy a stranger's file to `path`. ModelFileError, which calls it `name`, above `most` bytes."""
    if file.stat().st_size > most:
        raise ModelFileError(f"{name} is too large: at most {most / 1e6:g} MB are read.")
    shutil.copyfile(file, path)


class Models:
    """The models of one visitor, in a folder that is created when it is needed.

    Callers that change them hold the lock of the visitor's session.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.in_use = shipped_model(DEFAULT_WEIGHTS)
        self.result: Model | None = None  # made or uploaded, and not in use yet
        self.paused: Model | None = None  # the one that `resume` continues
        self.signs: Model | None = None  # reads the visitor's own signs, beside whatever reads digits
        self.evaluations: dict[Path, Evaluation] = {}  # of the visitor's own, on their test sets
        self._undo: list[Model] = []
        # Of the model in use and of the new one.
        self._readers: dict[Path, Reader | PictureReader] = {}
        self._count = 0

    @property
    def can_undo(self) -> bool:
        return bool(self._undo)

    @property
    def has_own(self) -> bool:
        """Whether the visitor has a model of their own."""
        kept = (self.in_use, self.result, self.paused, *self._undo)
        return any(model is not None and not model.is_shipped for model in kept)

    def new_path(self) -> Path:
        """The path for a new model."""
        self.folder.mkdir(exist_ok=True)
        self._count += 1
        return self.folder / f"model-{self._count}.npz"

    def use(self, model: Model) -> None:
        """Put `model` into use."""
        self._undo = [*self._undo, self.in_use][-MOST_UNDO:]
        self.in_use = model

    def undo(self) -> None:
        """Return to the model that was in use before. Raises ValueError if there was none."""
        if not self._undo:
            raise ValueError("There is nothing to undo.")
        self.in_use = self._undo.pop()

    def own_reader(self) -> Reader | PictureReader | None:
        """Reads with the model in use, where that is the visitor's own. From any thread, without a lock."""
        return self._reader_of(lambda: self.in_use)

    def result_reader(self) -> Reader | PictureReader | None:
        """Reads with the model that is not in use yet, if there is one. From any thread, without a lock."""
        return self._reader_of(lambda: self.result)

    def _reader_of(self, model_now: Callable[[], Model | None]) -> Reader | PictureReader | None:
        while (model := model_now()) is not None and not model.is_shipped:
            known = self._readers.get(model.path)
            if known is not None:
                return known
            try:
                reader = Reader(model.path) if model.reads_digits else PictureReader(model.path)
            except (OSError, ModelFileError):
                if model_now() is model:
                    return None  # the visitor left just now, and their files are gone
            else:
                wanted = {one.path for one in (self.in_use, self.result, model) if one}
                kept = {path: one for path, one in self._readers.items() if path in wanted}
                self._readers = kept | {model.path: reader}
                return reader
        return None

    def tidy(self, most_bytes: int) -> None:
        """Delete unreferenced files, and the oldest undo models until at most `most_bytes` are in use."""
        while self.stored_bytes() > most_bytes and self._undo:
            del self._undo[0]
        kept = {model.path for model in self._kept()}
        for path in set(self.folder.glob("*")) - {file for one in kept for file in _files_of(one)}:
            if path.is_dir():  # a killed worker left it behind
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        self.evaluations = {path: one for path, one in self.evaluations.items() if path in kept}

    def delete(self) -> None:
        """Delete all files."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _kept(self) -> set[Model]:
        kept = {self.in_use, self.result, self.paused, self.signs, *self._undo} - {None}
        return kept | {model.base for model in kept if model.base is not None}

    def stored_bytes(self) -> int:
        """The size of all referenced files."""
        size = 0
        for weights in {model.path for model in self._kept() if not model.is_shipped}:
            for path in _files_of(weights):
                with contextlib.suppress(OSError):
                    size += path.stat().st_size
        return size


def _files_of(weights: Path) -> tuple[Path, Path]:
    """A model's files: its weights, and the moments of the training that they came of, if there are any."""
    return weights, history_path(weights)
