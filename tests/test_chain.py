"""A chain computes what its layers compute, whatever the slices that run through it."""

import numpy as np
import pytest

from cnn import (
    GELU,
    AveragePool2D,
    BatchNorm,
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
from cnn.fast import parallel
from cnn.fast.chain import Chain
from tests.plain_and_fast import assert_equal_networks, plain_and_fast


def conv(rng, c, k, stride=1):
    return Conv2D(c, k, 3, stride, padding=1, rng=rng, bias=False)


LISTS = {
    "convolution, norm, ReLU, pool": lambda rng: [conv(rng, 2, 5), BatchNorm(5), ReLU(), MaxPool2D(2)],
    "convolution, norm, pool": lambda rng: [conv(rng, 2, 5), BatchNorm(5), MaxPool2D(2)],
    "convolution, norm, GELU, pool": lambda rng: [conv(rng, 2, 5), BatchNorm(5), GELU(), MaxPool2D(2)],
    "convolution, norm": lambda rng: [conv(rng, 2, 5), BatchNorm(5)],
    "two norms": lambda rng: [conv(rng, 2, 5), BatchNorm(5), GELU(), BatchNorm(5), ReLU()],
    "mean pooling": lambda rng: [conv(rng, 2, 6), ReLU(), AveragePool2D(2)],
    "to a list of numbers": lambda rng: [
        conv(rng, 2, 3),
        GELU(),
        conv(rng, 3, 4, stride=2),
        ReLU(),
        Flatten(),
    ],
    "a short cut": lambda rng: [
        Residual([conv(rng, 2, 2), BatchNorm(2), ReLU(), conv(rng, 2, 2), BatchNorm(2)]),
        ReLU(),
        conv(rng, 2, 3, stride=2),
        BatchNorm(3),
        ReLU(),
        Residual([conv(rng, 3, 3), GELU()]),
        GlobalAveragePool(),
    ],
}


@pytest.fixture(params=[2, 1 << 17], ids=["slices of one", "large slices"])
def slices(request, monkeypatch):
    monkeypatch.setattr(parallel, "PASS", request.param)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(("height", "width"), [(6, 4), (7, 9)])
def test_a_chain_equals_its_layers(name, height, width, slices):
    plain, fast = plain_and_fast(LISTS[name], (height, width, 2))
    assert [type(step) for step in fast.steps] == [Chain]
    rng = np.random.default_rng(1)
    for n in (9, 2, 20):  # as the last batch of an epoch is smaller than the others
        assert_equal_networks(plain, fast, rng.standard_normal((n, height, width, 2)), atol=1e-9)


def test_a_chain_ends_with_its_pooling_and_before_what_it_cannot_run():
    rng = np.random.default_rng(0)
    layers = [
        *(conv(rng, 1, 4), BatchNorm(4), ReLU(), MaxPool2D(2)),
        *(conv(rng, 4, 8), GELU(), AveragePool2D(2)),
        *(conv(rng, 8, 8), ReLU(), conv(rng, 8, 600), ReLU()),
        *(Flatten(), Dropout(0.5, rng=rng), Dense(600, 3, rng=rng)),
    ]
    model = Sequential("example", layers, (4, 4, 1))
    assert [type(step).__name__ for step in model.steps] == [
        *("Chain", "Chain", "PatchConv", "FastReLU", "FastConv", "FastReLU"),
        *("Flatten", "Dropout", "FastDense"),
    ]
    assert [layer for step in model.steps for layer in getattr(step, "layers", [step])] == layers


def test_a_chain_gives_the_same_bits_on_any_number_of_cores(monkeypatch):
    monkeypatch.setattr(parallel, "PASS", 1 << 9)
    x = np.random.default_rng(1).random((70, 12, 12, 2), np.float32)

    def one_step():
        model = Sequential("example", LISTS["a short cut"](np.random.default_rng(0)), x.shape[1:])
        y = model.forward(x, training=True).copy()
        return y, model.backward(y).copy(), model.gradients

    monkeypatch.setattr(parallel, "CORES", 1)
    alone = one_step()
    for cores in (2, 3):
        monkeypatch.setattr(parallel, "CORES", cores)
        for one, many in zip(alone, one_step(), strict=True):
            np.testing.assert_array_equal(many, one)


def test_a_chain_says_which_call_is_missing():
    model = Sequential("example", LISTS["mean pooling"](np.random.default_rng(0)), (6, 4, 2))
    with pytest.raises(RuntimeError, match=r"Chain\(.*\).backward needs a forward"):
        model.backward(np.zeros((1, 3, 2, 6), np.float32))
