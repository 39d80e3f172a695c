"""Several steps one after another on a slice of the batch, while it is in the cache."""

import math
from collections.abc import Callable, Iterator, Sequence
from copy import copy

import numpy as np

from cnn.activation import GELU, ReLU
from cnn.conv import Conv2D
from cnn.dense import Flatten
from cnn.fast.conv_pool import ConvPool
from cnn.fast.links import Fork, Join, Measure, Normalise
from cnn.fast.norm import BatchNormPool, FastBatchNorm
from cnn.fast.parallel import parallel_for, pass_size, slices_of
from cnn.fast.step import Step
from cnn.layer import Array, Layer, Shape
from cnn.norm import BatchNorm
from cnn.pool import AveragePool2D, GlobalAveragePool, MaxPool2D
from cnn.residual import Residual

Plan = Callable[[Sequence[Layer], Shape], list[Layer]]
Piece = tuple[list[Layer], Shape]  # neighbouring layers and the shape of their input

FEW_WEIGHTS = 1 << 15  # of a convolution whose gradients can be added up slice by slice at little cost
PRODUCTS = 1 << 23  # multiplications in a layer that make a slice worth a core's while
LIGHT = (ReLU, GELU, MaxPool2D, AveragePool2D, GlobalAveragePool, Flatten, BatchNorm)
POOLING = (MaxPool2D, AveragePool2D)
FORK, JOIN = "fork", "join"  # where a short cut begins and ends


class Chain(Step):
    """Steps whose arrays are large and whose weights are few, in training depth first.

    Layer by layer, a whole batch of activations goes to memory and comes back for the next layer, and every
    layer hands slices over to the other cores. Here a slice goes through all layers before the next one
    begins. Batch norm alone needs sums over the batch, so there all slices wait for one another; what lies
    between two such places is a *stage*. Residual blocks are opened up, as they contain such places.

    Every slice has steps of its own, with what they save and their part of the gradients, which are added up
    in the order of the slices. They share the parameters, and the scratch memory.

    steps: what reads, layer by layer. plan: from layers and an input's shape to steps, without chains.
    """

    def __init__(self, steps: Sequence[Layer], input_shape: Shape, plan: Plan) -> None:
        super().__init__([layer for step in steps for layer in layers_of(step)], input_shape)
        self.steps, self.plan = list(steps), plan
        self.slice_size = _slice_size(self.layers, input_shape)
        self.pieces = list(_pieces(self.layers, input_shape))
        self.norms = [piece for piece in self.pieces if isinstance(piece, FastBatchNorm)]
        self._runs: list[_Run] = []

    def forward(self, x: Array, training: bool = False) -> Array:
        if not training:
            for step in self.steps:
                x = step.forward(x)
            return x
        slices = slices_of(len(x), self.slice_size)
        while len(self._runs) < len(slices):
            self._runs.append(_Run(self, self._runs[0] if self._runs else None, x.dtype))
        runs, values = self._runs[: len(slices)], [x[s] for s in slices]
        y = self.workspace("y", (len(x), *self.y_shape), x.dtype)
        for stage in range(len(self.norms) + 1):
            ends = stage == len(self.norms)

            def work(s: slice, stage: int = stage, ends: bool = ends) -> None:
                values[s.start] = runs[s.start].forward(stage, values[s.start])
                if ends:
                    y[slices[s.start]] = values[s.start]

            parallel_for(len(runs), 1, work)
            if not ends:
                self.norms[stage].update([run.stages[stage][-1].part for run in runs])
        self.save_for_backward(x.shape)
        return y

    def backward(self, dy: Array) -> Array:
        (x_shape,) = self.saved()
        dx = self.workspace("dx", x_shape, dy.dtype)
        self._backward(dy, dx)
        return dx

    def backward_params(self, dy: Array) -> None:
        self.saved()
        self._backward(dy, None)

    def _backward(self, dy: Array, dx: Array | None) -> None:
        slices = slices_of(len(dy), self.slice_size)
        runs, values = self._runs[: len(slices)], [dy[s] for s in slices]
        for stage in reversed(range(len(self.norms) + 1)):

            def work(s: slice, stage: int = stage) -> None:
                i = s.start
                values[i] = runs[i].backward(stage, values[i], stage > 0 or dx is not None)
                if stage == 0 and dx is not None:
                    dx[slices[i]] = values[i]

            parallel_for(len(runs), 1, work)
            if stage:
                self.norms[stage - 1].update_grads([run.stages[stage][0].part for run in runs])
        gradients = sum(run.gradients for run in runs)
        start = 0
        for layer, name, size in runs[0].params:
            layer.grads[name][...] = gradients[start : start + size].reshape(layer.grads[name].shape)
            start += size

    def prepare_for_inference(self) -> None:
        for step in self.steps:
            step.prepare_for_inference()


