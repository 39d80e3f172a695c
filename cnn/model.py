"""A network is a list of layers, run forward and then backward."""

from collections.abc import Iterator, Sequence
from copy import deepcopy

import numpy as np

from cnn.dense import Dense, Flatten
from cnn.inked import InkedDense
from cnn.layer import Array, Layer, Shape
from cnn.slices import SLICE, for_slices
from cnn.window import WindowConvPoolReLU


class Sequential:
    """y = layers[-1](... layers[1](layers[0](x)))

    name: the architecture's, as `cnn.ARCHITECTURES` knows it. input_shape: one sample's, without N.

    All parameters live side by side in one vector, `parameters` (P,), and all gradients in another,
    `gradients` (P,); the arrays in the layers are views into them. So an optimizer is a few operations on
    one vector, whatever the network looks like.

    `steps` computes the same as `layers`, with layers in it that take the place of several.

    Raises ValueError where a layer does not fit the one before it.
    """

    def __init__(self, name: str, layers: Sequence[Layer], input_shape: Shape) -> None:
        self.name, self.layers, self.input_shape = name, list(layers), tuple(input_shape)
        shape = self.input_shape
        for layer in self.layers:
            shape = layer.output_shape(shape)
        self.output_shape = shape
        self.steps = _join(self.layers)
        self._gather()

    def forward(self, x: Array, training: bool = False) -> Array:
        """x (N, *input_shape) -> logits (N, classes). Only training=True keeps what `backward` needs."""
        for layer in self.steps:
            x = layer.forward(x, training)
        return x

    def backward(self, dlogits: Array) -> Array:
        """d loss / d logits -> d loss / d x; fills `gradients`."""
        dy = dlogits
        for layer in reversed(self.steps):
            dy = layer.backward(dy)
        return dy

    def backward_params(self, dlogits: Array) -> None:
        """`backward` without d loss / d x, which training does not need."""
        dy = dlogits
        for layer in reversed(self.steps[1:]):
            dy = layer.backward(dy)
        self.steps[0].backward_params(dy)

    def predict(self, x: Array) -> Array:
        """Logits (N, classes) of any number of samples. Thread-safe.

        Every core takes a slice of them through all layers, so that what one layer makes is still in the
        cache when the next one needs it.
        """
        if 0 < len(x) <= SLICE:
            return self.forward(x)
        logits = np.empty((len(x), *self.output_shape), x.dtype)

        def work(s: slice) -> None:
            logits[s] = self.forward(x[s])

        for_slices(len(x), SLICE, work)
        return logits

    def named_params(self) -> Iterator[tuple[str, Array]]:
        """("0.weight", array) and so on: every trainable array under its layer's position and its name."""
        for position, layer in enumerate(self.layers):
            for name, value in layer.params.items():
                yield f"{position}.{name}", value

    def named_buffers(self) -> Iterator[tuple[str, Array]]:
        """The same for what is kept but not trained."""
        for position, layer in enumerate(self.layers):
            for name, value in layer.buffers.items():
                yield f"{position}.{name}", value

    def copy(self) -> "Sequential":
        """An independent network with the same weights."""
        twin = deepcopy(self)
        twin._gather()
        return twin

    def astype(self, dtype: type) -> "Sequential":
        """This network in another precision; gradient checks run in float64."""
        for layer in self.layers:
            layer.astype(dtype)
        self._gather()
        return self

    def summary(self) -> str:
        """A line a layer: what it is, the shape after it, how many parameters it has."""
        shape, lines = self.input_shape, [f"{'input':60}{self.input_shape!s:>16}"]
        for layer in self.layers:
            shape = layer.output_shape(shape)
            count = sum(value.size for value in layer.params.values())
            lines.append(f"{layer!r:60}{shape!s:>16}{count or '':>10}")
        return "\n".join([*lines, f"{'parameters':60}{'':>16}{self.parameters.size:>10}"])

    def _gather(self) -> None:
        """Move every layer's arrays into the two vectors and leave views in their place."""
        params = [value for _, value in self.named_params()]
        self.parameters = np.concatenate([value.ravel() for value in params])
        self.gradients = np.zeros_like(self.parameters)
        start = 0
        for layer in self.layers:
            for name, value in layer.params.items():
                stop = start + value.size
                layer.params[name] = self.parameters[start:stop].reshape(value.shape)
                layer.grads[name] = self.gradients[start:stop].reshape(value.shape)
                start = stop


def _join(layers: Sequence[Layer]) -> list[Layer]:
    """The layers, with one that computes faster in the place of the first three where those are its kind."""
    match layers:
        case [WindowConvPoolReLU() as conv, Flatten() as flatten, Dense() as dense, *others]:
            return [InkedDense(conv, flatten, dense), *others]
    return list(layers)
