"""Fine-tune a network on a few digits of one person's hand, without it forgetting everybody else's.

    tuned = fine_tune(load_model(DEFAULT_WEIGHTS), images, labels, load_mnist())
    tuned.report.after  # probabilities of the examples now
    tuned.save("mine.npz")

How it works, and why:

- Only the last layer is trained. Its inputs are computed once for every picture, and what remains is logistic
  regression: a step takes milliseconds, so every step can look at the whole rehearsal set. No other layer
  changes, batch normalisation included, so an ordinary training can start from the result.
- The rehearsal set: 3,000 pictures of MNIST as they are and 3,000 distorted ones; with a reject class,
  synthetic digits and non-digits as well. On them the network is trained towards its own earlier answers,
  right or wrong (Li and Hoiem, "Learning without Forgetting", ECCV 2016), so a threshold chosen for the
  reject class stays valid. MNIST's are from the validation set: on pictures that it was trained on the
  network is too sure, and forgetting on unseen ones would go unnoticed. The distorted ones stand for
  handwriting as unusual as that of a test set.
- The examples, with distorted copies, weigh 0.005 of the rehearsal set at first. The weight doubles until
  all of them are read right and accepted as digits by LEARNED_MARGIN.
- If MNIST is forgotten, because one person's 0 is everybody else's 1, the change is scaled back until
  forgetting is within its bound. An example may then still be misread, and the report says so. Forgetting is
  measured by the probability of the right label, not by counting lost pictures: there would be a handful, by
  chance.
"""

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
from recognition.reader import classifier_of
from training.augment import Augmentation
from training.data import Dataset, split_validation
from training.synthesis import synthesise_digits, synthesise_non_digits

MAX_EXAMPLES = 50
MNIST_REHEARSED = 3000  # pictures of MNIST's validation set in the rehearsal set, and as many distorted ones
SYNTHETIC = 800  # synthetic digits in the rehearsal set, and as many non-digits
DISTORTED = 32  # distorted copies of all examples together, at least one of each
EXAMPLE_WEIGHTS = (0.005, 0.01, 0.02, 0.04, 0.08)  # of the examples in the loss, tried in this order
STEPS = 100  # training steps with each of these weights
LOGIT_STEP = 0.75  # the most that a step changes a logit, for a picture with average inputs
# Adam's epsilon, as a share of the mean input. Fine-tuning starts where the network agrees with its earlier
# answers on the whole rehearsal set, so most gradients are rounding errors near 1e-8. Adam makes all steps
# equally large: with its usual epsilon, many followed the last bits of a sum, which differ between
# processors, and forgot without learning anything. A real gradient is about a hundred times this share.
EPSILON_SHARE = 1e-5
LEARNED_MARGIN = 2.5  # logits by which an example's label leads all others, and its log odds the threshold
MAX_FORGOTTEN = 0.0001  # greatest loss of accuracy on MNIST's part of the rehearsal set
AUGMENTATION = Augmentation(
    rotation=5, scale=0.05, stretch=0.05, shear=0.1, shift=0.6, elastic=0.2, thickness=0.3, blur=0, noise=0
)


@dataclass(frozen=True)
class FineTuneReport:
    """What fine-tuning changed about n examples.

    labels: (n,) 0 to 9. before, after: probabilities (n, 10) float32. refused_before, refused_after: (n,)
    bool, whether a reader takes the example for no digit. steps: training steps taken.
    """

    labels: np.ndarray
    before: np.ndarray
    after: np.ndarray
    refused_before: np.ndarray
    refused_after: np.ndarray
    steps: int

    @property
    def right_before(self) -> int:
        """How many examples were read right before."""
        return self._right(self.before, self.refused_before)

    @property
    def right_after(self) -> int:
        """How many examples are read right now."""
        return self._right(self.after, self.refused_after)

    def _right(self, probs: np.ndarray, refused: np.ndarray) -> int:
        return int(((probs.argmax(1) == self.labels) & ~refused).sum())


