"""One training as a visitor may choose it: settings, and an iterator of snapshots while it runs.

    settings = Settings.of("small_net", epochs=2)
    experiment = Experiment(settings, load_mnist())
    for now in experiment.run():
        print(now.epoch, now.loss, now.held_out_accuracy)
    experiment.save("mine.npz")

`experiment.stop()`, from any thread, ends `run` after the step it is at, with everything kept; another `run`,
or `Experiment.resume("mine.npz", load_mnist())` in another process, goes on to the same weights, bit for bit.
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
from training.data import Dataset, split_held_out
from training.synthesis import synthesise_digits, synthesise_non_digits
from training.trainer import NOT_A_DIGIT, DivergedError, Trainer

NETWORKS = {
    "small_net": "Small: two convolutions. Good in seconds.",
    "seed_net": "Simple: one convolution, two dense layers.",
    "digit_net": "The best: five convolutions. Takes minutes.",
}
OPTIMIZERS = ("AdamW", "SGD")
MOMENTUM = 0.9  # of SGD
WEIGHT_DECAY = 0.01  # of AdamW
WARM_UP = 0.2  # share of all steps in which the learning rate rises
INTERVAL = 0.25  # seconds between two snapshots, at least
EVALUATION_SHARE = 0.1  # of the time goes into held-out images, at most
QUICK_LOOK = 1000  # held-out images that are read while training runs; all of them at its end
SYNTHETIC_SHARE = 0.25  # of digits, and again of non-digits, mixed in where a network that refuses trains on
MOST_SYNTHETIC = 5_000  # of each: they are drawn anew before the first step, 2,000 a second


@dataclass(frozen=True)
class Settings:
    """What may be chosen. ValueError, in words for the person who chose, for what is not possible at all.

    network: of NETWORKS. fine_tune: begin with the weights that are given, not with random ones. epochs: how
    often every image is seen. images: how many of MNIST's training images are used. batch_size: images a
    step. learning_rate: at its highest; it rises and falls along a cycle. optimizer: of OPTIMIZERS.
    augmentation: whether every picture is turned, scaled and distorted a little each time it is seen.
    dropout: share of the last layer's inputs that is left out at random, 0 to 0.9. seed: same settings and
    seed, same weights.
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
            raise ValueError(f"A batch of {self.batch_size} is more than the {self.images} images there are.")

    def _check(self, name: str, kind: type | tuple[type, ...], low: float, high: float) -> None:
        value = getattr(self, name)
        if not isinstance(value, kind) or isinstance(value, bool) or not low <= value <= high:
            number = "a whole number" if kind is int else "a number"
            raise ValueError(f"{_words(name)} must be {number} from {low:,} to {high:,}, got {value!r}.")

    @classmethod
    def of(cls, network: str, **changes: object) -> "Settings":
        """Sane settings for a network, fresh or with fine_tune=True, with `changes` made to them."""
        defaults = FINE_TUNING if changes.get("fine_tune") else FRESH
        return replace(defaults.get(network, cls(network="small_net")), **{"network": network, **changes})

    @classmethod
    def from_json(cls, values: object) -> "Settings":
        """What `dataclasses.asdict` gave, from a file or a stranger: ValueError where it is anything else."""
        if not isinstance(values, dict) or values.keys() != {field.name for field in fields(cls)}:
            raise ValueError("The settings of this training are incomplete or from another version.")
        return cls(**values)

    def within(self, *, epochs: int, images: int) -> tuple["Settings", str]:
        """These settings with at most so many of both, and a sentence about what was lowered, or ""."""
        most = {"epochs": epochs, "images": images}
        lowered = {name: value for name, value in most.items() if getattr(self, name) > value}
        if not lowered:
            return self, ""
        allowed = " and ".join(f"{value:,} {name}" for name, value in lowered.items())
        lowered["batch_size"] = min(self.batch_size, lowered.get("images", self.images))
        return replace(self, **lowered), f"At most {allowed} here, so that is what was set."


