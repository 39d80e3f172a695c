"""The file of a visitor's own signs: one `.npz` with the network, the names, and the examples.

It is a weights file like any other (`cnn.storage`): the classes of the network are the names, the last of
them "anything else". The examples are in its notes:

    {"signs": {"labels": [0, 0, 1 ...], "answers": [0, 1, 1 ...], "pictures": a text}}

labels, answers: as `OwnSigns` has them. pictures: (n, 28, 28) bytes, deflated, in base64. All three are empty
where the signs were shared without their examples.
"""

import base64
import binascii
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from cnn import ModelFileError, load_model, prepare_for_inference, save_model
from cnn.storage import ONE_DIGIT
from recognition.normalise import SIZE
from training.own_signs import ANYTHING_ELSE, MAX_EXAMPLES, OwnSigns, check_names

LONGEST_PICTURES = 400_000  # characters: MAX_EXAMPLES pictures that deflate to no less


def save_signs(path: str | Path, signs: OwnSigns, images: np.ndarray) -> None:
    """Write the signs and the examples (n, 28, 28) uint8 that they were learned from; all or nothing."""
    notes = {
        "labels": signs.labels.tolist(),
        "answers": signs.answers.tolist(),
        "pictures": base64.b64encode(zlib.compress(images.tobytes(), 9)).decode(),
    }
    save_model(path, signs.model, progress={"signs": notes})


def load_signs(path: str | Path) -> tuple[OwnSigns, np.ndarray]:
    """Read what `save_signs` wrote: the signs and their examples (n, 28, 28) uint8.

    The file may be a stranger's. Raises FileNotFoundError, or ModelFileError in one sentence, whatever is
    wrong with it.
    """
    path = Path(path)
    checkpoint = load_model(path, ONE_DIGIT, None, any_classes=True)
    model, notes = checkpoint.model, checkpoint.progress.get("signs")
    if model.classes[-1:] != (ANYTHING_ELSE,) or not isinstance(notes, dict):
        raise ModelFileError(f"{path.name} holds a network, but no signs: save one from the Signs tab")
    try:
        names = check_names(model.classes[:-1])
        images = _pictures(notes.get("pictures"))
        labels = _classes(notes.get("labels"), len(images), len(names))
        answers = _classes(notes.get("answers"), len(images), len(names) + 1)
    except ValueError as error:
        raise ModelFileError(f"{path.name}: {error}") from error
    return OwnSigns(names, prepare_for_inference(model), labels, answers), images


def without_examples(signs: OwnSigns) -> tuple[OwnSigns, np.ndarray]:
    """The same network and names, and no example: what `save_signs` takes."""
    none = np.zeros(0, np.int64)
    return replace(signs, labels=none, answers=none), np.zeros((0, SIZE, SIZE), np.uint8)


def _pictures(text: object) -> np.ndarray:
    if not isinstance(text, str) or len(text) > LONGEST_PICTURES:
        raise ValueError("its examples are missing or too many")
    most = MAX_EXAMPLES * SIZE * SIZE
    try:
        inflater = zlib.decompressobj()
        content = inflater.decompress(base64.b64decode(text, validate=True), most + 1)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise ValueError("its examples are damaged") from error
    if len(content) > most:
        raise ValueError(f"it holds more than {MAX_EXAMPLES} examples")
    if not inflater.eof or len(content) % (SIZE * SIZE):
        raise ValueError("its examples are damaged")
    images = np.frombuffer(content, np.uint8).reshape(-1, SIZE, SIZE)
    if not images.any(axis=(1, 2)).all():
        raise ValueError("an example in it is empty")
    return images


def _classes(values: object, count: int, classes: int) -> np.ndarray:
    """(count,) int64, each from 0 to classes - 1."""
    if not isinstance(values, list) or len(values) != count:
        raise ValueError("it does not say which sign each example is of")
    if not all(type(value) is int and 0 <= value < classes for value in values):
        raise ValueError("an example in it is of a sign that it does not name")
    return np.array(values, np.int64)
