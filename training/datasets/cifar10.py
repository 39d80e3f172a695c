"""CIFAR-10: 60,000 colour pictures of animals and vehicles, 32x32.

Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

import io
import tarfile
import zlib
from gzip import GzipFile
from pathlib import Path

import numpy as np

from training.datasets import files
from training.datasets.base import DataError, Dataset

CACHE = files.CACHE / "cifar10"
ARCHIVE = "cifar-10-binary.tar.gz"
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

SIDE = 32
RECORD = 1 + 3 * SIDE * SIDE  # bytes: a label, then the red, the green and the blue plane
MOST_PICTURES = 10_000  # in one file of the archive
FOLDER = "cifar-10-batches-bin"
TRAINING = tuple(f"{FOLDER}/data_batch_{number}.bin" for number in range(1, 6))
TEST = (f"{FOLDER}/test_batch.bin",)
MOST_MEMBERS = 20
MOST_UNPACKED = 200 * 2**20  # bytes of the whole archive, which has 176 MiB


def load_cifar10(folder: str | Path | None = None) -> Dataset:
    """50,000 training and 10,000 test pictures (N, 32, 32, 3), RGB.

    Sources: the archive `cifar-10-binary.tar.gz` in `folder` if given (and then nothing else), else in the
    cache, else its author's site. It is checked against the known MD5, kept, and never fetched again. Raises
    DataError with what was tried and what to do.
    """
    if folder is not None:
        path = Path(folder) / ARCHIVE
        if not path.is_file():
            raise DataError(f"{folder} lacks {ARCHIVE}, which is CIFAR-10's own name for its binary version")
        return _dataset(files.read_bytes(path))
    path = CACHE / ARCHIVE
    if path.is_file():
        try:
            return _dataset(files.read_bytes(path))
        except DataError:
            pass  # damaged or unreadable: it is downloaded again and replaced
    tried = []
    for mirror in MIRRORS:
        try:
            content = files.fetch(mirror + ARCHIVE)
            dataset = _dataset(content)
        # Whatever goes wrong with one source, the next is tried and the reason is reported.
        except Exception as error:
            tried.append(f"  {mirror}: {files.first_line(error)}")
            continue
        files.keep({ARCHIVE: content}, [CACHE], "CIFAR-10")
        return dataset
    raise DataError(
        "\n".join(["CIFAR-10 could not be fetched. Tried:", f"  the cache {CACHE}: no archive there", *tried])
        + f"\nPut {ARCHIVE} into a folder and name it with --data FOLDER, or another form of these pictures "
        "with --data FILE.npz."
    )


def _dataset(content: bytes) -> Dataset:
    digest = files.md5(content)
    if digest != MD5:
        raise DataError(f"{ARCHIVE} is not CIFAR-10's: its MD5 is {digest}, expected {MD5}")
    members = read_members(content, {*TRAINING, *TEST})
    parts = [[records(name, members[name]) for name in names] for names in (TRAINING, TEST)]
    arrays = [np.concatenate(column) for part in parts for column in zip(*part, strict=True)]
    return Dataset(*arrays, digest, "CIFAR-10", CLASSES)


def read_members(content: bytes, wanted: set[str]) -> dict[str, bytes]:
    """The wanted files of a gzipped tar, read in order and never written to disk.

    Raises DataError if one is missing, is no plain file or is too long, or if the archive unpacks to more
    than it should or is damaged.
    """
    found: dict[str, bytes] = {}
    try:
        unpacked = _Bounded(GzipFile(fileobj=io.BytesIO(content)))
        with tarfile.open(fileobj=unpacked, mode="r|") as archive:
            for number, member in enumerate(archive, start=1):
                if number > MOST_MEMBERS:
                    raise DataError(f"{ARCHIVE} holds more than {MOST_MEMBERS} files")
                if member.name not in wanted:
                    continue
                if not member.isreg() or member.size > MOST_PICTURES * RECORD or member.name in found:
                    raise DataError(f"{ARCHIVE} holds a {member.name} that is not CIFAR-10's")
                found[member.name] = archive.extractfile(member).read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise DataError(f"{ARCHIVE} is damaged or no gzipped tar: {files.first_line(error)}") from error
    missing = sorted(wanted - found.keys())
    if missing:
        raise DataError(f"{ARCHIVE} lacks {', '.join(missing)}")
    return found


def records(name: str, content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The pictures (N, 32, 32, 3) and labels (N,) of one file. Raises DataError if it is not as it should be.

    A record is a label and the three colour planes, each row by row.
    """
    if not content or len(content) % RECORD:
        raise DataError(f"{name} must hold whole records of {RECORD:,} bytes, got {len(content):,} bytes")
    rows = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    if rows[:, 0].max() >= len(CLASSES):
        raise DataError(f"{name} holds the label {rows[:, 0].max()}; labels are 0 to {len(CLASSES) - 1}")
    planes = rows[:, 1:].reshape(-1, 3, SIDE, SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), rows[:, 0].copy()


class _Bounded(io.RawIOBase):
    """Reads from a file, and refuses to give more than MOST_UNPACKED bytes in all."""

    def __init__(self, file: GzipFile) -> None:
        self._file, self._left = file, MOST_UNPACKED

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes. Raises DataError beyond the limit."""
        content = self._file.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        self._left -= len(content)
        if self._left < 0:
            raise DataError(f"{ARCHIVE} would unpack to more than {MOST_UNPACKED >> 20} MiB")
        return content
