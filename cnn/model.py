"""A network is a list of layers, run forward and then backward."""

from collections.abc import Callable, Iterator, Sequence
from copy import copy, deepcopy

import numpy as np

from cnn.classes import DIGITS, check_class_names
from cnn.layer import Array, Layer, Shape, named

try:
    from cnn.fast import parallel_for, plan
except ImportError:  # without that folder the layers themselves run, on one core

    def plan(layers: Sequence[Layer], input_shape: Shape) -> list[Layer]:
        return list(layers)

    def parallel_for(count: int, size: int, work: Callable[[slice], object]) -> list:
        return [work(slice(start, min(start + size, count))) for start in range(0, count, size)]


SLICE = 32  # samples that go through all layers together in `predict`


class Sequential:
    """y = layers[-1](... layers[1](layers[0](x)))

    name: the architecture's, as `cnn.ARCHITECTURES` knows it. input_shape: one sample's, without N.
    classes: the names of what the logits stand for; none for the ten digits, which need no names.

    All parameters live side by side in one vector, `parameters` (P,), and all gradients in another,
    `gradients` (P,); the arrays in the layers are views into them. So an optimizer is a few operations on
    one vector, whatever the network's layers.

    `steps` is what runs: with fast=True, some steps replace several layers and compute the same faster (see
    `cnn.fast`); with fast=False, the steps are the layers themselves.

    Raises ValueError if a layer does not fit the one before it, or is in the list twice, or if the names of
    the classes do not fit.
    """

    def __init__(
        self,
        name: str,
        layers: Sequence[Layer],
        input_shape: Shape,
        *,
        fast: bool = True,
        classes: Sequence[str] = (),
    ) -> None:
        self.name, self.layers, self.input_shape = name, list(layers), tuple(input_shape)
        self.fast = fast
        shape = self.input_shape
        for position, layer in enumerate(self.layers):
            if any(layer is other for other in self.layers[:position]):
                raise ValueError(f"{layer} is in the list twice: every position needs its own layer")
            shape = layer.output_shape(shape)
        self.output_shape = shape
        self.classes: tuple[str, ...] = ()
        if len(classes):
            self.name_classes(classes)
        self._gather()

    def name_classes(self, classes: Sequence[str]) -> None:
        """Say what the logits stand for. Raises ValueError unless there is a good name for each."""
        names = check_class_names(classes)
        if self.output_shape != (len(names),):
            raise ValueError(f"{self.name} answers with {self.output_shape}, got {len(names)} class names")
        self.classes = names

    @property
    def reads_digits(self) -> bool:
        """Whether the classes are the ten digits, or have no names, as in files of digit networks."""
        return self.classes in ((), DIGITS)

    def forward(self, x: Array, training: bool = False) -> Array:
        """x (N, *input_shape) -> logits (N, classes). Only training=True saves what `backward` needs.

        ValueError for another shape, TypeError for another precision than the parameters'.
        """
        if x.shape[1:] != self.input_shape:
            raise ValueError(f"{self.name} expects {('N', *self.input_shape)}, got {('N', *x.shape[1:])}")
        if self.parameters.size and x.dtype != self.parameters.dtype:
            raise TypeError(f"{self.name} computes in {self.parameters.dtype}, got {x.dtype}")
        for step in self.steps:
            x = step.forward(x, training)
        return x

    def backward(self, dlogits: Array) -> Array:
        """d loss / d logits -> d loss / d x; fills `gradients`."""
        dy = dlogits
        for step in reversed(self.steps):
            dy = step.backward(dy)
        return dy

    def backward_params(self, dlogits: Array) -> None:
        """`backward` without d loss / d x, which training does not need."""
        dy = dlogits
        for step in reversed(self.steps[1:]):
            dy = step.backward(dy)
        for step in self.steps[:1]:
            step.backward_params(dy)

    def predict(self, x: Array) -> Array:
        """Logits (N, classes) of any number of samples. Thread-safe.

        Every core runs slices of them through all layers, so that the output of a layer is still in the cache
        when the next layer needs it.
        """
        if 0 < len(x) <= SLICE:
            return self.forward(x)
        logits = np.empty((len(x), *self.output_shape), x.dtype)

        def work(s: slice) -> None:
            logits[s] = self.forward(x[s])

        parallel_for(len(x), SLICE, work)
        return logits

    def named_params(self) -> Iterator[tuple[str, Array]]:
        """("conv1.weight", array) and so on: every trainable array."""
        for prefix, layer in self.named_layers():
            for name, value in layer.params.items():
                yield f"{prefix}.{name}", value

    def named_buffers(self) -> Iterator[tuple[str, Array]]:
        """The same for buffers: every array that is saved but not trained."""
        for prefix, layer in self.named_layers():
            for name, value in layer.buffers.items():
                yield f"{prefix}.{name}", value

    def named_layers(self) -> Iterator[tuple[str, Layer]]:
        """("conv1", layer), ("relu1", layer), ("conv2", layer) and so on; see `cnn.layer.named`."""
        yield from named(self.layers)

    def for_shape(self, input_shape: Shape) -> "Sequential":
        """The same network, with the same parameters in the same memory, for inputs of another size.

        What was prepared for inference is shared, too. Raises ValueError where a layer, such as Dense, fits
        one size alone.
        """
        twin = copy(self)
        shape = twin.input_shape = tuple(input_shape)
        for layer in twin.layers:
            shape = layer.output_shape(shape)
        twin.output_shape = shape
        if twin.fast:
            twin.steps = plan(twin.layers, twin.input_shape)
            for step, own in zip(twin.steps, self.steps, strict=False):
                step.share_preparation(own)
        return twin

    def copy(self) -> "Sequential":
        """An independent network with the same weights."""
        return Sequential(
            self.name, deepcopy(self.layers), self.input_shape, fast=self.fast, classes=self.classes
        )

    def astype(self, dtype: type) -> "Sequential":
        """This network in another precision; gradient checks run in float64."""
        for layer in self.layers:
            layer.astype(dtype)
        self._gather()
        return self

    def summary(self) -> str:
        """One line per layer: its constructor, output shape and number of parameters."""
        shape, lines = self.input_shape, [f"{'input':60}{self.input_shape!s:>16}"]
        for layer in self.layers:
            shape = layer.output_shape(shape)
            count = sum(value.size for value in layer.params.values())
            lines.append(f"{layer!r:60}{shape!s:>16}{count or '':>10}")
        return "\n".join([*lines, f"{'parameters':60}{'':>16}{self.parameters.size:>10}"])

    def _gather(self) -> None:
        """Move all arrays of the layers into the two vectors, replace them by views, and plan the steps."""
        params = [value.ravel() for _, value in self.named_params()]
        self.parameters = np.concatenate([np.empty(0, np.float32), *params])
        self.gradients = np.zeros_like(self.parameters)
        start = 0
        for layer in self.layers:
            for name, value in tuple(layer.params.items()):
                stop = start + value.size
                own = slice(start, stop)
                layer.set_param(
                    name, self.parameters[own].reshape(value.shape), self.gradients[own].reshape(value.shape)
                )
                start = stop
        self.steps = plan(self.layers, self.input_shape) if self.fast else list(self.layers)
