"""What the channels of a network like: the pictures that excite each one most, and where in them.

likes = find_likes(prepare_for_inference(model), pictures)
layer = likes.layers[2]  # after the first pooling
likes.pictures[layer.picture[5]]  # the nine that channel 5 likes best
layer.row[5], layer.column[5]  # the cells that it likes in them
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn import Sequential
from cnn.storage import atomic_write
from recognition.inside import block_ends
from recognition.normalise import SIZE, to_input

FAVOURITES = 9  # of each channel
BATCH = 64  # pictures that go through the network together


@dataclass(frozen=True)
class LayerLikes:
    """Of the C channels of one layer, C features where it has no rows and columns: (C, FAVOURITES) each,
    what excites it most first. Row and column are of the cell in the layer's maps, 0 where it has none."""

    picture: np.ndarray  # uint16: which of the pictures
    row: np.ndarray  # uint8
    column: np.ndarray  # uint8
    value: np.ndarray  # float16


@dataclass(frozen=True)
class Likes:
    """layers: by their position in the network. pictures: (M, 28, 28) uint8, those that any channel likes,
    rounded to 16 greys."""

    pictures: np.ndarray
    layers: dict[int, LayerLikes]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Plain arrays by name, for files and frames."""
        arrays = {"pictures": self.pictures}
        for position, layer in self.layers.items():
            arrays |= {f"{position}.{name}": value for name, value in vars(layer).items()}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Likes":
        """The inverse of `to_arrays`."""
        layers: dict[int, dict[str, np.ndarray]] = {}
        for name, value in arrays.items():
            position, _, part = name.partition(".")
            if part:
                layers.setdefault(int(position), {})[part] = value
        return cls(arrays["pictures"], {position: LayerLikes(**parts) for position, parts in layers.items()})

    def save(self, path: str | Path) -> None:
        """Write all of it, compressed; equal likes give equal bytes."""
        with atomic_write(path) as file:
            np.savez_compressed(file, **self.to_arrays())

    @classmethod
    def load(cls, path: str | Path) -> "Likes":
        """What `save` wrote. Raises OSError where there is none."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls.from_arrays(dict(arrays))


def likes_path(weights: str | Path) -> Path:
    """Where the likes of a shipped network lie: in a folder beside its weights."""
    weights = Path(weights)
    return weights.parent / "inside" / f"{weights.stem}.likes.npz"


def find_likes(model: Sequential, pictures: np.ndarray) -> Likes:
    """Shows the network all pictures (N, 28, 28) uint8 and notes which excite each channel most.

    Of every picture the cell with the largest value counts, and of equal ones the first. At the end of every
    block, as `block_ends` says: after ReLU and pooling. ValueError for fewer pictures than FAVOURITES.
    """
    if len(pictures) < FAVOURITES:
        raise ValueError(f"At least {FAVOURITES} pictures are needed, got {len(pictures)}.")
    ends = block_ends(model)
    best = {position: _Best() for position in ends}
    for start in range(0, len(pictures), BATCH):
        y = to_input(pictures[start : start + BATCH])
        for position, layer in enumerate(model.layers):
            y = layer.forward(y)
            if position in ends:
                best[position].note(y, start)
    used = np.unique(np.concatenate([one.picture.ravel() for one in best.values()]))
    return Likes(_in_few_greys(pictures[used]), {position: one.among(used) for position, one in best.items()})


class _Best:
    """The largest values of every channel so far."""

    def __init__(self) -> None:
        self.picture = np.zeros((0, 0), np.int64)
        self.place: Sequence[np.ndarray] = ()
        self.value = np.zeros((0, 0))

    def note(self, y: np.ndarray, start: int) -> None:
        """y: (N, H, W, C) or (N, features), of pictures start to start + N."""
        width = y.shape[2] if y.ndim == 4 else 1
        cells = y.reshape(len(y), -1, y.shape[-1])  # (N, H * W, C)
        where = cells.argmax(1)  # (N, C)
        value = np.take_along_axis(cells, where[:, None], 1)[:, 0].T.astype(np.float64)
        picture = np.broadcast_to(np.arange(start, start + len(y)), value.shape)
        place = where.T
        if self.value.size:
            value, picture = np.hstack([self.value, value]), np.hstack([self.picture, picture])
            place = np.hstack([self.place[0] * width + self.place[1], place])
        order = np.argsort(-value, axis=1, kind="stable")[:, :FAVOURITES]
        self.value, self.picture = (np.take_along_axis(one, order, 1) for one in (value, picture))
        self.place = np.divmod(np.take_along_axis(place, order, 1), width)

    def among(self, used: np.ndarray) -> LayerLikes:
        """With pictures numbered as in `used`."""
        row, column = (place.astype(np.uint8) for place in self.place)
        picture = np.searchsorted(used, self.picture).astype(np.uint16)
        return LayerLikes(picture, row, column, np.clip(self.value, -6e4, 6e4).astype(np.float16))


def _in_few_greys(pictures: np.ndarray) -> np.ndarray:
    """In 16 greys, which look the same and pack to half the bytes."""
    return (np.rint(pictures / 17) * 17).astype(np.uint8)


assert SIZE <= 255  # rows and columns fit into a byte
