"""A block of layers with a short cut around it."""

from collections.abc import Sequence
from typing import ClassVar

from cnn.dropout import Dropout
from cnn.layer import Array, Layer, Shape, named


class Residual(Layer):
    """y = x + layers[-1](... layers[1](layers[0](x)))

    The layers learn what to add to x, so a block that adds nothing is the identity, and gradients reach the
    layers before it undiminished: deep networks can be trained. Shapes: x any that the layers give back
    unchanged -> y the same.

    params, grads and buffers are those of the layers, under names such as "conv1.weight": they count by kind
    within the block. Raises ValueError for no layers, and for Dropout or another Residual among them.

    Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.
    """

    kind: ClassVar[str] = "residual"

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.layers = tuple(layers)
        if not self.layers:
            raise ValueError("Residual needs at least one layer")
        for layer in self.layers:
            if isinstance(layer, Dropout | Residual):
                raise ValueError(f"{layer} cannot be inside of a Residual: put it before or behind")
        self._collect()

    def output_shape(self, shape: Shape) -> Shape:
        inner = shape
        for layer in self.layers:
            inner = layer.output_shape(inner)
        if inner != shape:
            raise ValueError(
                f"Residual adds its input to the output of its layers, so the shapes must be equal: got "
                f"{('N', *shape)} and {('N', *inner)}"
            )
        return shape

    def forward(self, x: Array, training: bool = False) -> Array:
        self.check(x)
        y = x
        for layer in self.layers:
            y = layer.forward(y, training)
        return x + y

    def backward(self, dy: Array) -> Array:
        """dx = dy + layers[0]'s dx"""
        dx = dy
        for layer in reversed(self.layers):
            dx = layer.backward(dx)
        return dy + dx

    def prepare_for_inference(self) -> None:
        for layer in self.layers:
            layer.prepare_for_inference()

    def set_param(self, name: str, value: Array, gradient: Array) -> None:
        super().set_param(name, value, gradient)
        prefix, inner = name.split(".")
        dict(named(self.layers))[prefix].set_param(inner, value, gradient)

    def astype(self, dtype: type) -> "Residual":
        for layer in self.layers:
            layer.astype(dtype)
        self._collect()
        return self

    def _collect(self) -> None:
        for own in ("params", "grads", "buffers"):
            arrays = {
                f"{prefix}.{name}": value
                for prefix, layer in named(self.layers)
                for name, value in getattr(layer, own).items()
            }
            setattr(self, own, arrays)

    def __repr__(self) -> str:
        return f"Residual({', '.join(map(repr, self.layers))})"
