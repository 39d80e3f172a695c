"""Digits as they are cut out of a page: with a full stop, a ruled line or a frame beside them.

Nothing else about them changes, so they stay digits. Ink that may be a neighbour's is left to `cut.py`.
"""

import cv2
import numpy as np

from recognition.normalise import BOX, SIZE, bounding_box, normalise

ZOOM = 2  # scale from a 28x28 picture to the crop
DIGIT = ZOOM * BOX  # height of a digit, pixels
MARGIN = DIGIT  # pixels around it
SHIFT = 4  # cv2 draws at 1/16 pixel
DOTTED = 0.5  # share with a full stop; the others have a line
FRAMED = 0.8  # share of these lines that stand at a side, as a frame's; the others underline
BEYOND = (0.15, 0.6)  # by which a line is longer at each end, digit heights: one as long may be a 1


def digits_in_crops(
    images: np.ndarray, labels: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Digits with what stands beside them on a page: images (count, 28, 28) uint8, labels (count,) int64.

    images (N, 28, 28) uint8, labels (N,): digits to choose from. A 1 only has a full stop: beside a line it
    might be an 11.
    """
    chosen = rng.integers(len(images), size=count)
    pictures = [
        normalise(_crop(image, rng, dotted=label == 1 or rng.random() < DOTTED))
        for image, label in zip(images[chosen], labels[chosen], strict=True)
    ]
    return np.array(pictures, np.uint8).reshape(-1, SIZE, SIZE), labels[chosen].astype(np.int64)


def _crop(image: np.ndarray, rng: np.random.Generator, dotted: bool) -> np.ndarray:
    """A digit (28, 28) uint8 in the middle of a crop, with something beside it: (H, W) float32 ink."""
    x, y, wide, high = bounding_box(image.astype(np.float32))
    digit = cv2.resize(
        image[y : y + high, x : x + wide], None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC
    )
    high, wide = digit.shape
    crop = np.pad(digit, MARGIN).astype(np.float32) / 255
    left, top, right, bottom = MARGIN, MARGIN, MARGIN + wide, MARGIN + high
    beside = np.zeros(crop.shape, np.uint8)
    if dotted:
        radius = rng.uniform(1.5, 4.0)
        centre = right + radius + rng.uniform(-2, 12), bottom - radius + rng.uniform(-5, 6)
        cv2.circle(beside, _fixed(*centre), round(radius * (1 << SHIFT)), 255, -1, cv2.LINE_AA, SHIFT)
    else:
        before, after = rng.uniform(*BEYOND, 2) * DIGIT
        width, tilt = int(rng.integers(1, 5)), rng.uniform(-2, 2)
        gap = width / 2 + rng.uniform(0, 12)
        if rng.random() < FRAMED:
            at = right + gap if rng.random() < 0.6 else left - gap
            start, end = _fixed(at + tilt, top - before), _fixed(at - tilt, bottom + after)
        else:
            at = bottom + gap
            start, end = _fixed(left - before, at + tilt), _fixed(right + after, at - tilt)
        cv2.line(beside, start, end, 255, width, cv2.LINE_AA, SHIFT)
    return np.maximum(crop, beside * np.float32(rng.uniform(0.5, 1) / 255))


def _fixed(x: float, y: float) -> tuple[int, int]:
    """A point in the fixed-point pixels that cv2 draws at."""
    return round(x * (1 << SHIFT)), round(y * (1 << SHIFT))
