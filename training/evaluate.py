"""How good a network is: accuracy, per digit, confusions, and a picture of what it gets wrong."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn import Sequential, softmax
from ink import to_input


@dataclass(frozen=True)
class Evaluation:
    """One network on one set of labelled images."""

    labels: np.ndarray  # (N,)
    probs: np.ndarray  # (N, 10), softmax

    @property
    def predicted(self) -> np.ndarray:
        """(N,): the digit with the largest probability."""
        return self.probs.argmax(1)

    @property
    def accuracy(self) -> float:
        """Share of right answers, 0 to 1."""
        return float((self.predicted == self.labels).mean())

    @property
    def confusion(self) -> np.ndarray:
        """(10, 10) counts: row the true digit, column the predicted one."""
        counts = np.zeros((10, 10), int)
        np.add.at(counts, (self.labels, self.predicted), 1)
        return counts

    @property
    def per_digit(self) -> np.ndarray:
        """(10,): the share of each digit that is read right; NaN for a digit that does not occur."""
        counts = self.confusion
        totals = counts.sum(1)
        return np.divide(counts.diagonal(), totals, out=np.full(10, np.nan), where=totals > 0)

    @property
    def errors(self) -> np.ndarray:
        """Positions of the wrong answers, the most confident first."""
        wrong = np.flatnonzero(self.predicted != self.labels)
        return wrong[np.argsort(-self.probs[wrong].max(1), kind="stable")]

    def report(self) -> str:
        """The numbers as a person reads them."""
        wrong = len(self.errors)
        lines = [f"Accuracy = {self.accuracy:.4f} ({wrong} of {len(self.labels)} wrong)", "", "digit  right"]
        lines += [f"{digit:5}  {share:.4f}" for digit, share in enumerate(self.per_digit)]
        lines += ["", "confusion (rows: true digit, columns: predicted)"]
        lines += ["      " + "".join(f"{digit:6}" for digit in range(10))]
        lines += [f"{digit:6}" + "".join(f"{n:6}" for n in row) for digit, row in enumerate(self.confusion)]
        return "\n".join(lines)


def evaluate(model: Sequential, images: np.ndarray, labels: np.ndarray) -> Evaluation:
    """Reads images (N, 28, 28) uint8 and compares with labels (N,)."""
    probs = np.concatenate(
        [softmax(model.predict(to_input(images[i : i + 1000]))) for i in range(0, len(images), 1000)]
    )
    return Evaluation(labels.astype(int), probs)


def draw_errors(path: str | Path, images: np.ndarray, evaluation: Evaluation, most: int = 60) -> int:
    """A picture of the wrong predictions, the most confident first; returns how many there are in all.

    Written to `path` in the format its ending names; ValueError where the ending is none Matplotlib knows.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = evaluation.errors[:most]
    columns = 10
    rows = max(1, -(-len(shown) // columns))
    figure = Figure(figsize=(columns * 1.1, rows * 1.45 + 0.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(
        f"{len(evaluation.errors)} of {len(evaluation.labels)} read wrong"
        + (f", the {most} most confident" if len(evaluation.errors) > most else "")
        + ": predicted (confidence), true digit below"
    )
    for position, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        axes.axis("off")
        if position < len(shown):
            i = shown[position]
            axes.imshow(images[i], cmap="gray_r", vmin=0, vmax=255)
            predicted = evaluation.predicted[i]
            axes.set_title(
                f"{predicted} ({evaluation.probs[i, predicted]:.0%})\ntrue {evaluation.labels[i]}", fontsize=9
            )
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return len(evaluation.errors)
