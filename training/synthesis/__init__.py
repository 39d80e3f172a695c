"""Synthetic handwriting: digits and non-digits, drawn by code from strokes and a pen.

MNIST shows how American clerks and pupils wrote with one kind of pen. The styles of the rest of the world are
parametric strokes in `designs/`, non-digits are in `non_digits.py`. `strokes.py` models the hand and the pen,
`crops.py` sets full stops and lines beside digits, `cut.py` cuts digits that touch, `rows.py` yields the
candidates in rows of digits and letters, `lines.py` whole lines. All shapes are constructed, none is copied
from a person's handwriting, and they are normalised as MNIST was.
"""

from collections.abc import Sequence

import numpy as np

from training.synthesis.crops import digits_in_crops
from training.synthesis.cut import cut_digits, uncut_pairs
from training.synthesis.digits import digit_strokes
from training.synthesis.lines import synthesise_lines
from training.synthesis.non_digits import blot, non_digit_strokes, spoiled
from training.synthesis.rows import synthesise_rows
from training.synthesis.strokes import check_request, draw_strokes, picture_of

__all__ = [
    "cut_digits",
    "digit_strokes",
    "digits_in_crops",
    "draw_strokes",
    "non_digit_strokes",
    "synthesise_digits",
    "synthesise_lines",
    "synthesise_non_digits",
    "synthesise_rows",
    "uncut_pairs",
]

BLOTS = 0.02  # share of the non-digits that are blots
SPOILED = 0.1  # share of the non-digits that are spoiled digits, if there are digits to spoil


def synthesise_digits(
    count: int, rng: np.random.Generator, classes: Sequence[int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Digits in the styles of the world: images (count, 28, 28) uint8, labels (count,) int64.

    count: 0 or more. rng: equal states give equal digits. classes: the digits to choose from, with equal
    probability; by default all ten. Raises ValueError or TypeError for other arguments.
    """
    check_request(count, rng)
    choices = np.arange(10) if classes is None else np.asarray(classes)
    if choices.ndim != 1 or not len(choices) or not np.isin(choices, np.arange(10)).all():
        raise ValueError(f"classes must be some of the digits 0 to 9, got {classes}")
    labels = rng.choice(choices, count).astype(np.int64)
    images = np.zeros((count, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:] = picture_of(digit_strokes(int(label), rng), rng)
    return images, labels


def synthesise_non_digits(
    count: int, rng: np.random.Generator, digits: np.ndarray | None = None
) -> np.ndarray:
    """Letters, words, doodles, scribbles and the like: images (count, 28, 28) uint8.

    count, rng: see `synthesise_digits`. digits: pictures (N, 28, 28) uint8, some of which are cut up, written
    over or scratched out. Raises ValueError or TypeError for other arguments.
    """
    check_request(count, rng)
    if digits is not None and (digits.dtype != np.uint8 or digits.shape != (len(digits) or 1, 28, 28)):
        raise ValueError(f"digits must be (N, 28, 28) uint8, at least one, got {digits.shape} {digits.dtype}")
    images = np.zeros((count, 28, 28), np.uint8)
    for image in images:
        kind = rng.random()
        if kind < BLOTS:
            image[:] = blot(rng)
        elif kind < BLOTS + SPOILED and digits is not None:
            image[:] = spoiled(digits, rng)
        else:
            image[:] = picture_of(non_digit_strokes(rng), rng)
    return images
