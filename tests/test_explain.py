"""Looking inside: the terms that are shown add up to what the network computes."""

import numpy as np
import pytest

from cnn import (
    GELU,
    SGD,
    AveragePool2D,
    Dense,
    Residual,
    Sequential,
    digit_net,
    seed_net,
    small_net,
    softmax_cross_entropy,
    softmax_regression,
)
from cnn import explain as module
from cnn.activation import ReLU
from cnn.conv import Conv2D
from cnn.dense import Flatten
from cnn.explain import (
    activations,
    cell_terms,
    evidence,
    has_evidence,
    occlusion,
    one_step,
    receptive_field,
    smallest_change,
)
from cnn.inference import prepare_for_inference
from cnn.pool import MaxPool2D

NETWORKS = [softmax_regression, small_net, seed_net, digit_net]


def strided_net(rng):
    layers = [Conv2D(2, 3, kernel_size=3, stride=2, padding=1, rng=rng), ReLU(), MaxPool2D(3, stride=2)]
    return Sequential("strided", [*layers, Flatten(), Dense(3 * 2 * 2, 4, rng=rng)], (10, 11, 2))


def residual_net(rng):
    block = Residual([Conv2D(3, 3, kernel_size=3, padding=1, rng=rng), GELU()])
    layers = [Conv2D(2, 3, kernel_size=3, rng=rng), GELU(), block, AveragePool2D(3, stride=2), ReLU()]
    return Sequential("residual", [*layers, Flatten(), Dense(3 * 3 * 4, 4, rng=rng)], (10, 11, 2))


def picture(model, rng):
    x = rng.random(model.input_shape, dtype=np.float32)
    return x * (rng.random(model.input_shape) < 0.4)


@pytest.mark.parametrize("build", [*NETWORKS, strided_net, residual_net])
@pytest.mark.parametrize("prepare", [lambda model: model, prepare_for_inference])
def test_the_terms_of_any_cell_add_up_to_its_activation(build, prepare):
    rng = np.random.default_rng(1)
    model = prepare(build(rng))
    x = picture(model, rng)
    for position, found in enumerate(activations(model, x)):
        if isinstance(found.layer, Residual):  # several sums, one after the other
            continue
        for _ in range(12):
            cell = tuple(int(rng.integers(side)) for side in found.values.shape)
            terms = cell_terms(model, x, position, cell)
            scale = np.abs(terms.products).sum() + abs(terms.bias) + 1e-6
            assert terms.value == pytest.approx(terms.products.sum() + terms.bias)
            assert abs(terms.value - found.values[cell]) <= 1e-4 * scale


@pytest.mark.parametrize("build", NETWORKS)
def test_the_last_activation_is_the_logits(build):
    model = build(np.random.default_rng(2))
    x = picture(model, np.random.default_rng(3))
    names = [one.name for one in activations(model, x)]
    assert names == [name for name, _ in model.named_layers()]
    np.testing.assert_allclose(activations(model, x)[-1].values, model.predict(x[None])[0], atol=1e-4)


def test_one_convolution_by_hand():
    model = Sequential("one", [Conv2D(1, 1, kernel_size=2, rng=np.random.default_rng(0))], (2, 2, 1))
    model.layers[0].params["weight"][...] = np.array([[1, 2], [3, 4]]).reshape(2, 2, 1, 1)
    model.layers[0].params["bias"][...] = 0.5
    terms = cell_terms(model, np.array([[5, 6], [7, 8]], np.float32)[..., None], 0, (0, 0, 0))
    assert terms.sources.tolist() == [[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0]]
    assert terms.products.tolist() == [5, 12, 21, 32]
    assert (terms.bias, terms.value) == (0.5, 70.5)


@pytest.mark.parametrize("build", [*NETWORKS, strided_net, residual_net])
def test_nothing_outside_of_the_receptive_field_changes_a_cell(build):
    rng = np.random.default_rng(4)
    model = build(rng)
    x = picture(model, rng)
    before = activations(model, x)
    for position, found in enumerate(before):
        cell = tuple(int(rng.integers(side)) for side in found.values.shape)
        top, bottom, left, right = receptive_field(model, position, cell)
        outside = np.ones(x.shape[:2], bool)
        outside[top:bottom, left:right] = False
        changed = x.copy()
        changed[outside] = rng.random(changed[outside].shape)
        assert activations(model, changed)[position].values[cell] == pytest.approx(
            found.values[cell], rel=1e-5, abs=1e-6
        )


def test_the_receptive_field_in_the_layer_before_is_the_kernel():
    model = digit_net(np.random.default_rng(0))
    position = [name for name, _ in model.named_layers()].index("conv2")
    assert receptive_field(model, position, (5, 0, 3), upto=position) == (4, 7, 0, 2)


