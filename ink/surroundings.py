"""What stands around a candidate: severed strokes, its neighbours and their size."""

from collections.abc import Sequence

import cv2
import numpy as np

from ink.normalise import SIZE, bounding_box, normalise_box
from ink.pieces import Pieces

AROUND = 2  # sides of a candidate's picture that are looked at, both ways


def in_its_place(pieces: Pieces, run: Sequence[int]) -> np.ndarray:
    """Pieces taken as one candidate, and all others around them: (28, 28, 2) uint8.

    [..., 0] the candidate's ink, normalised. [..., 1] the ink of all other pieces around the same middle, at
    half that scale. run: the numbers of the candidate's pieces.
    """
    x, y, _, _ = pieces.box_of(run)
    mine = pieces.ink_of(run)
    image, (corner_x, corner_y, pixel) = normalise_box(mine, bounding_box(mine))
    margin = (AROUND - 1) / 2 * SIZE * pixel
    left = round(max(x - 1, 0) + corner_x - margin)
    top = round(max(y - 1, 0) + corner_y - margin)
    side = max(1, round(AROUND * SIZE * pixel))
    high, wide = pieces.labels.shape
    area = np.s_[max(top, 0) : min(top + side, high), max(left, 0) : min(left + side, wide)]
    others = np.ones(len(pieces.boxes), np.uint8)
    others[0] = 0
    others[list(run)] = 0
    around = np.zeros((side, side), np.uint8)
    place = np.s_[area[0].start - top : area[0].stop - top, area[1].start - left : area[1].stop - left]
    around[place] = (pieces.ink[area] * others[pieces.labels[area]] * np.float32(255)).clip(0, 255)
    return np.stack([image, cv2.resize(around, (SIZE, SIZE), interpolation=cv2.INTER_AREA)], -1)
