"""Chooses the pictures that the Train tab shows while a network learns: `python -m scripts.watched_pictures`.

It prints `WATCHED` for training/watched.py and writes their sprite, ui/train/watched.png.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from cnn import load_model, softmax
from recognition.reader import SHIPPED
from training.calibrate import logits_of
from training.data import load_mnist, split_validation
from training.watched import COLUMNS, WATCHED, sprite

AMONG = 300  # the first of the validation set
PICTURE = Path(__file__).parents[1] / "ui" / "train" / "watched.png"


def choose(images: np.ndarray, labels: np.ndarray) -> list[int]:
    """Of each digit the pictures of which the simple network is least sure, the hardest in the first row."""
    probs = softmax(logits_of(load_model(SHIPPED["seed"]).model, images))
    by_doubt = np.argsort(probs[np.arange(len(labels)), labels])
    rows = len(WATCHED) // COLUMNS
    columns = [[int(i) for i in by_doubt if labels[i] == digit][:rows] for digit in range(COLUMNS)]
    return [column[row] for row in range(rows) for column in columns]


def main() -> None:
    dataset = load_mnist()
    *_, images, labels = split_validation(dataset.train_images, dataset.train_labels)
    print("WATCHED =", tuple(choose(images[:AMONG], labels[:AMONG])))
    Image.fromarray(sprite(images)).save(PICTURE, optimize=True)
    print(PICTURE)


if __name__ == "__main__":
    main()
