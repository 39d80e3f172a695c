"""Drawings as the pad sends them."""

import cv2
import numpy as np
from PIL import Image

from tests.strokes import STROKES


def canvas(strokes, size=280, pen=18, side=200, x=40, y=40):
    """(H, W, 4) uint8: black pen on transparent paper."""
    image = np.zeros((size, size, 4), np.uint8)
    alpha = np.zeros((size, size), np.uint8)
    for stroke in strokes:
        line = np.rint(np.array(stroke) * side + (x, y)).astype(np.int32)
        if (line != line[0]).any():
            cv2.polylines(alpha, [line], False, 255, pen, cv2.LINE_AA)
        for end in (line[0], line[-1]):  # round, as the page's pen is
            cv2.circle(alpha, [int(v) for v in end], pen // 2, 255, -1, cv2.LINE_AA)
    image[..., 3] = alpha
    return image


def side_by_side(*digits, size=(600, 280), pen=14, side=130, step=110):
    """(H, W, 4) uint8: digits drawn one beside the other."""
    drawn = np.zeros((size[1], size[0], 4), np.uint8)
    for place, digit in enumerate(digits):
        one = canvas(STROKES[digit], size=280, pen=pen, side=side, x=30, y=70)[..., 3]
        left = step * place
        region = drawn[:, left : left + 280, 3]
        np.maximum(region, one[:, : region.shape[1]], out=region)
    return drawn


def save(strokes, path, paper=False):
    """A drawing as a file, on transparent paper or as a photo."""
    drawn = strokes if isinstance(strokes, np.ndarray) else canvas(strokes)
    Image.fromarray(255 - np.repeat(drawn[..., 3:], 3, -1) if paper else drawn).save(path)
    return str(path)
