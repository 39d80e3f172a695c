"""One file for everything: weights, optimizer state, and how far training has come.

It is an `.npz`, or, for other programs, a `.safetensors` file with the same names in it.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cnn.architectures import ARCHITECTURES
from cnn.archive import ArchiveError, DamagedArchiveError, printable, read_arrays
from cnn.dropout import Dropout
from cnn.layer import Array, Shape
from cnn.layer_list import layer_list, network_from_list
from cnn.model import Sequential
from cnn.optim import Optimizer
from cnn.safetensors import is_safetensors, read_safetensors, write_safetensors
from cnn.sanity import check_answers

FORMAT = 2  # what is written; 1, whose names count positions in fused lists of layers, is read too
ONE_DIGIT: Shape = (28, 28, 1)  # what most networks here take
TEN_LOGITS: Shape = (10,)  # what all of them answer
NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")  # of an architecture
SAFETENSORS = ".safetensors"
TEXTS = (
    "format",
    "architecture",
    "layers",
    "classes",
    "progress",
)  # arrays of an `.npz` that are texts in a safetensors file
LONGEST_CLASSES = 100_000  # characters of the names of all classes, as JSON
LARGEST = 64 * 2**20  # bytes a file may unpack to: ten times the largest network here, far from a zip bomb


class ModelFileError(ValueError):
    """A weights file that cannot be used. The message says why, worded for the person who chose the file.

    It may repeat text from the file, so it is kept short and free of control characters.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(printable(sentence, 500))


@dataclass
class Checkpoint:
    """The contents of a file.

    optimizer_state: empty if only weights were saved. progress: plain JSON values, with "steps" among them.
    """

    model: Sequential
    optimizer_state: dict[str, Array] = field(default_factory=dict)
    progress: dict = field(default_factory=dict)

    def restore(self, optimizer: Optimizer) -> None:
        """Load the saved state into `optimizer`. Raises ModelFileError if there is none that fits."""
        if not self.optimizer_state:
            raise ModelFileError("this file holds weights only: training cannot go on from it exactly")
        try:
            optimizer.load_state(self.optimizer_state, int(self.progress["steps"]))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ModelFileError(f"the optimizer state in this file does not fit: {error}") from error


def save_model(
    path: str | Path,
    model: Sequential,
    optimizer: Optimizer | None = None,
    progress: dict | None = None,
) -> None:
    """Write weights, and with an optimizer its state and step, to `path`; all of it or nothing.

    A path that ends in .safetensors makes such a file, any other an `.npz`. A network that is not in
    `cnn.ARCHITECTURES` is written with its list of layers, and one whose classes have names with them. Equal
    contents give equal bytes. Raises ValueError if the network could not be read back.
    """
    progress = dict(progress or {})
    arrays = {f"param.{name}": value for name, value in model.named_params()}
    arrays |= {f"buffer.{name}": value for name, value in model.named_buffers()}
    if optimizer is not None:
        arrays |= {f"optimizer.{name}": value for name, value in optimizer.state.items()}
        progress["steps"] = optimizer.step_count
    arrays |= {
        "format": np.array(FORMAT),
        "architecture": np.array(model.name),
        "progress": np.array(json.dumps(progress)),
    }
    if model.classes:
        arrays["classes"] = np.array(json.dumps(model.classes))
    layers = [layer for layer in model.layers if not isinstance(layer, Dropout)]
    if model.name not in ARCHITECTURES:
        arrays["layers"] = np.array(_checked_list(model))
    elif layer_list(layers, model.input_shape) != _known_list(model.name):  # Dropout does nothing in reading
        raise ValueError(f"this network has other layers than {model.name}: give it a name of its own")
    with atomic_write(path) as file:
        if Path(path).suffix == SAFETENSORS:
            texts = {name: str(value) for name, value in arrays.items() if value.shape == ()}
            write_safetensors(file, {name: value for name, value in arrays.items() if value.shape}, texts)
        else:
            np.savez(file, **arrays)


