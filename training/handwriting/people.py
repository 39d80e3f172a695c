"""Pictures of what real people wrote: their strokes, with other pens and on other occasions.

A person is all that one writer has in the archive. Digits, letters and words are drawn as
`training.synthesis` draws its own: bent a little, with a random pen, and normalised as MNIST was.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from recognition.normalise import SIZE
from training.handwriting import Sample, Split, read_samples
from training.synthesis.strokes import Hand, Strokes, check_request, picture_of

WILD = 0.6  # how far real strokes are bent: less than designs, since they are somebody's already
MOST_OF_ONE = 60  # a writer with more digits than these counts as if there were so many
WORDS = 0.25  # share of the non-digits
# Alone these are digits, or nothing that one could tell from them; inside a word they are letters.
DIGITLIKE = frozenset(r"!()/\ABDGIOQSTZbgiloqsz|")
TICKS = frozenset(".,'`")  # alone, without their size, any short stroke


@dataclass
class Person:
    """What one writer wrote, as strokes: digits, letters and separators of height 1, words and rows."""

    writer: tuple[str, int]
    digits: dict[int, list[Strokes]] = field(default_factory=lambda: defaultdict(list))
    signs: dict[str, list[Strokes]] = field(default_factory=lambda: defaultdict(list))
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
    return tuple(found.values())


def _of_length_1(strokes: Strokes) -> Strokes:
    """From 0 on, the longest side 1."""
    low = np.concatenate(strokes).min(0)
    moved = [stroke - low for stroke in strokes]
    longest = max(float(stroke.max()) for stroke in moved)
    return [stroke / max(longest, 1e-6) for stroke in moved]


def draw_digits(
    count: int, rng: np.random.Generator, split: Split = "training"
) -> tuple[np.ndarray, np.ndarray]:
    """Digits that people wrote: images (count, 28, 28) uint8, labels (count,) int64, all ten about as often.

    count, rng: as for `training.synthesis.synthesise_digits`. Raises ValueError or TypeError for others.
    """
    check_request(count, rng)
    pool: dict[int, list[Strokes]] = defaultdict(list)
    weights: dict[int, list[float]] = defaultdict(list)
    for person in people(split):
        weight = min(1.0, MOST_OF_ONE / max(person.digit_count, 1))
        for label, written in person.digits.items():
            pool[label] += written
            weights[label] += [weight] * len(written)
    cumulative = {label: np.cumsum(each) for label, each in weights.items()}
    labels = rng.integers(10, size=count)
    images = np.zeros((count, SIZE, SIZE), np.uint8)
    for image, label in zip(images, labels, strict=True):
        shares = cumulative[int(label)]
        at = int(np.searchsorted(shares[:-1], rng.random() * shares[-1]))
        image[:] = picture_of(rewritten(pool[int(label)][at], rng), rng)
    return images, labels


def draw_non_digits(count: int, rng: np.random.Generator, split: Split = "training") -> np.ndarray:
    """Letters, punctuation and words that people wrote and no digit looks like: (count, 28, 28) uint8.

    count, rng: as for `draw_digits`.
    """
    check_request(count, rng)
    signs = [
        strokes
        for person in people(split)
        for name, written in person.signs.items()
        if name not in DIGITLIKE | TICKS
        for strokes in written
    ]
    words = [strokes for person in people(split) for strokes in person.words]
    images = np.zeros((count, SIZE, SIZE), np.uint8)
    for image in images:
        pool = words if rng.random() < WORDS else signs
        image[:] = picture_of(rewritten(pool[rng.integers(len(pool))], rng), rng)
    return images


def rewritten(strokes: Strokes, rng: np.random.Generator) -> Strokes:
    """The same on another occasion."""
    return Hand(rng, WILD).rewrite(strokes)
