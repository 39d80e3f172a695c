"""The first layer and the dense one in one: it computes what the plain layers compute, whatever is drawn."""

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
    WindowConvPoolReLU,
    digit_net,
    prepare_for_inference,
    seed_net,
    slices,
    small_net,
    softmax_cross_entropy,
)
from cnn.inked import InkedDense

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


def network(f, p, c, height, width, bias=True):
    """A joined network with random parameters in float64, and the plain layers with the same."""
    rng = np.random.default_rng(0)
    conv = WindowConvPoolReLU(c, 4, f, p, rng=rng, bias=bias)
    rows, columns, k = conv.output_shape((height, width, c))
    layers = [conv, Flatten(), Dense(rows * columns * k, 6, rng=rng)]
    model = Sequential("joined", layers, (height, width, c)).astype(np.float64)
    model.parameters[:] = rng.standard_normal(len(model.parameters))
    plain = [Conv2D(c, k, f, padding=p, rng=rng, bias=bias), ReLU(), MaxPool2D(2)]
    twin = Sequential("plain", [*plain, Flatten(), Dense(rows * columns * k, 6, rng=rng)], (height, width, c))
    twin.astype(np.float64).parameters[:] = model.parameters
    assert isinstance(model.steps[0], InkedDense)
    assert twin.steps == twin.layers
    return model, twin


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 8, 9, 40, 70])
@pytest.mark.parametrize("shape", SHAPES)
def test_inked_dense_equals_the_plain_layers(shape, n, kind):
    *_, c, height, width = shape
    model, plain = network(*shape)
    x = KINDS[kind](np.random.default_rng(1), n, height, width, c)
    dy = np.random.default_rng(2).standard_normal((n, 6))
    y = plain.forward(x, training=True)
    dx = plain.backward(dy)
    np.testing.assert_allclose(model.forward(x, training=True), y, atol=1e-10)
    model.backward_params(dy)
    np.testing.assert_allclose(model.gradients, plain.gradients, atol=1e-9)
    model.gradients[:] = 0
    model.forward(x, training=True)
    if kind != "blank":  # where all four of a window are equal, the gradient goes to one of them
        np.testing.assert_allclose(model.backward(dy), dx, atol=1e-10)
    else:
        model.backward(dy)
    np.testing.assert_allclose(model.gradients, plain.gradients, atol=1e-9)
    np.testing.assert_allclose(model.forward(x), y, atol=1e-10)


def test_inked_dense_does_without_a_bias_of_the_convolution():
    model, plain = network(*SHAPES[0], bias=False)
    x = strokes(np.random.default_rng(1), 20, 12, 10)
    np.testing.assert_allclose(model.forward(x, training=True), plain.forward(x, training=True), atol=1e-10)
    dy = np.random.default_rng(2).standard_normal((20, 6))
    model.backward_params(dy)
    plain.backward_params(dy)
    np.testing.assert_allclose(model.gradients, plain.gradients, atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_frozen_network_reads_one_picture_as_it_reads_many(shape):
    *_, c, height, width = shape
    model, plain = network(*shape)
    frozen = prepare_for_inference(model)
    x = strokes(np.random.default_rng(1), 200, height, width, c)
    y = plain.forward(x)
    np.testing.assert_allclose(frozen.predict(x), y, atol=1e-10)
    np.testing.assert_allclose(frozen.forward(x[:5]), y[:5], atol=1e-10)
    np.testing.assert_allclose(
        np.concatenate([frozen.predict(x[i : i + 1]) for i in range(200)]), y, atol=1e-10
    )
    edges = np.zeros((height * width, height, width, c))  # a single pixel anywhere
    edges.reshape(len(edges), -1, c)[range(len(edges)), range(len(edges))] = 1
    read = np.concatenate([frozen.predict(edges[i : i + 1]) for i in range(len(edges))])
    np.testing.assert_allclose(read, plain.forward(edges), atol=1e-10)


def test_what_is_read_of_a_blank_picture_can_be_written_to():
    frozen = prepare_for_inference(network(*SHAPES[0])[0])
    blank = np.zeros((1, 12, 10, 1))
    expected = frozen.forward(blank).copy()
    frozen.forward(blank)[...] = 7
    np.testing.assert_array_equal(frozen.forward(blank), expected)


def test_the_gradients_of_inked_dense_match_finite_differences():
    model, _ = network(3, 1, 1, 6, 6)
    rng = np.random.default_rng(3)
    x = strokes(rng, 10, 6, 6)
    dy = rng.standard_normal((10, 6))
    model.forward(x, training=True)
    model.backward_params(dy)
    analytic = model.gradients.copy()
    for index in range(len(analytic)):
        middle, values = model.parameters[index], []
        for moved in (middle + 1e-6, middle - 1e-6):
            model.parameters[index] = moved
            values.append(np.sum(model.forward(x, training=True) * dy))
        model.parameters[index] = middle
        assert analytic[index] == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-5, abs=1e-6)


