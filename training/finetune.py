"""Teach a network a few digits of one person's hand, without its forgetting everybody else's.

    taught = teach(load_model(DEFAULT_WEIGHTS), images, labels, load_mnist())
    taught.report.after  # probabilities of the examples now
    taught.save("mine.npz")

How, and why so:

- Only the last layer learns. What goes into it is computed once for every picture, and what is left is
  logistic regression: a step takes milliseconds, so every one of them can look at all that must not be
  forgotten. Of the layers before it, batch normalisation among them, nothing changes, so training can go on
  from what comes out.
- The memory: some thousand pictures of MNIST, as they are and distorted, and synthetic digits and non-digits
  for a network that refuses. On them it shall go on to say what it said before, be it right or wrong (Li and
  Hoiem, "Learning without Forgetting", ECCV 2016). So a threshold for what is no digit stays good. MNIST's
  are held-out ones: of those it was trained on it is too sure, and would not notice that it forgets what it
  never saw. The distorted ones stand for the hands that are as strange as those of a test set.
- The examples, each also turned and distorted a little, count for half a hundredth of the memory at first. As
  long as they are not all read right and taken for digits, by a margin, they count twice as much.
- Where MNIST would be forgotten, because somebody's 0 is everybody's 1, what was learned is taken back as far
  as it must be. Then an example may still be misread, and the report says so. Forgetting is told from how
  probable the truth still is, not from the pictures that are lost: there would be a handful, by chance.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cnn import (
    AdamW,
    Checkpoint,
    Dense,
    Sequential,
    prepare_for_inference,
    save_model,
    softmax,
    softmax_cross_entropy,
)
from cnn.optim import Schedule
from recognition import to_input
from recognition.calibration import Calibration
from training.augment import Augmentation
from training.data import Dataset, split_held_out
from training.synthesis import synthesise_digits, synthesise_non_digits

MOST = 50  # examples
REMEMBERED = 3000  # of MNIST's held-out pictures, and as many distorted ones
SYNTHETIC = 800  # digits, and as many non-digits
PICTURES = 32  # distorted ones of all examples together, at least one of each
WEIGHTS = (0.005, 0.01, 0.02, 0.04, 0.08)  # of the examples against the memory, one after the other
STEPS = 100  # for each weight
STEP = 0.75  # what a step changes a logit by, at most, of a picture with average inputs
# Adam's epsilon, as a share of the mean input. A lesson begins where the network says of every remembered
# picture what it said before, so most gradients are rounding errors, near 1e-8. Adam makes all steps equally
# large: with its usual epsilon, many went where the last bits of a sum pointed, which differ from processor
# to processor, and forgot without teaching anything. A real gradient is about a hundred times NOISE.
NOISE = 1e-5
MARGIN = 2.5  # logits between an example's label and all others, and above the threshold for no digit
FORGOTTEN = 0.0001  # of what is read right of MNIST's remembered pictures, at most
SECONDS = 3.5  # after which no greater weight is tried
AUGMENTATION = Augmentation(
    rotation=5, scale=0.05, stretch=0.05, shear=0.1, shift=0.6, elastic=0.2, thickness=0.3, blur=0, noise=0
)


@dataclass(frozen=True)
class Lesson:
    """What teaching changed about n examples.

    labels: (n,) what they are. before, after: probabilities (n, 10) float32. refused_before, refused_after:
    (n,) bool, taken for no digit. steps: how many it took.
    """

    labels: np.ndarray
    before: np.ndarray
    after: np.ndarray
    refused_before: np.ndarray
    refused_after: np.ndarray
    steps: int

    @property
    def right_before(self) -> int:
        """How many were read as what they are; `right_after`: how many are now."""
        return self._right(self.before, self.refused_before)

    @property
    def right_after(self) -> int:
        return self._right(self.after, self.refused_after)

    def _right(self, probs: np.ndarray, refused: np.ndarray) -> int:
        return int(((probs.argmax(1) == self.labels) & ~refused).sum())


@dataclass(frozen=True)
class Taught:
    """The network that learned, a new one, with its calibration, and what has changed."""

    model: Sequential
    calibration: Calibration
    report: Lesson

    def save(self, path: str | Path) -> None:
        """A weights file, to read with or to train on from."""
        save_model(path, self.model, progress=self.calibration.to_progress())


def teach(
    checkpoint: Checkpoint,
    images: np.ndarray,
    labels: np.ndarray,
    dataset: Dataset,
    *,
    seed: int = 0,
    seconds: float = SECONDS,
) -> Taught:
    """Fine-tunes a copy of the checkpoint's network until it reads the examples as their labels say.

    images: (n, 28, 28) uint8, labels (n,) 0 to 9, n from 1 to 50. dataset: MNIST, from which it remembers.
    seconds: after so many the examples are not given any more weight, learned or not; with math.inf, equal
    arguments give equal weights on any machine. ValueError for other examples.
    """
    _check(images, labels)
    start = time.perf_counter()
    teacher = Teacher(checkpoint, dataset, seed=seed)
    return teacher.teach(images, labels, seconds=seconds - (time.perf_counter() - start))


class Teacher:
    """A network and its memory, to teach several lessons of which none knows of the others.

    body: all layers but the last, which no lesson changes: (N, 28, 28, 1) -> the last layer's input.
    """

    def __init__(self, checkpoint: Checkpoint, dataset: Dataset, *, seed: int = 0) -> None:
        self.seed, self.model = seed, checkpoint.model
        self.calibration = Calibration.of(checkpoint)
        self.body, self._head = _split(checkpoint.model)
        self._refuses = self.calibration.threshold is not None
        rng = np.random.default_rng(seed)
        _, _, images, labels = split_held_out(dataset.train_images, dataset.train_labels)
        order = rng.permutation(len(images))
        plain, distorted = order[:REMEMBERED], order[-REMEMBERED:]
        mnist = np.concatenate([images[plain], Augmentation()(images[distorted], rng)])
        self._labels = labels[np.concatenate([plain, distorted])].astype(np.int64)
        self._memory = self.body.predict(to_input(_memory(mnist, self._refuses, rng)))
        self._said = softmax(self._all_classes(self._head.predict(self._memory)))

    def teach(self, images: np.ndarray, labels: np.ndarray, *, seconds: float = SECONDS) -> Taught:
        """As the function `teach`."""
        _check(images, labels)
        start = time.perf_counter()
        head = self._head.copy()
        shown = np.concatenate([images, *_distorted(images, np.random.default_rng([self.seed, 1]))])
        examples = self.body.predict(to_input(shown))
        truth = np.eye(self._said.shape[1], dtype=np.float32)[np.resize(labels, len(shown))]
        undistorted = examples[: len(images)]
        before = head.predict(undistorted)

        x, remembered = np.concatenate([self._memory, examples]), len(self._memory)
        learning_rate = STEP / float(np.abs(self._memory).sum(axis=1).mean())
        epsilon = NOISE * float(np.abs(self._memory).mean())
        for weight in WEIGHTS:
            optimizer = AdamW(head, _falling(learning_rate), beta2=0.99, epsilon=epsilon)
            for _ in range(STEPS):
                logits = head.forward(x, training=True)
                dlogits = [
                    self._dloss(logits[:remembered], self._said),
                    weight * self._dloss(logits[remembered:], truth),
                ]
                head.backward_params(np.concatenate(dlogits))
                optimizer.step()
            after = head.predict(undistorted)
            if self._is_learned(after, labels).all() or time.perf_counter() - start > seconds:
                break
        self._step_back(head)
        after = head.predict(undistorted)

        model = self.model.copy()
        for name, value in head.layers[0].params.items():
            model.layers[-1].params[name][...] = value
        report = Lesson(
            labels,
            self.calibration.probs(before),
            self.calibration.probs(after),
            ~self.calibration.is_digit(before),
            ~self.calibration.is_digit(after),
            optimizer.steps + STEPS * WEIGHTS.index(weight),
        )
        return Taught(model, self.calibration, report)

    def _step_back(self, head: Sequential) -> None:
        """Go back towards what was known before, as far as it takes to forget no more than FORGOTTEN."""
        learned = head.parameters - self._head.parameters
        least = self._known(self._head) - FORGOTTEN
        if self._known(head) >= least:
            return
        kept, lost = 0.0, 1.0  # shares of what was learned: the greatest that may stay lies between them
        for _ in range(10):
            share = (kept + lost) / 2
            head.parameters[...] = self._head.parameters + np.float32(share) * learned
            kept, lost = (share, lost) if self._known(head) >= least else (kept, share)
        head.parameters[...] = self._head.parameters + np.float32(kept) * learned

    def _known(self, head: Sequential) -> float:
        """mean of sigmoid(margin) over MNIST's remembered pictures: the share of such that is read right."""
        margins = _margins(head.predict(self._memory[: len(self._labels)]), self._labels)
        return float(np.mean(0.5 + 0.5 * np.tanh(margins.astype(np.float64) / 2)))

    def _is_learned(self, logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """(n,) bool: read right and taken for a digit, by MARGIN each."""
        stricter = self.calibration
        if self._refuses:
            stricter = replace(stricter, threshold=stricter.threshold + MARGIN)
        return (_margins(logits, labels) >= MARGIN) & stricter.is_digit(logits)

    def _dloss(self, logits: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        return softmax_cross_entropy(self._all_classes(logits), wanted)[1][:, :10]

    def _all_classes(self, logits: np.ndarray) -> np.ndarray:
        """(N, 10), and for a network that refuses the eleventh, "none of them", whose logit is always 0."""
        if not self._refuses:
            return logits
        return np.concatenate([logits, np.zeros((len(logits), 1), logits.dtype)], axis=1)


def _split(model: Sequential) -> tuple[Sequential, Sequential]:
    """All layers but the last, and the last: two networks that are independent copies."""
    *layers, last = prepare_for_inference(model).layers
    if not isinstance(last, Dense):
        raise ValueError(f"Only networks that end with Dense can be taught; {model.name} ends with {last}.")
    body = prepare_for_inference(Sequential(model.name, layers, model.input_shape))
    return body, Sequential(model.name, [last], body.output_shape)


def _memory(images: np.ndarray, refuses: bool, rng: np.random.Generator) -> np.ndarray:
    """What is remembered, (N, 28, 28) uint8: these pictures of MNIST, and what else the network knows."""
    if not refuses:
        return images
    digits, _ = synthesise_digits(SYNTHETIC, rng)
    return np.concatenate([images, digits, synthesise_non_digits(SYNTHETIC, rng, images)])


def _margins(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,): the label's logit less the greatest of the others."""
    is_label = np.eye(logits.shape[1], dtype=bool)[labels]
    return logits[is_label] - np.where(is_label, -np.inf, logits).max(axis=1)


def _distorted(images: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    return [AUGMENTATION(images, rng) for _ in range(-(-PICTURES // len(images)))]


def _falling(learning_rate: float) -> Schedule:
    """Constant in the first half of STEPS, then down to nothing."""
    return lambda step: learning_rate * min(1.0, 2 * (1 - step / STEPS))


def _check(images: np.ndarray, labels: np.ndarray) -> None:
    if images.ndim != 3 or images.shape[1:] != (28, 28) or images.dtype != np.uint8:
        raise ValueError(f"examples must be (n, 28, 28) uint8, got {images.shape} {images.dtype}")
    if not 1 <= len(images) <= MOST:
        raise ValueError(f"From 1 to {MOST} examples can be taught at once, got {len(images)}.")
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be ({len(images)},) integers, got {labels.shape} {labels.dtype}")
    if labels.min() < 0 or labels.max() > 9:
        raise ValueError(f"labels must be 0 to 9, got {labels.min()} to {labels.max()}")
