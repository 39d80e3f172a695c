"""Whole lines of digits and separators, for the network that reads a line at once.

Rows as in `training.synthesis.rows`, as the reader would show them to that network; several short ones beside
each other fill a line.
"""

from collections.abc import Sequence

import numpy as np

from recognition.components import SOLID, find_components
from recognition.line_image import HEIGHT, LINE_SHAPE, MARGIN, line_image
from recognition.line_reading import SOMETHING_ELSE
from recognition.photo import stroke_width
from training.handwriting.people import Person
from training.synthesis.rows import (
    SPECKS,
    check_digits,
    ink_as_read,
    row_of_digits,
    row_of_letters,
    specks_among,
)
from training.synthesis.strokes import check_request
from training.synthesis.writer import NON_DIGIT, Writer

WIDTH = LINE_SHAPE[1]  # pixels of a line
MOST_SIGNS = 26  # in a line
GAP = (14, 40)  # pixels between two rows in a line
THICK, THICK_PEN = 0.15, (0.12, 0.42)  # share of the rows by a thick pen, which makes digits touch; heights
LETTERS = 0.2  # share of the rows that are words, letters or doodles
SIZE, LOWER = 0.08, 1.2  # standard deviations of the logarithm of a row's size, and of its place in pixels


def synthesise_lines(
    count: int,
    rng: np.random.Generator,
    images: np.ndarray,
    labels: np.ndarray,
    people: Sequence[Person] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """Lines (count, HEIGHT, WIDTH) uint8 with their signs, (count, MOST_SIGNS) int8, -1 after the last.

    A sign is 0 to 9, 10 + its place in SEPARATORS, or SOMETHING_ELSE. Arguments and errors as for
    `synthesise_rows`.
    """
    check_request(count, rng)
    check_digits(images, labels)
    lines = np.zeros((count, HEIGHT, WIDTH), np.uint8)
    texts = np.full((count, MOST_SIGNS), -1, np.int8)
    end, length, number = 0, 0, 0
    while number < count:
        row, signs = _row(rng, images, labels, people)
        start = end + round(rng.uniform(*GAP)) if end else round(rng.uniform(0, 2 * MARGIN))
        if row.shape[1] > WIDTH or len(signs) > MOST_SIGNS:
            continue
        if start + row.shape[1] > WIDTH or length + len(signs) > MOST_SIGNS:
            number, start, length = number + 1, 0, 0
            if number == count:
                break
        end = start + row.shape[1]
        lines[number, :, start:end] = row
        texts[number, length : length + len(signs)] = signs
        length += len(signs)
    return lines, texts


def _row(
    rng: np.random.Generator, images: np.ndarray, labels: np.ndarray, people: Sequence[Person]
) -> tuple[np.ndarray, list[int]]:
    """One row without more blank paper than its margins, and its signs."""
    while True:
        writer = Writer(rng, images, labels, people)
        if rng.random() < THICK:
            writer.pen = rng.uniform(*THICK_PEN)
        row = row_of_letters(writer) if rng.random() < LETTERS else row_of_digits(writer)
        signs = [SOMETHING_ELSE if sign.label == NON_DIGIT else sign.label for sign in row]
        # Nobody can say how many letters a joined word has: any number of them is one sign.
        signs = [sign for i, sign in enumerate(signs) if signs[max(0, i - 1) : i + 1] != [SOMETHING_ELSE] * 2]
        if rng.random() < SPECKS:
            row += specks_among(row, writer)
        ink, _ = ink_as_read(row, writer)
        components = find_components(ink, stroke_width(ink >= SOLID))
        if not len(components.ids):
            continue
        line = line_image(
            components, components.ids, float(np.exp(rng.normal(scale=SIZE))), rng.normal(scale=LOWER)
        )
        if line is not None:
            inked = np.flatnonzero(line.any(axis=0))
            return line[:, max(0, inked[0] - MARGIN) : inked[-1] + 1 + MARGIN], signs
