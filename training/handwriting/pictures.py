"""Pictures of what real people wrote: their strokes, with other pens and on other occasions.

Digits, letters and words are drawn as `training.synthesis` draws its own: bent a little, with a random pen,
and normalised as MNIST was.
"""

from collections import defaultdict

import numpy as np

from recognition.normalise import SIZE
from training.handwriting import Split
from training.handwriting.people import Strokes, people
from training.synthesis.strokes import REAL_WILD, Hand, check_request, picture_of

MOST_OF_ONE = 60  # a writer with more digits than these counts as if there were so many
WORDS = 0.25  # share of the non-digits
# Alone these are digits, or nothing that one could tell from them; inside a word they are letters.
DIGITLIKE = frozenset(r"!()/\ABDGIOQSTZbgiloqsz|")
TICKS = frozenset(".,'`")  # alone, without their size, any short stroke


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
    return Hand(rng, REAL_WILD).rewrite(strokes)
