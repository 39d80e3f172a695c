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
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from cnn import (
    ARCHITECTURES,
    SGD,
    AdamW,
    Checkpoint,
    Conv2D,
    Dense,
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
from cnn.layer_list import layer_list
from recognition import to_input
from recognition.calibration import Calibration
from training import watched
from training.calibrate import fit_temperature, logits_of
from training.data import Dataset, split_validation
from training.datasets.registry import MNIST, name_of_dataset
from training.own_network.draft import OWN_NET, check_memory
from training.picture_care import augmentation_for, begin_whitened, loss_for
from training.settings import MOMENTUM, WARM_UP, WEIGHT_DECAY, Settings
from training.synthesis import synthesise_digits, synthesise_non_digits
from training.trainer import REJECT_CLASS, DivergedError, Trainer

INTERVAL = 0.25  # least seconds between two snapshots
EVALUATION_SHARE = 0.1  # greatest share of the time spent on the validation set
QUICK_LOOK = watched.AMONG  # validation images evaluated while training runs; at its end, all are
SYNTHETIC_SHARE = 0.25  # synthetic digits per image, and non-digits, if a network has a reject class to keep
MOST_SYNTHETIC = 5_000  # greatest number of each; they are drawn before the first step, 2,000 a second
MOST_KERNELS, MOST_KERNEL_VALUES = 64, 40_000  # of the first layer, that a snapshot shows


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
    # (F, F, C, K) float32: of the first layer, a dense one (H, W, C, K); K is 0 where that sees no picture
    kernels: np.ndarray
    probs: np.ndarray | None  # (10,) float32: probabilities of the drawing, None without one
    # (40,) uint8: what the pictures of training/watched.py are read as, None before the first evaluation
    watched: np.ndarray | None

    @property
    def done(self) -> float:
        """Share of the whole training, 0 to 1."""
        return ((self.epoch - 1) * self.steps_per_epoch + self.step) / (self.epochs * self.steps_per_epoch)


class Experiment:
    """A training with these settings.

    dataset: the one that settings.dataset names; its last training images, 5,000 of MNIST's, validate. start:
    the weights to fine-tune, if settings.fine_tune; raises ModelFileError if they are of another network. If
    `start` has a reject class, synthetic digits and non-digits are mixed in, so that it keeps it. seconds: of
    training, after which `run` ends as if stopped.
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
        if settings.fine_tune:
            if start is None or start.model.name != settings.network:
                given = "none was given" if start is None else f"got a {start.model.name}"
                raise ModelFileError(f"fine-tuning {settings.network} needs weights of it; {given}")
            if settings.network == OWN_NET:
                check_memory(start.model, settings.batch_size)
            model = start.model.copy()
            self.calibration = Calibration.of(start)
        else:
            model = _new_network(settings)
        if not dataset.has_digits:
            model.name_classes(dataset.classes)
        images, labels, *validation = split_validation(
            dataset.train_images, dataset.train_labels, dataset.validation_size
        )
        self.validation_images, self.validation_labels = validation
        self._watched_places = watched.places(dataset)
        images, labels = images[: settings.images], labels[: settings.images].astype(np.int64)
        if not settings.fine_tune:
            begin_whitened(model, images, settings.dataset, settings.seed)
        if self.refuses:
            images, labels = _with_synthetic(images, labels, settings.seed)
        if settings.dropout:
            model = _with_dropout(model, settings)
        self.trainer = Trainer(
            model,
            _optimizer(model, settings, -(-len(images) // settings.batch_size)),
            images,
            labels,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            seed=settings.seed,
            augment=augmentation_for(settings.dataset) if settings.augmentation else None,
            mirror=settings.augmentation and dataset.may_be_mirrored,
            loss=reject_cross_entropy if self.refuses else loss_for(settings.dataset),
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
        checkpoint = load_model(path, None, None, any_classes=True)
        try:
            settings = Settings.from_json(checkpoint.progress.get("settings"))
            notes = [float(checkpoint.progress[name]) for name in ("steps", "loss_sum", "correct", "seconds")]
            if settings.network != checkpoint.model.name:
                raise ValueError(f"its settings are for {settings.network}, its weights are not")
            if settings.dataset != name_of_dataset(checkpoint.model):
                raise ValueError(f"its settings are for {settings.dataset}, its weights are not")
            if not all(map(math.isfinite, notes)) or min(notes) < 0:
                raise ValueError("its progress has values out of range")
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"This file holds no training that can be resumed: {error}") from error
        experiment = cls(settings, dataset, checkpoint, seconds=seconds)
        if _layers_of(experiment.trainer.model) != _layers_of(checkpoint.model):
            raise ModelFileError("This file holds no training that can be resumed: its layers are others")
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
        if self._watched_places:
            self._watched = logits[self._watched_places].argmax(1).astype(np.uint8)
        return logits

    def _read(self, drawing: np.ndarray | None) -> np.ndarray | None:
        if drawing is None or self.settings.dataset != MNIST:
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


def _new_network(settings: Settings) -> Sequential:
    rng = np.random.default_rng(settings.seed)
    return (
        settings.draft.network(rng) if settings.network == OWN_NET else ARCHITECTURES[settings.network](rng)
    )


def _with_dropout(model: Sequential, settings: Settings) -> Sequential:
    """The network with Dropout before its last layer, in place of one that it has there."""
    *layers, last = model.layers
    if layers and isinstance(layers[-1], Dropout):
        layers.pop()
    dropout = Dropout(settings.dropout, rng=np.random.default_rng(settings.seed))
    return Sequential(model.name, [*layers, dropout, last], model.input_shape, classes=model.classes)


def _layers_of(model: Sequential) -> str:
    return layer_list([layer for layer in model.layers if not isinstance(layer, Dropout)], model.input_shape)


def _first_kernels(model: Sequential) -> np.ndarray:
    """Those that look at the picture itself, at most MOST_KERNELS."""
    first = next((layer for layer in model.layers if layer.params), None)
    none = np.zeros((1, 1, model.input_shape[2], 0), np.float32)
    if isinstance(first, Conv2D):
        weight = first.params["weight"]
    elif isinstance(first, Dense) and first.in_features == math.prod(model.input_shape):
        weight = first.params["weight"].reshape(*model.input_shape, -1)
    else:
        return none
    most = min(MOST_KERNELS, MOST_KERNEL_VALUES // math.prod(weight.shape[:3]))
    return weight[..., :most].copy()
