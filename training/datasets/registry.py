"""Data sets by name, and one's own from a folder of pictures or a file.

load_dataset("fashion-mnist")           # fetched once, checked, kept
load_dataset("mnist", Path("my_mnist")) # its four files, from a folder
load_own(Path("pets"))                  # a folder of pictures by class, or an `.npz` of pictures
"""

from collections.abc import Callable
from pathlib import Path

from training.data import FILES, load_mnist
from training.datasets.base import DataError, Dataset
from training.datasets.cifar10 import ARCHIVE, load_cifar10
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
    """A folder of pictures by class, or an `.npz` of pictures. Raises DataError, saying what is wrong."""
    if path.is_dir():
        return load_folder(path)
    if not path.is_file():
        raise DataError(f"there is no folder or file {path}")
    if path.suffix != ".npz":
        raise DataError(f"{path} is no data set: name a folder of pictures by class, or an .npz of pictures")
    return load_encoded(path)
