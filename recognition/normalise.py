"""Any ink -> a 28x28 picture, by the procedure MNIST was made with.

A network reads what looks like its training images. MNIST's were cut from binary scans in one particular
way, and every step matters: centring a digit by its box instead of its mass costs 6 points of accuracy,
losing the aspect ratio 45. So this is the only way from ink to a network.

Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits"; the details as reconstructed by
Yadav and Bottou, "Cold Case: The Lost MNIST Digits", NeurIPS 2019 (the QMNIST code).
"""

import cv2
import numpy as np

SIZE = 28  # side of the normalised picture, pixels
BOX = 20  # longest side of the ink inside it
CENTRE = 14.0  # pixel index of the centre of mass: 14.0, not 13.5
# A box that is longer than this and so many times as long as wide is no digit's. It is resampled an axis at a
# time, for the square around it would take far more memory than its ink: 3.6 GB for 1 x 30,000 pixels.
LONG_SIDE, LONG_ASPECT = 256, 16
FAINTEST = 0.25  # ink below this share of the peak is the soft edge of a stroke, not part of its box

Box = tuple[int, int, int, int]  # x, y, width, height, in pixels


def bounding_box(ink: np.ndarray) -> Box | None:
    """The tight box around all ink; None where there is no ink.

    ink: (H, W) floating point, 0 paper, 1 full ink. Raises TypeError or ValueError for anything else.
    """
    _check(ink)
    peak = ink.max(initial=0.0)
    if peak <= 0:
        return None
    solid = ink >= FAINTEST * peak
    columns, rows = np.flatnonzero(solid.any(0)), np.flatnonzero(solid.any(1))
    return (
        int(columns[0]),
        int(rows[0]),
        int(columns[-1] - columns[0]) + 1,
        int(rows[-1] - rows[0]) + 1,
    )


def normalise(ink: np.ndarray) -> np.ndarray | None:
    """Ink of any size, place and margin -> (28, 28) uint8 as MNIST was made; None for an empty canvas.

    1. the tight bounding box, padded to a square, is area-resampled to 20x20 (the aspect ratio stays);
    2. it is scaled so that its peak is 255;
    3. it is shifted by whole pixels so that its centre of mass comes to pixel index 14.0, as far as all of
       it stays inside.

    ink: (H, W) floating point, 0 paper, 1 full ink; only ratios matter, so faint ink counts as much as
    black. Raises TypeError or ValueError where ink is not that.
    """
    box = bounding_box(ink)
    return None if box is None else normalise_box(ink, box)[0]


def normalise_box(ink: np.ndarray, box: Box) -> tuple[np.ndarray, tuple[float, float, float]]:
    """The picture (28, 28) uint8 of the ink in its bounding box, and where that picture lies in the ink:
    (x, y) of its upper left corner and the side of one of its pixels, all in pixels of the ink."""
    x, y, width, height = box
    side = max(width, height)
    top, left = (side - height) // 2, (side - width) // 2
    cropped = ink[y : y + height, x : x + width]
    if side > LONG_SIDE and side > LONG_ASPECT * min(width, height):
        small = _area_weights(top, height, side) @ cropped @ _area_weights(left, width, side).T
    else:
        square = np.zeros((side, side), np.float32)
        square[top : top + height, left : left + width] = cropped
        # INTER_AREA averages only when it shrinks; a digit of a few pixels is first enlarged in whole steps.
        if side < BOX:
            square = np.kron(square, np.ones((-(-BOX // side),) * 2, np.float32))
        small = cv2.resize(square, (BOX, BOX), interpolation=cv2.INTER_AREA)
    small *= 255 / small.max()

    mass = small.sum()
    index = np.arange(BOX)
    shift_y = _shift(float(small.sum(1) @ index / mass))
    shift_x = _shift(float(small.sum(0) @ index / mass))
    image = np.zeros((SIZE, SIZE), np.uint8)
    image[shift_y : shift_y + BOX, shift_x : shift_x + BOX] = np.rint(small)
    pixel = max(width, height) / BOX
    return image, (x - left - shift_x * pixel, y - top - shift_y * pixel, pixel)


def _area_weights(start: int, count: int, side: int) -> np.ndarray:
    """weights[r, i] = share of output pixel r that input pixel start + i covers: (BOX, count) float32

    Area resampling of one axis, from `side` pixels to BOX, of which only `count` from `start` hold ink.
    """
    pixel = side / BOX
    low = np.arange(BOX)[:, None] * pixel
    at = start + np.arange(count)
    overlap = np.minimum(low + pixel, at + 1) - np.maximum(low, at)
    return (overlap.clip(0) / pixel).astype(np.float32)


def to_input(images: np.ndarray) -> np.ndarray:
    """Pictures (N, 28, 28) or (N, 28, 28, C) uint8 -> what the networks take.

    That is (N, 28, 28, C) float32 in [0, 1]; C is 1 where it is not given.
    """
    if images.ndim == 3:
        images = images[..., None]
    return images.astype(np.float32) / np.float32(255)


def _shift(centre_of_mass: float) -> int:
    """The whole-pixel shift that brings an index in the 20-pixel box to CENTRE, all ink kept inside."""
    return int(np.clip(np.rint(CENTRE - centre_of_mass), 0, SIZE - BOX))


def _check(ink: np.ndarray) -> None:
    if not isinstance(ink, np.ndarray) or not np.issubdtype(ink.dtype, np.floating):
        got = getattr(ink, "dtype", type(ink).__name__)
        raise TypeError(f"ink must be a floating-point array with 0 for paper and 1 for full ink, got {got}")
    if ink.ndim != 2 or ink.size == 0:
        raise ValueError(f"ink must have shape (H, W) with at least one pixel, got {ink.shape}")
    if not np.isfinite(ink).all():
        raise ValueError("ink must be finite, got NaN or infinity")
    if ink.min() < 0:
        raise ValueError(f"ink must not be negative (0 is paper), got {ink.min():g}")
