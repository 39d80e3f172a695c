"""Which steps run in the place of which layers: a fast path that is lost fails here."""

from pathlib import Path

import numpy as np
import pytest

from cnn import ARCHITECTURES, GELU, BatchNorm, Conv2D, Dense, Flatten, MaxPool2D, ReLU, Sequential
from cnn.fast.step import Step

FOUR_CONVOLUTIONS = """\
ConvPool(Conv2D(16, 48, kernel_size=3, stride=1, padding=1), ReLU, MaxPool2D(2, stride=2))
WinogradConv(Conv2D(48, {width}, kernel_size=3, stride=1, padding=1, bias=False))
FastBatchNorm(BatchNorm({width}), ReLU)
WinogradConv(Conv2D({width}, {width}, kernel_size=3, stride=1, padding=1, bias=False))
FastBatchNorm(BatchNorm({width}), ReLU)
WinogradConv(Conv2D({width}, {width}, kernel_size=3, stride=1, padding=1, bias=False))
FastBatchNorm(BatchNorm({width}), ReLU)
"""

FIVE_CONVOLUTIONS = f"""\
SparseConvPoolReLU(Conv2D({{channels}}, 16, kernel_size=5, stride=1, padding=0), ReLU, MaxPool2D(2, stride=2))
{FOUR_CONVOLUTIONS.format(width=128)}\
GlobalAveragePool
FastDense(Dense(128, {{classes}}))"""

LINE_CONVOLUTIONS = f"""\
SparseConvPoolReLU(Conv2D(1, 16, kernel_size=5, stride=1, padding=2), ReLU, MaxPool2D(2, stride=2))
{FOUR_CONVOLUTIONS.format(width=112)}\
ConvNorm(Conv2D(112, 32, kernel_size=1, stride=1, padding=0, bias=False), BatchNorm(32), ReLU)
ColumnWindows(3)
ConvNorm(Conv2D(1152, 128, kernel_size=1, stride=1, padding=0, bias=False), BatchNorm(128), ReLU)
ColumnWindows(3)
FastConv(Conv2D(384, 17, kernel_size=1, stride=1, padding=0))"""

DEEP_CONVOLUTIONS = """\
FastConv(Conv2D({channels}, {first}, kernel_size=3, stride=1, padding={padding}))
FastGELU(GELU)
{second}
FastBatchNorm(BatchNorm(64), GELU)
WinogradConv(Conv2D(64, 64, kernel_size=3, stride=1, padding=0, bias=False))
FastBatchNorm(BatchNorm(64), GELU)
WinogradConv(Conv2D(64, {width}, kernel_size=3, stride=1, padding=1, bias=False))
HalvingMaxPool(MaxPool2D(2, stride=2))
FastBatchNorm(BatchNorm({width}), GELU)
WinogradConv(Conv2D({width}, {width}, kernel_size=3, stride=1, padding=1, bias=False))
FastBatchNorm(BatchNorm({width}), GELU)
WinogradConv(Conv2D({width}, {width}, kernel_size=3, stride=1, padding=1, bias=False))
HalvingMaxPool(MaxPool2D(2, stride=2))
FastBatchNorm(BatchNorm({width}), GELU)
WinogradConv(Conv2D({width}, {width}, kernel_size=3, stride=1, padding=1, bias=False))
FastBatchNorm(BatchNorm({width}), GELU)
GlobalAveragePool
FastDense(Dense({width}, 10))"""

STEPS = {
    "softmax_regression": """\
Flatten
FastDense(Dense(784, 10))""",
    "small_net": """\
SparseConvPoolReLU(Conv2D(1, 8, kernel_size=5, stride=1, padding=2), ReLU, MaxPool2D(2, stride=2))
ConvPool(Conv2D(8, 16, kernel_size=3, stride=1, padding=1), ReLU, MaxPool2D(2, stride=2))
Flatten
FastDense(Dense(784, 10))""",
    "seed_net": """\
SparseConvPoolDense(Conv2D(1, 32, kernel_size=3, stride=1, padding=1), ReLU, MaxPool2D(2, stride=2), \
Flatten, Dense(6272, 128))
FastReLU(ReLU)
FastDense(Dense(128, 10))""",
    "digit_net": FIVE_CONVOLUTIONS.format(channels=1, classes=10),
    "row_net": FIVE_CONVOLUTIONS.format(channels=2, classes=15),
    "line_net": LINE_CONVOLUTIONS,
    "grey_net": DEEP_CONVOLUTIONS.format(
        channels=1,
        first=18,
        width=116,
        padding=1,
        second="ConvPool(Conv2D(18, 64, kernel_size=3, stride=1, padding=1, bias=False), "
        "MaxPool2D(2, stride=2))",
    ),
    "colour_net": DEEP_CONVOLUTIONS.format(
        channels=3,
        first=24,
        width=176,
        padding=0,
        second="WinogradConv(Conv2D(24, 64, kernel_size=3, stride=1, padding=0, bias=False))\n"
        "HalvingMaxPool(MaxPool2D(2, stride=2))",
    ),
}
RNG = np.random.default_rng(0)


class LeakyReLU(ReLU):
    """Not what it is derived from."""

    def forward(self, x, training=False):
        return np.where(x > 0, x, x / 10)


