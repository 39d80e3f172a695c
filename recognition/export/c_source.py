"""small_net as C for microcontrollers: `small_net.c`, and a header with its weights in 8 bits and as floats.

In 8 bits a layer's output is scale * byte and a weight is scale[k] * (-127 to 127), with a scale for each
output channel k; biases have the scale of the sums, which are exact in 32 bits. How large each layer's output
becomes, pictures of digits show.

Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018, section 2; a scale for each channel: Krishnamoorthi, "Quantizing deep convolutional
networks for efficient inference", 2018.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from cnn import ReLU, Sequential
from cnn.layer import Array

SOURCE = Path(__file__).with_name("small_net.c")
ARCHITECTURE = "small_net"
LAYERS = ("conv1", "conv2", "dense1")  # those with weights, in order
MULTIPLIER_BITS = 31  # of an int32 that is not negative
A_LINE = 12  # numbers a line

HEADER = """\
/* small_net: reads a handwritten digit. Weights by `python -m training export`; see small_net.c.
 * Define SMALL_NET_INT8 for integer arithmetic, and compile both files with the same setting. */
#ifndef SMALL_NET_H
#define SMALL_NET_H
#include <stdint.h>

#define SMALL_NET_PIXELS 784
#define SMALL_NET_CLASSES 10

/* image: 28x28 pixels, row by row, 0 paper to 255 ink, as MNIST's were made: the ink scaled to fit 20x20, its
 * centre of mass moved to pixel (14, 14). logits: the ten answers; exp(logits[k]) is in proportion to the
 * probability of digit k. Returns the digit. Uses no static memory, so threads may call it at once. */
int small_net_read(const uint8_t image[SMALL_NET_PIXELS], float logits[SMALL_NET_CLASSES]);
#endif

#ifdef SMALL_NET_WEIGHTS
#ifdef SMALL_NET_INT8
@int8
#else
@float
#endif
#endif
"""


def c_files(model: Sequential, pictures: Callable[[], Array]) -> dict[str, str]:
    """The two files, by name. ValueError for a model that is no small_net.

    pictures: makes digits, (N, 28, 28, 1) float32 in [0, 1].
    """
    if model.name != ARCHITECTURE:
        raise ValueError(
            f"C is written for {ARCHITECTURE} alone, which a microcontroller has room for; this is "
            f"{model.name}. Please export it as onnx."
        )
    params = dict(model.named_params())
    header = HEADER.replace("@int8", "\n".join(_in_8_bits(model, params, pictures())))
    header = header.replace("@float", "\n".join(_as_floats(params)))
    return {"small_net.h": header, SOURCE.name: SOURCE.read_text(encoding="utf-8")}


def _as_floats(params: dict[str, Array]) -> Iterator[str]:
    for name in LAYERS:
        yield _array("float", f"{name}_weight", params[f"{name}.weight"])
        yield _array("float", f"{name}_bias", params[f"{name}.bias"])
        if name != LAYERS[-1]:
            yield f"static const int32_t *const {name}_multiplier = 0;"
            yield f"#define {name.upper()}_SHIFT 0"
    yield _array("float", f"{LAYERS[-1]}_scale", np.ones(len(params[f"{LAYERS[-1]}.bias"]), np.float32))


def _in_8_bits(model: Sequential, params: dict[str, Array], pictures: Array) -> Iterator[str]:
    largest = _largest_outputs(model, pictures)
    before = 1 / 255  # the scale of the picture's bytes
    for name, most in zip(LAYERS, (*largest, None), strict=True):
        weight, bias = (params[f"{name}.{kind}"].astype(np.float64) for kind in ("weight", "bias"))
        scale = np.abs(weight).max(axis=tuple(range(weight.ndim - 1))) / 127  # (K,)
        scale[scale == 0] = 1  # a channel of zeros
        yield _array("int8_t", f"{name}_weight", np.rint(weight / scale))
        yield _array("int32_t", f"{name}_bias", np.rint(bias / (before * scale)))
        if most is None:
            yield _array("float", f"{name}_scale", np.float32(before * scale))
            continue
        after = most / 255
        factor = before * scale / after  # from a sum to a byte of the output
        shift = MULTIPLIER_BITS - math.frexp(factor.max())[1]
        yield _array("int32_t", f"{name}_multiplier", np.minimum(np.rint(factor * 2.0**shift), 2**31 - 1))
        yield f"#define {name.upper()}_SHIFT {shift}"
        before = after


def _largest_outputs(model: Sequential, pictures: Array) -> list[float]:
    """The largest number that each ReLU makes of these pictures."""
    x, found = pictures, []
    for layer in model.layers:
        x = layer.forward(x)
        if isinstance(layer, ReLU):
            found.append(float(x.max()) or 1.0)
    return found


def _array(kind: str, name: str, values: Array) -> str:
    numbers = [f"{value:.9g}" if kind == "float" else str(int(value)) for value in values.ravel()]
    if kind == "float":
        numbers = [f"{number if set(number) & set('.en') else number + '.0'}f" for number in numbers]
    lines = [", ".join(numbers[i : i + A_LINE]) for i in range(0, len(numbers), A_LINE)]
    return f"static const {kind} {name}[{len(numbers)}] = {{\n    " + ",\n    ".join(lines) + "\n};"
