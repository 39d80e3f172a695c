"""How good a network is: accuracy, accuracy per class, confusions, and a picture of its errors."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cnn import DIGITS, Sequential, ctc_best_path, reject_cross_entropy
from recognition.calibration import Calibration
from training.calibrate import BINS, Reliability, logits_of, reliability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Images of MNIST's test set whose label most of five people rejected, each with that label. Source:
# Northcutt, Athalye, Mueller, "Pervasive Label Errors in Test Sets Destabilize Machine Learning
# Benchmarks", 2021: those with fewer than three votes for the label in the data published with it.
MNIST_LABEL_ERRORS = {
    947: 8,
    1621: 0,
    1901: 9,
    2130: 4,
    2462: 2,
    2597: 5,
    2654: 6,
    3520: 6,
    3558: 5,
    5937: 5,
    6651: 0,
    6783: 1,
    8527: 4,
    9679: 6,
    9729: 5,
}


@dataclass(frozen=True)
class Evaluation:
    """One network on one set of labelled images of K classes."""

    labels: np.ndarray  # (N,)
    probs: np.ndarray  # (N, K), calibrated
    refused: np.ndarray  # (N,) bool: whether the reject class was the answer
    classes: tuple[str, ...] = DIGITS  # the K names

    @property
    def predicted(self) -> np.ndarray:
        """(N,): the class with the largest probability."""
        return self.probs.argmax(1)

    @property
    def accuracy(self) -> float:
        """Share of right answers, 0 to 1, whether or not they were refused."""
        return float((self.predicted == self.labels).mean())

    @property
    def confusion(self) -> np.ndarray:
        """(K, K) counts: rows are true classes, columns predicted ones."""
        counts = np.zeros((len(self.classes), len(self.classes)), int)
        np.add.at(counts, (self.labels, self.predicted), 1)
        return counts

    @property
    def per_class(self) -> np.ndarray:
        """(K,): accuracy per class; NaN for one that does not occur."""
        counts = self.confusion
        totals = counts.sum(1)
        return np.divide(counts.diagonal(), totals, out=np.full(len(totals), np.nan), where=totals > 0)

    @property
    def errors(self) -> np.ndarray:
        """Indices of the wrong answers, most confident first."""
        wrong = np.flatnonzero(self.predicted != self.labels)
        return wrong[np.argsort(-self.probs[wrong].max(1), kind="stable")]

    @property
    def label_errors(self) -> np.ndarray | None:
        """The errors whose label is known to be wrong; None for another set than MNIST's test set."""
        listed = np.array(list(MNIST_LABEL_ERRORS))
        is_mnist = len(self.labels) == 10_000 and list(self.labels[listed]) == [*MNIST_LABEL_ERRORS.values()]
        return np.intersect1d(self.errors, listed) if is_mnist else None

    @property
    def reliability(self) -> Reliability:
        """Confidence against accuracy."""
        return reliability(self.probs, self.labels)

    def to_json(self) -> dict:
        """The results as plain values, rounded to the precision of 10,000 images."""
        return {
            "accuracy": round(self.accuracy, 4),
            self._key: [round(float(share), 4) for share in self.per_class],
            "expected_calibration_error": round(self.reliability.expected_calibration_error, 4),
            "rejected": round(float(self.refused.mean()), 4),
        }

    @property
    def _key(self) -> str:
        return "per_digit" if self.classes == DIGITS else "per_class"

    @property
    def summary(self) -> str:
        """The most important result, in a line."""
        return f"Accuracy = {self.accuracy:.4f}"

    def report(self) -> str:
        """All results as text."""
        wrong = len(self.errors)
        lines = [f"Accuracy = {self.accuracy:.4f} ({wrong} of {len(self.labels)} wrong)"]
        if self.label_errors is not None:
            listed = len(MNIST_LABEL_ERRORS)
            lines += [
                f"Of these, {len(self.label_errors)} are among {listed} labels that are known to be wrong"
            ]
        kind = "digit" if self.classes == DIGITS else "class"
        width = max(5, *map(len, self.classes))
        lines += ["", f"{kind:>{width}}  right"]
        lines += [
            f"{name:>{width}}  {share:.4f}" for name, share in zip(self.classes, self.per_class, strict=True)
        ]
        calibration = self.reliability.expected_calibration_error
        lines += ["", f"Expected calibration error = {100 * calibration:.2f} %"]
        lines += [f"Rejected = {100 * self.refused.mean():.2f} %"]
        lines += ["", f"confusion (rows: true {kind}, columns: predicted)"]
        lines += [" " * (width + 1) + "".join(f"{number:6}" for number in range(len(self.classes)))]
        lines += [
            f"{name:>{width + 1}}" + "".join(f"{n:6}" for n in row)
            for name, row in zip(self.classes, self.confusion, strict=True)
        ]
        return "\n".join(lines)


def evaluate(
    model: Sequential, images: np.ndarray, labels: np.ndarray, calibration: Calibration | None = None
) -> Evaluation:
    """Read images (N, H, W) or (N, H, W, C) uint8 and compare the answers with labels (N,)."""
    calibration = calibration or Calibration()
    logits = logits_of(model, images)
    classes = model.classes or DIGITS
    return Evaluation(labels.astype(int), calibration.probs(logits), ~calibration.is_digit(logits), classes)


