"""What a list of blocks makes: the shape after each, what does not fit and why, and how large it all is.

draft = read_draft('[{"kind": "Flatten"}, {"kind": "Dense", "out_features": 10}]', (28, 28, 1), 10)
draft.trouble                                   # "" where it can be trained
draft.network(np.random.default_rng(0))
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

import cnn
from cnn import BatchNorm, Conv2D, Dense, Dropout, Layer, Residual, Sequential
from cnn.layer import Shape
from cnn.layer_list import MOST_LAYERS, LayerBuilder, layer_list
from training.own_network.blocks import KINDS, OUTSIDE, Kind, entry_of, size_of

OWN_NET = "own_net"  # the architecture's name in files
# With its optimizer's state, which is twice as large again, a network's file can still be uploaded.
MOST_PARAMETERS = 1_500_000
MOST_OPERATIONS = 50_000_000  # for one picture: 10,000 test pictures are read within the minute that is left
MOST_BATCH_VALUES = 128_000_000  # of all arrays of a batch, a gigabyte with their gradients
LONGEST = 20_000  # characters


@dataclass(frozen=True)
class Row:
    """What became of a block. shape: after it; None where it or one before does not fit. rows: inside it."""

    shape: Shape | None = None
    parameters: int = 0
    trouble: str = ""  # a sentence, or ""
    rows: tuple["Row", ...] = ()


@dataclass(frozen=True)
class Draft:
    """A list of blocks that was looked at.

    trouble: the first thing that is wrong, or "". values: of all arrays that one picture becomes. entries: as
    `cnn.layer_list` writes them, of those that fit.
    """

    input_shape: Shape
    rows: tuple[Row, ...]
    trouble: str
    parameters: int
    operations: int
    values: int
    entries: tuple[dict, ...]

    def network(self, rng: np.random.Generator) -> Sequential:
        """The network with its initial weights. Raises ValueError where something does not fit."""
        if self.trouble:
            raise ValueError(self.trouble)
        return Sequential(OWN_NET, layers_of(self.entries, rng), self.input_shape)

    def most_pictures(self) -> int:
        """The largest batch that there is memory for."""
        return MOST_BATCH_VALUES // max(1, self.values)

    def check_batch(self, batch_size: int) -> None:
        """Raises ValueError for a larger one."""
        _check_batch(batch_size, self.most_pictures())


@lru_cache(maxsize=64)
def read_draft(text: str, input_shape: Shape, classes: int) -> Draft:
    """The blocks in a JSON text, for pictures of this shape and so many classes.

    Anybody may have sent it. Raises ValueError, in a sentence, for what is no list of blocks; what is wrong
    with a block itself stands in its row.
    """
    blocks = _parse(text)
    work = _Work(input_shape)
    rows, trouble = [], ""
    for number, block in enumerate(blocks, start=1):
        row = work.add(block, _follower(blocks, number), f"layer {number}")
        rows.append(row)
        trouble = trouble or (row.trouble and f"Layer {number}, {KINDS[block['kind']].title}: {row.trouble}")
    if not trouble and work.builder.shape != (classes,):
        trouble = (
            f"It must end in {classes} numbers, one for each class, and ends in "
            f"{size_of(work.builder.shape)}: let the last layer be Dense with {classes} outputs."
        )
    builder = work.builder
    return Draft(
        input_shape,
        tuple(rows),
        trouble,
        work.parameters,
        builder.operations,
        builder.values,
        tuple(work.entries),
    )


def check_memory(model: Sequential, batch_size: int) -> None:
    """Raises ValueError where a batch takes too much in a network from a file, which may be anybody's."""
    listed = layer_list(
        [layer for layer in model.layers if not isinstance(layer, Dropout)], model.input_shape
    )
    builder = LayerBuilder(model.input_shape)
    for position, entry in enumerate(json.loads(listed)["layers"], start=1):
        builder.add(entry, f"layer {position}")
    _check_batch(batch_size, MOST_BATCH_VALUES // max(1, builder.values))


def _check_batch(batch_size: int, most: int) -> None:
    if batch_size > most:
        raise ValueError(
            f"A batch of {batch_size} pictures takes more memory in this network than there is: "
            f"choose a batch size of at most {most}."
        )


def layers_of(entries: Sequence[dict], rng: np.random.Generator, *, inside: bool = False) -> list[Layer]:
    """New layers with weights from `rng`, drawn in the order of the list, as our own networks are."""
    layers = []
    for position, entry in enumerate(entries):
        kind = getattr(cnn, entry["kind"])
        if kind is Residual:
            layers.append(Residual(layers_of(entry["layers"], rng, inside=True)))
            continue
        arguments = arguments_of(entry)
        if kind in (Conv2D, Dense, Dropout):
            arguments["rng"] = rng
        if is_last_dense(entries, position, inside):
            arguments["init"] = "xavier"
        layers.append(kind(**arguments))
    return layers


def arguments_of(entry: dict) -> dict:
    """An entry without its kind."""
    return {name: value for name, value in entry.items() if name != "kind"}


def is_last_dense(entries: Sequence[dict], position: int, inside: bool) -> bool:
    """Whether it makes the logits, behind which there is no ReLU to begin for."""
    return not inside and position == len(entries) - 1 and entries[position]["kind"] == Dense.__name__


class _Work:
    """Adds block after block to a builder, and stops at the first that does not fit."""

    def __init__(self, input_shape: Shape) -> None:
        self.builder = LayerBuilder(
            input_shape, most_parameters=MOST_PARAMETERS, most_operations=MOST_OPERATIONS
        )
        self.parameters = 0
        self.entries: list[dict] = []
        self.is_stuck = False

    def add(self, block: dict, follower: Kind | None, place: str) -> Row:
        kind = KINDS[block["kind"]]
        if kind.layer is Residual:
            return self._add_residual(block, place)
        return self._row(block, kind, follower, place)

    def _row(self, block: dict, kind: Kind, follower: Kind | None, place: str) -> Row:
        if self.is_stuck:
            return Row()
        bias = follower is None or follower.layer is not BatchNorm
        try:
            entry = entry_of(block, kind, self.builder.shape, bias=bias)
            layer = self.builder.add(entry, place)
        except ValueError as error:
            self.is_stuck = True
            return Row(trouble=_sentence(error))
        self.entries.append(entry)
        count = sum(value.size for value in layer.params.values())
        self.parameters += count
        return Row(self.builder.shape, count)

    def _add_residual(self, block: dict, place: str) -> Row:
        before, outer, inner = self.builder.shape, self.entries, block["layers"]
        count, self.entries = self.parameters, []
        rows = []
        for number, one in enumerate(inner, start=1):
            kind = KINDS[one["kind"]]
            if kind.layer in OUTSIDE and not self.is_stuck:
                self.is_stuck = True
                rows.append(Row(trouble=f"{kind.title} cannot be inside of a residual block."))
            else:
                rows.append(self._row(one, kind, _follower(inner, number), f"{place}.{number}"))
        outer.append({"kind": Residual.__name__, "layers": self.entries})
        self.entries, count = outer, self.parameters - count
        trouble = next((row.trouble for row in rows if row.trouble), "")
        if self.is_stuck:
            return Row(None, count, trouble, tuple(rows))
        if not inner:
            trouble = "A residual block needs at least one layer in it."
        elif self.builder.shape != before:
            trouble = (
                f"A residual block adds what it gets, {size_of(before)}, to what its layers make of it, so "
                f"that must be as large; it is {size_of(self.builder.shape)}."
            )
        self.is_stuck = bool(trouble)
        return Row(None if trouble else before, count, trouble, tuple(rows))


def _follower(blocks: Sequence[dict], number: int) -> Kind | None:
    return KINDS[blocks[number]["kind"]] if number < len(blocks) else None


def _parse(text: str) -> list[dict]:
    if not isinstance(text, str) or len(text) > LONGEST:
        raise ValueError(f"A network's list of layers may have {LONGEST:,} characters.")
    try:
        blocks = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("A network's layers are sent as a list in JSON.") from None
    if not isinstance(blocks, list) or not blocks:
        raise ValueError("There are no layers yet: add one, or take a ready network.")
    count = 0
    for number, block in enumerate(blocks, start=1):
        inner = _checked(block, number)
        count += 1 + len(inner)
        if count > MOST_LAYERS:
            raise ValueError(f"A network may have {MOST_LAYERS} layers here.")
        for one in inner:
            _checked(one, number)
    return blocks


def _checked(block: object, number: int) -> list:
    """The layers inside of a block, after a look at what it is."""
    kind = block.get("kind") if isinstance(block, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"Layer {number} is of a kind that there is not; there are {', '.join(KINDS)}.")
    inner = block.get("layers") if kind == Residual.__name__ else []
    if not isinstance(inner, list):
        raise ValueError(f"Layer {number}, {KINDS[kind].title}, needs a list of the layers in it.")
    return inner


def _sentence(error: ValueError) -> str:
    text = str(error)
    return f"{text[0].upper()}{text[1:]}" + ("" if text.endswith(".") else ".")
