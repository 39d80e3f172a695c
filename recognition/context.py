"""A candidate in context: severed strokes, neighbours and their size, in a second channel."""

from collections.abc import Sequence

import cv2
import numpy as np

from recognition.components import Components
from recognition.normalise import BOX, SIZE, bounding_box, normalise_box

CONTEXT_SHAPE = (SIZE, SIZE, 2)  # shape of a candidate in context
CONTEXT_SCALE = 2  # side of the surroundings shown, in sides of the candidate's own picture
LEAST_HEIGHT = 0.8  # digit heights: around lower candidates, dashes and dots, as much is shown as around this
SEPARATORS = "-/.,:"  # classes of the context model after the ten digits
CONTEXT_LOGITS = (10 + len(SEPARATORS),)  # shape of its answer
SAMPLES = 4  # pixels of ink sampled for each pixel of the second channel, both ways: more only take time


def with_context(components: Components, component_ids: Sequence[int], height: float = 0.0) -> np.ndarray:
    """Components taken as one candidate, and all others around them: (28, 28, 2) uint8.

    [..., 0] is the candidate's ink, normalised; [..., 1] the ink of all other components around the same
    centre, at half that scale, or of that of something LEAST_HEIGHT. height: of a digit, pixels.
    """
    x, y, _, _ = components.box_of(component_ids)
    own_ink = components.ink_of(component_ids)
    image, (corner_x, corner_y, pixel) = normalise_box(own_ink, bounding_box(own_ink))
    context_pixel = CONTEXT_SCALE * max(pixel, LEAST_HEIGHT * height / BOX)
    margin = SIZE * (context_pixel - pixel) / 2
    step = max(1, int(context_pixel / SAMPLES))
    side = max(1, round(SIZE * context_pixel / step))
    high, wide = components.labels.shape
    rows, to_rows = _sampled(round(max(y - 1, 0) + corner_y - margin) + step // 2, side, step, high)
    columns, to_columns = _sampled(round(max(x - 1, 0) + corner_x - margin) + step // 2, side, step, wide)
    labels = components.labels[rows, columns]
    is_other = labels > 0
    for component_id in component_ids:
        is_other &= labels != component_id
    around = np.zeros((side, side), np.uint8)
    around[to_rows, to_columns] = components.ink[rows, columns] * np.float32(255)
    around[to_rows, to_columns] *= is_other
    return np.stack([image, cv2.resize(around, (SIZE, SIZE), interpolation=cv2.INTER_AREA)], -1)


def digit_logits(logits: np.ndarray) -> np.ndarray:
    """logits[:, :10] - log(1 + sum over separators s of exp(logits[:, s])): (N, 15) -> (N, 10)

    What the context model says of the digits alone: separators go to "not a digit", whose logit is 0 again.
    """
    digits, separators = logits[:, :10], logits[:, 10:]
    reject = np.logaddexp(np.float32(0), np.logaddexp.reduce(separators, axis=1))
    return digits - reject[:, None]


def sheared(images: np.ndarray, shears: float | np.ndarray) -> np.ndarray:
    """Images (N, H, W) or (N, H, W, C) uint8 -> the same, slanted to the right.

    shears: pixels to the right for each pixel upwards, of all or of each (N,).
    """
    height, width = images.shape[1:3]
    middle, flags = (height - 1) / 2, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    result = np.empty_like(images)
    for image, into, shear in zip(images, result, np.broadcast_to(shears, len(images)), strict=True):
        to_source = np.array([[1.0, shear, -shear * middle], [0.0, 1.0, 0.0]])
        cv2.warpAffine(image, to_source, (width, height), dst=into, flags=flags)
    return result


def _sampled(start: int, count: int, step: int, size: int) -> tuple[slice, slice]:
    """Every step-th of `size` pixels, `count` of them from `start`; and which of the count exist."""
    first, last = max(0, -(start // step)), min(count, -((start - size) // step))
    return slice(start + first * step, start + last * step, step), slice(first, last)
