"""A network's list of layers as JSON, for files of networks that are not in `cnn.ARCHITECTURES`.

Reading follows a whitelist: a layer is one of KINDS, and every argument has its type and its bounds. Nothing
is evaluated, and nothing is built before its size has been checked, so a hostile list costs no memory.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnn.activation import GELU, ReLU
from cnn.columns import ColumnWindows
from cnn.conv import Conv2D
from cnn.dense import Dense, Flatten
from cnn.dropout import Dropout
from cnn.layer import Layer, Shape
from cnn.model import Sequential
from cnn.norm import BatchNorm
from cnn.pool import AveragePool2D, GlobalAveragePool, MaxPool2D, Pool2D
from cnn.residual import Residual

MOST_LAYERS = 64  # including those inside of others
MOST_PARAMETERS = 4_000_000  # five times the largest network here
MOST_VALUES = 1_000_000  # of any array that a layer makes of one sample
MOST_OPERATIONS = 100_000_000  # for one sample: seven times those of digit_net
LONGEST = 20_000  # characters of the JSON text


@dataclass(frozen=True)
class Argument:
    """The allowed values of a layer's argument: exactly of type `kind`, and numbers from low to high."""

    kind: type
    low: float = 0
    high: float = 1

    def check(self, value: object) -> bool:
        """Whether the value is allowed. True is not an int here, and NaN is out of range."""
        kinds = (int, float) if self.kind is float else (self.kind,)
        return type(value) in kinds and self.low <= value <= self.high


CHANNELS, FEATURES = Argument(int, 1, 4096), Argument(int, 1, 1_000_000)
WINDOW = {"pool_size": Argument(int, 1, 31), "stride": Argument(int, 1, 31)}
KINDS: dict[type[Layer], dict[str, Argument]] = {
    Conv2D: {
        "in_channels": CHANNELS,
        "out_channels": CHANNELS,
        "kernel_size": Argument(int, 1, 31),
        "stride": Argument(int, 1, 31),
        "padding": Argument(int, 0, 30),
        "bias": Argument(bool),
    },
    Dense: {"in_features": FEATURES, "out_features": FEATURES},
    BatchNorm: {
        "channels": FEATURES,
        "momentum": Argument(float, 0, 0.99999),
        "epsilon": Argument(float, 1e-12, 1),
    },
    MaxPool2D: WINDOW,
    AveragePool2D: WINDOW,
    Dropout: {"rate": Argument(float, 0, 0.99)},
    ReLU: {},
    GELU: {},
    Flatten: {},
    GlobalAveragePool: {},
    ColumnWindows: {"width": Argument(int, 1, 31)},
}
RESIDUAL = Residual.__name__  # beside KINDS: its only argument is a list of layers


def layer_list(layers: Sequence[Layer], input_shape: Shape) -> str:
    """The layers as JSON for `network_from_list`. Raises ValueError for a layer that is not one of KINDS."""
    return json.dumps({"input_shape": list(input_shape), "layers": [_entry(layer) for layer in layers]})


def network_from_list(name: str, text: str) -> Sequential:
    """The network in the JSON of `layer_list`, with initial weights. Raises ValueError for any other text."""
    input_shape, entries = _parse(text)
    builder = LayerBuilder(input_shape)
    layers = [builder.add(entry, f"layer {position}") for position, entry in enumerate(entries, start=1)]
    return Sequential(name, layers, input_shape)


class LayerBuilder:
    """Builds layers, one after the other, within the limits that all of them together have.

    shape: what the last one gives, without N. values: of the largest array of each, for one sample.
    """

    def __init__(
        self,
        input_shape: Shape,
        *,
        most_parameters: int = MOST_PARAMETERS,
        most_operations: int = MOST_OPERATIONS,
    ) -> None:
        self.shape = input_shape
        self.most_parameters, self.most_operations = most_parameters, most_operations
        self.layers = self.parameters = self.operations = self.values = 0

    def add(self, entry: object, place: str) -> Layer:
        """The layer of one entry; ValueError, which names the place, where it cannot be or is too much."""
        self.layers += 1
        if self.layers > MOST_LAYERS:
            raise ValueError(f"it has more than {MOST_LAYERS} layers")
        if isinstance(entry, dict) and entry.get("kind") == RESIDUAL:
            return self._add_residual(entry, place)
        kind, arguments = _checked(entry, place)
        self.parameters += _parameters(kind, arguments)
        if self.parameters > self.most_parameters:
            raise ValueError(f"it has more than {self.most_parameters:,} parameters by {place}")
        layer = kind(**arguments)
        before, self.shape = self.shape, layer.output_shape(self.shape)
        values = _values(layer, before, self.shape)
        if values > MOST_VALUES:
            raise ValueError(f"{place} works on {values:,} values of a sample; at most {MOST_VALUES:,}")
        self.values += values
        self.operations += _operations(layer, self.shape)
        if self.operations > self.most_operations:
            raise ValueError(f"it needs more than {self.most_operations:,} operations a sample by {place}")
        return layer

    def _add_residual(self, entry: dict, place: str) -> Residual:
        inner = entry.get("layers")
        if entry.keys() != {"kind", "layers"} or not isinstance(inner, list) or not inner:
            raise ValueError(f"{place}, {RESIDUAL}, must have layers, a list of at least one, and no more")
        if any(isinstance(one, dict) and one.get("kind") == RESIDUAL for one in inner):
            raise ValueError(f"{place}, {RESIDUAL}, must not have another in it")
        before = self.shape
        layers = [self.add(one, f"{place}.{position}") for position, one in enumerate(inner, start=1)]
        residual = Residual(layers)
        self.shape = residual.output_shape(before)
        return residual


