"""The training loop: an iterator of progress events that can stop after any step and go on bit for bit."""

import math
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn import (
    Checkpoint,
    Dropout,
    ModelFileError,
    Optimizer,
    Sequential,
    log_odds,
    save_model,
    softmax_cross_entropy,
)
from recognition import to_input

REJECT_CLASS = -1  # the label of a non-digit
IF_NOT_REJECTED = 10  # added to a digit's label, leaves the reject class out of that picture's loss


class DivergedError(ValueError):
    """The loss or the weights are no longer finite. The message suggests a remedy."""

    def __init__(self) -> None:
        super().__init__(
            "The training diverged: the loss is no longer a number. Try a smaller learning rate."
        )


def ignore_overflow() -> None:
    """Silence NumPy's overflow warnings, so that a training that diverges reports DivergedError alone.

    This affects the whole process, so call it only in one that does nothing but train.
    """
    warnings.filterwarnings("ignore", "(overflow|invalid value) encountered", RuntimeWarning)


Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]
Loss = Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]]
Check = Callable[[np.ndarray, np.ndarray], np.ndarray]


def are_right(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which of logits (N, K) say what labels (N,) do, the reject class included: (N,) bool."""
    which = logits.argmax(1) == labels % logits.shape[1]
    return np.where(labels == REJECT_CLASS, log_odds(logits) < 0, which)


@dataclass(frozen=True)
class Progress:
    """Where training is after a step. Loss and accuracy are training means over the epoch so far."""

    epoch: int  # counted from 1
    epochs: int
    step: int  # done in this epoch, from 1
    steps_per_epoch: int
    loss: float
    accuracy: float  # 0 to 1
    seconds: float  # of training, summed over all sessions of a resumed run
    batch_loss: float  # of this step alone
    batch_accuracy: float

    @property
    def epoch_ends(self) -> bool:
        return self.step == self.steps_per_epoch


class Trainer:
    """Trains a model on images and labels.

    images: (N, H, W) or (N, H, W, C) uint8, scaled to [0, 1] float32 for the network. labels: (N,)
    integers, or what the loss takes; REJECT_CLASS and labels with IF_NOT_REJECTED need the loss
    `reject_cross_entropy`.
    augment: (batch of images, generator) -> the same shape, or None; a thread prepares the next batch.
    loss: (logits, labels) -> (mean loss, dlogits). check: (logits, labels) -> which are right, (N,) bool.
    mirror: whether pictures are mirrored left to right, half of them in every first epoch and the others in
    every second, so that two epochs always see both sides of each (Jordan, "94% on CIFAR-10", 2024).
    epochs_before: epochs of an earlier phase of the same training; Progress counts on from there.

    The order of an epoch is drawn from (seed, epoch), augmentation from (seed, epoch, step) and Dropout's
    masks from (seed, step), so a run that is stopped after any step and resumed takes the same steps as one
    that never stopped. Saved files and results contain no Dropout layers.
    """

    def __init__(
        self,
        model: Sequential,
        optimizer: Optimizer,
        images: np.ndarray,
        labels: np.ndarray,
        *,
        epochs: int,
        batch_size: int,
        seed: int,
        epochs_before: int = 0,
        augment: Augment | None = None,
        mirror: bool = False,
        loss: Loss = softmax_cross_entropy,
        check: Check = are_right,
    ) -> None:
        if len(images) != len(labels) or len(images) == 0:
            raise ValueError(
                f"expected one label per image, got {len(images)} images and {len(labels)} labels"
            )
        if epochs < 1 or not 1 <= batch_size <= len(images):
            raise ValueError(
                f"epochs must be at least 1 and batch_size 1 to {len(images)}, got {epochs} and {batch_size}"
            )
        self.model, self.optimizer = model, optimizer
        self.images, self.labels = images, labels
        self.epochs, self.batch_size, self.seed = epochs, batch_size, seed
        self.augment, self.loss, self.check, self.epochs_before = augment, loss, check, epochs_before
        self.mirror = mirror
        self.steps_per_epoch = -(-len(images) // batch_size)
        self.loss_sum, self.correct, self.seconds = 0.0, 0, 0.0  # over the epoch so far; seconds over all

    def run(self) -> Iterator[Progress]:
        """Take one step for every event yielded, starting at the optimizer's step count.

        Raises DivergedError if a step's loss or the weights after it are not finite.
        """
        while self.optimizer.step_count < self.epochs * self.steps_per_epoch:
            epoch, first = divmod(self.optimizer.step_count, self.steps_per_epoch)
            order = np.random.default_rng([self.seed, epoch]).permutation(len(self.images))
            if first == 0:
                self.loss_sum, self.correct = 0.0, 0
            start = time.perf_counter()
            for step, (images, labels) in self._batches(order, epoch, first):
                loss, correct = self._take_step(images, labels)
                self.seconds += time.perf_counter() - start
                seen = step * self.batch_size + len(labels)
                yield Progress(
                    self.epochs_before + epoch + 1,
                    self.epochs_before + self.epochs,
                    step + 1,
                    self.steps_per_epoch,
                    self.loss_sum / seen,
                    self.correct / seen,
                    self.seconds,
                    loss,
                    correct / len(labels),
                )
                start = time.perf_counter()  # do not count what the caller did in between

    def agreed(self, asked: bool) -> bool:
        """Whether to stop after this step. asked: whether this process was asked to."""
        return asked

    def result(self) -> Sequential:
        """A copy of the network as trained so far, with averaged weights if the optimizer keeps them."""
        return _without_dropout(self.optimizer.averaged_model())

    def save(self, path: str | Path, notes: dict | None = None) -> None:
        """Write a checkpoint from which `resume` continues as if training had never stopped.

        notes: plain JSON values to add to the file's progress.
        """
        progress = (
            (notes or {})
            | self._fixed()
            | {
                "loss_sum": self.loss_sum,
                "correct": self.correct,
                "seconds": self.seconds,
            }
        )
        save_model(path, self.model, self.optimizer, progress)

    def resume(self, checkpoint: Checkpoint) -> None:
        """Continue from a checkpoint. Raises ModelFileError if it belongs to another network or training."""
        if checkpoint.model.name != self.model.name:
            raise ModelFileError(
                f"the checkpoint holds {checkpoint.model.name}, this run trains {self.model.name}"
            )
        if checkpoint.model.classes != self.model.classes:
            raise ModelFileError("the checkpoint was trained on other classes than this run")
        for name, wanted in self._fixed().items():
            if checkpoint.progress.get(name) != wanted:
                raise ModelFileError(
                    f"the checkpoint has {name} {checkpoint.progress.get(name)}, this run has {wanted}: "
                    "it would not be the same training"
                )
        checkpoint.restore(self.optimizer)
        self.model.parameters[...] = checkpoint.model.parameters
        for (_, value), (_, saved) in zip(
            self.model.named_buffers(), checkpoint.model.named_buffers(), strict=True
        ):
            value[...] = saved
        self.loss_sum = float(checkpoint.progress["loss_sum"])
        self.correct = int(checkpoint.progress["correct"])
        self.seconds = float(checkpoint.progress["seconds"])

    def _fixed(self) -> dict:
        """The settings that must not change between the sessions of one run."""
        return {"seed": self.seed, "batch_size": self.batch_size, "images": len(self.images)}

    def _batches(
        self, order: np.ndarray, epoch: int, first: int
    ) -> Iterator[tuple[int, tuple[np.ndarray, np.ndarray]]]:
        """Yield (step, (images, labels)) from step `first` on, while a thread prepares the next batch."""

        def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
            chosen = order[step * self.batch_size : (step + 1) * self.batch_size]
            images = self.images[chosen]
            if self.mirror:
                turn = (chosen + epoch) % 2 == 1
                images[turn] = images[turn, :, ::-1]
            if self.augment:
                images = self.augment(images, np.random.default_rng([self.seed, epoch, step]))
            return images, self.labels[chosen]

        with ThreadPoolExecutor(1, thread_name_prefix="next-batch") as ahead:
            coming = ahead.submit(batch, first)
            for step in range(first, self.steps_per_epoch):
                now = coming.result()
                if step + 1 < self.steps_per_epoch:
                    coming = ahead.submit(batch, step + 1)
                yield step, now

    def _take_step(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, int]:
        """Take one step; returns the batch's mean loss and number of right answers before the step."""
        for layer in self.model.layers:
            if isinstance(layer, Dropout):
                layer.rng = np.random.default_rng([self.seed, self.optimizer.step_count])
        logits = self.model.forward(to_input(images), training=True)
        loss, dlogits = self.loss(logits, labels)
        if not math.isfinite(loss):
            raise DivergedError
        self.model.backward_params(dlogits)
        self.optimizer.step()
        # No later loss would reveal that the last step's weights are bad. A sum is cheaper than isfinite.
        if not math.isfinite(self.model.parameters.sum()):
            raise DivergedError
        self.loss_sum += loss * len(labels)
        right = int(self.check(logits, labels).sum())
        self.correct += right
        return loss, right


def _without_dropout(model: Sequential) -> Sequential:
    """The network without its Dropout layers, which have no parameters and do nothing in inference."""
    if not any(isinstance(layer, Dropout) for layer in model.layers):
        return model
    twin = model.copy()
    layers = [layer for layer in twin.layers if not isinstance(layer, Dropout)]
    return Sequential(twin.name, layers, twin.input_shape, classes=twin.classes)
