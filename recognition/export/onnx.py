"""A network as an ONNX file: a node for each layer, batch norm folded, and how to use it in its metadata.

    images (N, C, H, W) float32 in [0, 1], ink 1 on paper 0  ->  logits (N, K)  ->  probs (N, K)

ONNX has channels first. Convolutions only turn their kernels around for that; where a picture is flattened, a
Transpose brings back our order, so that the dense weights stay as they are in the `.npz`.

Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto and docs/Operators.md.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from cnn import (
    GELU,
    AveragePool2D,
    BatchNorm,
    ColumnWindows,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    MaxPool2D,
    ReLU,
    Residual,
    Sequential,
)
from cnn.activation import CUBIC, SLOPE
from cnn.layer import Array, Layer, Shape, named
from recognition.export.protobuf import content, integer, real, repeated

OPSET, IR_VERSION = 17, 8  # of 2022: what every runtime of the last years reads
PRODUCER = "digits-from-scratch"
FLOAT, INT64 = 1, 7  # TensorProto.DataType
IMAGES, LOGITS, PROBS = "images", "logits", "probs"


def onnx_model(
    model: Sequential, metadata: Mapping[str, str], description: str, temperature: float | None
) -> bytes:
    """The file's bytes.

    model: its batch norm folded, where that can be. temperature: of the calibration; without one, the file
    has logits and no probabilities.
    """
    graph = _Graph(model.input_shape)
    for name, layer in model.named_layers():
        graph.add(name, layer)
    graph.finish(temperature)
    return (
        integer(1, IR_VERSION)
        + content(2, PRODUCER)
        + content(6, description)
        + content(7, graph.encoded(model, description))
        + content(8, integer(2, OPSET))
        + repeated(14, (content(1, key) + content(2, value) for key, value in metadata.items()))
    )


class _Graph:
    """Nodes one behind the other. `value` is the name of the last one's output, `shape` ours, without N."""

    def __init__(self, input_shape: Shape) -> None:
        self.value, self.shape = IMAGES, input_shape
        self.nodes: list[bytes] = []
        self.initializers: list[bytes] = []

    def add(self, name: str, layer: Layer) -> None:
        before, self.shape = self.shape, layer.output_shape(self.shape)
        params = layer.params
        if isinstance(layer, Conv2D):
            kernel, stride, pad = layer.kernel_size, layer.stride, layer.padding
            weights = {"weight": params["weight"].transpose(3, 2, 0, 1)}  # (F, F, C, K) -> (K, C, F, F)
            weights |= {"bias": params["bias"]} if "bias" in params else {}
            sizes = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4}
            self._node(name, "Conv", weights, **sizes)
        elif isinstance(layer, Dense):
            self._node(name, "Gemm", {"weight": params["weight"], "bias": params["bias"]})
        elif isinstance(layer, BatchNorm):
            running = {key: layer.buffers[key] for key in ("running_mean", "running_variance")}
            arrays = {"gamma": params["gamma"], "beta": params["beta"]} | running
            self._node(name, "BatchNormalization", arrays, epsilon=float(layer.epsilon))
        elif isinstance(layer, MaxPool2D):
            pool, stride = layer.pool_size, layer.stride
            self._node(name, "MaxPool", kernel_shape=[pool] * 2, strides=[stride] * 2)
        elif isinstance(layer, AveragePool2D):
            pool, stride = layer.pool_size, layer.stride
            self._node(name, "AveragePool", kernel_shape=[pool] * 2, strides=[stride] * 2)
        elif isinstance(layer, GlobalAveragePool):
            self._node(name, "ReduceMean", axes=[2, 3], keepdims=0)
        elif isinstance(layer, ColumnWindows):
            self._column_windows(name, layer.width, before)
        elif isinstance(layer, GELU):
            self._gelu(name)
        elif isinstance(layer, Residual):
            short_cut = self.value
            for inner_name, inner in named(layer.layers):
                self.add(f"{name}.{inner_name}", inner)
            self._node(name, "Add", more=[short_cut])
        elif isinstance(layer, ReLU):
            self._node(name, "Relu")
        elif isinstance(layer, Flatten):
            if len(before) == 3:
                self._node(f"{name}.channels_last", "Transpose", perm=[0, 2, 3, 1])
            self._node(name, "Flatten", axis=1)
        elif not isinstance(layer, Dropout):  # which does nothing in reading
            raise ValueError(f"{layer} has no counterpart in ONNX here")

    def _column_windows(self, name: str, width: int, before: Shape) -> None:
        """(N, C, H, W) -> (N, H, C, W), its columns moved each way, side by side, -> (N, H F C, 1, W)"""
        height, columns, channels = before
        edge = width // 2
        self._node(f"{name}.rows_first", "Transpose", perm=[0, 2, 1, 3])
        self._node(f"{name}.padded", "Pad", {"pads": np.array([0, 0, 0, edge] * 2)})
        padded, shifted = self.value, []
        for j in range(width):
            self.value = padded
            slices = {"starts": np.array([j]), "ends": np.array([j + columns]), "axes": np.array([3])}
            self._node(f"{name}.{j}", "Slice", slices)
            shifted.append(self.value)
        self.value = shifted[0]
        self._node(f"{name}.windows", "Concat", more=shifted[1:], axis=2)
        shape = np.array([0, height * width * channels, 1, columns])  # 0: as it is, N
        self._node(name, "Reshape", {"shape": shape})

    def _gelu(self, name: str) -> None:
        """Step by step: ONNX has an operator for it since 2023 only."""

        def constant(step: str, kind: str, value: float) -> None:
            self._node(f"{name}.{step}", kind, {"value": np.array(value, np.float32)})

        x = self.value
        self._node(f"{name}.square", "Mul", more=[x])
        constant("cubic", "Mul", CUBIC)
        constant("one", "Add", 1)
        self._node(f"{name}.times", "Mul", more=[x])
        constant("slope", "Mul", SLOPE)
        self._node(f"{name}.tanh", "Tanh")
        constant("above", "Add", 1)
        constant("half", "Mul", 0.5)
        self._node(name, "Mul", more=[x])

    def finish(self, temperature: float | None) -> None:
        """The last value is the logits, channels last; beside them their probabilities."""
        if len(self.shape) == 3:
            self._node(f"{LOGITS}.channels_last", "Transpose", perm=[0, 2, 3, 1])
        self._node(LOGITS, "Identity", output=LOGITS)
        if temperature is not None:
            self._node("temperature", "Div", {"value": np.array(temperature, np.float32)})
            self._node(PROBS, "Softmax", axis=1, output=PROBS)

    def encoded(self, model: Sequential, description: str) -> bytes:
        """GraphProto"""
        shape = model.input_shape
        channels_first = (shape[2], *shape[:2]) if len(shape) == 3 else shape
        answers = [LOGITS] + ([PROBS] if self.value == PROBS else [])
        return (
            repeated(1, self.nodes)
            + content(2, model.name)
            + repeated(5, self.initializers)
            + content(10, description)
            + content(11, _value_info(IMAGES, channels_first))
            + repeated(12, (_value_info(name, model.output_shape) for name in answers))
        )

    def _node(
        self,
        name: str,
        kind: str,
        arrays: Mapping[str, Array] | None = None,
        *,
        more: Sequence[str] = (),
        output: str = "",
        **attributes: int | float | list[int],
    ) -> None:
        """NodeProto. more: values that go in behind the last one. output: the name of its value, otherwise
        made from its own.
        """
        inputs = [self.value, *more]
        for key, array in (arrays or {}).items():
            inputs.append(f"{name}.{key}")
            self.initializers.append(_tensor(inputs[-1], array))
        self.value = output or f"{name}.output"
        self.nodes.append(
            repeated(1, inputs)
            + content(2, self.value)
            + content(3, name)
            + content(4, kind)
            + repeated(5, (_attribute(key, value) for key, value in attributes.items()))
        )


def _attribute(name: str, value: int | float | list[int]) -> bytes:
    """AttributeProto"""
    if isinstance(value, float):
        return content(1, name) + real(2, value) + integer(20, 1)
    if isinstance(value, int):
        return content(1, name) + integer(3, value) + integer(20, 2)
    return content(1, name) + b"".join(integer(8, one) for one in value) + integer(20, 7)


def _tensor(name: str, array: Array) -> bytes:
    """TensorProto of float32, or for whole numbers of int64"""
    kind, stored = (INT64, "<i8") if array.dtype.kind == "i" else (FLOAT, "<f4")
    dims = b"".join(integer(1, side) for side in array.shape)
    raw = np.ascontiguousarray(array, stored).tobytes()
    return dims + integer(2, kind) + content(8, name) + content(9, raw)


def _value_info(name: str, shape: Shape) -> bytes:
    """ValueInfoProto of float32, of any number of samples"""
    sides = [content(2, "N"), *(integer(1, side) for side in shape)]
    tensor = integer(1, FLOAT) + content(2, repeated(1, sides))
    return content(1, name) + content(2, content(1, tensor))