def _parse(text: str) -> tuple[Shape, list]:
    if len(text) > LONGEST:
        raise ValueError(f"it is {len(text):,} characters long; at most {LONGEST:,} are read")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON: {error}") from error
    if not isinstance(content, dict) or content.keys() != {"input_shape", "layers"}:
        raise ValueError('it must have "input_shape" and "layers", and nothing else')
    shape, entries = content["input_shape"], content["layers"]
    side = Argument(int, 1, MOST_VALUES)
    if not isinstance(shape, list) or not 1 <= len(shape) <= 3 or not all(map(side.check, shape)):
        raise ValueError("input_shape must be one to three whole numbers of at least 1")
    if math.prod(shape) > MOST_VALUES:
        raise ValueError(f"input_shape is {math.prod(shape):,} values; at most {MOST_VALUES:,} are read")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_LAYERS:
        raise ValueError(f"layers must be a list of 1 to {MOST_LAYERS}")
    return tuple(shape), entries


def _checked(entry: object, place: str) -> tuple[type[Layer], dict]:
    """The layer's class and the arguments of its constructor."""
    names = {kind.__name__: kind for kind in KINDS}
    name = entry.get("kind") if isinstance(entry, dict) else None
    if not isinstance(name, str) or name not in names:
        raise ValueError(f"{place} must be one of {', '.join([*names, RESIDUAL])}")
    kind = names[name]
    allowed = KINDS[kind]
    if entry.keys() - {"kind"} != allowed.keys():
        raise ValueError(
            f"{place}, {name}, must have {', '.join(allowed) or 'no arguments'}, no more or less"
        )
    for argument, bounds in allowed.items():
        if not bounds.check(entry[argument]):
            wanted = "true or false" if bounds.kind is bool else f"{bounds.low:g} to {bounds.high:g}"
            raise ValueError(f"{argument} of {place}, {name}, must be {wanted}")
    arguments = {argument: entry[argument] for argument in allowed}
    if kind in (Conv2D, Dense, Dropout):
        arguments["rng"] = np.random.default_rng(0)
    return kind, arguments


def _parameters(kind: type[Layer], arguments: dict) -> int:
    """The number of values that the layer would hold, including buffers."""
    if kind is Conv2D:
        patch = arguments["kernel_size"] ** 2 * arguments["in_channels"]
        return (patch + 1) * arguments["out_channels"]
    if kind is Dense:
        return (arguments["in_features"] + 1) * arguments["out_features"]
    return 4 * arguments["channels"] + 1 if kind is BatchNorm else 0


def _values(layer: Layer, before: Shape, after: Shape) -> int:
    """The size of the largest array that the layer computes for one sample."""
    values = math.prod(after)
    if isinstance(layer, Conv2D):
        padded = math.prod(side + 2 * layer.padding for side in before[:2]) * before[2]
        patches = math.prod(after[:2]) * layer.kernel_size**2 * before[2]
        values = max(values, padded, patches)
    return values


def _operations(layer: Layer, after: Shape) -> int:
    """Operations for one sample: multiplications, or the comparisons of a pooling layer."""
    if isinstance(layer, Conv2D):
        return layer.params["weight"].size * math.prod(after[:2])
    if isinstance(layer, Dense):
        return layer.params["weight"].size
    return math.prod(after) * (layer.pool_size**2 if isinstance(layer, Pool2D) else 1)


def _entry(layer: Layer) -> dict:
    """One layer as plain values."""
    if type(layer) is Residual:
        return {"kind": RESIDUAL, "layers": [_entry(inner) for inner in layer.layers]}
    if type(layer) not in KINDS:
        known = ", ".join([*(kind.__name__ for kind in KINDS), RESIDUAL])
        raise ValueError(f"{layer} is no layer that files can hold: {known}")
    values = {
        argument: "bias" in layer.params if argument == "bias" else bounds.kind(getattr(layer, argument))
        for argument, bounds in KINDS[type(layer)].items()
    }
    return {"kind": type(layer).__name__} | values
