"""What every layer is: parameters, their gradients, a forward pass and a backward pass.

Activations are (N, H, W, C) or (N, features), float32: N batch, H and W height and width, C channels. With
channels last a convolution is one matrix product over patches, with no transposes.
"""

import math
import threading
from copy import copy, deepcopy

import numpy as np

Array = np.ndarray
Shape = tuple[int, ...]


class Layer:
    """One step of a network, y = f(x), and its derivative.

    params   trainable arrays by name, updated in place by the optimizer
    grads    d loss / d params: same keys and shapes, filled by `backward`
    buffers  arrays that are kept and saved but not trained, such as running means

    Only `forward(x, training=True)` keeps anything for `backward`, so any number of threads may run
    `forward(x)` on one layer at once.

    The arrays that a training forward and a backward return are written over by the next ones: fresh memory
    costs more than the arithmetic done in it. Copy what must last longer.
    """

    def __init__(self) -> None:
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self.buffers: dict[str, Array] = {}
        self._kept: object = None
        self._workspace: dict[tuple, Array] = {}

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
        """`backward` where d loss / d x is not wanted, as for the first layer in training: fills `grads`."""
        self.backward(dy)

    def freeze(self) -> None:
        """Prepare what every `forward` needs of the parameters; they must not change any more."""

    def add_param(self, name: str, value: Array) -> None:
        self.params[name] = value
        self.grads[name] = np.zeros_like(value)

    def check(self, x: Array) -> Shape:
        """One sample's output shape. Raises unless x is a batch this layer takes, in its precision."""
        shape = self.output_shape(x.shape[1:])
        for param in self.params.values():
            if x.dtype != param.dtype:
                raise TypeError(f"{self} computes in {param.dtype}, got {x.dtype}")
        return shape

    def keep(self, *arrays: object) -> None:
        """Remember what `backward` needs."""
        self._kept = arrays

    def kept(self) -> tuple:
        """What the last training forward kept; it is given out once."""
        if self._kept is None:
            raise RuntimeError(f"{self}.backward needs a forward(x, training=True) before it")
        arrays, self._kept = self._kept, None
        return arrays

    def workspace(self, name: str, shape: Shape, dtype: np.dtype, training: bool = True) -> Array:
        """An array to write to. In training the next call with this name gets the same memory again.

        In training it starts as zeros; after that it holds what was last written there, wherever shape[1:] is
        the same.
        """
        if not training:
            return np.empty(shape, dtype)
        key = (name, shape[1:], np.dtype(dtype))
        if key not in self._workspace or len(self._workspace[key]) < shape[0]:
            self._workspace[key] = np.zeros(shape, dtype)
        return self._workspace[key][: shape[0]]

    def scratch(self, name: str, shape: Shape, dtype: np.dtype, training: bool = True) -> Array:
        """A workspace of this thread's own, for what does not outlive one slice; zeros in training only.

        It may be of another shape each time; where zeros matter, the name tells the shape.
        """
        if not training:
            return np.empty(shape, dtype)
        name = f"{name} of thread {threading.get_ident()}"
        return self.workspace(name, (math.prod(shape),), dtype, training).reshape(shape)

    def __deepcopy__(self, memo: dict) -> "Layer":
        """A copy without the memory that is only there to be written over."""
        twin = copy(self)
        memo[id(self)] = twin
        for name, value in vars(self).items():
            setattr(twin, name, {} if name == "_workspace" else deepcopy(value, memo))
        return twin

    def astype(self, dtype: type) -> "Layer":
        """The same layer in another precision; gradient checks run in float64."""
        for arrays in (self.params, self.grads, self.buffers):
            for name, value in arrays.items():
                arrays[name] = value.astype(dtype)
        return self

    def __repr__(self) -> str:
        return type(self).__name__


def he_normal(shape: Shape, fan_in: int, rng: np.random.Generator) -> Array:
    """Normal with variance 2 / fan_in: keeps the variance of activations through ReLU layers.

    Source: He et al., "Delving Deep into Rectifiers", ICCV 2015.
    """
    return (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32)


def xavier_uniform(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    """Uniform in +-sqrt(6 / (fan_in + fan_out)): keeps the variance forward and backward in linear layers.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010.
    """
    limit = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def initial_weight(init: str, shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    """A weight array by the name of its initialisation, "he" or "xavier"."""
    if init == "he":
        return he_normal(shape, fan_in, rng)
    if init == "xavier":
        return xavier_uniform(shape, fan_in, fan_out, rng)
    raise ValueError(f'init must be "he" or "xavier", got {init!r}')
