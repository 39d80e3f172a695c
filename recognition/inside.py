"""What the Inside tab shows of one picture: every layer's maps, how a cell came about, and the shares.

It joins `cnn.explain`, which knows networks, with what a reader knows: calibration and the reject class.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnn import Sequential, log_odds, softmax_cross_entropy
from cnn.activation import ReLU
from cnn.conv import Conv2D
from cnn.dense import Flatten
from cnn.dropout import Dropout
from cnn.explain import Cell, Field, Step, Terms, cell_terms, one_step, receptive_field
from cnn.loss import reject_cross_entropy
from cnn.pool import MaxPool2D, Pool2D
from recognition.calibration import Calibration
from recognition.normalise import SIZE
from recognition.reading import Digit

LEVELS = 45  # of a map's values above 0, and as many below
ZERO = 81  # the ASCII code that stands for 0, so that all levels are printable
MOST_VALUES = 33_000  # of all maps that are sent; digit_net has 30,090, seed_net 25,226
MOST_TERMS, FEW = 25, 8  # terms of a sum that are shown all, and else the largest
REJECT = 10  # the label of what is not a digit


@dataclass(frozen=True)
class Maps:
    """A layer's values in rounded form: value = level * scale / LEVELS, a scale for each channel.

    levels: text, a character a value, whose code is ZERO + level, channel after channel, row by row.
    scales: the largest absolute value of each channel. Where a layer is too large to be sent whole, its
    first channels are there.
    """

    levels: str
    scales: list[float]


@dataclass(frozen=True)
class Shares:
    """From the logits to the answer, step by step; K classes.

    scaled = logits / temperature;  exps = exp(scaled - max);  probs = exps / sum
    log_odds = log sum exp(logits), of a digit against the reject class, whose logit is 0;
    reject = 1 / (1 + exp(log_odds)), or 0 for a network that does not reject.
    """

    logits: np.ndarray
    scaled: np.ndarray
    exps: np.ndarray
    probs: np.ndarray
    log_odds: float
    reject: float
    digit: int | None  # None: rejected


def round_maps(values: np.ndarray, channels: int | None = None) -> Maps:
    """(H, W, C) or (features,) -> Maps of the first so many channels or features, of all where it is None.

    A vector has one scale. Rounding keeps order and sign within a channel, so ReLU and max pooling of the
    rounded maps are the rounded maps of ReLU and max pooling: the page can do those itself.
    """
    by_channel = (
        values.reshape(-1, values.shape[-1]).T[:channels] if values.ndim == 3 else values[None, :channels]
    )
    scales = np.abs(by_channel).max(axis=1)
    levels = np.rint(by_channel / np.where(scales > 0, scales, 1)[:, None] * LEVELS)
    text = (levels + ZERO).astype(np.uint8).tobytes().decode("ascii")
    return Maps(text, [float(f"{scale:.4g}") for scale in scales])


def sent_layers(model: Sequential) -> dict[int, int | None]:
    """Positions of the layers whose maps are sent, each with how many channels, None for all.

    Left out are those that the page derives (`round_maps`): ReLU, max pooling, Flatten and Dropout.
    """
    return _within_limit(model, [at for at in range(len(model.layers)) if not is_derived(model, at)])


def block_ends(model: Sequential) -> dict[int, int | None]:
    """The same for the last layer of every block, a layer that computes and those derived from it."""
    ends: list[int] = []
    for position, layer in enumerate(model.layers):
        if not is_derived(model, position):
            ends.append(position)
        elif not isinstance(layer, Flatten | Dropout):
            ends[-1] = position
    return _within_limit(model, ends)


def is_derived(model: Sequential, position: int) -> bool:
    """Whether the page derives this layer's maps from those of the layer before."""
    return position > 0 and isinstance(model.layers[position], ReLU | MaxPool2D | Flatten | Dropout)


def shares(logits: np.ndarray, calibration: Calibration) -> Shares:
    """(K,) logits of one picture -> how they become the answer."""
    logits = logits.astype(np.float64)
    scaled = logits / calibration.temperature
    exps = np.exp(scaled - scaled.max())
    odds = float(log_odds(logits[None])[0])
    rejects = calibration.threshold is not None
    reject = float(1 / (1 + np.exp(odds))) if rejects else 0.0
    accepted = bool(calibration.is_digit(logits[None])[0])
    digit = int(logits.argmax()) if accepted else None
    return Shares(logits, scaled, exps, exps / exps.sum(), odds, reject, digit)


def all_shares(logits: np.ndarray, calibration: Calibration) -> np.ndarray:
    """(N, K) logits -> (N, K + 1): of each class, and last of the reject class; each row sums to 1."""
    found = [shares(row, calibration) for row in logits]
    return np.stack([np.append(one.probs * (1 - one.reject), one.reject) for one in found])