def kinds(layers, input_shape):
    return [type(step).__name__ for step in Sequential("example", layers, input_shape).steps]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_steps_of_every_network(name):
    model = ARCHITECTURES[name](RNG)
    assert "\n".join(map(repr, model.steps)) == STEPS[name]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_layers_of_every_network_are_all_run_once_in_their_order(name):
    model = ARCHITECTURES[name](RNG)
    run = [layer for step in model.steps for layer in (step.layers if isinstance(step, Step) else [step])]
    assert run == model.layers


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_steps_own_no_parameters(name):
    model = ARCHITECTURES[name](RNG)
    assert not any(step.params or step.buffers for step in model.steps if isinstance(step, Step))
    model.copy().parameters[:] = 0
    assert model.parameters.any()


@pytest.mark.parametrize(
    ("layers", "shape", "expected"),
    [
        (
            [Conv2D(1, 2, 3, stride=2, rng=RNG), ReLU(), MaxPool2D(2)],
            (9, 9, 1),
            ["StridedConv", "HalvingMaxPool"],
        ),
        ([Conv2D(1, 2, 3, padding=3, rng=RNG)], (9, 9, 1), ["StridedConv"]),
        ([Conv2D(1, 2, 3, rng=RNG), ReLU(), MaxPool2D(3)], (9, 9, 1), ["FastConv", "FastMaxPool"]),
        ([Conv2D(1, 2, 3, rng=RNG), ReLU(), MaxPool2D(2, 1)], (9, 9, 1), ["FastConv", "FastMaxPool"]),
        ([Conv2D(1, 2, 3, rng=RNG), MaxPool2D(3)], (9, 9, 1), ["FastConv", "FastMaxPool"]),
        ([Conv2D(1, 2, 3, rng=RNG), MaxPool2D(2)], (9, 9, 1), ["ConvPool"]),
        (
            [Conv2D(1, 2, 3, rng=RNG), LeakyReLU(), MaxPool2D(2)],
            (9, 9, 1),
            ["FastConv", "LeakyReLU", "HalvingMaxPool"],
        ),
        ([Conv2D(4, 2, 3, rng=RNG), ReLU(), MaxPool2D(2)], (8, 9, 4), ["SparseConvPoolReLU"]),
        ([Conv2D(5, 2, 3, rng=RNG), ReLU(), MaxPool2D(2)], (8, 9, 5), ["ConvPool"]),
        ([Conv2D(5, 2, 3, padding=1, rng=RNG), ReLU(), MaxPool2D(2)], (6, 6, 5), ["ConvPool"]),
        ([Conv2D(5, 2, 3, padding=1, rng=RNG), ReLU()], (6, 6, 5), ["WinogradConv", "FastReLU"]),
        ([Conv2D(5, 2, 3, padding=1, rng=RNG)], (6, 7, 5), ["FastConv"]),
        ([Conv2D(5, 2, 3, padding=1, stride=2, rng=RNG)], (6, 6, 5), ["StridedConv"]),
        ([Conv2D(5, 2, 5, padding=1, rng=RNG)], (6, 6, 5), ["FastConv"]),
        ([Conv2D(5, 2, 3, rng=RNG), BatchNorm(2), ReLU(), MaxPool2D(2)], (8, 8, 5), ["ConvNorm"]),
        (
            [Conv2D(5, 2, 3, rng=RNG), BatchNorm(2), GELU(), MaxPool2D(2)],
            (8, 8, 5),
            ["ConvNorm", "HalvingMaxPool"],
        ),
        ([Conv2D(64, 64, 3, padding=1, rng=RNG)], (7, 7, 64), ["WinogradConv"]),
        ([BatchNorm(3), ReLU(), MaxPool2D(3)], (9, 9, 3), ["FastBatchNorm", "FastMaxPool"]),
        ([BatchNorm(3), LeakyReLU()], (3,), ["FastBatchNorm", "LeakyReLU"]),
        (
            [Conv2D(1, 2, 3, rng=RNG), MaxPool2D(2), ReLU(), Flatten(), Dense(18, 3, rng=RNG)],
            (8, 8, 1),
            ["SparseConvPoolDense"],
        ),
        (
            [Conv2D(5, 2, 3, rng=RNG), ReLU(), MaxPool2D(2), Flatten(), Dense(18, 3, rng=RNG)],
            (8, 8, 5),
            ["ConvPool", "Flatten", "FastDense"],
        ),
    ],
)
def test_a_step_matches_only_where_it_is_right(layers, shape, expected):
    assert kinds(layers, shape) == expected


def test_without_fast_the_layers_run_themselves():
    layers = [Dense(3, 2, rng=RNG), ReLU()]
    assert Sequential("example", layers, (3,), fast=False).steps == layers
    assert Sequential("example", layers, (3,), fast=False).copy().fast is False


def test_only_the_model_imports_the_folder_so_that_it_can_be_deleted():
    cnn = Path(__file__).parents[1] / "cnn"
    importing = [
        path.name
        for path in cnn.glob("*.py")
        if "import cnn.fast" in (text := path.read_text()) or "from cnn.fast" in text
    ]
    assert importing == ["model.py"]