@dataclass(frozen=True)
class FineTuneResult:
    """A new network with its calibration, and what changed."""

    model: Sequential
    calibration: Calibration
    report: FineTuneReport

    def save(self, path: str | Path) -> None:
        """Write a weights file, to read with or to train further."""
        save_model(path, self.model, progress=self.calibration.to_progress())


def fine_tune(
    checkpoint: Checkpoint,
    images: np.ndarray,
    labels: np.ndarray,
    dataset: Dataset,
    *,
    seed: int = 0,
) -> FineTuneResult:
    """Fine-tune a copy of the checkpoint's network until it reads the examples as their labels say.

    images: (n, 28, 28) uint8; labels: (n,) 0 to 9; n from 1 to MAX_EXAMPLES. dataset: MNIST, for the
    rehearsal set. Equal arguments give equal weights. Raises ValueError for other examples.
    """
    _check(images, labels)
    return FineTuner(checkpoint, dataset, seed=seed).fine_tune(images, labels)


class FineTuner:
    """A network and its rehearsal set, for several independent fine-tunings.

    body: all layers but the last, which fine-tuning leaves as they are: (N, 28, 28, 1) -> the last layer's
    input.
    """

    def __init__(self, checkpoint: Checkpoint, dataset: Dataset, *, seed: int = 0) -> None:
        self.seed, self.model = seed, checkpoint.model
        self._classifier = classifier_of(checkpoint)
        self.calibration = self._classifier.calibration
        self.body, self._head = split_head(checkpoint.model)
        self._has_reject_class = self.calibration.threshold is not None
        rng = np.random.default_rng(seed)
        _, _, images, labels = split_validation(dataset.train_images, dataset.train_labels)
        order = rng.permutation(len(images))
        plain, distorted = order[:MNIST_REHEARSED], order[-MNIST_REHEARSED:]
        mnist = np.concatenate([images[plain], Augmentation()(images[distorted], rng)])
        self._labels = labels[np.concatenate([plain, distorted])].astype(np.int64)
        rehearsed = _rehearsal_set(mnist, self._has_reject_class, rng)
        self._rehearsal = self.body.predict(to_input(rehearsed))
        self._earlier_probs = softmax(self._all_classes(self._head.predict(self._rehearsal)))

    def fine_tune(self, images: np.ndarray, labels: np.ndarray) -> FineTuneResult:
        """Like the function `fine_tune`."""
        _check(images, labels)
        head = self._head.copy()
        shown = np.concatenate([images, *_distorted(images, np.random.default_rng([self.seed, 1]))])
        examples = self.body.predict(to_input(shown))
        truth = np.eye(self._earlier_probs.shape[1], dtype=np.float32)[np.resize(labels, len(shown))]
        undistorted = examples[: len(images)]
        before = head.predict(undistorted)

        x, count = np.concatenate([self._rehearsal, examples]), len(self._rehearsal)
        learning_rate = LOGIT_STEP / float(np.abs(self._rehearsal).sum(axis=1).mean())
        epsilon = EPSILON_SHARE * float(np.abs(self._rehearsal).mean())
        for weight in EXAMPLE_WEIGHTS:
            optimizer = AdamW(head, _falling(learning_rate), beta2=0.99, epsilon=epsilon)
            for _ in range(STEPS):
                logits = head.forward(x, training=True)
                dlogits = [
                    self._dloss(logits[:count], self._earlier_probs),
                    weight * self._dloss(logits[count:], truth),
                ]
                head.backward_params(np.concatenate(dlogits))
                optimizer.step()
            after = head.predict(undistorted)
            if self._is_learned(after, labels).all():
                break
        self._limit_forgetting(head)
        after = head.predict(undistorted)

        model = self.model.copy()
        for name, value in head.layers[0].params.items():
            model.layers[-1].params[name][...] = value
        report = FineTuneReport(
            labels,
            self.calibration.probs(before),
            self.calibration.probs(after),
            ~self._classifier.accepts(images, before),
            ~self._classifier.accepts(images, after),
            optimizer.step_count + STEPS * EXAMPLE_WEIGHTS.index(weight),
        )
        return FineTuneResult(model, self.calibration, report)

    def _limit_forgetting(self, head: Sequential) -> None:
        """Scale the change of `head` back until no more than MAX_FORGOTTEN is forgotten."""
        change = head.parameters - self._head.parameters
        least = self._soft_accuracy(self._head) - MAX_FORGOTTEN
        if self._soft_accuracy(head) >= least:
            return
        low, high = 0.0, 1.0  # shares of the change: the greatest that is allowed lies between them
        for _ in range(10):
            share = (low + high) / 2
            head.parameters[...] = self._head.parameters + np.float32(share) * change
            low, high = (share, high) if self._soft_accuracy(head) >= least else (low, share)
        head.parameters[...] = self._head.parameters + np.float32(low) * change

    def _soft_accuracy(self, head: Sequential) -> float:
        """mean of sigmoid(margin) over MNIST's part of the rehearsal set: accuracy without its jumps."""
        margins = _margins(head.predict(self._rehearsal[: len(self._labels)]), self._labels)
        return float(np.mean(0.5 + 0.5 * np.tanh(margins.astype(np.float64) / 2)))

    def _is_learned(self, logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """(n,) bool: read right and accepted as a digit, by LEARNED_MARGIN each."""
        stricter = self.calibration
        if self._has_reject_class:
            stricter = replace(stricter, threshold=stricter.threshold + LEARNED_MARGIN)
        return (_margins(logits, labels) >= LEARNED_MARGIN) & stricter.is_digit(logits)

    def _dloss(self, logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return softmax_cross_entropy(self._all_classes(logits), targets)[1][:, :10]

    def _all_classes(self, logits: np.ndarray) -> np.ndarray:
        """(N, 10), and with a reject class (N, 11): its logit is always 0."""
        if not self._has_reject_class:
            return logits
        return np.concatenate([logits, np.zeros((len(logits), 1), logits.dtype)], axis=1)


def split_head(model: Sequential) -> tuple[Sequential, Sequential]:
    """(all layers but the last, the last layer), as two networks that are independent copies.

    Raises ValueError unless the last layer is Dense.
    """
    *layers, last = prepare_for_inference(model).layers
    if not isinstance(last, Dense):
        raise ValueError(
            f"Only networks that end with Dense can be taught more; {model.name} ends with {last}."
        )
    body = prepare_for_inference(Sequential(model.name, layers, model.input_shape))
    return body, Sequential(model.name, [last], body.output_shape)


def _rehearsal_set(images: np.ndarray, has_reject_class: bool, rng: np.random.Generator) -> np.ndarray:
    """(N, 28, 28) uint8: these pictures of MNIST, and for a reject class synthetic digits and non-digits."""
    if not has_reject_class:
        return images
    digits, _ = synthesise_digits(SYNTHETIC, rng)
    return np.concatenate([images, digits, synthesise_non_digits(SYNTHETIC, rng, images)])


def _margins(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,): the label's logit minus the greatest other."""
    is_label = np.eye(logits.shape[1], dtype=bool)[labels]
    return logits[is_label] - np.where(is_label, -np.inf, logits).max(axis=1)


def _distorted(images: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    return [AUGMENTATION(images, rng) for _ in range(-(-DISTORTED // len(images)))]


def _falling(learning_rate: float) -> Schedule:
    """Constant for the first half of STEPS, then linearly down to 0."""
    return lambda step: learning_rate * min(1.0, 2 * (1 - step / STEPS))


def _check(images: np.ndarray, labels: np.ndarray) -> None:
    if images.ndim != 3 or images.shape[1:] != (28, 28) or images.dtype != np.uint8:
        raise ValueError(f"examples must be (n, 28, 28) uint8, got {images.shape} {images.dtype}")
    if not 1 <= len(images) <= MAX_EXAMPLES:
        raise ValueError(f"From 1 to {MAX_EXAMPLES} examples can be taught at once, got {len(images)}.")
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be ({len(images)},) integers, got {labels.shape} {labels.dtype}")
    if labels.min() < 0 or labels.max() > 9:
        raise ValueError(f"labels must be 0 to 9, got {labels.min()} to {labels.max()}")
