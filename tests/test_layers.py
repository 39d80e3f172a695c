"""Every layer: gradients against finite differences, outputs against SciPy, the errors it raises."""

import numpy as np
import pytest
from scipy.signal import correlate
from scipy.special import log_softmax, logsumexp

from cnn import (
    BatchNorm,
    Conv2D,
    ConvPoolReLU,
    Dense,
    Dropout,
    FastConv2D,
    Flatten,
    GlobalAveragePool,
    Layer,
    MaxPool2D,
    ReLU,
    WindowConvPoolReLU,
    WinogradConv2D,
    reject_cross_entropy,
    log_odds,
    softmax,
    softmax_cross_entropy,
)

EPSILON = 1e-6


def distinct(shape, rng):
    """Values at least 0.01 apart and away from 0: no ReLU or maximum changes sides within EPSILON."""
    count = int(np.prod(shape))
    values = (np.arange(count) - count // 2 + 0.5) * 0.02
    return rng.permutation(values).reshape(shape)


def finite_differences(function, array):
    """d function() / d array, by moving one entry at a time."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        middle = array[index]
        array[index] = middle + EPSILON
        above = function()
        array[index] = middle - EPSILON
        below = function()
        array[index] = middle
        gradient[index] = (above - below) / (2 * EPSILON)
    return gradient


RNG = np.random.default_rng(1)
LAYERS = [
    (Conv2D(2, 3, kernel_size=3, padding=1, rng=RNG), (2, 5, 4, 2)),
    (Conv2D(1, 2, kernel_size=3, rng=RNG, init="xavier"), (2, 5, 6, 1)),
    (Conv2D(2, 2, kernel_size=2, stride=2, padding=1, rng=RNG), (2, 5, 4, 2)),
    (Conv2D(2, 2, kernel_size=3, stride=2, rng=RNG), (1, 6, 6, 2)),
    (Conv2D(3, 2, kernel_size=1, rng=RNG), (2, 3, 3, 3)),
    (Conv2D(1, 2, kernel_size=5, stride=3, padding=2, rng=RNG), (1, 7, 8, 1)),
    (FastConv2D(2, 3, kernel_size=3, padding=1, rng=RNG), (9, 3, 4, 2)),
    (FastConv2D(1, 2, kernel_size=5, rng=RNG, bias=False), (2, 6, 5, 1)),
    (ConvPoolReLU(2, 3, kernel_size=3, padding=1, rng=RNG), (3, 4, 5, 2)),
    (WindowConvPoolReLU(2, 3, kernel_size=3, padding=1, rng=RNG), (3, 4, 5, 2)),
    (WinogradConv2D(2, 3, rng=RNG), (2, 6, 6, 2)),
    (BatchNorm(3), (17, 2, 2, 3)),
    (BatchNorm(3, relu=True), (5, 2, 2, 3)),
    (BatchNorm(4), (5, 4)),
    (Dropout(0.0, rng=RNG), (3, 4)),
    (GlobalAveragePool(), (2, 3, 2, 4)),
    (MaxPool2D(2), (2, 4, 6, 2)),
    (MaxPool2D(2), (2, 5, 3, 2)),
    (MaxPool2D(3, stride=2), (1, 7, 6, 2)),
    (Dense(4, 3, rng=RNG), (5, 4)),
    (Flatten(), (2, 3, 2, 2)),
    (ReLU(), (3, 4)),
]


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda value: str(value))
def test_layer_gradients_match_finite_differences(layer: Layer, shape):
    rng = np.random.default_rng(0)
    layer.astype(np.float64)
    x = distinct(shape, rng)
    for param in layer.params.values():
        param[...] = rng.standard_normal(param.shape)
    dy = rng.standard_normal(layer.forward(x).shape)

    def loss():
        return float(np.sum(layer.forward(x, training=True) * dy))

    layer.forward(x, training=True)
    dx = layer.backward(dy)
    np.testing.assert_allclose(dx, finite_differences(loss, x), rtol=1e-6, atol=1e-7)
    for name, param in layer.params.items():
        np.testing.assert_allclose(
            layer.grads[name], finite_differences(loss, param), rtol=1e-6, atol=1e-7, err_msg=name
        )


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda value: str(value))
def test_layer_stays_in_float32_and_tells_its_output_shape(layer: Layer, shape):
    layer.astype(np.float32)
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    y = layer.forward(x, training=True)
    assert y.shape[1:] == layer.output_shape(shape[1:])
    assert y.dtype == layer.backward(np.ones_like(y)).dtype == np.float32
    assert {gradient.dtype for gradient in layer.grads.values()} <= {np.dtype(np.float32)}


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda value: str(value))
def test_backward_without_a_training_forward_is_refused(layer: Layer, shape):
    layer.astype(np.float32)
    x = np.zeros(shape, np.float32)
    y = layer.forward(x, training=True)
    layer.backward(y)
    layer.forward(x)  # reading keeps nothing
    with pytest.raises(RuntimeError, match=r"needs a forward\(x, training=True\)"):
        layer.backward(y)


@pytest.mark.parametrize(("stride", "padding", "kernel_size"), [(1, 1, 3), (1, 0, 3), (2, 1, 3), (3, 2, 5)])
def test_conv2d_is_scipys_correlation(stride, padding, kernel_size):
    rng = np.random.default_rng(0)
    layer = Conv2D(3, 4, kernel_size, stride, padding, rng=rng).astype(np.float64)
    layer.params["bias"][:] = rng.standard_normal(4)
    x = rng.standard_normal((2, 9, 8, 3))
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    expected = np.stack(
        [
            np.stack(
                [
                    correlate(image, layer.params["weight"][..., k], mode="valid")[::stride, ::stride, 0]
                    + layer.params["bias"][k]
                    for k in range(4)
                ],
                axis=-1,
            )
            for image in padded
        ]
    )
    np.testing.assert_allclose(layer.forward(x), expected, atol=1e-12)


def test_max_pooling_takes_the_largest_of_each_window():
    x = np.arange(2 * 4 * 6 * 3, dtype=np.float32).reshape(2, 4, 6, 3) % 17
    expected = x.reshape(2, 2, 2, 3, 2, 3).max(axis=(2, 4))
    np.testing.assert_array_equal(MaxPool2D(2).forward(x), expected)


def test_max_pooling_gives_the_gradient_of_equal_maxima_to_the_first():
    layer = MaxPool2D(2)
    layer.forward(np.ones((1, 2, 2, 1), np.float32), training=True)
    dx = layer.backward(np.full((1, 1, 1, 1), 5, np.float32))
    np.testing.assert_array_equal(dx[0, :, :, 0], [[5, 0], [0, 0]])


def test_batch_norm_normalises_by_the_batch_in_training():
    rng = np.random.default_rng(0)
    layer = BatchNorm(3).astype(np.float64)
    layer.params["gamma"][:], layer.params["beta"][:] = (1, 2, 3), (-1, 0, 1)
    y = layer.forward(rng.normal(5, 7, (40, 3, 2, 3)), training=True)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), (-1, 0, 1), atol=1e-12)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), (1, 2, 3), rtol=1e-5)


def test_batch_norm_reads_with_the_running_statistics_it_gathered():
    rng = np.random.default_rng(0)
    layer = BatchNorm(2, momentum=0.25).astype(np.float64)
    mean, variance = np.zeros(2), np.ones(2)
    for momentum in (1 / 10, 2 / 11, 0.25, 0.25):  # where they started is soon forgotten
        x = rng.normal(3, 2, (8, 2))
        layer.forward(x, training=True)
        mean = momentum * mean + (1 - momentum) * x.mean(0)
        variance = momentum * variance + (1 - momentum) * x.var(0)
    np.testing.assert_allclose(layer.buffers["running_mean"], mean)
    np.testing.assert_allclose(layer.buffers["running_variance"], variance)
    np.testing.assert_allclose(layer.forward(x), (x - mean) / np.sqrt(variance + layer.epsilon))


def test_reading_does_not_move_the_running_statistics():
    layer = BatchNorm(2)
    layer.forward(np.full((4, 2), 9, np.float32))
    np.testing.assert_array_equal(layer.buffers["running_mean"], 0)


def test_dropout_drops_its_share_in_training_keeps_the_mean_and_does_nothing_in_reading():
    layer = Dropout(0.3, rng=np.random.default_rng(0))
    x = np.ones((200, 100), np.float32)
    y = layer.forward(x, training=True)
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert y.mean() == pytest.approx(1, abs=0.02)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(layer.backward(x), y)  # the gradient goes where the value went
    np.testing.assert_array_equal(layer.forward(x), x)


def test_global_average_pooling_is_the_mean_over_the_picture():
    x = np.random.default_rng(0).random((2, 3, 4, 5))
    np.testing.assert_allclose(GlobalAveragePool().forward(x), x.mean(axis=(1, 2)))


def test_softmax_sums_to_one_and_survives_huge_logits():
    probs = softmax(np.array([[1000.0, 0.0, -1000.0], [1.0, 2.0, 3.0]], np.float32))
    assert probs.dtype == np.float32
    np.testing.assert_allclose(probs.sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(probs[0], [1, 0, 0])


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_cross_entropy_is_scipys_and_its_gradient_matches_finite_differences(label_smoothing):
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((4, 10)), np.array([0, 9, 3, 3])
    targets = np.eye(10)[labels] * (1 - label_smoothing) + label_smoothing / 10
    loss, dlogits = softmax_cross_entropy(logits, labels, label_smoothing)
    assert loss == pytest.approx(-(targets * log_softmax(logits, axis=1)).sum() / 4, rel=1e-12)
    expected = finite_differences(lambda: softmax_cross_entropy(logits, labels, label_smoothing)[0], logits)
    np.testing.assert_allclose(dlogits, expected, atol=1e-8)


def test_cross_entropy_of_target_probabilities_equals_that_of_labels():
    logits = np.random.default_rng(0).standard_normal((3, 10)).astype(np.float32)
    labels = np.array([1, 0, 7])
    by_label = softmax_cross_entropy(logits, labels)
    by_target = softmax_cross_entropy(logits, np.eye(10, dtype=np.float32)[labels])
    assert by_label[0] == by_target[0]
    np.testing.assert_array_equal(by_label[1], by_target[1])
    assert by_label[1].dtype == np.float32


def test_reject_cross_entropy_is_that_of_one_more_class_with_logit_zero():
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((5, 10)), np.array([0, -1, 9, -1, 3])
    loss, dlogits = reject_cross_entropy(logits, labels)
    eleven = np.hstack([logits, np.zeros((5, 1))])
    assert loss == pytest.approx(-log_softmax(eleven, axis=1)[range(5), labels].mean(), rel=1e-12)
    expected = finite_differences(lambda: reject_cross_entropy(logits, labels)[0], logits)
    np.testing.assert_allclose(dlogits, expected, atol=1e-8)


def test_a_label_that_says_which_class_if_any_tells_nothing_of_whether_it_is_one():
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((3, 10)), np.array([10, 13, 19])
    loss, dlogits = reject_cross_entropy(logits, labels)
    among_ten, gradient = softmax_cross_entropy(logits, labels - 10)
    assert loss == pytest.approx(among_ten, rel=1e-12)
    np.testing.assert_allclose(dlogits, gradient, atol=1e-12)
    mixed = np.array([13, -1, 4])
    expected = finite_differences(lambda: reject_cross_entropy(logits, mixed)[0], logits)
    np.testing.assert_allclose(reject_cross_entropy(logits, mixed)[1], expected, atol=1e-8)
    with pytest.raises(ValueError, match="-1 to 19, got 4 to 20"):
        reject_cross_entropy(logits, np.array([4, 20, 5]))


def test_log_odds_is_scipys_logsumexp():
    logits = np.random.default_rng(0).normal(0, 30, (5, 10))
    np.testing.assert_allclose(log_odds(logits), logsumexp(logits, axis=1), rtol=1e-12)


def test_cross_entropy_stays_finite_where_softmax_rounds_to_zero():
    loss, dlogits = softmax_cross_entropy(np.array([[200.0, 0.0]], np.float32), np.array([1]))
    assert loss == pytest.approx(200)
    np.testing.assert_allclose(dlogits, [[1, -1]])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, 10]), "labels must be 0 to 9, got 0 to 10"),
        (np.array([-1, 3]), "labels must be 0 to 9, got -1 to 3"),
        (np.array([0.0, 1.0]), "integers"),
        (np.array([1]), r"got \(1,\)"),
    ],
)
def test_cross_entropy_refuses_labels_that_do_not_fit(labels, message):
    with pytest.raises(ValueError, match=message):
        softmax_cross_entropy(np.zeros((2, 10), np.float32), labels)


def test_cross_entropy_refuses_label_smoothing_outside_zero_to_one():
    with pytest.raises(ValueError, match=r"label_smoothing must be in \[0, 1\), got 1"):
        softmax_cross_entropy(np.zeros((1, 10), np.float32), np.array([1]), label_smoothing=1)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Conv2D(1, 2, 3, rng=RNG), (2, 8, 8, 3), r"expects \(N, H, W, 1\), got \('N', 8, 8, 3\)"),
        (Conv2D(1, 2, 3, rng=RNG), (2, 2, 2, 1), "no smaller than its kernel"),
        (Conv2D(1, 2, 3, rng=RNG), (8, 8), r"expects \(N, H, W, 1\)"),
        (MaxPool2D(3), (2, 2, 8, 1), "H and W of at least 3"),
        (BatchNorm(3), (2, 4), r"expects \(N, H, W, 3\)"),
        (GlobalAveragePool(), (2, 4), r"expects \(N, H, W, C\)"),
        (Dense(4, 3, rng=RNG), (2, 5), r"expects \(N, 4\), got \('N', 5\)"),
    ],
)
def test_a_wrong_shape_is_told_with_what_was_expected(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer.forward(np.zeros(shape, np.float32))


def test_a_wrong_precision_is_refused_instead_of_computed_in_silently():
    with pytest.raises(TypeError, match="computes in float32, got float64"):
        Dense(4, 3, rng=RNG).forward(np.zeros((1, 4)))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Conv2D(0, 1, 3, rng=RNG), "at least 1"),
        (lambda: Conv2D(1, 1, 3, padding=-1, rng=RNG), "padding of at least 0"),
        (lambda: MaxPool2D(0), "at least 1"),
        (lambda: Dense(1, 0, rng=RNG), "at least 1"),
        (lambda: BatchNorm(0), "channels of at least 1"),
        (lambda: BatchNorm(1, momentum=1), r"momentum in \[0, 1\)"),
        (lambda: Dropout(1, rng=RNG), r"rate in \[0, 1\), got 1"),
        (lambda: Dense(1, 1, rng=RNG, init="magic"), '"he" or "xavier", got \'magic\''),
    ],
)
def test_impossible_layers_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_initial_weights_have_the_variance_of_their_papers():
    rng = np.random.default_rng(0)
    he = Dense(400, 300, rng=rng).params["weight"]
    xavier = Dense(400, 300, rng=rng, init="xavier").params["weight"]
    conv = Conv2D(16, 64, 3, rng=rng).params["weight"]
    assert he.var() == pytest.approx(2 / 400, rel=0.05)
    assert xavier.var() == pytest.approx(2 / 700, rel=0.05)
    assert conv.var() == pytest.approx(2 / (9 * 16), rel=0.05)
    assert he.dtype == xavier.dtype == conv.dtype == np.float32