class _Run:
    """The steps of one slice, stage by stage.

    chain: whose slice. twin: another run, whose scratch memory it shares. gradients (P,): this slice's part.
    """

    def __init__(self, chain: Chain, twin: "_Run | None", dtype: np.dtype) -> None:
        self.stages: list[list[Layer]] = [[]]
        self.params: list[tuple[Layer, str, int]] = []  # the layers' own, in the order of `gradients`
        forks, copies = [], []
        for piece in chain.pieces:
            if isinstance(piece, FastBatchNorm):
                self.stages[-1].append(Measure(piece))
                self.stages.append([Normalise(piece)])
            elif piece == FORK:
                forks.append(Fork())
                self.stages[-1].append(forks[-1])
            elif piece == JOIN:
                self.stages[-1].append(Join(forks.pop()))
            else:
                layers, shape = piece
                of_slice = [copy(layer) for layer in layers]
                self.stages[-1] += chain.plan(of_slice, shape)
                self.params += [(layer, name, g.size) for layer in layers for name, g in layer.grads.items()]
                copies += of_slice
        self.gradients = np.zeros(sum(size for _, _, size in self.params), dtype)
        start = 0
        for layer in copies:
            shapes = {name: gradient.shape for name, gradient in layer.grads.items()}
            layer.grads = {}
            for name, shape in shapes.items():
                stop = start + math.prod(shape)
                layer.grads[name] = self.gradients[start:stop].reshape(shape)
                start = stop
        if twin is not None:
            for stage, other in zip(self.stages, twin.stages, strict=True):
                for link, of_twin in zip(stage, other, strict=True):
                    if isinstance(link, Step):
                        link.share_scratch(of_twin)

    def forward(self, stage: int, x: Array) -> Array:
        for link in self.stages[stage]:
            x = link.forward(x, training=True)
        return x

    def backward(self, stage: int, dy: Array, with_dx: bool) -> Array:
        first, *others = self.stages[stage]
        for link in reversed(others):
            dy = link.backward(dy)
        if with_dx:
            return first.backward(dy)
        first.backward_params(dy)
        return dy


def chained(steps: Sequence[Layer], input_shape: Shape, plan: Plan) -> list[Layer]:
    """The steps, neighbours among them as chains where that pays.

    A chain ends with its first pooling, as slices of what is left may be larger. Where pooling is part of a
    convolution there is little to gain, and little in a convolution with nothing but an activation.
    """
    result: list[Layer] = []
    waiting: list[Layer] = []
    shape = begins = tuple(input_shape)

    def close() -> None:
        layers = [layer for step in waiting for layer in layers_of(step)]
        convolves = any(isinstance(layer, Conv2D | Residual) for layer in layers)
        gathers = any(isinstance(layer, (BatchNorm, Residual, *POOLING)) for layer in layers)
        pays = convolves and (len(waiting) > 2 or gathers)
        result.extend([Chain(waiting, begins, plan)] if pays else waiting)
        waiting.clear()

    for step in steps:
        layers = layers_of(step)
        if isinstance(step, ConvPool) or not all(map(_is_light, layers)):
            close()
            result.append(step)
        else:
            if not waiting:
                begins = shape
            waiting.append(step)
        shape = step.output_shape(shape)
        if waiting and isinstance(layers[-1], POOLING):
            close()
    close()
    return result


def layers_of(step: Layer) -> tuple[Layer, ...]:
    return step.layers if isinstance(step, Step) else (step,)


def _is_light(layer: Layer) -> bool:
    if type(layer) is Residual:
        return all(map(_is_light, layer.layers))
    return type(layer) in LIGHT or (type(layer) is Conv2D and layer.params["weight"].size <= FEW_WEIGHTS)


def _slice_size(layers: Sequence[Layer], shape: Shape) -> int:
    """Samples a slice, so that a layer's values stay in the cache and every core has some: a power of 2."""
    size = pass_size(math.prod(shape))
    for layer in layers:
        if isinstance(layer, Residual):
            size = min(size, _slice_size(layer.layers, shape))
        shape = layer.output_shape(shape)
        size = min(size, pass_size(math.prod(shape)))
        if isinstance(layer, Conv2D):
            products = math.prod(shape[:2]) * layer.params["weight"].size
            size = min(size, 1 << max(0, (PRODUCTS // products).bit_length() - 1))
    return size


def _pieces(layers: Sequence[Layer], shape: Shape) -> Iterator[Piece | FastBatchNorm | str]:
    """Runs of layers that a slice passes alone, and between them batch norms and both ends of short cuts."""
    waiting: list[Layer] = []
    begins, position = shape, 0
    while position < len(layers):
        layer = layers[position]
        if isinstance(layer, BatchNorm | Residual):
            if waiting:
                yield waiting, begins
            waiting = []
            if isinstance(layer, Residual):
                yield FORK
                yield from _pieces(layer.layers, shape)
                yield JOIN
            else:
                rest = layers[position:]
                norm = BatchNormPool.match(rest, shape) or FastBatchNorm.match(rest, shape)
                yield norm
                position += len(norm.layers) - 1
                layer = norm  # for the shape of what it hands on
        else:
            if not waiting:
                begins = shape
            waiting.append(layer)
        shape = layer.output_shape(shape)
        position += 1
    if waiting:
        yield waiting, begins
