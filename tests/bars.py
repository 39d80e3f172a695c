"""A stand-in for MNIST that is learned in seconds: digit d is a bright row at height 2 d + 4, with noise."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from training import data
from training.data import Dataset
from training.datasets.idx import write_idx

VALIDATION_SIZE = 300

# A worker process that knows the stand-in's checksums and that the validation set is smaller.
PROGRAM = (
    "import sys, json; from training import data; from jobs import worker;"
    "data.FILES, data.VALIDATION_SIZE = json.loads(sys.argv[1]), 300; {before} worker.main()"
)


def bars(n, seed=0):
    """(images (n, 28, 28) uint8, labels (n,) uint8)"""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, n).astype(np.uint8)
    images = rng.integers(0, 90, (n, 28, 28), np.uint8)
    images[np.arange(n), 2 * labels + 4] = 255
    return images, labels


def bars_dataset(n=600):
    """n images to train on, and those to validate and to test with."""
    return Dataset(*bars(n + VALIDATION_SIZE, seed=1), *bars(300, seed=2), checksum="")


def write_mnist(folder: Path, dataset: Dataset) -> dict[str, str]:
    """MNIST's four files with these images; returns their checksums."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = (dataset.train_images, dataset.train_labels, dataset.test_images, dataset.test_labels)
    digests = {}
    for name, array in zip(data.FILES, arrays, strict=True):
        content = write_idx(array)
        (folder / name).write_bytes(content)
        digests[name] = hashlib.md5(content).hexdigest()
    return digests


def make_mnist(folder: Path, monkeypatch, n: int = 400) -> Path:
    """A small stand-in for MNIST in its file format, with its checksums made known."""
    dataset = Dataset(*bars(n, seed=1), *bars(100, seed=2), checksum="")
    monkeypatch.setattr(data, "FILES", write_mnist(folder, dataset))
    return folder


def worker_command(digests, before=""):
    """The command of a worker that takes the stand-in for MNIST; `before` is run before it starts."""
    return [sys.executable, "-c", PROGRAM.format(before=before), json.dumps(digests)]
