"""The blocks that a network of one's own is built of: what is asked of each, and what it needs to fit.

A block is plain values: {"kind": "Conv2D", "out_channels": 8, "kernel_size": 3, "stride": 1, "padding": 1}.
It leaves out what follows from the block before it, such as the channels that come in.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass

from cnn import (
    GELU,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Layer,
    MaxPool2D,
    ReLU,
    Residual,
)
from cnn.layer import Shape


@dataclass(frozen=True)
class Field:
    """A number that a block asks for; whole, unless `default` is not."""

    name: str  # of the layer's argument
    title: str
    low: float
    high: float
    default: float
    step: float = 1


@dataclass(frozen=True)
class Kind:
    """A kind of block: the layer that it makes, and what people call it."""

    layer: type[Layer]
    title: str
    fields: tuple[Field, ...] = ()

    @property
    def name(self) -> str:
        return self.layer.__name__


_WINDOW = (Field("pool_size", "size", 1, 16, 2), Field("stride", "stride", 1, 16, 2))
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            Conv2D,
            "Convolution",
            (
                Field("out_channels", "channels", 1, 512, 16),
                Field("kernel_size", "kernel", 1, 15, 3),
                Field("stride", "stride", 1, 8, 1),
                Field("padding", "padding", 0, 7, 1),
            ),
        ),
        Kind(BatchNorm, "Batch norm"),
        Kind(ReLU, "ReLU"),
        Kind(GELU, "GELU"),
        Kind(MaxPool2D, "Max pooling", _WINDOW),
        Kind(AveragePool2D, "Average pooling", _WINDOW),
        Kind(Dropout, "Dropout", (Field("rate", "share", 0.0, 0.9, 0.5, 0.05),)),
        Kind(Flatten, "Flatten"),
        Kind(GlobalAveragePool, "Global average pooling"),
        Kind(Dense, "Dense", (Field("out_features", "outputs", 1, 4096, 64),)),
        Kind(Residual, "Residual block"),
    )
}
OUTSIDE = (Residual, Dropout)  # kinds that cannot be inside of a residual block
NEEDS_PICTURE = (Conv2D, MaxPool2D, AveragePool2D, GlobalAveragePool)


def size_of(shape: Shape) -> str:
    """ "28 x 28 x 8", as people write it."""
    return " \N{MULTIPLICATION SIGN} ".join(f"{side:,}" for side in shape)


def check_fields(block: Mapping, kind: Kind) -> None:
    """Raises ValueError, worded for a person, for a number that is missing or out of range."""
    for field in kind.fields:
        value, is_whole = block.get(field.name), isinstance(field.default, int)
        allowed = (int,) if is_whole else (int, float)
        if type(value) not in allowed or not field.low <= value <= field.high:  # True is no number here
            number = "a whole number" if is_whole else "a number"
            raise ValueError(f"{field.title.capitalize()} must be {number} from {field.low} to {field.high}.")


def entry_of(block: Mapping, kind: Kind, shape: Shape, *, bias: bool = True) -> dict:
    """The block as an entry of `cnn.layer_list`, whose layer gets inputs of this shape.

    bias: of a convolution, which needs none before batch norm. Raises ValueError, worded for a person, where
    the block does not fit.
    """
    check_fields(block, kind)
    _check_fit(block, kind, shape)
    entry = {"kind": kind.name} | {field.name: block[field.name] for field in kind.fields}
    if kind.layer is Conv2D:
        entry |= {"in_channels": shape[2], "bias": bias}
    elif kind.layer is Dense:
        entry |= {"in_features": shape[0]}
    elif kind.layer is BatchNorm:
        entry |= {"channels": shape[-1], "momentum": default_of(BatchNorm, "momentum")}
        entry |= {"epsilon": default_of(BatchNorm, "epsilon")}
    return entry


def default_of(layer: type[Layer], argument: str) -> object:
    """What a layer takes where the argument is left out."""
    return inspect.signature(layer).parameters[argument].default


def _check_fit(block: Mapping, kind: Kind, shape: Shape) -> None:
    if kind.layer in NEEDS_PICTURE and len(shape) != 3:
        raise ValueError(f"{kind.title} needs rows and columns, and gets a list of {size_of(shape)} numbers.")
    if kind.layer is Dense and len(shape) != 1:
        raise ValueError(
            f"Dense needs a list of numbers, and gets {size_of(shape)}: put Flatten or Global average "
            "pooling before it."
        )
    side = min(shape[:2])
    if kind.layer is Conv2D:
        kernel, padding = block["kernel_size"], block["padding"]
        if kernel > side + 2 * padding:
            raise ValueError(
                f"A kernel of {kernel} \N{MULTIPLICATION SIGN} {kernel} is larger than what it gets, "
                f"{size_of(shape)}: make the kernel smaller or the padding larger."
            )
    elif kind.layer in (MaxPool2D, AveragePool2D) and block["pool_size"] > side:
        raise ValueError(
            f"A window of {block['pool_size']} is larger than what it gets, {size_of(shape)}: make it "
            "smaller."
        )
