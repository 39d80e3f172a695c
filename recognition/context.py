"""What stands around a candidate: severed strokes, its neighbours and their size."""

from collections.abc import Sequence

import cv2
import numpy as np

from recognition.components import Pieces
from recognition.normalise import BOX, SIZE, bounding_box, normalise_box

IN_PLACE = (SIZE, SIZE, 2)  # shape of a candidate in its place
AROUND = 2  # sides of a candidate's picture that are looked at, both ways
SMALLEST = 0.8  # digits' heights: what is smaller, a dash or a dot, sees as far as something so high
SEPARATORS = "-/.,:"  # what the context model reads beside the ten digits: its outputs from 10 on
FINE = 4  # pixels of the ink that are looked at for one of the picture, both ways: more cost time only


def in_its_place(pieces: Pieces, run: Sequence[int], height: float = 0.0) -> np.ndarray:
    """Pieces taken as one candidate, and all others around them: (28, 28, 2) uint8.

    [..., 0] the candidate's ink, normalised. [..., 1] the ink of all other pieces around the same middle, at
    half that scale, or that of something SMALLEST. run: the numbers of the candidate's pieces; height: of a
    digit, pixels.
    """
    x, y, _, _ = pieces.box_of(run)
    mine = pieces.ink_of(run)
    image, (corner_x, corner_y, pixel) = normalise_box(mine, bounding_box(mine))
    pixel_around = AROUND * max(pixel, SMALLEST * height / BOX)
    margin = SIZE * (pixel_around - pixel) / 2
    step = max(1, int(pixel_around / FINE))
    side = max(1, round(SIZE * pixel_around / step))
    high, wide = pieces.labels.shape
    rows, to_rows = _inside(round(max(y - 1, 0) + corner_y - margin) + step // 2, side, step, high)
    columns, to_columns = _inside(round(max(x - 1, 0) + corner_x - margin) + step // 2, side, step, wide)
    labels = pieces.labels[rows, columns]
    is_other = labels > 0
    for number in run:
        is_other &= labels != number
    around = np.zeros((side, side), np.uint8)
    around[to_rows, to_columns] = pieces.ink[rows, columns] * np.float32(255)
    around[to_rows, to_columns] *= is_other
    return np.stack([image, cv2.resize(around, (SIZE, SIZE), interpolation=cv2.INTER_AREA)], -1)


def digit_logits(logits: np.ndarray) -> np.ndarray:
    """The context model's logits (N, 15) -> (N, 10): of the digits, where "none" is all that is no digit.

    digits - log(1 + sum over separators of exp(separators)), so that "none" has the logit 0 again.
    """
    digits, separators = logits[:, :10], logits[:, 10:]
    none = np.logaddexp(np.float32(0), np.logaddexp.reduce(separators, axis=1))
    return digits - none[:, None]


def slanted(pictures: np.ndarray, slant: float) -> np.ndarray:
    """Pictures (N, 28, 28, 2) uint8 -> the same, leaning to the right by `slant` for each pixel upwards."""
    middle = (SIZE - 1) / 2
    to_source = np.array([[1.0, slant, -slant * middle], [0.0, 1.0, 0.0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.stack([cv2.warpAffine(picture, to_source, (SIZE, SIZE), flags=flags) for picture in pictures])


def _inside(start: int, count: int, step: int, size: int) -> tuple[slice, slice]:
    """Every step-th of `size` pixels, `count` of them from `start` on; and which of the count there are."""
    first, last = max(0, -(start // step)), min(count, -((start - size) // step))
    return slice(start + first * step, start + last * step, step), slice(first, last)
