"""Sheets of digits written by code, and photos of them."""

import cv2
import numpy as np

from tests.strokes import STROKES

HEIGHT = 60  # of a written digit, pixels


def write(sheet, text, x, y, height=HEIGHT, pen=6, gap=0.35):
    """Writes digits with a black pen on a uint8 sheet, from (x, y), the top left corner of the first."""
    for character in text:
        for stroke in STROKES[int(character)]:
            line = np.rint((np.array(stroke) * height + (x, y)) * 8).astype(np.int32)
            cv2.polylines(sheet, [line], character == "0", 0, pen, cv2.LINE_AA, shift=3)
        x += round((0.6 + gap) * height)
    return sheet


def paper(height=160, width=460):
    return np.full((height, width), 255, np.uint8)


def photo(sheet, paper_level=200, ink_level=60, noise=3, seed=0):
    """A sheet, 255 paper and 0 ink, as a camera sees it: (H, W, 3) uint8."""
    levels = ink_level + (paper_level - ink_level) * (sheet / 255)
    levels = levels + np.random.default_rng(seed).normal(0, noise, levels.shape)
    return np.repeat(np.clip(levels, 0, 255).astype(np.uint8)[..., None], 3, axis=-1)
