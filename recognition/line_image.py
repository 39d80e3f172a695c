"""A word's ink as the network sees it that reads a whole line: digits of one height, on one level."""

from collections.abc import Sequence

import cv2
import numpy as np

from recognition.components import Components
from recognition.lines import TALL, typical_height

HEIGHT = 48  # pixels of a line
DIGIT = 22  # pixels of a digit, as far as its height is known
MARGIN = 6  # blank pixels at the left and at the right, at least
LEAST_SHARE = 0.4  # of the whole height that a digit has, or the strokes are broken
STEP = 24  # a line's width is a multiple of it: then convolutions run in whole tiles (`cnn.fast.winograd`)
LINE_SHAPE = (HEIGHT, 11 * STEP, 1)  # of what the line model was trained on; lines may be of any width
LINE_LOGITS = (1, 66, 17)  # shape of its answer: for every fourth pixel the signs, something else, the blank
WIDEST = 40 * STEP  # pixels; no line is wider


def line_image(
    components: Components, component_ids: Sequence[int], size: float = 1.0, lower: float = 0.0
) -> np.ndarray | None:
    """These components' ink, (HEIGHT, W) uint8, W a multiple of STEP; None where it would be too wide.

    Half of the ink is in components at least as high as DIGIT, and the tall ones' middles, weighed by their
    ink, are in the middle. size, lower: how many times as large, and how many pixels lower, it shall be.
    """
    ids = list(component_ids)
    boxes, areas = components.boxes[ids].astype(float), components.areas[ids]
    left, top, wide, high = components.box_of(ids)
    height = max(typical_height(boxes, areas), LEAST_SHARE * high)
    tall = boxes[:, 3] >= min(TALL * height, boxes[:, 3].max())
    middle = np.average((boxes[:, 1] + boxes[:, 3] / 2)[tall], weights=np.maximum(areas[tall], 1))
    scale = DIGIT / height * size
    across, down = max(1, round(wide * scale)), max(1, round(high * scale))
    width = -(-(across + 2 * MARGIN) // STEP) * STEP
    if width > WIDEST:
        return None
    soft = min(top, 1), min(left, 1)  # a pixel around the box, where the picture has one
    ink = components.ink_of(ids)[soft[0] : soft[0] + high, soft[1] : soft[1] + wide]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    ink = cv2.resize(ink.astype(np.float32), (across, down), interpolation=interpolation)
    line = np.zeros((HEIGHT, width), np.uint8)
    first = round(HEIGHT / 2 + lower - (middle - top) * scale)
    rows = slice(max(0, -first), min(down, HEIGHT - first))
    start = (width - across) // 2
    values = ink[rows] * np.float32(255 / max(float(ink.max()), 1e-6))
    line[rows.start + first : rows.stop + first, start : start + across] = values.clip(0, 255)
    return line
