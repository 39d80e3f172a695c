"""A network prepared for inference answers as before, and the one it was made of is not touched."""

import numpy as np
import pytest

from cnn import (
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    ReLU,
    Residual,
    Sequential,
    digit_net,
    prepare_for_inference,
)


def test_folding_batch_norm_changes_no_answer():
    rng = np.random.default_rng(0)
    model = digit_net(rng)
    for layer in model.layers:
        if isinstance(layer, BatchNorm):
            layer.params["gamma"][:] = rng.normal(0, 1, layer.channels)  # negative too: pooling must not care
            layer.params["beta"][:] = rng.normal(0, 1, layer.channels)
            layer.buffers["running_mean"][:] = rng.normal(0, 1, layer.channels)
            layer.buffers["running_variance"][:] = rng.uniform(0.5, 2, layer.channels)
    x = rng.random((5, 28, 28, 1), np.float32)
    folded = prepare_for_inference(model)
    assert not any(isinstance(layer, BatchNorm) for layer in folded.layers)
    np.testing.assert_allclose(folded.predict(x), model.predict(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("fast", [True, False])
def test_batch_norm_is_folded_inside_of_a_residual_too(fast):
    rng = np.random.default_rng(0)
    block = Residual([Conv2D(2, 2, 3, padding=1, rng=rng, bias=False), BatchNorm(2), ReLU()])
    model = Sequential("odd", [block, Flatten(), Dense(72, 4, rng=rng)], (6, 6, 2), fast=fast)
    block.layers[1].buffers["running_mean"][:] = rng.normal(0, 1, 2)
    x = rng.random((5, 6, 6, 2), np.float32)
    prepared = prepare_for_inference(model)
    assert [type(layer) for layer in prepared.layers[0].layers] == [Conv2D, ReLU]
    np.testing.assert_allclose(prepared.predict(x), model.predict(x), rtol=1e-4, atol=1e-5)


def test_folding_leaves_the_model_as_it_was():
    model = digit_net(np.random.default_rng(0))
    before = model.parameters.copy()
    prepare_for_inference(model).parameters[:] = 0
    np.testing.assert_array_equal(model.parameters, before)


@pytest.mark.parametrize("fast", [True, False])
def test_a_batch_norm_that_follows_no_weights_stays(fast):
    rng = np.random.default_rng(0)
    layers = [
        Conv2D(1, 3, 3, rng=rng),
        ReLU(),
        BatchNorm(3),
        MaxPool2D(2),
        Flatten(),
        Dense(12, 4, rng=rng),
        BatchNorm(4),
    ]
    model = Sequential("odd", layers, (6, 6, 1), fast=fast)
    for layer in (layers[2], layers[6]):
        layer.buffers["running_mean"][:] = rng.normal(0, 1, layer.channels)
        layer.params["beta"][:] = rng.normal(0, 1, layer.channels)
    x = rng.random((5, 6, 6, 1), np.float32)
    prepared = prepare_for_inference(model)
    assert [type(layer) for layer in prepared.layers] == [Conv2D, ReLU, BatchNorm, MaxPool2D, Flatten, Dense]
    assert prepared.fast is fast
    np.testing.assert_allclose(prepared.predict(x), model.predict(x), rtol=1e-4, atol=1e-5)


def test_preparing_twice_changes_nothing_more():
    x = np.random.default_rng(1).random((40, 28, 28, 1), np.float32)
    once = prepare_for_inference(digit_net(np.random.default_rng(0)))
    np.testing.assert_array_equal(prepare_for_inference(once).predict(x), once.predict(x))