FRESH = {
    "small_net": Settings("small_net"),
    "seed_net": Settings("seed_net", epochs=3, learning_rate=0.1, optimizer="SGD"),
    "digit_net": Settings("digit_net", epochs=2, batch_size=128, learning_rate=3e-3),
}
FINE_TUNING = {
    name: replace(
        settings, fine_tune=True, epochs=1, images=10_000, learning_rate=settings.learning_rate / 10
    )
    for name, settings in FRESH.items()
}


@dataclass(frozen=True)
class Snapshot:
    """Where a training is. Loss and accuracy (0 to 1) are means since the last snapshot, in training.

    Where that is shorter ago than usual, because training ends, they are of the interval before too. The
    held-out ones are of images that are never trained on: the last values known, None before the first.
    """

    epoch: int  # counted from 1
    epochs: int
    step: int  # done in this epoch
    steps: int  # in an epoch
    images_per_second: float
    seconds: float  # of training, over all parts of this run
    seconds_left: float
    loss: float
    accuracy: float
    held_out_loss: float | None
    held_out_accuracy: float | None
    kernels: np.ndarray  # (F, F, C, K) float32: the first convolution's weight
    probs: np.ndarray | None  # (10,) float32: what the drawing is read as, None without one

    @property
    def done(self) -> float:
        """Share of the whole training, 0 to 1."""
        return ((self.epoch - 1) * self.steps + self.step) / (self.epochs * self.steps)


