"""The log of a training, one JSON object per line, and a plot of it."""

import json
from collections.abc import Iterable
from pathlib import Path

from training.evaluate import new_figure, save_figure
from training.trainer import Progress

EVERY = 20  # steps between two lines; the last step of an epoch always gets one


class Log:
    """Writes whole lines, so that the file can be read while training runs.

    again: append to an existing file, for a resumed training; otherwise the file is overwritten.
    """

    def __init__(self, path: Path, again: bool = False) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if not again:
            path.write_text("")

    def add(self, now: Progress, validation_accuracy: float | None = None) -> None:
        """Write a line if one is due: means over the epoch so far, and accuracy on the validation set."""
        if now.step % EVERY and not now.epoch_ends:
            return
        line = {
            "epoch": now.epoch,
            "step": now.step,
            "steps_per_epoch": now.steps_per_epoch,
            "loss": round(now.loss, 6),
            "accuracy": round(now.accuracy, 6),
            "validation_accuracy": validation_accuracy,
            "seconds": round(now.seconds, 3),
        }
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


def read_log(path: Path) -> list[dict]:
    """The lines of a log. Raises ValueError if the file is not a log."""
    try:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            _epochs(line), line["loss"], line["accuracy"], line["validation_accuracy"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not the log of a training: {error}") from error
    return lines


def draw_curves(path: str | Path, lines: Iterable[dict]) -> None:
    """Plot loss and accuracy over epochs and write the picture to `path`."""
    lines = list(lines)
    figure = new_figure(9, 4)
    left, right = figure.subplots(1, 2)
    epochs = [_epochs(line) for line in lines]
    left.plot(epochs, [line["loss"] for line in lines])
    left.set(xlabel="epochs", ylabel="loss, mean of the epoch so far", ylim=(0, None))
    right.plot(epochs, [100 * line["accuracy"] for line in lines], label="training")
    validation = [line for line in lines if line["validation_accuracy"] is not None]
    if validation:
        right.plot(
            [_epochs(line) for line in validation],
            [100 * line["validation_accuracy"] for line in validation],
            marker="o",
            label="validation",
        )
    right.set(xlabel="epochs", ylabel="accuracy, %")
    right.legend(loc="lower right")
    save_figure(figure, path)


def _epochs(line: dict) -> float:
    return line["epoch"] - 1 + line["step"] / line["steps_per_epoch"]
