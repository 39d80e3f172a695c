"""Data sets of drawings as the page saves them: the zip of digits, and the file of signs.

load_drawings(Path("examples.zip"))  # the ten digits
load_drawings(Path("signs.npz"))     # the classes are the signs
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn import DIGITS
from cnn.archive import Archive, ArchiveError, printable
from training.datasets.base import DataError, Dataset
from training.datasets.encoded import MOST_BYTES, split_test, validation_size
from training.datasets.files import md5, read_bytes
from training.examples import MOST_BYTES_OF_ZIP, read_examples
from training.sign_files import load_signs

ZIP = ".zip"
MOST_EXAMPLES = 10_000  # in a zip


@dataclass(frozen=True)
class Drawings:
    """Drawings with their labels. images: (N, 28, 28) uint8, normalised ink. labels: (N,) 0 to K - 1."""

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]  # the K names
    checksum: str  # MD5 of the file


def are_drawings(path: Path) -> bool:
    """Whether a file is a zip of examples, by its name, or a file of signs, by what is in it."""
    if path.suffix == ZIP:
        return True
    try:
        with path.open("rb") as file, Archive(file, most_bytes=MOST_BYTES) as archive:
            return "architecture.npy" in archive.names
    except (OSError, ArchiveError):
        return False


def load_drawings(path: Path) -> Dataset:
    """The data set in such a file, of whose drawings a sixth is set aside for the test. Raises DataError."""
    found = read_drawings(path)
    parts = split_test(found.images, found.labels)
    size = validation_size(len(parts[0]))
    title = printable(path.name)
    return Dataset(*parts, found.checksum, title, found.classes, validation_size=size, is_drawn=True)


def read_drawings(path: Path) -> Drawings:
    """All drawings in such a file. Raises DataError, in a sentence, for anything that is wrong with it."""
    try:
        if path.suffix == ZIP:
            with path.open("rb") as file:
                packed = file.read(MOST_BYTES_OF_ZIP + 1)
            examples = read_examples(packed, most_examples=MOST_EXAMPLES)
            images = np.stack([example.image for example in examples])
            return Drawings(images, np.array([one.label for one in examples]), DIGITS, md5(packed))
        signs, images = load_signs(path)
        if len(images) == 0:
            raise ValueError("there are no drawings in it: these signs were shared without")
        return Drawings(images, signs.labels, signs.names, md5(read_bytes(path)))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        sentence = str(error)
        name = printable(path.name)
        raise DataError(sentence if sentence.startswith(name) else f"{name}: {sentence}") from error
