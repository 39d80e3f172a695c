"""A network for a visitor's own signs, from a few drawings of each.

    signs = learn_signs(load_model(DEFAULT_WEIGHTS).model, images, labels, ["heart", "rune"])
    signs.probs(images)  # (N, 3): heart, rune, anything else
    signs.mistakes       # the examples misread by a network that was not trained on them

All layers of a trained network but its last are kept: they compute features of strokes, whatever the strokes
mean. On them a new last layer is trained, logistic regression with a class for each sign and a reject class.
It sees the examples with distorted copies, and for the reject class synthetic digits and non-digits. Among
these are letters and doodles that a visitor may have chosen as a sign, so those as close to an example as
examples of one sign are to each other are left out.

The honest estimate is cross-validation: the examples of each sign are dealt out to FOLDS parts, and each part
is read by a last layer that was trained without it and without its distorted copies.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cnn import AdamW, Dense, Sequential, prepare_for_inference, softmax, softmax_cross_entropy
from cnn.classes import check_class_name
from recognition import to_input
from recognition.embedding import squared_distances
from training.augment import Augmentation
from training.finetune import split_head
from training.synthesis import synthesise_digits, synthesise_non_digits

MIN_SIGNS, MAX_SIGNS = 2, 12
MIN_EXAMPLES_A_SIGN, MAX_EXAMPLES = 5, 200
ANYTHING_ELSE = "anything else"  # the name of the reject class
COPIES = 1200  # distorted copies of all examples together, at least 4 of each
NON_DIGITS, DIGITS = 700, 200  # pictures of the reject class
CLOSE = 0.5  # quantile of the distances between examples of a sign, within which a picture may show that sign
FOLDS = 5
REJECT_WEIGHT = 0.5  # weight of the reject class in the loss, as a share of that of all signs together
STEPS = 80
LEARNING_RATE, WEIGHT_DECAY = 0.02, 0.01


@dataclass(frozen=True)
class OwnSigns:
    """A network that reads K signs, and what cross-validation says about it.

    names: K names. model: (N, 28, 28, 1) -> logits (N, K + 1), the last for anything else; its classes have
    the names. answers: (n,) the class, 0 to K, that each example got from a network which was not trained on
    it. labels: (n,) 0 to K - 1.
    """

    names: tuple[str, ...]
    model: Sequential
    labels: np.ndarray
    answers: np.ndarray

    def probs(self, images: np.ndarray) -> np.ndarray:
        """images (N, 28, 28) uint8, normalised -> (N, K + 1) float32; the last is "anything else"."""
        return softmax(self.model.predict(to_input(images)))

    @property
    def mistakes(self) -> np.ndarray:
        """Indices of the examples that were misread in cross-validation."""
        return np.flatnonzero(self.labels != self.answers)

    @property
    def confusions(self) -> np.ndarray:
        """(K, K + 1) counts: row the sign, column the answer, in cross-validation."""
        counts = np.zeros((len(self.names), len(self.names) + 1), np.int64)
        np.add.at(counts, (self.labels, self.answers), 1)
        return counts


def learn_signs(
    network: Sequential, images: np.ndarray, labels: np.ndarray, names: Sequence[str], *, seed: int = 0
) -> OwnSigns:
    """Train a network to tell the signs from each other and from everything else.

    network: reads (N, 28, 28, 1) and ends with Dense; it is not changed. images: (n, 28, 28) uint8,
    normalised ink. labels: (n,), the position of each example's name in `names`. Equal arguments give equal
    weights. Raises ValueError, worded for the visitor, for too few or too many signs or examples, for names
    that are empty, too long or given twice, and for empty pictures.
    """
    names = check_names(names)
    check_examples(images, labels, names)
    body, _ = split_head(network)
    rng = np.random.default_rng(seed)
    copies = max(4, COPIES // len(images))
    shown = np.concatenate([images, *(Augmentation()(images, rng) for _ in range(copies))])
    x = body.predict(to_input(shown))
    labels = labels.astype(np.int64)
    example = np.resize(np.arange(len(images)), len(shown))  # the example that each picture is a copy of
    rejected = body.predict(to_input(_rejected(rng)))

    answers = np.zeros(len(images), np.int64)
    for part in _folds(labels, rng):
        is_used = ~np.isin(example, part)
        drawn = np.delete(np.arange(len(images)), part)
        others = rejected[~_resembles(rejected, x[drawn], labels[drawn])]
        head = _head(x[is_used], labels[example[is_used]], others, len(names), seed)
        answers[part] = head.predict(x[part]).argmax(1)
    others = rejected[~_resembles(rejected, x[: len(images)], labels)]
    head = _head(x, labels[example], others, len(names), seed)
    layers, classes = [*body.layers, *head.layers], (*names, ANYTHING_ELSE)
    model = prepare_for_inference(Sequential("own_signs", layers, body.input_shape, classes=classes))
    return OwnSigns(names, model, labels, answers)


def check_name(name: str, place: str = "The name of the sign") -> str:
    """The name without needless space. Raises ValueError, worded for the visitor, for one that will not do.

    place: what the sentence calls it.
    """
    if isinstance(name, str):
        name = " ".join(name.split())
    try:
        check_class_name(name)
    except ValueError as error:
        raise ValueError(f"{place} {error}.") from None
    if name == ANYTHING_ELSE:
        raise ValueError(f'{place} must not be "{ANYTHING_ELSE}": that is what no sign of yours is.')
    return name


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names without needless space. Raises ValueError, worded for the visitor."""
    if not MIN_SIGNS <= len(names) <= MAX_SIGNS:
        raise ValueError(f"Name from {MIN_SIGNS} to {MAX_SIGNS} signs: there are {len(names)}.")
    names = tuple(check_name(name, f"The name of sign {place}") for place, name in enumerate(names, 1))
    if len(set(names)) < len(names):
        raise ValueError("Two signs have the same name.")
    return names


