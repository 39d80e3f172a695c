"""A whole network: gradient, learning, optimizers against their formulas, threads that agree."""

from concurrent.futures import ThreadPoolExecutor

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
    inverse_time_decay,
    seed_net,
    softmax_cross_entropy,
)


def small_net(seed=0):
    rng = np.random.default_rng(seed)
    return Sequential(
        "small",
        [
            Conv2D(1, 3, 3, padding=1, rng=rng),
            ReLU(),
            MaxPool2D(2),
            Flatten(),
            Dense(27, 10, rng=rng, init="xavier"),
        ],
        input_shape=(6, 6, 1),
    )


def test_the_gradient_of_a_whole_network_matches_finite_differences():
    model = small_net().astype(np.float64)
    rng = np.random.default_rng(1)
    x, labels = rng.standard_normal((4, 6, 6, 1)), np.array([1, 0, 9, 4])
    _, dlogits = softmax_cross_entropy(model.forward(x, training=True), labels)
    model.backward(dlogits)
    analytic = model.gradients.copy()
    for index in rng.choice(model.parameters.size, 60, replace=False):
        middle, losses = model.parameters[index], []
        for moved in (middle + 1e-6, middle - 1e-6):
            model.parameters[index] = moved
            losses.append(softmax_cross_entropy(model.forward(x), labels)[0])
        model.parameters[index] = middle
        assert analytic[index] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-4, abs=1e-8)


def test_seed_net_overfits_one_batch():
    rng = np.random.default_rng(0)
    model = seed_net(rng)
    optimizer = SGD(model, 0.02, momentum=0.9)
    x, labels = rng.random((16, 28, 28, 1), np.float32), rng.integers(0, 10, 16)
    for _ in range(40):
        loss, dlogits = softmax_cross_entropy(model.forward(x, training=True), labels)
        model.backward(dlogits)
        optimizer.step()
    assert loss < 0.01
    assert (model.predict(x).argmax(1) == labels).all()


def test_the_same_seed_gives_the_same_weights_bit_for_bit_and_another_seed_does_not():
    assert np.array_equal(small_net(3).parameters, small_net(3).parameters)
    assert not np.array_equal(small_net(3).parameters, small_net(4).parameters)


def test_layer_arrays_are_views_into_the_two_vectors():
    model = small_net()
    model.parameters[:] = 0
    model.gradients[:] = 7
    assert all((value == 0).all() for _, value in model.named_params())
    assert all((gradient == 7).all() for layer in model.layers for gradient in layer.grads.values())


def test_a_copy_is_independent():
    model = small_net()
    twin = model.copy()
    twin.parameters += 1
    assert not np.array_equal(twin.layers[0].params["weight"], model.layers[0].params["weight"])
    np.testing.assert_array_equal(twin.layers[0].params["bias"], 1)


def test_predict_does_not_depend_on_the_slices_it_works_in():
    model = small_net()
    x = np.random.default_rng(0).random((7, 6, 6, 1), np.float32)
    np.testing.assert_allclose(model.predict(x, batch_size=2), model.forward(x), rtol=1e-5)
    assert model.predict(x[:0]).shape == (0, 10)


def test_threads_can_read_with_one_network_while_it_is_in_the_middle_of_a_training_step():
    model = seed_net(np.random.default_rng(0))
    rng = np.random.default_rng(1)
    pictures = [rng.random((2, 28, 28, 1), np.float32) for _ in range(64)]
    expected = [model.predict(x) for x in pictures]
    x = rng.random((8, 28, 28, 1), np.float32)
    logits = model.forward(x, training=True)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(model.predict, pictures))
    model.backward(logits)  # what the training forward kept is still there
    for answer, wanted in zip(answers, expected, strict=True):
        np.testing.assert_array_equal(answer, wanted)


def test_layers_that_do_not_fit_together_are_refused_when_the_network_is_built():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"Dense\(5, 2\) expects \(N, 5\), got \('N', 6\)"):
        Sequential("wrong", [Dense(4, 6, rng=rng), Dense(5, 2, rng=rng)], input_shape=(4,))


def test_the_summary_tells_layers_shapes_and_parameters():
    summary = seed_net(np.random.default_rng(0)).summary()
    assert "Conv2D(1, 32, kernel_size=3, stride=1, padding=1)" in summary
    assert "(14, 14, 32)" in summary
    assert "804554" in summary


def test_sgd_with_momentum_follows_its_formula():
    model = small_net().astype(np.float64)
    optimizer = SGD(model, inverse_time_decay(0.1, 0.5), momentum=0.9)
    expected, velocity = model.parameters.copy(), 0.0
    rng = np.random.default_rng(0)
    for step in range(4):
        model.gradients[:] = rng.standard_normal(model.gradients.shape)
        velocity = 0.9 * velocity - 0.1 / (1 + 0.5 * step) * model.gradients
        expected = expected + velocity
        optimizer.step()
    assert optimizer.steps == 4
    np.testing.assert_allclose(model.parameters, expected, rtol=1e-12)


def test_sgd_keeps_float32():
    model = small_net()
    model.gradients[:] = 1
    SGD(model, inverse_time_decay(0.1, 1e-3), momentum=0.9).step()
    assert model.parameters.dtype == np.float32


def test_the_origins_decay_divides_by_one_plus_decay_times_step():
    schedule = inverse_time_decay(0.2, 1e-3)
    assert [schedule(step) for step in (0, 1000, 3000)] == pytest.approx([0.2, 0.1, 0.05])


def test_momentum_outside_zero_to_one_is_refused():
    with pytest.raises(ValueError, match=r"momentum must be in \[0, 1\), got 1"):
        SGD(small_net(), 0.1, momentum=1)
