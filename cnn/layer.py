"""What every layer is: parameters, their gradients, a forward pass and a backward pass.

Activations are (N, H, W, C) or (N, features), float32: N batch, H and W height and width, C channels. With
channels last a convolution is one matrix product over patches, with no transposes.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

Array = np.ndarray
Shape = tuple[int, ...]


class Layer:
    """One layer of a network, y = f(x), and its derivative.

    params   trainable arrays by name, updated in place by the optimizer
    grads    d loss / d params: same keys and shapes, filled by `backward`
    buffers  arrays that are saved but not trained, such as running means
    kind     what names in a file begin with: "conv" makes conv1.weight, conv1.bias, conv2.weight ...

    Only `forward(x, training=True)` saves anything for `backward`, so any number of threads may run
    `forward(x)` on one layer at once.
    """

    kind: ClassVar[str] = "layer"

    def __init__(self) -> None:
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self.buffers: dict[str, Array] = {}
        self._saved: tuple | None = None

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one sample's output for one sample's input, without N. ValueError where it cannot be."""
        return shape

    def forward(self, x: Array, training: bool = False) -> Array:
        """y = f(x). ValueError for a wrong shape, TypeError for a wrong dtype."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Array:
        """d loss / d y -> d loss / d x; fills `grads`. RuntimeError without a training forward before it."""
        raise NotImplementedError

    def backward_params(self, dy: Array) -> None:
        """`backward` where d loss / d x is not needed, as for the first layer in training: fills `grads`."""
        self.backward(dy)

    def prepare_for_inference(self) -> None:
        """Compute once what every `forward` derives from the parameters, which must not change any more."""

    def share_preparation(self, other: "Layer") -> None:
        """Take over what a layer with the same parameters has prepared, where that does for this one, too."""

    def add_param(self, name: str, value: Array) -> None:
        self.params[name] = value
        self.grads[name] = np.zeros_like(value)

    def set_param(self, name: str, value: Array, gradient: Array) -> None:
        """Keep a parameter and its gradient in these arrays from now on."""
        self.params[name], self.grads[name] = value, gradient

    def check(self, x: Array) -> Shape:
        """One sample's output shape. Raises unless x is a batch this layer takes, in its precision."""
        shape = self.output_shape(x.shape[1:])
        for param in self.params.values():
            if x.dtype != param.dtype:
                raise TypeError(f"{self} computes in {param.dtype}, got {x.dtype}")
        return shape

    def save_for_backward(self, *values: object) -> None:
        """Remember what `backward` needs."""
        self._saved = values

    def saved(self) -> tuple:
        """What the last training forward saved; it is given out once."""
        if self._saved is None:
            raise RuntimeError(f"{self}.backward needs a forward(x, training=True) before it")
        values, self._saved = self._saved, None
        return values

    def astype(self, dtype: type) -> "Layer":
        """The same layer in another precision; gradient checks run in float64."""
        for arrays in (self.params, self.grads, self.buffers):
            for name, value in arrays.items():
                arrays[name] = value.astype(dtype)
        return self

    def __repr__(self) -> str:
        return type(self).__name__


def named(layers: Sequence[Layer]) -> Iterator[tuple[str, Layer]]:
    """("conv1", layer), ("relu1", layer), ("conv2", layer) and so on.

    Layers are counted by kind, so that adding a ReLU or Dropout changes no array's name.
    """
    count: Counter[str] = Counter()
    for layer in layers:
        count[layer.kind] += 1
        yield f"{layer.kind}{count[layer.kind]}", layer
