"""Pictures made to cost a reader as much time or memory as they can: (H, W) uint8, black on white."""

import cv2
import numpy as np

from tests.strokes import STROKES


def noise(size, grain=1, share=0.5):
    """Random black and white squares of `grain` pixels."""
    height, width = (-(-side // grain) for side in size)
    squares = (np.random.default_rng(0).random((height, width)) >= share).astype(np.uint8) * 255
    return squares.repeat(grain, 0).repeat(grain, 1)[: size[0], : size[1]]


def dots(size, pitch=6, radius=1):
    """A dot every `pitch` pixels."""
    rows, columns = (np.arange(side) % pitch < 2 * radius for side in size)
    return np.where(rows[:, None] & columns, 0, 255).astype(np.uint8)


def checkerboard(size, square=4):
    rows, columns = (np.arange(side) // square for side in size)
    return ((rows[:, None] + columns) % 2 * 255).astype(np.uint8)


def maze(size, cell=8, pen=2):
    """A wall or none at random on every side of every cell."""
    picture = np.full(size, 255, np.uint8)
    rng = np.random.default_rng(0)
    for y in range(0, size[0] - cell, cell):
        for x in range(0, size[1] - cell, cell):
            end = (x + cell, y) if rng.random() < 0.5 else (x, y + cell)
            cv2.line(picture, (x, y), end, 0, pen)
    return picture


def ruled_lines(size, count=200, pen=1):
    """Level lines across the whole width, as on ruled paper."""
    picture = np.full(size, 255, np.uint8)
    for y in np.linspace(0, size[0] - 1, count).astype(int):
        cv2.line(picture, (0, int(y)), (size[1], int(y)), 0, pen)
    return picture


def joined_digits(size, height=16, pen=2, step=0.7, gap=1.5):
    """Rows full of digits, each joined to the next by a stroke along their feet."""
    picture = np.full(size, 255, np.uint8)
    for row, y in enumerate(np.arange(2, size[0] - height, gap * height)):
        for place, x in enumerate(np.arange(2, size[1] - height, step * height)):
            for stroke in STROKES[(3, 0, 4, 1, 7)[(row + place) % 5]]:
                line = np.rint((np.array(stroke) * height + (x, y)) * 8).astype(np.int32)
                cv2.polylines(picture, [line], False, 0, pen, cv2.LINE_AA, shift=3)
        foot = round(y + 0.9 * height)
        cv2.line(picture, (2, foot), (size[1] - 3, foot), 0, pen)
    return picture


def separate_digits(size, height=12, pen=2, step=0.9, gap=1.3):
    """Rows full of tiny digits that touch or nearly touch."""
    picture = np.full(size, 255, np.uint8)
    for row, y in enumerate(np.arange(1, size[0] - height, gap * height)):
        for place, x in enumerate(np.arange(1, size[1] - height, step * height)):
            for stroke in STROKES[(3, 0, 4, 1, 7)[(row + place) % 5]]:
                line = np.rint((np.array(stroke) * height + (x, y)) * 8).astype(np.int32)
                cv2.polylines(picture, [line], False, 0, pen, cv2.LINE_AA, shift=3)
    return picture


def loops(size, columns=20, rows=5, pen=2):
    """A scribble: rows of loops, each row one stroke."""
    picture = np.full(size, 255, np.uint8)
    turn = np.linspace(0, 2 * np.pi * columns, 60 * columns)
    radius = min(size[0] / rows, 2 * size[1] / columns) / 2.6
    for row in range(rows):
        x = turn / turn[-1] * (size[1] - 2.4 * radius) + 1.2 * radius + radius * np.sin(turn)
        y = (row + 0.5) * size[0] / rows + radius * np.cos(turn)
        points = np.rint(np.stack([x, y], 1) * 8).astype(np.int32)
        cv2.polylines(picture, [points], False, 0, pen, cv2.LINE_AA, shift=3)
    return picture


def spiral(size, pitch=7, pen=2):
    """One stroke that winds over the whole picture."""
    picture = np.full(size, 255, np.uint8)
    turn = np.arange(0, 2 * np.pi * min(size) / 2 / pitch, 0.05)
    points = np.stack([turn * np.cos(turn), turn * np.sin(turn)], 1) * pitch / (2 * np.pi)
    line = np.rint((points + np.array(size[::-1]) / 2) * 8).astype(np.int32)
    cv2.polylines(picture, [line], False, 0, pen, cv2.LINE_AA, shift=3)
    return picture


def fingerprint(size, wavelength=9):
    """Ridges that flow around a centre, broken here and there."""
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    rng = np.random.default_rng(0)
    coarse = rng.normal(size=(max(2, size[0] // 40), max(2, size[1] // 40))).astype(np.float32)
    bends = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
    phase = np.hypot(x - size[1] / 2, (y - size[0] * 0.6) * 0.8) + 6 * bends
    ridges = np.sin(2 * np.pi * phase / wavelength) > 0
    broken = cv2.resize(rng.random((size[0] // 6, size[1] // 6)).astype(np.float32), size[::-1]) > 0.8
    return np.where(ridges & ~broken, 0, 255).astype(np.uint8)


def newspaper(size, height=14):
    """Columns of print."""
    picture = np.full(size, 255, np.uint8)
    rng = np.random.default_rng(0)
    letters = "etaoinshrdlucmfwypvbgk ETAOINS      "
    for y in range(height, size[0], round(1.3 * height)):
        text = "".join(rng.choice(list(letters), size[1] // (height // 2)))
        cv2.putText(picture, text, (2, y), cv2.FONT_HERSHEY_COMPLEX, height / 30, 0, 1, cv2.LINE_AA)
    return picture


def line_of(shape, dash):
    """A picture one pixel wide or high: its first half dashed, the rest paper."""
    picture = np.full(shape, 255, np.uint8)
    flat = picture.reshape(-1)[: max(shape) // 2]
    flat[np.arange(len(flat)) % (2 * dash) < dash] = 0
    flat[-1] = 0
    return picture


def long_stroke(shape):
    """A stroke one pixel wide along the middle of a long and narrow picture."""
    picture = np.full(shape, 255, np.uint8)
    if shape[0] < shape[1]:
        picture[shape[0] // 2, 2:-2] = 0
    else:
        picture[2:-2, shape[1] // 2] = 0
    return picture


DRAWINGS = {
    "noise": lambda: noise((512, 512), 2),
    "noise, coarse": lambda: noise((512, 512), 5, 0.4),
    "noise, fine": lambda: noise((512, 512), 1, 0.2),
    "dots": lambda: dots((512, 512)),
    "dots, large": lambda: dots((512, 512), 16, 3),
    "checkerboard": lambda: checkerboard((512, 512)),
    "maze": lambda: maze((512, 512)),
    "maze, wide": lambda: maze((512, 512), 20, 3),
    "ruled lines": lambda: ruled_lines((512, 512), 100),
    "joined digits": lambda: joined_digits((512, 512)),
    "joined digits, tiny": lambda: joined_digits((512, 512), 9, 1),
    "joined digits, close": lambda: joined_digits((512, 512), 12, 1, 0.5, 1.1),
    "joined digits, large": lambda: joined_digits((512, 512), 40, 4),
    "separate digits": lambda: separate_digits((512, 512)),
    "separate digits, tiny": lambda: separate_digits((512, 512), 8, 1),
    "loops": lambda: loops((280, 840)),
    "loops, many": lambda: loops((512, 512), 40, 12),
    "spiral": lambda: spiral((512, 512)),
    "fingerprint": lambda: fingerprint((512, 512)),
    "newspaper": lambda: newspaper((512, 512)),
    "1 x 20,000": lambda: line_of((1, 20_000), 3),
    "20,000 x 1": lambda: line_of((20_000, 1), 3),
    "9 x 20,000, a stroke": lambda: long_stroke((9, 20_000)),
    "20,000 x 9, a stroke": lambda: long_stroke((20_000, 9)),
    "13 x 20,000, noise": lambda: noise((13, 20_000), 3),
    "20,000 x 13, noise": lambda: noise((20_000, 13), 3),
    "13 x 20,000, digits": lambda: joined_digits((13, 20_000), 10, 1),
}
PHOTO = (1200, 1600)
PHOTOS = {
    "noise": lambda: noise(PHOTO, 4),
    "dots": lambda: dots(PHOTO, 40, 8),
    "checkerboard": lambda: checkerboard(PHOTO, 8),
    "maze": lambda: maze(PHOTO, 16, 3),
    "ruled lines": lambda: ruled_lines(PHOTO, 200),
    "joined digits": lambda: joined_digits(PHOTO, 60, 6),
    "separate digits": lambda: separate_digits(PHOTO, 14, 2, 0.8, 1.2),
    "loops": lambda: loops(PHOTO, 40, 12, 3),
    "spiral": lambda: spiral(PHOTO, 16, 4),
    "fingerprint": lambda: fingerprint(PHOTO),
    "newspaper": lambda: newspaper(PHOTO, 20),
    "1 x 20,000": lambda: line_of((1, 20_000), 3),
    "20,000 x 1": lambda: line_of((20_000, 1), 3),
    "13 x 20,000, noise": lambda: noise((13, 20_000), 3),
    "2,000 x 20,000, digits": lambda: joined_digits((2_000, 20_000), 200, 20),
}