def test_contributions_and_bias_add_up_to_the_logits():
    rng = np.random.default_rng(5)
    model = digit_net(rng)
    x = picture(model, rng)
    found = evidence(model, x)
    assert found.contributions.shape == (6, 6, 10)
    np.testing.assert_allclose(found.contributions.sum(axis=(0, 1)) + found.bias, found.logits)
    np.testing.assert_allclose(found.logits, model.predict(x[None])[0], atol=1e-4)


def test_networks_that_end_otherwise_have_no_evidence_and_say_so():
    model = seed_net(np.random.default_rng(0))
    assert has_evidence(digit_net(np.random.default_rng(0)))
    assert not has_evidence(model)
    with pytest.raises(ValueError, match="seed_net does not end in GlobalAveragePool"):
        evidence(model, np.zeros((28, 28, 1), np.float32))


def test_occlusion_is_the_fall_of_the_logits_where_a_square_is_erased():
    rng = np.random.default_rng(6)
    model = small_net(rng)
    x = picture(model, rng)
    found = occlusion(model, x, size=5, stride=3)
    assert found.shape == (8, 8, 10)
    erased = x.copy()
    erased[6:11, 9:14] = 0
    fall = model.predict(x[None])[0] - model.predict(erased[None])[0]
    np.testing.assert_allclose(found[2, 3], fall, atol=1e-5)


@pytest.mark.parametrize("build", NETWORKS)
def test_one_step_is_the_optimizers(build):
    rng = np.random.default_rng(7)
    model = build(rng)
    x, label = picture(model, rng), 3
    before = model.parameters.copy()
    step = one_step(model, x, label, 0.01)
    np.testing.assert_array_equal(model.parameters, before)

    twin = Sequential(model.name, model.copy().layers, model.input_shape, fast=False)
    optimizer = SGD(twin, 0.01, momentum=0.0)
    loss, dlogits = softmax_cross_entropy(twin.forward(x[None], training=True), np.array([label]))
    twin.backward(dlogits)
    optimizer.step()
    assert step.loss == loss
    np.testing.assert_allclose(step.model.parameters, twin.parameters, rtol=1e-6, atol=1e-7)


def test_a_step_shows_the_gradient_at_every_layer():
    rng = np.random.default_rng(8)
    model = small_net(rng)
    x = picture(model, rng)
    step = one_step(model, x, 5, 1e-3)
    assert step.loss_after < step.loss
    shapes = [one.values.shape for one in activations(model, x)]
    assert [gradient.shape for _, gradient in step.gradients] == shapes
    assert step.input_gradient.shape == x.shape


def test_the_smallest_change_that_is_found_flips_the_answer():
    rng = np.random.default_rng(9)
    model = small_net(rng)
    x = picture(model, rng)
    label = int(np.argsort(model.predict(x[None])[0])[-2])
    changed, pixels = smallest_change(model, x, label)
    assert model.predict(changed[None])[0].argmax() == label
    assert len(pixels) == len(set(pixels)) == np.count_nonzero(changed != x)
    assert set(np.unique(changed[changed != x])) <= {0.0, 1.0}
    assert smallest_change(model, x, label, most=0) is None


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda model, x: cell_terms(model, x, 99, (0,)), "has the layers 0 to 7, got 99"),
        (
            lambda model, x: cell_terms(model, x, 0, (0, 28, 0)),
            r"has cells up to \(27, 27, 7\), got \(0, 28, 0\)",
        ),
        (lambda model, x: cell_terms(model, x, 0, (0,)), "has cells up to"),
        (
            lambda model, x: activations(model, x[:-1]),
            r"takes pictures of shape \(28, 28, 1\), got \(27, 28, 1\)",
        ),
        (lambda model, x: occlusion(model, x, size=0), "size must be 1 to 28"),
        (lambda model, x: one_step(model, x, 1, float("nan")), "learning_rate must be finite and above 0"),
        (lambda model, x: one_step(model, x, 10, 0.1), "labels must be 0 to 9"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(ask, message):
    model = small_net(np.random.default_rng(0))
    with pytest.raises(ValueError, match=message):
        ask(model, np.zeros((28, 28, 1), np.float32))


def test_a_layer_of_another_kind_is_not_taken_apart():
    class Strange(ReLU):
        pass

    assert module._weights_of(Strange(), np.ones((1, 1, 1)), (0, 0, 0))  # what it inherits, it is

    class Other(module.Layer):
        pass

    with pytest.raises(ValueError, match="Other cannot be taken apart"):
        module._weights_of(Other(), np.ones((1, 1, 1)), (0, 0, 0))
