"""The first layers and the dense one in one: it computes what the layers compute, whatever is drawn."""

import numpy as np
import pytest

from cnn import (
    SGD,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    ReLU,
    Sequential,
    prepare_for_inference,
    seed_net,
    softmax_cross_entropy,
)
from cnn.fast import parallel
from cnn.fast.sparse_dense import SparseConvPoolDense
from tests.plain_and_fast import assert_equal_gradients, assert_equal_networks, plain_and_fast

SHAPES = [
    (3, 1, 1, 12, 10),
    (5, 2, 1, 9, 8),
    (3, 0, 2, 9, 12),
    (3, 2, 1, 5, 6),
    (2, 1, 3, 6, 4),
]  # F, P, C, H, W


def strokes(rng, n, height, width, channels=1):
    """Pictures with ink in a box anywhere, of any size; of two in the middle one is all ink, one blank."""
    x = rng.standard_normal((n, height, width, channels))
    for picture in x:
        rows, columns = (np.sort(rng.integers(0, side + 1, 2)) for side in (height, width))
        picture[: rows[0]] = picture[rows[1] :] = 0
        picture[:, : columns[0]] = picture[:, columns[1] :] = 0
    if n > 2:
        x[n // 2], x[n // 2 + 1] = rng.standard_normal((height, width, channels)), 0
    return x


KINDS = {
    "strokes": strokes,
    "noise": lambda rng, *shape: rng.standard_normal(shape),
    "blank": lambda rng, *shape: np.zeros(shape),
}


def networks(f, p, c, height, width, bias=True):
    """The plain one and the fast one, in float64."""
    rows, columns = ((side + 2 * p - f + 1) // 2 for side in (height, width))

    def build(rng):
        return [
            Conv2D(c, 4, f, padding=p, rng=rng, bias=bias),
            ReLU(),
            MaxPool2D(2),
            Flatten(),
            Dense(rows * columns * 4, 6, rng=rng),
        ]

    plain, fast = plain_and_fast(build, (height, width, c))
    assert [type(step) for step in fast.steps] == [SparseConvPoolDense]
    return plain, fast


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 8, 9, 40, 70])
@pytest.mark.parametrize("shape", SHAPES)
def test_sparse_conv_pool_dense_equals_its_layers(shape, n, kind):
    *_, c, height, width = shape
    x = KINDS[kind](np.random.default_rng(1), n, height, width, c)
    # Where all four values of a window are equal, the gradient of x goes to one of them.
    assert_equal_networks(*networks(*shape), x, with_dx=kind != "blank")


def test_sparse_conv_pool_dense_does_without_a_bias_of_the_convolution():
    x = strokes(np.random.default_rng(1), 20, 12, 10)
    assert_equal_networks(*networks(*SHAPES[0], bias=False), x)


def test_batches_before_leave_no_trace():
    plain, fast = networks(*SHAPES[0])
    rng = np.random.default_rng(1)
    for n in (40, 9, 1, 33, 40):
        x, dy = strokes(rng, n, 12, 10), rng.standard_normal((n, 6))
        np.testing.assert_allclose(
            fast.forward(x, training=True), plain.forward(x, training=True), atol=1e-10
        )
        fast.backward_params(dy)
        plain.backward_params(dy)
        assert_equal_gradients(plain, fast, 1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_prepared_for_inference_it_reads_one_picture_as_it_reads_many(shape):
    *_, c, height, width = shape
    plain, fast = networks(*shape)
    prepared = prepare_for_inference(fast)
    x = strokes(np.random.default_rng(1), 200, height, width, c)
    y = plain.forward(x)
    np.testing.assert_allclose(prepared.predict(x), y, atol=1e-10)
    np.testing.assert_allclose(prepared.forward(x[:5]), y[:5], atol=1e-10)
    one_by_one = np.concatenate([prepared.predict(x[i : i + 1]) for i in range(200)])
    np.testing.assert_allclose(one_by_one, y, atol=1e-10)
    edges = np.zeros((height * width, height, width, c))  # a single pixel anywhere
    edges.reshape(len(edges), -1, c)[range(len(edges)), range(len(edges))] = 1
    one_by_one = np.concatenate([prepared.predict(edges[i : i + 1]) for i in range(len(edges))])
    np.testing.assert_allclose(one_by_one, plain.forward(edges), atol=1e-10)


def test_the_answer_to_a_blank_picture_can_be_written_to():
    prepared = prepare_for_inference(networks(*SHAPES[0])[1])
    blank = np.zeros((1, 12, 10, 1))
    expected = prepared.forward(blank).copy()
    prepared.forward(blank)[...] = 7
    np.testing.assert_array_equal(prepared.forward(blank), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_in_float32_a_step_of_seed_net_equals_that_of_its_layers(kind):
    x = KINDS[kind](np.random.default_rng(1), 64, 28, 28, 1).astype(np.float32)
    labels = np.arange(64) % 10
    results = []
    for fast in (True, False):
        model = seed_net(np.random.default_rng(0))
        model.layers[0].params["bias"][:] = np.random.default_rng(2).normal(0, 0.1, 32)
        if not fast:
            model = Sequential("plain", model.layers, model.input_shape, fast=False)
        loss, dlogits = softmax_cross_entropy(model.forward(x, training=True), labels)
        model.backward_params(dlogits)
        results.append((loss, model.gradients))
    (loss, gradients), (plain_loss, plain_gradients) = results
    assert loss == pytest.approx(plain_loss, rel=1e-5)
    assert np.linalg.norm(gradients - plain_gradients) < 1e-5 * np.linalg.norm(plain_gradients)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cores", [1, 2, 3])
def test_the_number_of_cores_changes_no_bit_of_seed_net(monkeypatch, cores, kind):
    x = KINDS[kind](np.random.default_rng(1), 70, 28, 28, 1).astype(np.float32)

    def two_steps():
        model = seed_net(np.random.default_rng(0))
        optimizer = SGD(model, 0.01, momentum=0.9)
        for _ in range(2):
            _, dlogits = softmax_cross_entropy(model.forward(x, training=True), np.arange(70) % 10)
            model.backward_params(dlogits)
            optimizer.step()
        return model.parameters, prepare_for_inference(model).predict(x)

    monkeypatch.setattr(parallel, "CORES", 1)
    alone = two_steps()
    monkeypatch.setattr(parallel, "CORES", cores)
    for one, many in zip(alone, two_steps(), strict=True):
        np.testing.assert_array_equal(many, one)


def test_the_order_of_the_pictures_changes_only_the_order_of_the_answers():
    model = prepare_for_inference(seed_net(np.random.default_rng(0)))
    x = strokes(np.random.default_rng(1), 32, 28, 28).astype(np.float32)
    order = np.random.default_rng(2).permutation(32)
    np.testing.assert_allclose(model.predict(x[order]), model.predict(x)[order], atol=1e-5)


def test_a_copy_trains_its_own_layers():
    model = seed_net(np.random.default_rng(0))
    twin = model.copy()
    before = model.parameters.copy()
    x = np.random.default_rng(1).random((3, 28, 28, 1), np.float32)
    twin.backward_params(twin.forward(x, training=True))
    SGD(twin, 0.1).step()
    assert twin.steps[0].layers[0] is twin.layers[0]
    assert not np.array_equal(twin.parameters, before)
    np.testing.assert_array_equal(model.parameters, before)
    assert not model.gradients.any()