@dataclass(frozen=True)
class RowsEvaluation:
    """A context model on candidates in rows: digits, separators and what is neither."""

    digits: float  # share of the digits that are read, and read right, 0 to 1
    separators: float  # share of the separators
    none: float  # share of the others that are taken for none, 0 to 1
    cross_entropy: float  # the mean over all candidates of -log P(the truth), nats

    @property
    def summary(self) -> str:
        """The numbers as a person reads them."""
        shares = f"Digits = {self.digits:.4f}, Separators = {self.separators:.4f}, None = {self.none:.4f}"
        return f"{shares}, Cross-entropy = {self.cross_entropy:.4f}"

    def to_json(self) -> dict:
        """The numbers as plain values."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def evaluate_rows(model: Sequential, images: np.ndarray, labels: np.ndarray) -> RowsEvaluation:
    """Judges candidates (N, 28, 28, 2) uint8 and compares with labels (N,): 0 to 14, or -1 for none."""
    logits = logits_of(model, images)
    read = np.where(logits.max(1) > 0, logits.argmax(1), -1)  # "none of them" has the logit 0
    right, is_digit, is_none = read == labels, (labels >= 0) & (labels < 10), labels < 0
    loss, _ = reject_cross_entropy(logits, labels)
    shares = (float(right[kind].mean()) for kind in (is_digit, labels >= 10, is_none))
    return RowsEvaluation(*shares, loss)


@dataclass(frozen=True)
class LinesEvaluation:
    """A network that reads whole lines, on lines of digits and separators."""

    lines: float  # share of the lines in which every sign is right, 0 to 1
    signs: float  # 1 - edit distance / signs, over all lines

    @property
    def summary(self) -> str:
        """The numbers as a person reads them."""
        return f"Lines = {self.lines:.4f}, Signs = {self.signs:.4f}"

    def to_json(self) -> dict:
        """The numbers as plain values."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def evaluate_lines(model: Sequential, lines: np.ndarray, texts: np.ndarray) -> LinesEvaluation:
    """Reads lines (N, H, W) uint8 and compares with texts (N, L): signs, -1 after the last."""
    pairs = _read_and_wanted(logits_of(model, lines), texts)
    wrong, count = sum(edit_distance(*pair) for pair in pairs), sum(len(wanted) for _, wanted in pairs)
    return LinesEvaluation(
        float(np.mean([read == wanted for read, wanted in pairs])), 1 - wrong / max(1, count)
    )


def are_right_lines(logits: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """Which lines are read without a mistake: (N,) bool. logits (N, 1, T, K + 1), texts (N, L)."""
    return np.array([read == wanted for read, wanted in _read_and_wanted(logits, texts)])


def _read_and_wanted(logits: np.ndarray, texts: np.ndarray) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The signs that are read of every line, and those that it has."""
    wanted = (tuple(text[text >= 0].tolist()) for text in texts)
    return list(zip(ctc_best_path(logits[:, 0]), wanted, strict=True))


def edit_distance(found: Sequence, wanted: Sequence) -> int:
    """The fewest signs to insert, delete or replace to make one of the other (Levenshtein, 1966)."""
    row = list(range(len(wanted) + 1))
    for i, one in enumerate(found, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(wanted, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (one != other))
    return row[-1]


def draw_errors(path: str | Path, images: np.ndarray, evaluation: Evaluation, most: int = 60) -> int:
    """Write a picture of at most `most` errors, most confident first; returns the number of all errors.

    The suffix of `path` decides the format; raises ValueError if Matplotlib does not know it.
    """
    errors = evaluation.errors
    title = (
        f"{len(errors)} of {len(evaluation.labels)} read wrong"
        + (f", the {most} most confident" if len(errors) > most else "")
        + ": predicted (confidence), the truth below"
    )

    def caption(i: int) -> str:
        predicted, names = evaluation.predicted[i], evaluation.classes
        return (
            f"{names[predicted]} ({evaluation.probs[i, predicted]:.0%})\ntrue {names[evaluation.labels[i]]}"
        )

    draw_captioned(path, title, images, errors[:most], caption, row_height=1.45)
    return len(errors)


def draw_captioned(
    path: str | Path,
    title: str,
    images: np.ndarray,
    shown: np.ndarray,
    caption: Callable[[int], str],
    *,
    row_height: float,
) -> None:
    """Write those of the images whose indices are `shown`, ten a row, each under its caption.

    images: (N, H, W), ink, or (N, H, W, 3), RGB.
    """
    columns = 10
    rows = max(1, -(-len(shown) // columns))
    figure = new_figure(columns * 1.1, rows * row_height + 0.6)
    figure.suptitle(title)
    for position, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        axes.axis("off")
        if position < len(shown):
            i = shown[position]
            axes.imshow(images[i], cmap="gray_r", vmin=0, vmax=255)
            axes.set_title(caption(i), fontsize=9)
    save_figure(figure, path)


def draw_reliability(path: str | Path, evaluation: Evaluation) -> None:
    """Write the reliability diagram: accuracy against confidence."""
    found = evaluation.reliability
    figure = new_figure(5, 5)
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", label="perfectly calibrated")
    axes.plot(found.confidence, found.accuracy, marker="o", label="this network")
    axes.set(ylabel="share of right answers", xlim=(0, 1), ylim=(0, 1.02))
    axes.set_title(f"Expected calibration error {100 * found.expected_calibration_error:.2f} %")
    axes.legend(loc="upper left")
    below.bar((np.arange(BINS) + 0.5) / BINS, found.counts, 0.9 / BINS)
    below.set(xlabel="confidence", ylabel="answers", yscale="log")
    save_figure(figure, path)


def new_figure(width: float, height: float) -> "Figure":
    """A Matplotlib figure, without pyplot, which keeps global state and may need a screen."""
    # Imported here, because Matplotlib takes longer than everything else and worker processes draw nothing.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: "Figure", path: str | Path) -> None:
    """Write a figure in the format that the suffix of `path` names, and create its folder."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