@contextmanager
def atomic_write(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file that appears at `path` with all of its content, or not at all.

    It is written next to its target and renamed when the block ends without an error, so a reader of `path`
    finds the old file or the new one, even after a crash.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(0o644)  # mkstemp makes files that only their owner can read
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def is_npz(path: str | Path) -> bool:
    """Whether a file, by its content, is no safetensors file."""
    with Path(path).open("rb") as file:
        return _is_npz(file)


def _is_npz(file: BinaryIO) -> bool:
    """The same of an open file, which is read from its beginning afterwards."""
    head = file.read(9)
    file.seek(0)
    return not is_safetensors(head)


def load_model(
    path: str | Path,
    input_shape: Shape | None = ONE_DIGIT,
    output_shape: Shape | None = TEN_LOGITS,
    *,
    any_classes: bool = False,
) -> Checkpoint:
    """Read what `save_model` wrote, now or as format 1. Nothing in the file is executed.

    Which kind of file it is, its content says. input_shape, output_shape: of one sample, as the network must
    have them; None where any will do. any_classes: whether it may tell apart other things than digits, such
    as clothes. Raises FileNotFoundError, or ModelFileError where the file is damaged, is something else or a
    network of other shapes or classes, or where any name, shape or dtype is not what its architecture says.
    """
    path = Path(path)
    arrays = _read_arrays(path)
    version = arrays.pop("format", None)
    architecture = _text(path.name, arrays, "architecture")
    if version is None or version.shape != () or version.dtype.kind != "i" or version not in (1, FORMAT):
        raise ModelFileError(f"{path.name} has format {version}, this program reads formats 1 and {FORMAT}")
    try:
        progress = json.loads(_text(path.name, arrays, "progress"))
    except (ValueError, RecursionError) as error:  # also for integers of thousands of digits
        raise ModelFileError(f"{path.name} has damaged progress notes: they are no JSON") from error
    if not isinstance(progress, dict):
        raise ModelFileError(f"{path.name} has damaged progress notes: expected names and values")

    model = _network(path.name, architecture, arrays)
    if not any_classes and not model.reads_digits:
        raise ModelFileError(
            f"{path.name} does not read digits: its classes are {_listed(model.classes)}. A network that "
            "reads digits is needed"
        )
    if input_shape is not None and model.input_shape != input_shape:
        raise ModelFileError(
            f"{path.name} is a {architecture}, which takes pictures of shape {model.input_shape}: a network "
            f"is needed that takes {input_shape}"
        )
    if output_shape is not None and model.output_shape != output_shape:
        raise ModelFileError(
            f"{path.name} is a {architecture}, which answers with an array of shape {model.output_shape}: a "
            f"network is needed that answers with {output_shape}"
        )
    if version == 1:
        arrays = _renamed(arrays, model)
    state = {
        name.removeprefix("optimizer."): arrays.pop(name)
        for name in [name for name in arrays if name.startswith("optimizer.")]
    }
    wanted = {f"param.{name}": value for name, value in model.named_params()}
    wanted |= {f"buffer.{name}": value for name, value in model.named_buffers()}
    _check_arrays(path.name, architecture, arrays, wanted)
    for name, value in state.items():
        if value.shape != model.parameters.shape or value.dtype != model.parameters.dtype:
            raise ModelFileError(
                f"{path.name}: optimizer state {name} must be {model.parameters.shape} "
                f"{model.parameters.dtype}, got {value.shape} {value.dtype}"
            )
    for name, value in wanted.items():
        value[...] = arrays[name]
    try:
        check_answers(model)
    except ValueError as error:
        raise ModelFileError(f"{path.name} cannot be read with: {error}") from error
    return Checkpoint(model, state, progress)


def _text(file: str, arrays: dict[str, Array], name: str) -> str:
    value = arrays.pop(name, None)
    if value is None or value.shape != () or value.dtype.kind != "U":
        raise ModelFileError(f"{file} is not a weights file of this project: it has no {name}")
    return str(value)


def _network(file: str, architecture: str, arrays: dict[str, Array]) -> Sequential:
    """The network in the file, with the names of its classes and with initial weights."""
    model = _unnamed_network(file, architecture, arrays)
    if "classes" in arrays:
        try:
            text = _text(file, arrays, "classes")
            if len(text) > LONGEST_CLASSES:
                raise ValueError(f"they are {len(text):,} characters long")
            model.name_classes(json.loads(text))
        except ModelFileError:
            raise
        except (ValueError, RecursionError) as error:
            raise ModelFileError(f"{file} has class names that cannot be used: {error}") from error
    return model


def _listed(classes: tuple[str, ...], most: int = 3) -> str:
    return ", ".join(classes[:most]) + (" and others" if len(classes) > most else "")


def _unnamed_network(file: str, architecture: str, arrays: dict[str, Array]) -> Sequential:
    """The network of that name, or of the list of layers in the file."""
    if architecture in ARCHITECTURES:
        return ARCHITECTURES[architecture](np.random.default_rng(0))
    if "layers" not in arrays or not NAME.fullmatch(architecture):
        raise ModelFileError(
            f"{file} is for the network {architecture[:40]!r}; known are {', '.join(ARCHITECTURES)}"
        )
    try:
        return network_from_list(architecture, _text(file, arrays, "layers"))
    except ModelFileError:
        raise
    except ValueError as error:
        raise ModelFileError(f"{file} has a list of layers that cannot be used: {error}") from error


def _renamed(arrays: dict[str, Array], model: Sequential) -> dict[str, Array]:
    """Arrays of format 1 under the names of format 2: the k-th position is the k-th layer with params."""
    old = re.compile(r"(param|buffer)\.(\d{1,3})\.(\w+)")
    matches = [(name, match) for name in arrays if (match := old.fullmatch(name))]
    positions = sorted({int(match[2]) for _, match in matches})
    layers = [prefix for prefix, layer in model.named_layers() if layer.params]
    today = dict(zip(positions, layers, strict=False))
    names = {
        name: f"{match[1]}.{today[int(match[2])]}.{match[3]}"
        for name, match in matches
        if int(match[2]) in today
    }
    return {names.get(name, name): value for name, value in arrays.items()}


def _checked_list(model: Sequential) -> str:
    if not NAME.fullmatch(model.name):
        raise ValueError(f"a network's name must be 1 to 40 of A-Z a-z 0-9 _ -, got {model.name!r}")
    layers = layer_list(model.layers, model.input_shape)
    network_from_list(model.name, layers)  # or ValueError
    return layers


@cache
def _known_list(architecture: str) -> str:
    model = ARCHITECTURES[architecture](np.random.default_rng(0))
    return layer_list(model.layers, model.input_shape)


def _read_arrays(path: Path) -> dict[str, Array]:
    if not path.is_file():
        raise FileNotFoundError(f"there is no weights file {path}")
    try:
        with path.open("rb") as file:
            if _is_npz(file):
                return read_arrays(file, most_bytes=LARGEST)
            arrays, texts = read_safetensors(file, most_bytes=LARGEST)
            known = {name: np.array(text) for name, text in texts.items() if name in TEXTS}
            if texts.get("format") == str(FORMAT):
                known["format"] = np.array(FORMAT)
            return arrays | known
    except DamagedArchiveError as error:
        raise ModelFileError(f"{path.name} is damaged or not an .npz weights file: {error}") from error
    except ArchiveError as error:
        raise ModelFileError(f"{path.name} {error}") from error


def _check_arrays(file: str, architecture: str, arrays: dict[str, Array], wanted: dict[str, Array]) -> None:
    missing, foreign = sorted(wanted.keys() - arrays.keys()), sorted(arrays.keys() - wanted.keys())
    if missing or foreign:
        lacks = f"lacks {', '.join(missing)}" if missing else ""
        has = f"has unknown {', '.join(foreign)}" if foreign else ""
        raise ModelFileError(f"{file} is not a {architecture}: it {' and '.join(filter(None, (lacks, has)))}")
    for name, value in wanted.items():
        got = arrays[name]
        if got.shape != value.shape or got.dtype != value.dtype:
            raise ModelFileError(
                f"{file}: {name} of {architecture} must be {value.shape} {value.dtype}, "
                f"got {got.shape} {got.dtype}"
            )
        if not np.isfinite(got).all():
            raise ModelFileError(f"{file}: {name} holds NaN or infinity")
