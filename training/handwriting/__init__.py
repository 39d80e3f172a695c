"""Real people's handwriting as strokes, split by writer: what networks are trained on beside MNIST.

`strokes.npz` holds digits, strings of digits, letters and words by 340 people; README.md says where they come
from and how the file is made (`python -m training.handwriting`). A fifth of the writers, those in
`validation_writers.json`, is never trained on: every figure and every choice comes from them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

FOLDER = Path(__file__).parent
ARCHIVE = FOLDER / "strokes.npz"
VALIDATION_WRITERS = FOLDER / "validation_writers.json"
UNITS = 512  # steps of a coordinate in a sample's height: single signs' longest side

KINDS = ("digit", "string", "letter", "word")
CORPORA = ("unipen", "pendigits")
UNKNOWN = -1  # the character of a stroke that could not be assigned to one

Split = Literal["training", "validation"]


@dataclass(frozen=True)
class Sample:
    """Something one person wrote.

    strokes: (n, 2) float32 each, in the order they were written, x right, y down, from 0; 1 is the height of
    a string or word, and the longest side of a digit or letter. characters: for each stroke the index of the
    character in `label` that it belongs to, UNKNOWN where that is not clear.
    """

    kind: str
    corpus: str
    writer: int
    label: str
    strokes: tuple[np.ndarray, ...]
    characters: tuple[int, ...]

    @property
    def is_aligned(self) -> bool:
        """Is it known for each stroke to which character it belongs?"""
        return UNKNOWN not in self.characters

    def of_character(self, index: int) -> list[np.ndarray]:
        """The strokes of one character of an aligned sample."""
        return [stroke for stroke, owner in zip(self.strokes, self.characters, strict=True) if owner == index]


@cache
def validation_writers() -> frozenset[tuple[str, int]]:
    """(corpus, writer) of those who are never trained on."""
    listed = json.loads(VALIDATION_WRITERS.read_text())
    return frozenset((corpus, writer) for corpus, writers in listed.items() for writer in writers)


@cache
def read_samples(split: Split) -> tuple[Sample, ...]:
    """All samples of the training writers, or of the validation writers."""
    validation = validation_writers()
    return tuple(
        sample
        for sample in _decoded()
        if ((sample.corpus, sample.writer) in validation) == (split == "validation")
    )


def _decoded() -> Iterator[Sample]:
    with np.load(ARCHIVE, allow_pickle=False) as archive:
        columns = {name: archive[name] for name in archive.files}
    points = np.cumsum(columns["deltas"].astype(np.int32), axis=0).astype(np.float32) / UNITS
    strokes = np.split(points, np.cumsum(columns["stroke_lengths"])[:-1])
    ends = np.cumsum(columns["sample_lengths"].astype(int))
    labels = columns["labels"].tobytes().decode().split("\n")
    for i, (end, count) in enumerate(zip(ends, columns["sample_lengths"], strict=True)):
        own = slice(end - count, end)
        yield Sample(
            KINDS[columns["kinds"][i]],
            CORPORA[columns["corpora"][i]],
            int(columns["writers"][i]),
            labels[i],
            tuple(strokes[own]),
            tuple(columns["characters"][own].tolist()),
        )