class Experiment:
    """A training with these settings.

    dataset: MNIST; its last 5,000 training images are held out. start: what to begin with where
    settings.fine_tune says so; ModelFileError where it is of another network. Beginning with a network that
    refuses what is no digit, it goes on to: synthetic digits and non-digits are mixed in. seconds: `run` ends
    after so many of training, as if stopped.
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
                given = "none was given" if start is None else f"the one given is a {start.model.name}"
                raise ModelFileError(f"fine-tuning {settings.network} needs a model of it; {given}")
            model = start.model.copy()
            self.calibration = Calibration.of(start)
        images, labels, *held_out = split_held_out(dataset.train_images, dataset.train_labels)
        self.held_out_images, self.held_out_labels = held_out
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
            None  # (28, 28) uint8, read anew for every snapshot; from any thread
        )
        self._stop = threading.Event()
        self._held_out: tuple[float | None, float | None] = (None, None)  # loss, accuracy

    @classmethod
    def resume(cls, path: str | Path, dataset: Dataset, *, seconds: float = math.inf) -> "Experiment":
        """The training that `save` wrote, to go on with. ModelFileError where the file is of none."""
        checkpoint = load_model(path)
        try:
            settings = Settings.from_json(checkpoint.progress.get("settings"))
            notes = [float(checkpoint.progress[name]) for name in ("steps", "loss_sum", "correct", "seconds")]
            if settings.network != checkpoint.model.name:
                raise ValueError(f"the settings in it are of {settings.network}, the weights are not")
            if not all(map(math.isfinite, notes)) or min(notes) < 0:
                raise ValueError("its notes on how far it has come make no sense")
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"This file holds no training that can go on: {error}") from error
        experiment = cls(settings, dataset, checkpoint, seconds=seconds)
        experiment.trainer.resume(checkpoint)
        return experiment

    @property
    def refuses(self) -> bool:
        """Whether the network learns what is no digit."""
        return self.calibration.threshold is not None

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.trainer.optimizer.steps >= self.settings.epochs * self.trainer.steps_per_epoch

    def stop(self) -> None:
        """Ends `run` after the step it is at. From any thread."""
        self._stop.set()

    def run(self) -> Iterator[Snapshot]:
        """Trains, and yields about four snapshots a second, the first of all after the first step.

        The last one comes when all steps are done, `stop` was called or the seconds are over; its held-out
        values are of all held-out images, and with them the calibration is fitted. DivergedError where the
        loss or the weights are not finite any more.
        """
        trainer = self.trainer
        batches: list[tuple[float, float]] = []  # (loss, accuracy) of each since the last snapshot
        begun, first_step = trainer.seconds, trainer.optimizer.steps
        # When the last snapshot was made, in both clocks. One that goes on has shown one already.
        shown, trained = time.perf_counter() if first_step else -math.inf, begun
        before = batches, trained  # of the interval before
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
            steps_done = trainer.optimizer.steps
            per_step = (trainer.seconds - begun) / (steps_done - first_step)
            left = (self.settings.epochs * now.steps - steps_done) * per_step
            loss, accuracy = np.mean(batches, axis=0)
            yield Snapshot(
                epoch=now.epoch,
                epochs=now.epochs,
                step=now.step,
                steps=now.steps,
                images_per_second=len(batches) * trainer.batch_size / max(trainer.seconds - trained, 1e-9),
                seconds=trainer.seconds,
                seconds_left=min(left, max(0.0, self.seconds - trainer.seconds)),
                loss=float(loss),
                accuracy=float(accuracy),
                held_out_loss=self._held_out[0],
                held_out_accuracy=self._held_out[1],
                kernels=_first_kernels(trainer.model),
                probs=self._read(self.drawing),
            )
            if ends:
                self._stop.clear()
                return
            before = batches, trained
            batches, shown, trained = [], time.perf_counter(), trainer.seconds

    def save(self, path: str | Path) -> None:
        """Weights, optimizer state and settings: a file to read with, and to go on training from."""
        self.trainer.save(path, {"settings": asdict(self.settings)} | self.calibration.to_progress())

    def _look_at_some(self) -> float:
        """Reads a part of the held-out images; returns when to do so again, so that it costs little."""
        start = time.perf_counter()
        self._look(QUICK_LOOK)
        end = time.perf_counter()
        return end + (end - start) / EVALUATION_SHARE

    def _look_at_all(self) -> None:
        logits = self._look(len(self.held_out_images))
        temperature = fit_temperature(logits, self.held_out_labels)
        self.calibration = replace(self.calibration, temperature=temperature)

    def _look(self, count: int) -> np.ndarray:
        """Reads the first `count` held-out images, remembers loss and accuracy, and returns the logits."""
        labels = self.held_out_labels[:count]
        logits = logits_of(prepare_for_inference(self.trainer.result()), self.held_out_images[:count])
        loss, _ = softmax_cross_entropy(logits, labels)
        if not math.isfinite(loss):
            raise DivergedError
        self._held_out = (loss, float((logits.argmax(1) == labels).mean()))
        return logits

    def _read(self, drawing: np.ndarray | None) -> np.ndarray | None:
        if drawing is None:
            return None
        return self.calibration.probs(self.trainer.result().predict(to_input(drawing[None])))[0]


def unfinished(checkpoint: Checkpoint) -> Settings | None:
    """The settings of the training that `Experiment.resume` can go on with; None where nothing is left."""
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
    """MNIST with synthetic digits and non-digits, so that what the network knows of both is kept."""
    rng = np.random.default_rng([seed, 1])
    count = min(int(SYNTHETIC_SHARE * len(images)), MOST_SYNTHETIC)
    drawn, drawn_labels = synthesise_digits(count, rng)
    others = synthesise_non_digits(count, rng, images)
    none = np.full(count, NOT_A_DIGIT, np.int64)
    return np.concatenate([images, drawn, others]), np.concatenate([labels, drawn_labels, none])


def _first_kernels(model: Sequential) -> np.ndarray:
    first = next(layer for layer in model.layers if isinstance(layer, Conv2D))
    return first.params["weight"].copy()


def _words(name: str) -> str:
    """ "batch_size" -> "Batch size"."""
    return name.replace("_", " ").capitalize()
