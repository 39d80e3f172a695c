"""A folder of pictures by class: `cats/1.jpg`, `cats/2.jpg`, `dogs/1.png` ...

Each folder in it is a class, with its name. Where the folder holds `train` and `test`, the classes are in
each of them; else a sixth of the pictures is set aside for the test.
"""

import io
from pathlib import Path

import numpy as np

from cnn.archive import printable
from cnn.classes import check_class_names
from cnn.layer import Shape
from recognition.files import SUFFIXES, PictureError, load_picture
from training.datasets.base import DataError, Dataset
from training.datasets.encoded import split_test, validation_size
from training.datasets.files import first_line, md5, read_bytes
from training.datasets.pictures import fit_picture

SHAPE: Shape = (32, 32, 3)  # what every picture is made into
MOST_PICTURES = 100_000
MOST_BYTES = 30 * 2**20  # of one picture file


def load_folder(folder: str | Path) -> Dataset:
    """The data set in a folder of pictures by class, each cut to a square and shrunk to 32x32 RGB.

    Raises DataError, in a sentence, where there are no classes, too few pictures, or one cannot be read.
    """
    folder = Path(folder)
    halves = [folder / name for name in ("train", "test")]
    if all(half.is_dir() for half in halves):
        classes = _classes(halves[0])
        if _classes(halves[1]) != classes:
            raise DataError(f"{halves[1]} must hold the same folders as {halves[0]}")
        parts = [_read(half, classes) for half in halves]
        checksum = md5("".join(digest for *_, digest in parts).encode())
        images, labels = parts[0][:2]
        order = np.random.default_rng(0).permutation(len(images))
        arrays = (images[order], labels[order], *parts[1][:2])
    else:
        classes = _classes(folder)
        images, labels, checksum = _read(folder, classes)
        arrays = split_test(images, labels)
    size = validation_size(len(arrays[0]))
    return Dataset(*arrays, checksum, printable(folder.resolve().name), classes, validation_size=size)


def _classes(folder: Path) -> tuple[str, ...]:
    found = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(found) < 2:
        raise DataError(f"{folder} must hold a folder of pictures for each class, at least two")
    try:
        return check_class_names(found)
    except ValueError as error:
        raise DataError(f"the folders in {folder} name classes that cannot be used: {error}") from error


def _read(folder: Path, classes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, str]:
    """All pictures below a folder, with labels and an MD5 over the files."""
    images, labels, digests = [], [], []
    for label, name in enumerate(classes):
        paths = sorted(path for path in (folder / name).iterdir() if path.suffix.lower() in SUFFIXES)
        if not paths:
            raise DataError(f"{folder / name} holds no pictures ({', '.join(sorted(SUFFIXES))})")
        if len(images) + len(paths) > MOST_PICTURES:
            raise DataError(f"{folder} holds more than {MOST_PICTURES:,} pictures")
        for path in paths:
            if path.stat().st_size > MOST_BYTES:
                raise DataError(f"{path} is too large: at most {MOST_BYTES >> 20} MiB are read")
            content = read_bytes(path)
            try:
                images.append(fit_picture(load_picture(io.BytesIO(content)), SHAPE))
            except PictureError as error:
                raise DataError(f"{path} cannot be read: {first_line(error)}") from error
            labels.append(label)
            digests.append(md5(content))
    return np.stack(images), np.array(labels, np.int64), md5("".join(digests).encode())
