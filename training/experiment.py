"""A training with settings that a visitor may choose; it yields snapshots while it runs.

    settings = Settings.of("small_net", epochs=2)
    experiment = Experiment(settings, load_mnist())
    for now in experiment.run():
        print(now.epoch, now.loss, now.validation_accuracy)
    experiment.save("mine.npz")

`experiment.stop()`, from any thread, ends `run` after the current step without losing anything. Another
`run`, or `Experiment.resume("mine.npz", load_mnist())` in another process, continues to the same weights, bit
for bit.
"""

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from cnn import (
    ARCHITECTURES,
    SGD,
    AdamW,
    Checkpoint,
    Conv2D,
    Dropout,
    ModelFileError,
    Optimizer,
    Sequential,
    load_model,
    one_cycle,
    prepare_for_inference,
    reject_cross_entropy,
    softmax_cross_entropy,
)
from recognition import to_input
from recognition.calibration import Calibration
from training.augment import Augmentation
from training.calibrate import fit_temperature, logits_of
from training.data import Dataset, split_validation
from training.synthesis import synthesise_digits, synthesise_non_digits
from training.trainer import REJECT_CLASS, DivergedError, Trainer
from training.watched import answers

NETWORKS = {
    "small_net": "Small: two convolutions. Good in seconds.",
    "seed_net": "Simple: one convolution, two dense layers.",
    "digit_net": "Best: five convolutions. Takes minutes.",
    "softmax_regression": "No hidden layer: softmax regression.",
}
OPTIMIZERS = ("AdamW", "SGD")
MOMENTUM = 0.9  # of SGD
WEIGHT_DECAY = 0.01  # of AdamW
WARM_UP = 0.2  # share of all steps in which the learning rate rises
INTERVAL = 0.25  # least seconds between two snapshots
EVALUATION_SHARE = 0.1  # greatest share of the time spent on the validation set
QUICK_LOOK = 1000  # validation images evaluated while training runs; at its end, all are
SYNTHETIC_SHARE = 0.25  # synthetic digits per image, and non-digits, if a network has a reject class to keep
MOST_SYNTHETIC = 5_000  # greatest number of each; they are drawn before the first step, 2,000 a second


