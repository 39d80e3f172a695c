"""What each person in the archive wrote: all that one writer has, as strokes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from training.handwriting import Sample, Split, read_samples

Strokes = list[np.ndarray]  # of (n, 2) paths


@dataclass
class Person:
    """What one writer wrote, as strokes: digits, letters and separators of height 1, words and rows."""

    writer: tuple[str, int]
    digits: dict[int, list[Strokes]] = field(default_factory=lambda: defaultdict(list))
    signs: dict[str, list[Strokes]] = field(default_factory=lambda: defaultdict(list))
    # Separators with their places in numbers: heights of a digit from 0 at its left and at a digit's top.
    marks: dict[str, list[Strokes]] = field(default_factory=lambda: defaultdict(list))
    words: list[Strokes] = field(default_factory=list)
    rows: list[Sample] = field(default_factory=list)  # strings of which every stroke's character is known

    @property
    def digit_count(self) -> int:
        return sum(map(len, self.digits.values()))


@cache
def people(split: Split) -> tuple[Person, ...]:
    """Everybody of this split."""
    found: dict[tuple[str, int], Person] = {}
    for sample in read_samples(split):
        writer = sample.corpus, sample.writer
        person = found.setdefault(writer, Person(writer))
        if sample.kind == "digit":
            person.digits[int(sample.label)].append(_of_length_1(sample.strokes))
        elif sample.kind == "letter":
            person.signs[sample.label].append(list(sample.strokes))
        elif sample.kind == "word":
            person.words.append(list(sample.strokes))
        elif sample.is_aligned:
            person.rows.append(sample)
            for i, character in enumerate(sample.label):
                if character.isdigit():
                    person.digits[int(character)].append(_of_length_1(sample.of_character(i)))
                elif character != " ":
                    person.marks[character].append(_in_its_place(sample, i))
    return tuple(found.values())


def line_of_digits(sample: Sample, strokes: Sequence[np.ndarray]) -> tuple[float, float]:
    """The top and the bottom of a digit in an aligned string written with these strokes: the medians."""
    of_each = [
        np.concatenate([stroke for stroke, of in zip(strokes, sample.characters, strict=True) if of == i])
        for i, character in enumerate(sample.label)
        if character.isdigit()
    ]
    corners = [(points[:, 1].min(), points[:, 1].max()) for points in of_each]
    top, bottom = np.median(corners, axis=0)
    return float(top), float(max(bottom, top + 0.05))


def _in_its_place(sample: Sample, character: int) -> Strokes:
    """A separator of an aligned string as `Person.marks` has it."""
    top, bottom = line_of_digits(sample, sample.strokes)
    strokes = sample.of_character(character)
    left = min(float(stroke[:, 0].min()) for stroke in strokes)
    return [(stroke - (left, top)) / (bottom - top) for stroke in strokes]


def _of_length_1(strokes: Strokes) -> Strokes:
    """From 0 on, the longest side 1."""
    low = np.concatenate(strokes).min(0)
    moved = [stroke - low for stroke in strokes]
    longest = max(float(stroke.max()) for stroke in moved)
    return [stroke / max(longest, 1e-6) for stroke in moved]
