"""What is computed cleverly equals what is computed plainly, on one core or many, bit for bit."""

import numpy as np
import pytest

from cnn import BatchNorm, Conv2D, ReLU, SameConv2D, Sequential, digit_net, fold_batch_norm, slices

SHAPES = [(1, 1, 1), (9, 6, 3), (20, 5, 7), (17, 1, 4)]  # N, H, W


def twins(f, c, k, bias=True):
    rng = np.random.default_rng(0)
    fast = SameConv2D(c, k, f, rng=rng, bias=bias).astype(np.float64)
    plain = Conv2D(c, k, f, padding=f // 2, rng=rng, bias=bias).astype(np.float64)
    for name, value in fast.params.items():
        value[...] = rng.standard_normal(value.shape)
        plain.params[name][...] = value
    return fast, plain


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("n", "height", "width"), SHAPES)
@pytest.mark.parametrize(("f", "c", "k"), [(3, 1, 4), (3, 5, 2), (5, 2, 3), (1, 3, 2), (7, 1, 1)])
def test_same_conv2d_equals_conv2d(f, c, k, n, height, width, bias):
    fast, plain = twins(f, c, k, bias)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((n, height, width, c))
    y = plain.forward(x, training=True)
    np.testing.assert_allclose(fast.forward(x, training=True), y, atol=1e-11)
    np.testing.assert_allclose(fast.forward(x), y, atol=1e-11)
    dy = rng.standard_normal(y.shape)
    np.testing.assert_allclose(fast.backward(dy), plain.backward(dy), atol=1e-11)
    for name, gradient in plain.grads.items():
        np.testing.assert_allclose(fast.grads[name], gradient, atol=1e-10, err_msg=name)


def test_the_gradients_of_parameters_are_the_same_without_the_gradient_of_the_input():
    fast, plain = twins(3, 2, 3)
    x = np.random.default_rng(1).standard_normal((10, 5, 5, 2))
    dy = np.random.default_rng(2).standard_normal((10, 5, 5, 3))
    for layer in (fast, plain):
        layer.forward(x, training=True)
        layer.backward_params(dy)
    for name, gradient in plain.grads.items():
        np.testing.assert_allclose(fast.grads[name], gradient, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_the_number_of_cores_changes_no_bit(monkeypatch, cores):
    monkeypatch.setattr(slices, "CORES", cores)
    rng = np.random.default_rng(0)
    layer = SameConv2D(3, 5, 3, rng=rng)
    x = rng.standard_normal((37, 6, 6, 3), np.float32)
    y = layer.forward(x, training=True)
    dx = layer.backward(y)
    monkeypatch.setattr(slices, "CORES", 1)
    np.testing.assert_array_equal(layer.forward(x, training=True), y)
    gradients = {name: value.copy() for name, value in layer.grads.items()}
    np.testing.assert_array_equal(layer.backward(y), dx)
    for name, value in layer.grads.items():
        np.testing.assert_array_equal(value, gradients[name])


def test_memory_used_before_by_larger_and_smaller_batches_leaves_no_trace():
    fast, plain = twins(3, 2, 3)
    rng = np.random.default_rng(1)
    for n in (20, 9, 3, 20, 1):  # as the last batch of an epoch is smaller than the others
        x = rng.standard_normal((n, 5, 4, 2))
        y = plain.forward(x, training=True)
        np.testing.assert_allclose(fast.forward(x, training=True), y, atol=1e-11)
        dy = rng.standard_normal(y.shape)
        np.testing.assert_allclose(fast.backward(dy), plain.backward(dy), atol=1e-11)
        for name, gradient in plain.grads.items():
            np.testing.assert_allclose(fast.grads[name], gradient, atol=1e-10, err_msg=name)


def test_even_kernels_are_refused():
    with pytest.raises(ValueError, match="odd kernel_size, got 4"):
        SameConv2D(1, 1, 4, rng=np.random.default_rng(0))


@pytest.mark.parametrize("cores", [1, 2, 4])
@pytest.mark.parametrize("count", [0, 1, 5, 16, 33])
def test_every_sample_is_worked_on_once_and_results_come_in_order(monkeypatch, count, cores):
    monkeypatch.setattr(slices, "CORES", cores)
    seen = np.zeros(count, int)

    def work(s):
        seen[s] += 1
        return s.start

    assert slices.for_slices(count, 5, work) == list(range(0, count, 5))
    assert (seen == 1).all()


def test_a_failure_in_any_slice_is_raised(monkeypatch):
    monkeypatch.setattr(slices, "CORES", 2)

    def work(s):
        if s.start == 5:
            raise ValueError("slice 5 failed")

    with pytest.raises(ValueError, match="slice 5 failed"):
        slices.for_slices(20, 5, work)


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
    folded = fold_batch_norm(model)
    assert not any(isinstance(layer, BatchNorm) for layer in folded.layers)
    np.testing.assert_allclose(folded.predict(x), model.predict(x), rtol=1e-4, atol=1e-4)


def test_folding_leaves_the_model_as_it_was():
    model = digit_net(np.random.default_rng(0))
    before = model.parameters.copy()
    fold_batch_norm(model).parameters[:] = 0
    np.testing.assert_array_equal(model.parameters, before)


def test_a_batch_norm_that_follows_no_weights_cannot_be_folded():
    model = Sequential("odd", [ReLU(), BatchNorm(3)], (3,))
    with pytest.raises(ValueError, match=r"BatchNorm\(3\) follows ReLU"):
        fold_batch_norm(model)
