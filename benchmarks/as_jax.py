"""The origin's network in JAX, one jitted function a step."""

import time
from collections.abc import Callable

import numpy as np

from cnn import Sequential


def jax_step(model: Sequential, images: np.ndarray, labels: np.ndarray, expected: float) -> Callable | None:
    """A training step of `seed_net` from the weights of `model`; None where JAX is not installed.

    Forward, backward and update are one program, so all of it counts as forward. Raises AssertionError where
    its first loss is not `expected`.
    """
    try:
        import jax
        from jax import lax
        from jax import numpy as jnp
    except ImportError:
        return None

    def loss_of(params: list, x: object, y: object) -> object:
        kernel, bias, *dense = params
        x = lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + bias)
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        x = x.reshape(len(x), -1)
        x = jax.nn.relu(x @ dense[0] + dense[1])
        logits = x @ dense[2] + dense[3]
        return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(len(y)), y])

    @jax.jit
    def train(params: list, velocity: list, x: object, y: object) -> tuple:
        loss, grads = jax.value_and_grad(loss_of)(params, x, y)
        velocity = [0.9 * v - 0.01 * g for v, g in zip(velocity, grads, strict=True)]
        return loss, [p + v for p, v in zip(params, velocity, strict=True)], velocity

    params = [jnp.asarray(value) for _, value in model.named_params()]
    state = [params, [jnp.zeros_like(value) for value in params]]
    x, y = jnp.asarray(images), jnp.asarray(labels)
    np.testing.assert_allclose(float(train(*state, x, y)[0]), expected, rtol=1e-4)

    def step() -> tuple[float, float, float, float]:
        began = time.perf_counter()
        loss, *state[:] = train(*state, x, y)
        loss.block_until_ready()
        jax.block_until_ready(state)
        ended = time.perf_counter()
        return began, ended, ended, ended

    return step
