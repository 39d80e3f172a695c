"""Ready networks to begin with, as lists of blocks: from a single layer to a residual network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cnn.layer import Shape

Blocks = list[dict]


def _conv(channels: int, kernel: int = 3, stride: int = 1, padding: int | None = None) -> dict:
    """padding: by default what keeps the size at stride 1."""
    padding = kernel // 2 if padding is None else padding
    return {
        "kind": "Conv2D",
        "out_channels": channels,
        "kernel_size": kernel,
        "stride": stride,
        "padding": padding,
    }


def _dense(outputs: int) -> dict:
    return {"kind": "Dense", "out_features": outputs}


def _pool(kind: str = "MaxPool2D", size: int = 2) -> dict:
    return {"kind": kind, "pool_size": size, "stride": size}


def _dropout(rate: float) -> dict:
    return {"kind": "Dropout", "rate": rate}


NORM, RELU, GELU = {"kind": "BatchNorm"}, {"kind": "ReLU"}, {"kind": "GELU"}
FLATTEN, AVERAGE = {"kind": "Flatten"}, {"kind": "GlobalAveragePool"}


def _residual(channels: int) -> dict:
    return {"kind": "Residual", "layers": [_conv(channels), NORM, RELU, _conv(channels), NORM]}


def _softmax_regression(shape: Shape, classes: int) -> Blocks:
    return [FLATTEN, _dense(classes)]


def _all_dense(shape: Shape, classes: int) -> Blocks:
    return [FLATTEN, _dense(128), RELU, _dense(64), RELU, _dense(classes)]


def _seed_net(shape: Shape, classes: int) -> Blocks:
    return [_conv(32), RELU, _pool(), FLATTEN, _dense(128), RELU, _dense(classes)]


def _small_net(shape: Shape, classes: int) -> Blocks:
    first = [_conv(8, 5), RELU, _pool()] if shape[2] == 1 else [_conv(16), RELU, _pool()]
    second = [_conv(16), RELU, _pool()] if shape[2] == 1 else [_conv(32), RELU, _pool()]
    third = [] if shape[2] == 1 else [_conv(64), RELU, _pool()]
    return [*first, *second, *third, FLATTEN, _dense(classes)]


def _lenet(shape: Shape, classes: int) -> Blocks:
    """LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998, with ReLU."""
    return [
        _conv(6, 5, padding=2 if shape[0] == 28 else 0),
        RELU,
        _pool("AveragePool2D"),
        _conv(16, 5, padding=0),
        RELU,
        _pool("AveragePool2D"),
        FLATTEN,
        _dense(120),
        RELU,
        _dense(84),
        RELU,
        _dense(classes),
    ]


def _strides(shape: Shape, classes: int) -> Blocks:
    return [_conv(16, stride=2), RELU, _conv(32, stride=2), RELU, FLATTEN, _dense(classes)]


def _all_convolutions(shape: Shape, classes: int) -> Blocks:
    """As Lin, Chen, Yan, "Network In Network", 2014: a map for each class, and its mean is the answer."""
    return [_conv(16), GELU, _pool(), _conv(32), GELU, _pool(), _conv(32), GELU, _conv(classes), AVERAGE]


def _regularised(shape: Shape, classes: int) -> Blocks:
    return [
        *(_conv(16), NORM, RELU, _pool()),
        *(_conv(32), NORM, RELU, _pool()),
        *(FLATTEN, _dropout(0.25), _dense(64), NORM, RELU, _dropout(0.5), _dense(classes)),
    ]


def _residual_network(shape: Shape, classes: int) -> Blocks:
    return [
        *(_conv(16), NORM, RELU, _pool()),
        *(_residual(16), RELU),
        *(_conv(32, stride=2), NORM, RELU),
        *(_residual(32), RELU),
        *(AVERAGE, _dense(classes)),
    ]


def _five_convolutions(shape: Shape, classes: int) -> Blocks:
    return [
        *(_conv(16, 5, padding=0), RELU, _pool(), _conv(48), RELU, _pool()),
        *(_conv(128), NORM, RELU, _conv(128), NORM, RELU, _conv(128), NORM, RELU),
        *(AVERAGE, _dense(classes)),
    ]


@dataclass(frozen=True)
class Preset:
    """A ready network. blocks: for pictures of a shape, and so many classes."""

    title: str
    blocks: Callable[[Shape, int], Sequence[dict]]


SMALL = "small"  # the one that the editor begins with
PRESETS: dict[str, Preset] = {
    "regression": Preset("Logistic regression: a single layer", _softmax_regression),
    "dense": Preset("All dense: the network of the textbooks", _all_dense),
    "seed": Preset("Simple: the network that this project began with", _seed_net),
    SMALL: Preset("Small: good in seconds", _small_net),
    "lenet": Preset("LeNet-5, which read cheques in 1998", _lenet),
    "strides": Preset("Strides in place of pooling", _strides),
    "convolutions": Preset("Convolutions alone, with GELU", _all_convolutions),
    "regularised": Preset("Batch norm and dropout", _regularised),
    "residual": Preset("Residual: shortcuts around the layers", _residual_network),
    "five": Preset("Five convolutions: slow and accurate", _five_convolutions),
}
