"""A training's log, a line of JSON for every so many steps, and its picture, for those without the page."""

import json
from collections.abc import Iterable
from pathlib import Path

from training.evaluate import new_figure, save_figure
from training.trainer import Progress

EVERY = 20  # steps between two lines; the last of an epoch always has one


class Log:
    """Writes line after line, each whole, so that they can be read while training goes on.

    again: add to the file there is, for a training that goes on; otherwise it is begun anew.
    """

    def __init__(self, path: Path, again: bool = False) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if not again:
            path.write_text("")

    def add(self, now: Progress, validation_accuracy: float | None = None) -> None:
        """A line, if it is time for one: means over the epoch so far, and what validation images tell."""
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
    """The lines of a log. ValueError where it is none."""
    try:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            _epochs(line), line["loss"], line["accuracy"], line["validation_accuracy"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no log of a training: {error}") from error
    return lines


def draw_curves(path: str | Path, lines: Iterable[dict]) -> None:
    """Loss and accuracy over epochs, as a picture."""
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
