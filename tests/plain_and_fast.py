"""A list of layers twice, as it runs and as it reads, to compare."""

import numpy as np

from cnn import BatchNorm, Sequential


def plain_and_fast(build, input_shape, dtype=np.float64):
    """(network that runs the layers, network that runs the steps), of the same random parameters.

    build: generator -> list of layers.
    """
    networks = []
    for fast in (False, True):
        rng = np.random.default_rng(0)
        model = Sequential("example", build(rng), input_shape, fast=fast).astype(dtype)
        model.parameters[:] = rng.standard_normal(len(model.parameters))
        for layer in model.layers:
            if isinstance(layer, BatchNorm):
                layer.buffers["running_mean"][:] = rng.standard_normal(layer.channels)
                layer.buffers["running_variance"][:] = rng.uniform(0.5, 2, layer.channels)
        networks.append(model)
    plain, fast = networks
    assert plain.steps == plain.layers
    assert fast.steps != fast.layers
    return plain, fast


def assert_equal_networks(plain, fast, x, atol=1e-10, with_dx=True):
    """Both compute the same: in reading and training, dx, gradients and buffers."""
    np.testing.assert_allclose(fast.forward(x), plain.forward(x), atol=atol)
    y = plain.forward(x, training=True)
    np.testing.assert_allclose(fast.forward(x, training=True), y, atol=atol)
    dy = np.random.default_rng(2).standard_normal(y.shape).astype(x.dtype)
    dx, fast_dx = plain.backward(dy), fast.backward(dy)
    if with_dx:
        np.testing.assert_allclose(fast_dx, dx, atol=atol)
    assert_equal_gradients(plain, fast, 10 * atol)
    fast.gradients[:] = 0
    fast.forward(x, training=True)
    plain.forward(x, training=True)
    fast.backward_params(dy)
    assert_equal_gradients(plain, fast, 10 * atol)


def assert_equal_gradients(plain, fast, atol):
    for (prefix, layer), (_, twin) in zip(plain.named_layers(), fast.named_layers(), strict=True):
        for name, gradient in layer.grads.items():
            np.testing.assert_allclose(twin.grads[name], gradient, atol=atol, err_msg=f"{prefix}.{name}")
    for (name, value), (_, other) in zip(plain.named_buffers(), fast.named_buffers(), strict=True):
        np.testing.assert_allclose(other, value, atol=atol, err_msg=name)