@dataclass(frozen=True)
class Settings:
    """The settings of a training. Raises ValueError, worded for the visitor, for impossible ones.

    network: one of NETWORKS. fine_tune: start from given weights, not from random ones. epochs: passes over
    the images. images: how many of MNIST's training images are used. batch_size: images per step.
    learning_rate: the peak of a cycle. optimizer: one of OPTIMIZERS. augmentation: whether every picture is
    rotated, scaled and distorted a little each time it is used. dropout: share of the last layer's inputs
    that are zeroed at random, 0 to 0.9. seed: equal settings and seeds give equal weights.
    """

    network: str = "small_net"
    fine_tune: bool = False
    epochs: int = 3
    images: int = 55_000
    batch_size: int = 64
    learning_rate: float = 5e-3
    optimizer: str = "AdamW"
    augmentation: bool = False
    dropout: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.network, str) or self.network not in NETWORKS:
            raise ValueError(f"There is no network {self.network!r}; there are {', '.join(NETWORKS)}.")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"There is no optimizer {self.optimizer!r}; there are {', '.join(OPTIMIZERS)}.")
        for name, low, high in (
            ("epochs", 1, 1000),
            ("images", 100, 55_000),
            ("batch_size", 8, 512),
            ("seed", 0, 2**31 - 1),
        ):
            self._check(name, int, low, high)
        self._check("learning_rate", (int, float), 1e-6, 1.0)
        self._check("dropout", (int, float), 0.0, 0.9)
        for name in ("fine_tune", "augmentation"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{_words(name)} must be yes or no, got {getattr(self, name)!r}.")
        if self.batch_size > self.images:
            raise ValueError(f"A batch of {self.batch_size} is larger than the {self.images} images used.")

    def _check(self, name: str, kind: type | tuple[type, ...], low: float, high: float) -> None:
        value = getattr(self, name)
        if not isinstance(value, kind) or isinstance(value, bool) or not low <= value <= high:
            number = "a whole number" if kind is int else "a number"
            raise ValueError(f"{_words(name)} must be {number} from {low:,} to {high:,}, got {value!r}.")

    @classmethod
    def of(cls, network: str, **changes: object) -> "Settings":
        """The default settings of a network, fresh or with fine_tune=True, with `changes` applied."""
        defaults = FINE_TUNING if changes.get("fine_tune") else FRESH
        return replace(defaults.get(network, cls(network="small_net")), **{"network": network, **changes})

    @classmethod
    def from_json(cls, values: object) -> "Settings":
        """The inverse of `dataclasses.asdict`, for untrusted input: raises ValueError for anything else."""
        if not isinstance(values, dict) or values.keys() != {field.name for field in fields(cls)}:
            raise ValueError("The settings of this training are incomplete or from another version.")
        return cls(**values)

    def within(self, *, epochs: int, images: int) -> tuple["Settings", str]:
        """These settings with both limits applied, and a sentence about what was lowered, or ""."""
        most = {"epochs": epochs, "images": images}
        lowered = {name: value for name, value in most.items() if getattr(self, name) > value}
        if not lowered:
            return self, ""
        allowed = " and ".join(f"{value:,} {name}" for name, value in lowered.items())
        lowered["batch_size"] = min(self.batch_size, lowered.get("images", self.images))
        return replace(self, **lowered), f"This host allows at most {allowed}, so the training uses that."


FRESH = {
    "small_net": Settings("small_net"),
    "seed_net": Settings("seed_net", epochs=3, learning_rate=0.1, optimizer="SGD"),
    "digit_net": Settings("digit_net", epochs=2, batch_size=128, learning_rate=3e-3),
    "softmax_regression": Settings("softmax_regression"),
}
FINE_TUNING = {
    name: replace(
        settings, fine_tune=True, epochs=1, images=10_000, learning_rate=settings.learning_rate / 10
    )
    for name, settings in FRESH.items()
}


@dataclass(frozen=True)
class Snapshot:
    """Where a training is. loss and accuracy (0 to 1) are training means since the last snapshot.

    In the last snapshot, whose interval is shorter, they include the interval before. validation_loss and
    validation_accuracy are the latest on the validation set, None before the first evaluation.
    """

    epoch: int  # counted from 1
    epochs: int
    step: int  # done in this epoch
    steps_per_epoch: int
    images_per_second: float
    seconds: float  # of training, summed over all sessions of a resumed run
    seconds_left: float
    loss: float
    accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    kernels: np.ndarray  # (F, F, C, K) float32: the first layer's weight, of a dense one (28, 28, 1, K)
    probs: np.ndarray | None  # (10,) float32: probabilities of the drawing, None without one
    # (40,) uint8: what the pictures of training/watched.py are read as, None before the first evaluation
    watched: np.ndarray | None

    @property
    def done(self) -> float:
        """Share of the whole training, 0 to 1."""
        return ((self.epoch - 1) * self.steps_per_epoch + self.step) / (self.epochs * self.steps_per_epoch)


class Experiment:
    """A training with these settings.

    dataset: MNIST; its last 5,000 training images are the validation set. start: the weights to fine-tune, if
    settings.fine_tune; raises ModelFileError if they are of another network. If `start` has a reject class,
    synthetic digits and non-digits are mixed in, so that it keeps it. seconds: of training, after which `run`
    ends as if stopped.
    """

    def __init__(
        self,
        settings: Settings,
        dataset: Dataset,
        start: Checkpoint | None = None,
        *,
        seconds: float = math.inf,
    ) -> None:
        self.settings, self.seconds = settings, seconds
        self.calibration = Calibration()
        model = ARCHITECTURES[settings.network](np.random.default_rng(settings.seed))
        if settings.fine_tune:
            if start is None or start.model.name != settings.network:
                given = "none was given" if start is None else f"got a {start.model.name}"
                raise ModelFileError(f"fine-tuning {settings.network} needs weights of it; {given}")
            model = start.model.copy()
            self.calibration = Calibration.of(start)
        images, labels, *validation = split_validation(dataset.train_images, dataset.train_labels)
        self.validation_images, self.validation_labels = validation
        images, labels = images[: settings.images], labels[: settings.images].astype(np.int64)
        if self.refuses:
            images, labels = _with_synthetic(images, labels, settings.seed)
        if settings.dropout:
            rng = np.random.default_rng(settings.seed)
            layers = [*model.layers[:-1], Dropout(settings.dropout, rng=rng), model.layers[-1]]
            model = Sequential(model.name, layers, model.input_shape)
        self.trainer = Trainer(
            model,
            _optimizer(model, settings, -(-len(images) // settings.batch_size)),
            images,
            labels,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            seed=settings.seed,
            augment=Augmentation() if settings.augmentation else None,
            loss=reject_cross_entropy if self.refuses else softmax_cross_entropy,
        )
        self.drawing: np.ndarray | None = (
            None  # (28, 28) uint8, read again for every snapshot; any thread may set it
        )
        self._stop = threading.Event()
        self._validation: tuple[float | None, float | None] = (None, None)  # loss, accuracy
        self._watched: np.ndarray | None = None

    @classmethod
    def resume(cls, path: str | Path, dataset: Dataset, *, seconds: float = math.inf) -> "Experiment":
        """The training in a file that `save` wrote. Raises ModelFileError if the file holds no training."""
        checkpoint = load_model(path)
        try:
            settings = Settings.from_json(checkpoint.progress.get("settings"))
            notes = [float(checkpoint.progress[name]) for name in ("steps", "loss_sum", "correct", "seconds")]
            if settings.network != checkpoint.model.name:
                raise ValueError(f"its settings are for {settings.network}, its weights are not")
            if not all(map(math.isfinite, notes)) or min(notes) < 0:
                raise ValueError("its progress has values out of range")
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"This file holds no training that can be resumed: {error}") from error
        experiment = cls(settings, dataset, checkpoint, seconds=seconds)
        experiment.trainer.resume(checkpoint)
        return experiment

    @property
    def refuses(self) -> bool:
        """Whether the network has a reject class, and so answers "not a digit"."""
        return self.calibration.threshold is not None

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.trainer.optimizer.step_count >= self.settings.epochs * self.trainer.steps_per_epoch

    def stop(self) -> None:
        """End `run` after the current step. May be called from any thread."""
        self._stop.set()

    def run(self) -> Iterator[Snapshot]:
        """Train, and yield about four snapshots a second, the first one after the first step.

        The last snapshot comes when all steps are done, `stop` was called or the time is up. It is evaluated
        on the whole validation set, on which the calibration is fitted too. Raises DivergedError when the
        loss or the weights are no longer finite.
        """
        trainer = self.trainer
        batches: list[tuple[float, float]] = []  # (loss, accuracy) of each since the last snapshot
        begun, first_step = trainer.seconds, trainer.optimizer.step_count
        # When the last snapshot was made, by both clocks. A resumed run has shown one already.
        shown, trained = time.perf_counter() if first_step else -math.inf, begun
        before = batches, trained  # of the previous interval
        look_at = time.perf_counter() + 1.0
        for now in trainer.run():
            batches.append((now.batch_loss, now.batch_accuracy))
            ends = self.finished or self._stop.is_set() or trainer.seconds >= self.seconds
            if not ends and time.perf_counter() - shown < INTERVAL:
                continue
            if ends:
                if len(batches) < len(before[0]):
                    batches, trained = before[0] + batches, before[1]
                self._look_at_all()
            elif time.perf_counter() >= look_at:
                look_at = self._look_at_some()
            steps_done = trainer.optimizer.step_count
            per_step = (trainer.seconds - begun) / (steps_done - first_step)
            left = (self.settings.epochs * now.steps_per_epoch - steps_done) * per_step
            loss, accuracy = np.mean(batches, axis=0)
            yield Snapshot(
                epoch=now.epoch,
                epochs=now.epochs,
                step=now.step,
                steps_per_epoch=now.steps_per_epoch,
                images_per_second=len(batches) * trainer.batch_size / max(trainer.seconds - trained, 1e-9),
                seconds=trainer.seconds,
                seconds_left=min(left, max(0.0, self.seconds - trainer.seconds)),
                loss=float(loss),
                accuracy=float(accuracy),
                validation_loss=self._validation[0],
                validation_accuracy=self._validation[1],
                kernels=_first_kernels(trainer.model),
                probs=self._read(self.drawing),
                watched=self._watched,
            )
            if ends:
                self._stop.clear()
                return
            before = batches, trained
            batches, shown, trained = [], time.perf_counter(), trainer.seconds

    def save(self, path: str | Path) -> None:
        """Write weights, optimizer state and settings: a file to read with and to resume from."""
        self.trainer.save(path, {"settings": asdict(self.settings)} | self.calibration.to_progress())

    def _look_at_some(self) -> float:
        """Evaluate a part of the validation set; returns the time of the next such evaluation."""
        start = time.perf_counter()
        self._look(QUICK_LOOK)
        end = time.perf_counter()
        return end + (end - start) / EVALUATION_SHARE

    def _look_at_all(self) -> None:
        logits = self._look(len(self.validation_images))
        temperature = fit_temperature(logits, self.validation_labels)
        self.calibration = replace(self.calibration, temperature=temperature)

    def _look(self, count: int) -> np.ndarray:
        """Evaluate the first `count` validation images: sets loss and accuracy, returns the logits."""
        labels = self.validation_labels[:count]
        logits = logits_of(prepare_for_inference(self.trainer.result()), self.validation_images[:count])
        loss, _ = softmax_cross_entropy(logits, labels)
        if not math.isfinite(loss):
            raise DivergedError
        self._validation = (loss, float((logits.argmax(1) == labels).mean()))
        self._watched = answers(logits)
        return logits

    def _read(self, drawing: np.ndarray | None) -> np.ndarray | None:
        if drawing is None:
            return None
        return self.calibration.probs(self.trainer.result().predict(to_input(drawing[None])))[0]


def unfinished(checkpoint: Checkpoint) -> Settings | None:
    """The settings of the training that `Experiment.resume` would continue; None if it is finished."""
    try:
        settings = Settings.from_json(checkpoint.progress.get("settings"))
        steps, images = int(checkpoint.progress["steps"]), int(checkpoint.progress["images"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return settings if steps < settings.epochs * -(-images // settings.batch_size) else None


def _optimizer(model: Sequential, settings: Settings, steps_per_epoch: int) -> Optimizer:
    schedule = one_cycle(settings.learning_rate, settings.epochs * steps_per_epoch, warm_up=WARM_UP)
    if settings.optimizer == "SGD":
        return SGD(model, schedule, momentum=MOMENTUM, nesterov=True)
    return AdamW(model, schedule, weight_decay=WEIGHT_DECAY)


def _with_synthetic(images: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """MNIST with synthetic digits and non-digits mixed in, so that the network forgets neither."""
    rng = np.random.default_rng([seed, 1])
    count = min(int(SYNTHETIC_SHARE * len(images)), MOST_SYNTHETIC)
    drawn, drawn_labels = synthesise_digits(count, rng)
    others = synthesise_non_digits(count, rng, images)
    rejected = np.full(count, REJECT_CLASS, np.int64)
    return np.concatenate([images, drawn, others]), np.concatenate([labels, drawn_labels, rejected])


def _first_kernels(model: Sequential) -> np.ndarray:
    first = next(layer for layer in model.layers if layer.params)
    weight = first.params["weight"]
    return weight.copy() if isinstance(first, Conv2D) else weight.reshape(*model.input_shape, -1).copy()


def _words(name: str) -> str:
    """ "batch_size" -> "Batch size"."""
    return name.replace("_", " ").capitalize()
