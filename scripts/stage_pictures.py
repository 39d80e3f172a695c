"""Draws a photo and the stages of its reading side by side: `python -m scripts.stage_pictures PHOTO PNG`."""

import sys

import cv2
import numpy as np

from recognition import Reader
from recognition.__main__ import with_boxes
from recognition.files import load_picture

WIDTH, COLUMNS, MARGIN = 360, 3, 26  # pixels of a picture, pictures in a row, pixels above each


def main(photo: str, png: str) -> None:
    picture = load_picture(photo)
    reading = Reader().read_photo(picture)
    last = ("Read: " + reading.text.replace("\n", ", "), np.asarray(with_boxes(picture, reading)))
    tiles = [_tile(name, shown) for name, shown in [*((s.name, s.picture) for s in reading.stages), last]]
    high = max(len(tile) for tile in tiles)
    tiles = [np.pad(tile, ((0, high - len(tile)), (4, 4), (0, 0)), constant_values=255) for tile in tiles]
    rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    cv2.imwrite(png, cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))


def _tile(name: str, picture: np.ndarray) -> np.ndarray:
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    size = WIDTH, round(WIDTH * picture.shape[0] / picture.shape[1])
    shown = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    shown = cv2.copyMakeBorder(shown, MARGIN, 0, 0, 0, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    return cv2.putText(shown, name, (4, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)


if __name__ == "__main__":
    main(*sys.argv[1:])
