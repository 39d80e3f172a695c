"""Small snapshots of a network while it is trained, so that one can go back through its training.

    history = History(steps=2580)
    history.note(model, step=0, epoch=0.0)      # keeps it where its turn has come
    history.save("mine.history.npy")
    moments = load_history("mine.history.npy")  # a structured array, read from the disk as it is needed
    network = network_at(model, moments[3])

A moment is the network as it reads, with batch norm folded in, in half precision.
"""

from pathlib import Path

import numpy as np

from cnn import Sequential, prepare_for_inference
from cnn.storage import atomic_write
from training.experiment import Experiment, Snapshot

MOST_MOMENTS = 40
MOST_BYTES = 16_000_000  # of all moments of a training: 20 of digit_net, 9 of seed_net


class History:
    """Moments of a training of so many steps, close together at its beginning, when most changes.

    They are due at steps * (i / (count - 1))^2 for i = 0 ... count - 1.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self._moments: list[np.ndarray] = []
        self._due = 0  # the step

    def __len__(self) -> int:
        return len(self._moments)

    def is_due(self, step: int) -> bool:
        """Whether `note` would keep the network as it is after so many steps."""
        return step >= self._due

    def note(
        self,
        model: Sequential,
        step: int,
        epoch: float,
        loss: float = np.nan,
        accuracy: float = np.nan,
        *,
        is_last: bool = False,
    ) -> None:
        """Keeps the network where it is due, or the last of all.

        epoch: epochs done, a fraction. loss, accuracy (0 to 1): means on the training pictures just before,
        NaN where there are none yet.
        """
        if not self.is_due(step) and not is_last:
            return
        parameters = prepare_for_inference(model).parameters
        dtype = _dtype(parameters.size)
        count = max(2, min(MOST_MOMENTS, MOST_BYTES // dtype.itemsize))
        moment = np.zeros((), dtype)
        for name, value in (("step", step), ("epoch", epoch), ("loss", loss), ("accuracy", accuracy)):
            moment[name] = value
        moment["parameters"] = np.clip(parameters, -6e4, 6e4)
        if self._moments and (self._moments[-1]["step"] == step or len(self._moments) == count):
            self._moments.pop()  # the last one is the network that came of it
        self._moments.append(moment)
        dues = (round(self.steps * (i / (count - 1)) ** 2) for i in range(count))
        self._due = next((due for due in dues if due > step), self.steps)

    def note_snapshot(self, experiment: Experiment, now: Snapshot, *, is_last: bool = False) -> None:
        """`note` with the experiment's network and where it is."""
        step = experiment.trainer.optimizer.step_count
        if is_last or self.is_due(step):
            epoch = now.epoch - 1 + now.step / now.steps_per_epoch
            model = experiment.trainer.result()
            self.note(model, step, epoch, now.loss, now.accuracy, is_last=is_last)

    def go_on_from(self, path: str | Path) -> None:
        """Takes over the moments of the training that is resumed; of one that has none, nothing."""
        try:
            earlier = load_history(path)
        except (OSError, ValueError):
            return
        self._moments = [np.array(moment) for moment in earlier]
        if self._moments:
            self._due = int(self._moments[-1]["step"]) + 1

    def save(self, path: str | Path) -> None:
        """Write all moments; nothing where there are none."""
        if self._moments:
            with atomic_write(path) as file:
                np.save(file, np.stack(self._moments), allow_pickle=False)


def history_path(weights: str | Path) -> Path:
    """Where the moments of a training lie: beside the weights that came of it."""
    return Path(weights).with_suffix(".history.npy")


def load_history(path: str | Path) -> np.ndarray:
    """(moments,) of step, epoch, loss, accuracy and parameters (P,). Raises OSError where there are none,
    and ValueError for a file that `save` did not write."""
    moments = np.load(path, mmap_mode="r", allow_pickle=False)
    if moments.ndim != 1 or moments.dtype.names != _dtype(1).names:
        raise ValueError("This file holds no moments of a training.")
    return moments


def network_at(model: Sequential, moment: np.ndarray) -> Sequential:
    """model: the network that came of the training, ready to read. A copy of it as it was at that moment.

    ValueError where the moment is of another network.
    """
    parameters = moment["parameters"]
    if parameters.shape != model.parameters.shape:
        raise ValueError("This moment is of another network.")
    network = Sequential(model.name, model.copy().layers, model.input_shape, fast=False)
    network.parameters[...] = parameters
    return network


def _dtype(count: int) -> np.dtype:
    return np.dtype(
        [
            ("step", "<i4"),
            ("epoch", "<f4"),
            ("loss", "<f4"),
            ("accuracy", "<f4"),
            ("parameters", "<f2", (count,)),
        ]
    )
