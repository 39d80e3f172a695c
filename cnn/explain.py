"""Looking inside a network that reads one picture: every number it becomes, and why.

    prepared = prepare_for_inference(model)
    activations(prepared, x)                    # what every layer makes of the picture
    cell_terms(prepared, x, 3, (5, 7, 0))       # the sum that one of these numbers is
    evidence(prepared, x)                       # which places of the picture speak for which class
    occlusion(prepared, x)                      # the same, asked by erasing
    one_step(prepared, x, label, 0.1)           # what one training step on this picture would change

x is one picture, (H, W, C) in the network's precision. Everything runs the layers themselves, as they are
written, so it holds for any list of layers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnn.activation import GELU, ReLU
from cnn.conv import Conv2D
from cnn.dense import Dense, Flatten
from cnn.dropout import Dropout
from cnn.layer import Array, Layer
from cnn.loss import softmax_cross_entropy
from cnn.model import SLICE, Sequential
from cnn.norm import BatchNorm
from cnn.pool import GlobalAveragePool, MaxPool2D, Pool2D
from cnn.residual import Residual

Cell = tuple[int, ...]  # a place in one sample's output: (row, column, channel) or (feature,)
Field = tuple[int, int, int, int]  # rows top to bottom and columns left to right, half-open
Loss = Callable[[Array, Array], tuple[float, Array]]


@dataclass(frozen=True)
class Activation:
    """What one layer made of the picture."""

    name: str  # as in a weights file: "conv1", "relu1", "pool1"
    layer: Layer
    values: Array  # (H, W, C) or (features,)


@dataclass(frozen=True)
class Terms:
    """One cell as a weighted sum of cells of the layer before: value = sum(inputs * weights) + bias

    Every layer here is linear once it is known which cells ReLU let through and which won their pooling
    window; those that lost have the weight 0.
    """

    sources: Array  # (n, d) int: where each input stands in the layer before, d = 3 or 1
    inputs: Array  # (n,) float64
    weights: Array  # (n,) float64
    bias: float
    value: float

    @property
    def products(self) -> Array:
        """(n,): what each input adds to the value."""
        return self.inputs * self.weights


@dataclass(frozen=True)
class Evidence:
    """Which places speak for which class: logits[k] = sum over h, w of contributions[h, w, k] + bias[k]"""

    contributions: Array  # (H, W, K) float64
    bias: Array  # (K,)
    logits: Array  # (K,)


@dataclass(frozen=True)
class Step:
    """What one step of gradient descent on one picture did to a copy of the network."""

    model: Sequential  # after the step
    loss: float  # before it
    loss_after: float
    gradients: tuple[tuple[str, Array], ...]  # d loss / d output of every layer, by its name
    input_gradient: Array  # d loss / d x, (H, W, C)


def activations(model: Sequential, x: Array) -> list[Activation]:
    """What every layer makes of the picture x (H, W, C), from the first to the logits.

    ValueError where the network takes pictures of another shape.
    """
    y = _batch_of_one(model, x)
    found = []
    for name, layer in model.named_layers():
        y = layer.forward(y)
        found.append(Activation(name, layer, y[0]))
    return found


def cell_terms(model: Sequential, x: Array, position: int, cell: Cell) -> Terms:
    """The sum that one cell of the layer at `position` (from 0) is, in float64.

    What lies outside of the picture adds nothing to a padded convolution and is left out. ValueError where
    there is no such layer or cell.
    """
    if not 0 <= position < len(model.layers):
        raise ValueError(f"{model.name} has the layers 0 to {len(model.layers) - 1}, got {position}")
    y = _batch_of_one(model, x)
    for layer in model.layers[:position]:
        y = layer.forward(y)
    before = y[0].astype(np.float64)
    layer = model.layers[position]
    shape = layer.output_shape(before.shape)
    if len(cell) != len(shape) or not all(0 <= at < side for at, side in zip(cell, shape, strict=True)):
        raise ValueError(f"{layer} has cells up to {tuple(side - 1 for side in shape)}, got {cell}")
    sources, weights, bias = _weights_of(layer, before, cell)
    inputs = before[tuple(sources.T)]
    return Terms(sources, inputs, weights, bias, float(inputs @ weights + bias))


def receptive_field(model: Sequential, position: int, cell: Cell, upto: int = 0) -> Field:
    """The rows and columns that a cell of the layer at `position` sees: (top, bottom, left, right).

    upto: in the input of which layer, 0 for the picture itself. Layers that see everything, as Dense does,
    have the whole of it.
    """
    shapes = [model.input_shape]
    for layer in model.layers:
        shapes.append(layer.output_shape(shapes[-1]))
    field: Field | None = None
    if len(cell) == 3:
        field = (cell[0], cell[0] + 1, cell[1], cell[1] + 1)
    for at in range(position, upto - 1, -1):
        layer, before = model.layers[at], shapes[at]
        if isinstance(layer, Flatten) and len(before) == 3:
            if at == position:
                row, column, _ = np.unravel_index(cell[0], before)
                field = (int(row), int(row) + 1, int(column), int(column) + 1)
            else:
                field = (0, before[0], 0, before[1])
        elif isinstance(layer, GlobalAveragePool):
            field = (0, before[0], 0, before[1])
        elif field is not None:
            field = _before(layer, field, before)
    if field is None:
        raise ValueError(f"the input of {model.layers[upto]} has no rows and columns")
    return field


def features(model: Sequential, x: Array) -> Array:
    """What the last layer, which computes the logits, sees of the pictures x (N, H, W, C): (N, D).

    By the network's steps where the last one stands for that layer alone, as it is faster, else by its
    layers. ValueError for pictures of another shape.
    """
    if x.shape[1:] != model.input_shape:
        raise ValueError(f"{model.name} takes pictures of shape {model.input_shape}, got {x.shape[1:]}")
    ends_alone = len(getattr(model.steps[-1], "layers", model.layers[-1:])) == 1
    steps = (model.steps if ends_alone else model.layers)[:-1]
    found = []
    for start in range(0, len(x), SLICE):
        y = np.ascontiguousarray(x[start : start + SLICE], model.parameters.dtype)
        for step in steps:
            y = step.forward(y)
        found.append(y.reshape(len(y), -1).copy())
    return np.concatenate(found) if found else np.empty((0, 0), model.parameters.dtype)


def has_evidence(model: Sequential) -> bool:
    """Whether the network ends in an average over places and one linear layer, as `evidence` needs."""
    layers = [layer for layer in model.layers if not isinstance(layer, Dropout)]
    return len(layers) > 2 and isinstance(layers[-1], Dense) and isinstance(layers[-2], GlobalAveragePool)


def evidence(model: Sequential, x: Array) -> Evidence:
    """How much each place of the last feature map adds to each logit, exactly.

    logits = mean over places of (a weight) + bias, so a place adds a[h, w] weight / (H W).
    ValueError where the network ends otherwise.

    Source: Zhou et al., "Learning Deep Features for Discriminative Localization" (class activation maps),
    CVPR 2016.
    """
    if not has_evidence(model):
        raise ValueError(f"{model.name} does not end in GlobalAveragePool and Dense; ask `occlusion` instead")
    found = activations(model, x)
    last = max(at for at, one in enumerate(found) if isinstance(one.layer, GlobalAveragePool))
    features = found[last - 1].values.astype(np.float64)
    dense = found[-1].layer
    height, width, _ = features.shape
    contributions = features @ dense.params["weight"].astype(np.float64) / (height * width)
    bias = dense.params["bias"].astype(np.float64)
    return Evidence(contributions, bias, contributions.sum(axis=(0, 1)) + bias)


def occlusion(model: Sequential, x: Array, size: int = 4, stride: int = 2) -> Array:
    """How much each logit falls where a square of the picture is erased: (rows, columns, K).

    size: of the square, pixels; stride: from one to the next. Square (i, j) begins at pixel (i stride,
    j stride). Positive values spoke for the class. Erased is 0, which is paper.

    Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014.
    """
    batch = _batch_of_one(model, x)
    height, width = x.shape[:2]
    if not 1 <= size <= min(height, width) or stride < 1:
        raise ValueError(f"size must be 1 to {min(height, width)} and stride 1 or more, got {size}, {stride}")
    rows, columns = range(0, height - size + 1, stride), range(0, width - size + 1, stride)
    erased = np.repeat(batch, len(rows) * len(columns), axis=0)
    for at, (top, left) in enumerate((top, left) for top in rows for left in columns):
        erased[at, top : top + size, left : left + size] = 0
    drop = model.predict(batch) - model.predict(erased)
    return drop.reshape(len(rows), len(columns), -1)


def one_step(
    model: Sequential, x: Array, label: int, learning_rate: float, loss: Loss = softmax_cross_entropy
) -> Step:
    """parameters - learning_rate * d loss / d parameters, on a copy of the network.

    label: of the picture, as `loss` takes it. ValueError where learning_rate is not finite and positive.
    """
    if not 0 < learning_rate < np.inf:
        raise ValueError(f"learning_rate must be finite and above 0, got {learning_rate}")
    copy = Sequential(model.name, model.copy().layers, model.input_shape, fast=False)
    batch, labels = _batch_of_one(copy, x), np.array([label])
    before, dlogits = loss(copy.forward(batch, training=True), labels)
    gradients, dy = [], dlogits
    for name, layer in reversed(list(copy.named_layers())):
        gradients.append((name, dy[0]))
        dy = layer.backward(dy)
    copy.parameters -= copy.parameters.dtype.type(learning_rate) * copy.gradients
    after, _ = loss(copy.forward(batch), labels)
    return Step(copy, before, after, tuple(reversed(gradients)), dy[0])


def smallest_change(
    model: Sequential, x: Array, label: int, most: int = 60, at_least: float = -np.inf
) -> tuple[Array, list[Cell]] | None:
    """Pixels that, set to full ink or to paper, have the network say `label`: the changed picture and them.

    at_least: what logit[label] must reach besides being the largest, for networks that reject what has only
    low ones. Greedy: each time the pixel goes whose change promises most by the gradient of logit[label]
    minus the largest other logit, as long as that one is above at_least. So it is the smallest change that
    was found, not the smallest there is; None where `most` pixels were not enough. x must lie in [0, 1].
    """
    plain = Sequential(model.name, model.copy().layers, model.input_shape, fast=False)
    changed, pixels = x.copy(), []
    untouched = np.ones(x.shape, bool)
    for _ in range(most + 1):
        logits = plain.forward(_batch_of_one(plain, changed), training=True)
        others = np.delete(np.arange(logits.shape[1]), label)
        rival = others[logits[0, others].argmax()]
        if logits[0, label] > logits[0, rival] and logits[0, label] >= at_least:
            return changed, pixels
        direction = np.zeros_like(logits)
        direction[0, label], direction[0, rival] = 1, -float(logits[0, rival] > at_least)
        gradient = plain.backward(direction)[0]
        gain = np.where(gradient > 0, 1 - changed, -changed) * gradient * untouched
        pixel = np.unravel_index(gain.argmax(), x.shape)
        if gain[pixel] <= 0:
            return None
        changed[pixel] = 1 if gradient[pixel] > 0 else 0
        untouched[pixel] = False
        pixels.append(tuple(int(at) for at in pixel))
    return None


def _batch_of_one(model: Sequential, x: Array) -> Array:
    if x.shape != model.input_shape:
        raise ValueError(f"{model.name} takes pictures of shape {model.input_shape}, got {x.shape}")
    return np.ascontiguousarray(x[None], model.parameters.dtype)


def _weights_of(layer: Layer, before: Array, cell: Cell) -> tuple[Array, Array, float]:
    """What one cell of a layer is made of: cells before it (n, d), their weights (n,), and the bias."""
    same = np.array([cell])
    match layer:
        case Conv2D():
            row, column, channel = cell
            rows = row * layer.stride - layer.padding + np.arange(layer.kernel_size)
            columns = column * layer.stride - layer.padding + np.arange(layer.kernel_size)
            inside = np.ix_(
                (rows >= 0) & (rows < before.shape[0]), (columns >= 0) & (columns < before.shape[1])
            )
            kernel = layer.params["weight"][..., channel].astype(np.float64)[inside]
            places = np.meshgrid(
                rows[inside[0].ravel()], columns[inside[1].ravel()], np.arange(before.shape[2]), indexing="ij"
            )
            sources = np.stack([place.ravel() for place in places], axis=1)
            bias = float(layer.params["bias"][channel]) if "bias" in layer.params else 0.0
            return sources, kernel.ravel(), bias
        case Pool2D():
            top, left = cell[0] * layer.stride, cell[1] * layer.stride
            rows, columns = np.indices((layer.pool_size, layer.pool_size)).reshape(2, -1)
            sources = np.column_stack([top + rows, left + columns, np.full(len(rows), cell[2])])
            if not isinstance(layer, MaxPool2D):
                return sources, np.full(len(sources), 1 / len(sources)), 0.0
            weights = np.zeros(len(sources))
            weights[before[tuple(sources.T)].argmax()] = 1
            return sources, weights, 0.0
        case GlobalAveragePool():
            places = np.indices(before.shape[:2]).reshape(2, -1).T
            sources = np.column_stack([places, np.full(len(places), cell[0])])
            return sources, np.full(len(sources), 1 / len(sources)), 0.0
        case Dense():
            weights = layer.params["weight"][:, cell[0]].astype(np.float64)
            return np.arange(len(weights))[:, None], weights, float(layer.params["bias"][cell[0]])
        case Flatten():
            return np.array([np.unravel_index(cell[0], before.shape)]), np.ones(1), 0.0
        case ReLU():
            return same, np.array([float(before[cell] > 0)]), 0.0
        case GELU():  # y = x times a share that grows with x
            x = np.float64(before[cell])
            return same, np.array([0.5 if x == 0 else float(layer.forward(x) / x)]), 0.0
        case BatchNorm():
            scale, shift = layer.scale_and_shift()
            return same, np.array([float(scale[cell[-1]])]), float(shift[cell[-1]])
        case Dropout():
            return same, np.ones(1), 0.0
    raise ValueError(f"{type(layer).__name__} cannot be taken apart into one sum")


def _before(layer: Layer, field: Field, shape: tuple[int, ...]) -> Field:
    """What rows and columns of its input, of this shape, a layer sees to compute those of `field`."""
    match layer:
        case Conv2D():
            return _widened(field, layer.kernel_size, layer.stride, layer.padding, shape)
        case Pool2D():
            return _widened(field, layer.pool_size, layer.stride, 0, shape)
        case Residual():
            shapes = [shape]
            for inner in layer.layers:
                shapes.append(inner.output_shape(shapes[-1]))
            seen = field
            for inner, before in reversed(list(zip(layer.layers, shapes, strict=False))):
                seen = _before(inner, seen, before)
            # What takes the short cut is seen as well.
            top, bottom, left, right = zip(field, seen, strict=True)
            return min(top), max(bottom), min(left), max(right)
    return field


def _widened(field: Field, size: int, stride: int, padding: int, shape: tuple[int, ...]) -> Field:
    top, bottom, left, right = field
    return (
        max(0, top * stride - padding),
        min(shape[0], (bottom - 1) * stride - padding + size),
        max(0, left * stride - padding),
        min(shape[1], (right - 1) * stride - padding + size),
    )