def check_examples(images: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> None:
    """Raises ValueError, worded for the visitor, where `learn_signs` would for these examples."""
    if images.ndim != 3 or images.shape[1:] != (28, 28) or images.dtype != np.uint8:
        raise ValueError(f"examples must be (n, 28, 28) uint8, got {images.shape} {images.dtype}")
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be ({len(images)},) integers, got {labels.shape} {labels.dtype}")
    if len(images) > MAX_EXAMPLES:
        raise ValueError(f"There are {len(images)} examples; at most {MAX_EXAMPLES} can be learned.")
    if len(labels) and (labels.min() < 0 or labels.max() >= len(names)):
        raise ValueError(f"labels must be 0 to {len(names) - 1}, got {labels.min()} to {labels.max()}")
    for name, count in zip(names, np.bincount(labels, minlength=len(names)), strict=True):
        if count < MIN_EXAMPLES_A_SIGN:
            raise ValueError(f"Draw {name} {MIN_EXAMPLES_A_SIGN} times or more: there are {count}.")
    if not images.any(axis=(1, 2)).all():
        raise ValueError("An example is empty: nothing is drawn in it.")


def _rejected(rng: np.random.Generator) -> np.ndarray:
    """(N, 28, 28) uint8: pictures for the reject class."""
    digits, _ = synthesise_digits(DIGITS, rng)
    return np.concatenate([digits, synthesise_non_digits(NON_DIGITS, rng)])


def _resembles(features: np.ndarray, examples: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(N,) bool: as close to an example as examples of its sign are to each other."""
    near = np.zeros(len(features), bool)
    for label in np.unique(labels):
        own = examples[labels == label]
        apart = squared_distances(own, own)[np.triu_indices(len(own), 1)]
        near |= squared_distances(features, own).min(1) < np.quantile(apart, CLOSE)
    return near


def _folds(labels: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """FOLDS disjoint arrays of indices, with every sign in each of them."""
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    for fold in range(FOLDS):
        yield order[fold::FOLDS]


def _head(x: np.ndarray, labels: np.ndarray, rejected: np.ndarray, signs: int, seed: int) -> Sequential:
    """A last layer for these features, with all classes weighing the same in the loss."""
    last = Dense(x.shape[1], signs + 1, rng=np.random.default_rng(seed), init="xavier")
    head = Sequential("own_signs", [last], (x.shape[1],))
    classes = np.concatenate([labels, np.full(len(rejected), signs)])
    x = np.concatenate([x, rejected])
    # The mean of all weights is 1. The reject class is the widest.
    counts = np.bincount(classes, minlength=signs + 1)
    weights = len(x) / (2 * signs * np.maximum(counts, 1))
    weights[signs] *= signs * REJECT_WEIGHT
    row_weights = weights[classes].astype(np.float32)[:, None]
    targets = np.eye(signs + 1, dtype=np.float32)[classes]
    optimizer = AdamW(head, lambda step: LEARNING_RATE * (1 - step / STEPS), weight_decay=WEIGHT_DECAY)
    for _ in range(STEPS):
        _, dlogits = softmax_cross_entropy(head.forward(x, training=True), targets)
        head.backward_params(row_weights * dlogits)
        optimizer.step()
    return head
