"""A whole network: gradient, learning, optimizers against their formulas, threads that agree."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cnn import (
    ARCHITECTURES,
    SGD,
    AdamW,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    Muon,
    ReLU,
    Sequential,
    cosine,
    digit_net,
    inverse_time_decay,
    line_net,
    one_cycle,
    prepare_for_inference,
    seed_net,
    softmax_cross_entropy,
)
from cnn.optim import orthogonalised


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


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != "line_net"])  # see test_lines
def test_every_network_overfits_one_batch(name):
    rng = np.random.default_rng(0)
    model = ARCHITECTURES[name](rng)
    optimizer = SGD(model, 0.02, momentum=0.9)
    x, labels = rng.random((16, *model.input_shape), np.float32), rng.integers(0, 10, 16)
    for _ in range(80):
        loss, dlogits = softmax_cross_entropy(model.forward(x, training=True), labels)
        model.backward(dlogits)
        if loss < 0.02:
            break
        optimizer.step()
    assert loss < 0.02
    assert (model.forward(x, training=True).argmax(1) == labels).all()


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


def test_a_network_for_another_size_has_the_same_parameters_and_a_dense_layer_fits_one_size_alone():
    model = line_net(np.random.default_rng(0))
    wide = model.for_shape((48, 288, 1))
    assert (wide.input_shape, wide.output_shape) == ((48, 288, 1), (1, 72, 17))
    assert model.input_shape == (48, 264, 1)
    model.parameters *= 1.5  # as a step of training would
    x = np.random.default_rng(1).random((2, 48, 288, 1), np.float32)
    plain = Sequential("line_net", model.layers, (48, 288, 1), fast=False)
    np.testing.assert_allclose(wide.predict(x), plain.predict(x), rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match=r"Dense\(6272, 128\) expects"):
        seed_net(np.random.default_rng(0)).for_shape((28, 30, 1))


def test_predict_does_not_depend_on_the_slices_it_works_in():
    model = small_net()
    x = np.random.default_rng(0).random((7, 6, 6, 1), np.float32)
    np.testing.assert_allclose(model.predict(x), model.forward(x), rtol=1e-5)
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


def test_a_layer_that_stands_in_the_list_twice_is_refused():
    relu, rng = ReLU(), np.random.default_rng(0)
    with pytest.raises(ValueError, match="ReLU is in the list twice"):
        Sequential("wrong", [relu, Dense(4, 4, rng=rng), relu], input_shape=(4,))


@pytest.mark.parametrize("fast", [True, False])
def test_pictures_of_another_shape_or_precision_are_refused(fast):
    model = Sequential("six", small_net().layers, (6, 6, 1), fast=fast)
    for ready in (model, prepare_for_inference(model)):
        with pytest.raises(ValueError, match=r"six expects \('N', 6, 6, 1\), got \('N', 8, 6, 1\)"):
            ready.forward(np.zeros((1, 8, 6, 1), np.float32))
        with pytest.raises(TypeError, match="six computes in float32, got float64"):
            ready.predict(np.zeros((40, 6, 6, 1)))


def test_names_count_by_kind_so_that_a_relu_or_dropout_shifts_none():
    model = small_net()
    names = [name for name, _ in model.named_params()]
    assert names == ["conv1.weight", "conv1.bias", "dense1.weight", "dense1.bias"]
    layers = [*model.layers[:-1], Dropout(0.5, rng=np.random.default_rng(0)), ReLU(), model.layers[-1]]
    longer = Sequential("longer", layers, model.input_shape)
    assert [name for name, _ in longer.named_params()] == names
    buffers = [name for name, _ in digit_net(np.random.default_rng(0)).named_buffers()]
    assert buffers[2:4] == ["norm1.batches", "norm2.running_mean"]


def test_a_network_without_parameters_runs_too():
    model = Sequential("flat", [Flatten()], (2, 3))
    np.testing.assert_array_equal(model.predict(np.ones((40, 2, 3))), np.ones((40, 6)))


def test_the_summary_shows_layers_shapes_and_parameters():
    summary = seed_net(np.random.default_rng(0)).summary()
    assert "Conv2D(1, 32, kernel_size=3, stride=1, padding=1)" in summary
    assert "(28, 28, 32)" in summary
    assert "(14, 14, 32)" in summary
    assert "804554" in summary


def steps_of(optimizer, reference, steps=4):
    """Both take the same random gradients; returns (what the optimizer made, what the formula makes)."""
    model = optimizer.model
    rng = np.random.default_rng(0)
    for step in range(steps):
        model.gradients[:] = rng.standard_normal(model.gradients.shape)
        expected = reference(step, model.gradients.copy())
        optimizer.step()
    assert optimizer.step_count == steps
    return model.parameters, expected


def weights_of(model):
    """1 for weights, 0 for biases, by position in the vector."""
    return np.concatenate([np.full(v.size, float("weight" in name)) for name, v in model.named_params()])


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_sgd_follows_its_formula(nesterov, weight_decay):
    model = small_net().astype(np.float64)
    start, decayed = model.parameters.copy(), weight_decay * weights_of(model)
    kept = {"parameters": start, "velocity": 0.0}

    def reference(step, gradient):
        rate = 0.1 / (1 + 0.5 * step)
        gradient = gradient + decayed * kept["parameters"]
        kept["velocity"] = 0.9 * kept["velocity"] - rate * gradient
        move = 0.9 * kept["velocity"] - rate * gradient if nesterov else kept["velocity"]
        kept["parameters"] = kept["parameters"] + move
        return kept["parameters"]

    optimizer = SGD(
        model, inverse_time_decay(0.1, 0.5), momentum=0.9, nesterov=nesterov, weight_decay=weight_decay
    )
    np.testing.assert_allclose(*steps_of(optimizer, reference), rtol=1e-12)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adamw_follows_its_formula(weight_decay):
    model = small_net().astype(np.float64)
    decayed = weight_decay * weights_of(model)
    kept = {"parameters": model.parameters.copy(), "mean": 0.0, "square": 0.0}

    def reference(step, gradient):
        kept["mean"] = 0.8 * kept["mean"] + 0.2 * gradient
        kept["square"] = 0.99 * kept["square"] + 0.01 * gradient**2
        mean, square = kept["mean"] / (1 - 0.8 ** (step + 1)), kept["square"] / (1 - 0.99 ** (step + 1))
        move = mean / (np.sqrt(square) + 1e-8) + decayed * kept["parameters"]
        kept["parameters"] = kept["parameters"] - 0.01 * move
        return kept["parameters"]

    optimizer = AdamW(model, 0.01, beta1=0.8, beta2=0.99, weight_decay=weight_decay)
    np.testing.assert_allclose(*steps_of(optimizer, reference), rtol=1e-9)


def normed_net():
    """A first convolution with a bias, one without and BatchNorm, and a dense layer."""
    rng = np.random.default_rng(0)
    layers = [
        Conv2D(1, 3, 3, rng=rng),
        Conv2D(3, 4, 3, rng=rng, bias=False),
        BatchNorm(4),
        Flatten(),
        Dense(16, 10, rng=rng),
    ]
    return Sequential("normed", layers, (6, 6, 1)).astype(np.float64)


def test_muon_orthogonalises_the_momentum_of_convolutions_without_bias_and_takes_adamws_step_for_the_rest():
    model, twin = normed_net(), normed_net()
    muon = Muon(model, cosine(0.2, 10), momentum=0.6, other_rate=0.02, weight_decay=0.1)
    adamw = AdamW(twin, lambda step: 0.02 * cosine(0.2, 10)(step), weight_decay=0.1)
    weight, velocity = model.layers[1].params["weight"].reshape(27, 4).copy(), 0.0
    rng = np.random.default_rng(1)
    for step in range(3):
        model.gradients[:] = twin.gradients[:] = rng.standard_normal(len(model.parameters))
        gradient = model.layers[1].grads["weight"].reshape(27, 4)
        velocity = 0.6 * velocity + gradient
        direction = orthogonalised(gradient + 0.6 * velocity)
        rate = cosine(0.2, 10)(step)
        weight = 2 * weight / np.linalg.norm(weight) - rate * direction
        muon.step()
        adamw.step()
        np.testing.assert_allclose(model.layers[1].params["weight"].reshape(27, 4), weight)
    for (name, value), (_, other) in zip(model.named_params(), twin.named_params(), strict=True):
        if name != "conv2.weight":
            np.testing.assert_array_equal(value, other, err_msg=name)


@pytest.mark.parametrize("shape", [(40, 6), (6, 40), (5, 5)])
def test_orthogonalised_keeps_the_directions_of_a_matrix_and_makes_their_sizes_alike(shape):
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.standard_normal((side, 5)))[0] for side in shape)
    matrix = left * [100, 50, 20, 10, 5] @ right.T
    sizes = np.diag(left.T @ orthogonalised(matrix) @ right)
    assert (sizes > 0.65).all()
    assert (sizes < 1.25).all()
    np.testing.assert_allclose(left * sizes @ right.T, orthogonalised(matrix), atol=1e-9)


def test_orthogonalised_of_nothing_is_nothing():
    np.testing.assert_array_equal(orthogonalised(np.zeros((4, 3), np.float32)), 0)


def test_weight_decay_spares_biases():
    model = small_net()
    model.parameters[:] = 1
    SGD(model, 0.1, weight_decay=0.5).step()
    np.testing.assert_allclose(model.layers[0].params["weight"], 0.95)
    np.testing.assert_array_equal(model.layers[0].params["bias"], 1)


def test_the_weight_average_follows_its_formula():
    model = small_net().astype(np.float64)
    optimizer = SGD(model, 0.1, average_decay=0.3)
    expected = model.parameters.copy()
    for step in (1, 2, 3, 4):
        model.gradients[:] = step
        optimizer.step()
        decay = min(0.3, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * model.parameters
    np.testing.assert_allclose(optimizer.averaged_model().parameters, expected, rtol=1e-12)
    assert not np.allclose(model.parameters, expected)


def test_without_an_average_the_averaged_model_is_the_model():
    model = small_net()
    np.testing.assert_array_equal(SGD(model, 0.1).averaged_model().parameters, model.parameters)


def test_the_cosine_schedule_falls_from_peak_to_final():
    schedule = cosine(1.0, 10, final=0.2)
    assert [schedule(step) for step in (0, 5, 10, 99)] == pytest.approx([1.0, 0.6, 0.2, 0.2])


def test_one_cycle_warms_up_to_its_peak_and_falls_to_nothing():
    schedule = one_cycle(1.0, 100, warm_up=0.3, start=0.04)
    assert [schedule(step) for step in (0, 15, 30, 65, 100)] == pytest.approx([0.04, 0.52, 1.0, 0.5, 0.0])
    rates = [schedule(step) for step in range(101)]
    assert rates.index(max(rates)) == 30


def test_optimizers_keep_float32():
    model = small_net()
    model.gradients[:] = 1
    SGD(model, inverse_time_decay(0.1, 1e-3), momentum=0.9, nesterov=True, weight_decay=0.1).step()
    AdamW(model, one_cycle(0.1, 10), weight_decay=0.1).step()
    Muon(model, one_cycle(0.1, 10), weight_decay=0.1).step()
    assert model.parameters.dtype == np.float32


def test_the_origins_decay_divides_by_one_plus_decay_times_step():
    schedule = inverse_time_decay(0.2, 1e-3)
    assert [schedule(step) for step in (0, 1000, 3000)] == pytest.approx([0.2, 0.1, 0.05])


def test_momentum_outside_zero_to_one_is_refused():
    with pytest.raises(ValueError, match=r"momentum must be in \[0, 1\), got 1"):
        SGD(small_net(), 0.1, momentum=1)
    with pytest.raises(ValueError, match=r"beta2 must be in \[0, 1\), got 1.5"):
        AdamW(small_net(), beta2=1.5)
    with pytest.raises(ValueError, match=r"momentum must be in \[0, 1\), got 1"):
        Muon(small_net(), momentum=1)
