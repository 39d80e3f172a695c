"""Small stand-ins for Fashion-MNIST and CIFAR-10, learned in seconds, put where a host puts data sets."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from training.datasets.registry import CIFAR10, FACTS, FASHION_MNIST

VARIABLE = "DIGITS_DATA"


def write_stand_ins(folder: Path, count: int = 1_200) -> Path:
    """Both, with so many training pictures: class k is a bright bar of its own colour, at height 2 k + 4."""
    for name in (FASHION_MNIST, CIFAR10):
        for part, seed, pictures in (("train", 1, count), ("test", 2, 300)):
            _write(folder / f"{name}_{part}.npz", name, pictures, seed)
    return folder


def pictures_of(name: str, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(count, H, W, 3) uint8 and labels (count,)."""
    height, width, channels = FACTS[name].input_shape
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count)
    images = rng.integers(0, 60, (count, height, width, 1), np.uint8).repeat(3, axis=3)
    for image, label in zip(images, labels, strict=True):
        colour = (255, 255, 255) if channels == 1 else (255 * (label % 2), 180, 255 * (label % 3 // 2))
        image[2 * label + 4 : 2 * label + 6] = colour
    return images, labels


def _write(path: Path, name: str, count: int, seed: int) -> None:
    images, labels = pictures_of(name, count, seed)
    files = [_png(image) for image in images]
    offsets = np.cumsum([0, *map(len, files)])
    data = np.frombuffer(b"".join(files), np.uint8)
    np.savez(path, data=data, offsets=offsets, labels=labels, classes=np.array(FACTS[name].classes))


def _png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", compress_level=1)
    return file.getvalue()