def cell_history(
    model: Sequential, x: np.ndarray, position: int, cell: Cell
) -> list[tuple[int, Cell, Terms]]:
    """How a cell came about, from the cell itself back to the sum that it is: (position, cell, terms).

    Layers that only pass one cell on or choose one, such as ReLU, pooling and Flatten, are followed back to
    the convolution, dense layer, average or norm whose cell it was. ValueError as `cnn.explain.cell_terms`.
    """
    history = []
    while True:
        terms = cell_terms(model, x, position, cell)
        history.append((position, cell, terms))
        if not is_derived(model, position):
            return history
        chosen = int(terms.weights.argmax())
        position, cell = position - 1, tuple(int(at) for at in terms.sources[chosen])


def largest_terms(terms: Terms, *, whole: bool = False) -> dict:
    """The terms as plain numbers: those "shown", each {source, input, weight, product}, and the "others".

    All are shown in their own order where `whole` or where there are at most MOST_TERMS, as of a kernel that
    looks at one channel; else the FEW with the largest products, largest first. "others" is how many are
    left and what they add.
    """
    products = terms.products
    order = np.arange(len(products))
    if not whole and len(products) > MOST_TERMS:
        order = np.argsort(-np.abs(products), kind="stable")[:FEW]
    left = np.setdiff1d(np.arange(len(products)), order)
    shown = [
        {
            "source": terms.sources[at].tolist(),
            "input": float(terms.inputs[at]),
            "weight": float(terms.weights[at]),
            "product": float(products[at]),
        }
        for at in order
    ]
    return {"shown": shown, "others": {"count": len(left), "sum": float(products[left].sum())}}


def fields(model: Sequential, position: int, cell: Cell) -> dict[int, Field]:
    """The receptive field of a cell in the input of every layer up to `position` that has rows and columns.

    By the position of that layer; 0 is the picture itself.
    """
    found = {}
    for upto in range(position + 1):
        try:
            found[upto] = receptive_field(model, position, cell, upto)
        except ValueError:  # a vector
            continue
    return found


def cell_places(model: Sequential, position: int) -> tuple[float, float]:
    """Where the cells of a layer stand on the picture, by their middles: (edge, spacing), pixels.

    Cell i of a row or column stands for pixels edge + spacing i to edge + spacing (i + 1).
    """
    middle, spacing = 0.0, 1.0  # of cell 0 in the layer before, in indices of its cells
    for layer in reversed(model.layers[: position + 1]):
        if isinstance(layer, Conv2D):
            size, stride, padding = layer.kernel_size, layer.stride, layer.padding
        elif isinstance(layer, Pool2D):
            size, stride, padding = layer.pool_size, layer.stride, 0
        else:
            continue
        middle = middle * stride - padding + (size - 1) / 2
        spacing *= stride
    return middle + 0.5 - spacing / 2, spacing


def step_towards(
    model: Sequential, x: np.ndarray, label: int, learning_rate: float, calibration: Calibration
) -> Step:
    """One training step on this picture, with the loss that the network was trained with.

    label: 0 to 9, or REJECT where the network can reject. Raises ValueError as `cnn.explain.one_step`, and
    for another label.
    """
    rejects = calibration.threshold is not None
    if label == REJECT and not rejects:
        raise ValueError(f"{model.name} was not trained to reject, so it can only learn a digit.")
    if not 0 <= label <= REJECT:
        raise ValueError(f"The label must be 0 to 9, or {REJECT} for not a digit.")
    loss = reject_cross_entropy if rejects else softmax_cross_entropy
    return one_step(model, x, -1 if label == REJECT else label, learning_rate, loss)


def digit_at(digits: Sequence[Digit], point: tuple[float, float] | None) -> Digit:
    """Of at least one digit, the one whose box is nearest to a point (x, y); the last where it is None."""
    if point is None:
        return digits[-1]

    def distance(found: Digit) -> float:
        x, y, width, height = found.box
        right, down = point[0] - x - width / 2, point[1] - y - height / 2
        return max(abs(right) - width / 2, 0) + max(abs(down) - height / 2, 0)

    return min(digits, key=distance)


def check_network(model: Sequential) -> None:
    """ValueError for a network that does not read one grey picture of 28 x 28 pixels."""
    if model.input_shape != (SIZE, SIZE, 1):
        raise ValueError(f"{model.name} does not read single pictures of {SIZE} x {SIZE} pixels.")


def _within_limit(model: Sequential, positions: list[int]) -> dict[int, int | None]:
    """How many channels of these layers' maps make MOST_VALUES at most; None: all."""
    shape, shapes = model.input_shape, {}
    for position, layer in enumerate(model.layers):
        shape = layer.output_shape(shape)
        if position in positions:
            shapes[position] = shape
    total = sum(int(np.prod(shape)) for shape in shapes.values())
    if total <= MOST_VALUES:
        return dict.fromkeys(shapes)
    share = MOST_VALUES / total
    return {at: max(1, int(shape[-1] * share)) for at, shape in shapes.items()}
