"""Data sets by name, and one's own from a folder of pictures or a file.

load_dataset("fashion-mnist")           # fetched once, checked, kept
load_dataset("mnist", Path("my_mnist")) # its four files, from a folder
load_own(Path("pets"))                  # a folder of pictures by class, an `.npz` of pictures, or drawings
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cnn import DIGITS, Sequential
from cnn.layer import Shape
from training.data import FILES, load_mnist
from training.datasets import cifar10, fashion
from training.datasets.base import MNIST_TITLE, DataError, Dataset
from training.datasets.cifar10 import ARCHIVE, load_cifar10
from training.datasets.drawings import are_drawings, load_drawings
from training.datasets.encoded import load_encoded
from training.datasets.fashion import load_fashion_mnist
from training.datasets.folder import load_folder
from training.datasets.idx import find_file

MNIST, FASHION_MNIST, CIFAR10 = "mnist", "fashion-mnist", "cifar10"
DATASETS: dict[str, Callable[[Path | None], Dataset]] = {
    MNIST: load_mnist,
    FASHION_MNIST: load_fashion_mnist,
    CIFAR10: load_cifar10,
}


@dataclass(frozen=True)
class Facts:
    """What is known of a data set before it is loaded.

    images: for training, without the 5,000 that validate.
    """

    title: str
    input_shape: Shape
    classes: tuple[str, ...]
    images: int


FACTS: dict[str, Facts] = {
    MNIST: Facts(MNIST_TITLE, (28, 28, 1), DIGITS, 55_000),
    FASHION_MNIST: Facts("Fashion-MNIST", (28, 28, 1), fashion.CLASSES, 55_000),
    CIFAR10: Facts("CIFAR-10", (32, 32, 3), cifar10.CLASSES, 45_000),
}


def name_of_dataset(model: Sequential) -> str | None:
    """The data set whose pictures a network takes and whose classes it tells apart; None where it is another.

    A network whose classes have no names reads digits.
    """
    for name, facts in FACTS.items():
        if (model.input_shape, model.classes or DIGITS) == (facts.input_shape, facts.classes):
            return name
    return None


def load_dataset(name: str, folder: Path | None = None) -> Dataset:
    """The data set of that name; from its authors' files in `folder`, if given. Raises DataError."""
    return DATASETS[name](folder)


def is_own(path: Path) -> bool:
    """Whether a path is somebody's own data set, and not a folder with the files of one in DATASETS."""
    if not path.is_dir():
        return path.is_file()
    has_files = (path / ARCHIVE).is_file() or any(find_file(path, name) for name in FILES)
    return not has_files and any(one.is_dir() for one in path.iterdir())


def load_own(path: Path) -> Dataset:
    """A folder of pictures by class, an `.npz` of pictures, or drawings as the page saves them.

    Raises DataError, saying what is wrong.
    """
    if path.is_dir():
        return load_folder(path)
    if not path.is_file():
        raise DataError(f"there is no folder or file {path}")
    if are_drawings(path):
        return load_drawings(path)
    if path.suffix != ".npz":
        raise DataError(
            f"{path} is no data set: name a folder of pictures by class, an .npz of pictures, or a file of "
            "examples or signs that the page saved"
        )
    return load_encoded(path)
