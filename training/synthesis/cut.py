"""Digits cut from rows of touching digits: with a scrap of a neighbour, or with an end cut off.

Digits are pushed together until they touch and separated again by the reader's own cuts
(`recognition.cuts`). Where a cut is right, each part is a digit with the marks of a cut. Two uncut neighbours
are a non-digit.
"""

import cv2
import numpy as np

from recognition.components import SOLID, Components, find_components
from recognition.cuts import find_cuts
from recognition.normalise import BOX, SIZE, bounding_box, normalise
from recognition.photo import stroke_width

ZOOM = 2  # scale from a 28x28 picture to a row: digits are then about as high as in photos and on the pad
DIGIT = ZOOM * BOX  # approximate height of a digit, pixels
TOUCHING, CLOSE = (-0.35, 0.05), (-0.35, 0.5)  # range of the gap, in widths of the narrower neighbour
HEIGHT, RAISED = (0.8, 1.2), 0.1  # variation within a row: of the height, and of the vertical position
LEAST_WHOLE = 0.85  # of a digit's ink that its parts must hold, and of their ink that must be its own


def cut_digits(
    images: np.ndarray, labels: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Digits cut from rows of touching digits: images (count, 28, 28) uint8 and labels (count,) int64.

    images (N, 28, 28) uint8, labels (N,): digits to compose the rows of.
    """
    found: list[tuple[np.ndarray, int]] = []
    while len(found) < count:
        chosen = rng.integers(len(images), size=rng.integers(2, 5))
        layers = _row(images[chosen], TOUCHING, rng)
        components, runs = cut_apart(layers)
        for layer, run, label in zip(layers, runs, labels[chosen], strict=True):
            if run and _is_whole(layer, components, run):
                found.append((normalise(components.ink_of(run)), int(label)))
    pictures, names = zip(*found[:count], strict=True) if count else ((), ())
    return np.array(pictures, np.uint8).reshape(-1, SIZE, SIZE), np.array(names, np.int64)


def uncut_pairs(images: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Two digits side by side in one picture, a non-digit: (count, 28, 28) uint8.

    images: see `cut_digits`.
    """
    pairs = [_row(images[rng.integers(len(images), size=2)], CLOSE, rng).max(0) for _ in range(count)]
    return np.array([normalise(pair) for pair in pairs], np.uint8).reshape(-1, SIZE, SIZE)


def _row(digits: np.ndarray, apart: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Digits (n, 28, 28) uint8 side by side, as one layer each: (n, H, W) float32 ink."""
    shapes, places = [], []
    for digit in digits:
        x, y, wide, high = bounding_box(digit.astype(np.float32))
        zoom = ZOOM * rng.uniform(*HEIGHT)
        size = max(1, round(wide * zoom)), max(1, round(high * zoom))
        left = 0
        if places:
            last = shapes[-1].shape[1]
            left = places[-1][0] + last + round(min(last, size[0]) * rng.uniform(*apart))
        places.append((left, round(DIGIT * (1 + rng.uniform(-RAISED, RAISED)) - size[1] / 2)))
        shapes.append(cv2.resize(digit[y : y + high, x : x + wide], size, interpolation=cv2.INTER_CUBIC))
    width = max(left + shape.shape[1] for (left, _), shape in zip(places, shapes, strict=True))
    layers = np.zeros((len(digits), 2 * DIGIT + 4, width + 4), np.float32)
    for layer, shape, (x, y) in zip(layers, shapes, places, strict=True):
        layer[y + 2 : y + 2 + shape.shape[0], x + 2 : x + 2 + shape.shape[1]] = shape / np.float32(255)
    return layers


def cut_apart(layers: np.ndarray) -> tuple[Components, list[list[int]]]:
    """Cut a row wherever the reader might cut it; returns all parts and the ids of each digit's parts.

    layers: (n, H, W) float32, the ink of each digit. A part belongs to the digit with most of its ink.
    """
    ink = layers.max(0)
    stroke = stroke_width(ink >= SOLID)
    components = find_components(ink, stroke)
    for number in components.ids:
        height = min(float(components.boxes[number, 3]), 1.3 * DIGIT)
        components.split(number, find_cuts(components, number, stroke, height))
    runs: list[list[int]] = [[] for _ in layers]
    for number in components.ids:
        of_each = layers[:, components.labels == number].sum(1)
        runs[int(of_each.argmax())].append(int(number))
    return components, runs


def _is_whole(layer: np.ndarray, components: Components, run: list[int]) -> bool:
    """Whether these parts hold most of the digit's ink and little else."""
    mine = np.isin(components.labels, run)
    return layer[mine].sum() >= LEAST_WHOLE * max(layer.sum(), components.ink[mine].sum())