def test_memory_used_before_by_other_batches_leaves_no_trace():
    model, plain = network(*SHAPES[0])
    rng = np.random.default_rng(1)
    for n in (40, 9, 1, 33, 40):
        x, dy = strokes(rng, n, 12, 10), rng.standard_normal((n, 6))
        np.testing.assert_allclose(
            model.forward(x, training=True), plain.forward(x, training=True), atol=1e-10
        )
        model.backward_params(dy)
        plain.backward_params(dy)
        np.testing.assert_allclose(model.gradients, plain.gradients, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_in_float32_a_step_of_seed_net_equals_that_of_its_layers(kind):
    x = KINDS[kind](np.random.default_rng(1), 64, 28, 28, 1).astype(np.float32)
    labels = np.arange(64) % 10
    told = []
    for joined in (True, False):
        model = seed_net(np.random.default_rng(0))
        model.layers[0].params["bias"][:] = np.random.default_rng(2).normal(0, 0.1, 32)
        if not joined:
            model.steps = model.layers
        loss, dlogits = softmax_cross_entropy(model.forward(x, training=True), labels)
        model.backward_params(dlogits)
        told.append((loss, model.gradients))
    assert told[0][0] == pytest.approx(told[1][0], rel=1e-5)
    assert np.linalg.norm(told[0][1] - told[1][1]) < 1e-5 * np.linalg.norm(told[1][1])


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

    monkeypatch.setattr(slices, "CORES", 1)
    alone = two_steps()
    monkeypatch.setattr(slices, "CORES", cores)
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
    assert twin.steps[0].conv is twin.layers[0]
    assert not np.array_equal(twin.parameters, before)
    np.testing.assert_array_equal(model.parameters, before)
    assert not model.gradients.any()


def test_only_networks_that_begin_so_are_joined():
    rng = np.random.default_rng(0)
    assert [type(step).__name__ for step in seed_net(rng).steps] == ["InkedDense", "ReLU", "Dense"]
    for build in (small_net, digit_net):
        model = build(rng)
        assert model.steps == model.layers


def test_inked_dense_tells_what_it_expects():
    model = seed_net(np.random.default_rng(0))
    for read in (model, prepare_for_inference(model)):
        with pytest.raises(ValueError, match=r"expects \(N, H, W, 1\), got \('N', 28, 28, 3\)"):
            read.forward(np.zeros((1, 28, 28, 3), np.float32))
        with pytest.raises(TypeError, match="computes in float32, got float64"):
            read.forward(np.zeros((1, 28, 28, 1)))
        with pytest.raises(ValueError, match=r"expects \(N, 6272\)"):
            read.forward(np.zeros((1, 30, 28, 1), np.float32))
    with pytest.raises(ValueError, match=r"expects \(N, 6272\)"):
        model.forward(np.zeros((4, 30, 28, 1), np.float32), training=True)
    with pytest.raises(RuntimeError, match=r"needs a forward\(x, training=True\)"):
        model.backward_params(np.zeros((1, 10), np.float32))
    with pytest.raises(RuntimeError, match=r"InkedDense.*needs a forward\(x, training=True\)"):
        model.steps[0].backward_params(np.zeros((1, 128), np.float32))
