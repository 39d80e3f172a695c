"""Which of 2,000 of MNIST's test digits a picture is nearest to, by what a network's last layer sees of it.

The digits lie on a map whose places are fixed: `python -m scripts.inside` made it from the averages of
digit_net with `recognition.embedding`. A picture stands among its nearest.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from cnn import Sequential
from cnn.explain import features
from cnn.storage import atomic_write
from recognition.embedding import squared_distances
from recognition.normalise import to_input
from recognition.reader import WEIGHTS

NEIGHBOURS = WEIGHTS / "inside" / "neighbours.npz"
COUNT = 2_000  # digits on the map, the first of MNIST's test set
NEAREST = 8
MOST_FEATURES = 6  # networks whose view of the map is kept; one is a megabyte, or six of small_net


@dataclass(frozen=True)
class DigitMap:
    """pictures: (N, 28, 28) uint8; labels: (N,) uint8; places: (N, 2) float32, x and y within [0, 1]."""

    pictures: np.ndarray
    labels: np.ndarray
    places: np.ndarray

    def save(self, path: str | Path) -> None:
        with atomic_write(path) as file:
            np.savez_compressed(file, **vars(self))

    @classmethod
    def load(cls, path: str | Path) -> "DigitMap":
        with np.load(path, allow_pickle=False) as arrays:
            return cls(**arrays)


@dataclass(frozen=True)
class Neighbours:
    """indices: (NEAREST,) on the map, nearest first; distances: theirs; place: (2,), where the picture is."""

    indices: np.ndarray
    distances: np.ndarray
    place: np.ndarray


@cache
def digit_map() -> DigitMap:
    """The map that is shipped."""
    return DigitMap.load(NEIGHBOURS)


def nearest(model: Sequential, x: np.ndarray, known: np.ndarray, places: np.ndarray) -> Neighbours:
    """x: one picture, (28, 28, 1). known: (N, D), the `features` of the digits at `places` (N, 2).

    The picture's place is the mean of its nearest digits', each weighted by 1 / squared distance.
    """
    distances = squared_distances(features(model, x[None]), known)[0]
    indices = np.argsort(distances, kind="stable")[:NEAREST]
    weights = 1 / np.maximum(distances[indices], 1e-9)
    place = (weights[:, None] * places[indices]).sum(0) / weights.sum()
    return Neighbours(indices, np.sqrt(distances[indices]), place)


@lru_cache(MOST_FEATURES)
def features_of_map(model: Sequential) -> np.ndarray:
    """(N, D): what the network's last layer sees of every digit on the map; a second for digit_net, once."""
    return features(model, to_input(digit_map().pictures))
