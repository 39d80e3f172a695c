"""Data sets of four IDX files, as MNIST's authors published theirs and Fashion-MNIST's did after them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn import DIGITS
from training.datasets.base import DataError, Dataset
from training.datasets.files import fetch_gzipped, first_line, keep, md5, read_file


@dataclass(frozen=True)
class IdxFiles:
    """Where four IDX files are and what is in them.

    files: the names, with the MD5 of their raw content, whatever they come packed in: training images and
    labels, test images and labels. mirrors: addresses that a name and ".gz" are added to. caches: folders, of
    which the first that can be written to gets what was fetched. packages: other sources, with their titles.
    """

    title: str
    files: dict[str, str]
    mirrors: tuple[str, ...]
    caches: tuple[Path, ...]
    classes: tuple[str, ...] = DIGITS
    installed: tuple[Path, ...] = ()
    packages: tuple[tuple[str, Callable[[], dict[str, bytes]]], ...] = ()

    def load(self, folder: Path | None = None) -> Dataset:
        """The data set from `folder`, if given, else from the first source that has it; see `load_mnist`."""
        if folder is not None:
            missing = [name for name in self.files if find_file(folder, name) is None]
            if missing:
                raise DataError(
                    f"{folder} lacks {', '.join(missing)} (as they are or with .gz); these are "
                    f"{self.title}'s own names"
                )
            return self._dataset({name: read_file(find_file(folder, name)) for name in self.files})
        for cache in (*self.caches, *self.installed):
            cached = self._from_folder(cache)
            if cached is not None:
                return self._dataset(cached)
        tried: list[str] = []
        mirrors = ((mirror, lambda mirror=mirror: self._from_mirror(mirror)) for mirror in self.mirrors)
        for title, source in (*mirrors, *self.packages):
            try:
                contents = source()
                dataset = self._dataset(contents)
            # Whatever goes wrong with one source, the next is tried and the reason is reported.
            except Exception as error:
                tried.append(f"  {title}: {first_line(error)}")
                continue
            keep(contents, self.caches, self.title)
            return dataset
        raise DataError(
            f"{self.title} could not be fetched. Tried:\n"
            + "\n".join([f"  the cache {self.caches[0]}: not all four files there", *tried])
            + f"\nPut {', '.join(self.files)} (as they are or with .gz) into a folder and name it with "
            "--data FOLDER."
        )

    def _dataset(self, contents: dict[str, bytes]) -> Dataset:
        for name, content in contents.items():
            digest = md5(content)
            if digest != self.files[name]:
                raise DataError(
                    f"{name} is not {self.title}'s: its MD5 is {digest}, expected {self.files[name]}"
                )
        arrays = [parse_idx(contents[name]) for name in self.files]
        checksum = md5("".join(self.files.values()).encode())
        return Dataset(*arrays, checksum, self.title, self.classes)

    def _from_folder(self, folder: Path) -> dict[str, bytes] | None:
        try:
            paths = {name: find_file(folder, name) for name in self.files}
            if None in paths.values():
                return None
            contents = {name: read_file(path) for name, path in paths.items()}
            self._dataset(contents)
        except (DataError, OSError):
            return None  # damaged or unreadable: it is downloaded again and replaced
        return contents

    def _from_mirror(self, mirror: str) -> dict[str, bytes]:
        return {name: fetch_gzipped(f"{mirror}{name}.gz") for name in self.files}


def parse_idx(content: bytes) -> np.ndarray:
    """IDX: two zero bytes, the type (8: uint8), the number of dimensions, the sizes, the values."""
    sizes = np.frombuffer(content, ">u4", content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + sizes.nbytes).reshape(sizes)


def write_idx(values: np.ndarray) -> bytes:
    """The inverse of `parse_idx`, for uint8."""
    return bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes() + values.tobytes()


def find_file(folder: Path, name: str) -> Path | None:
    """The file `name` in a folder, plain or gzipped; some copies are spelt with a dot."""
    spellings = (name, name.replace("-idx", ".idx"))
    candidates = [folder / (spelling + ending) for spelling in spellings for ending in ("", ".gz")]
    return next((path for path in candidates if path.is_file()), None)
