"""Every layer: finite differences, SciPy, a case worked out by hand, and the errors it raises."""

import numpy as np
import pytest
from scipy.ndimage import maximum_filter
from scipy.signal import correlate
from scipy.stats import norm, zscore

from cnn import (
    GELU,
    AveragePool2D,
    BatchNorm,
    ColumnWindows,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Layer,
    MaxPool2D,
    ReLU,
    Residual,
    Sequential,
)
from tests.gradients import distinct, finite_differences

RNG = np.random.default_rng(1)
LAYERS = [
    (Conv2D(2, 3, kernel_size=3, padding=1, rng=RNG), (2, 5, 4, 2)),
    (Conv2D(1, 2, kernel_size=3, rng=RNG, init="xavier"), (2, 5, 6, 1)),
    (Conv2D(2, 2, kernel_size=2, stride=2, padding=1, rng=RNG), (2, 5, 4, 2)),
    (Conv2D(2, 2, kernel_size=3, stride=2, rng=RNG), (1, 6, 6, 2)),
    (Conv2D(3, 2, kernel_size=1, rng=RNG), (2, 3, 3, 3)),
    (Conv2D(1, 2, kernel_size=5, stride=3, padding=2, rng=RNG), (1, 7, 8, 1)),
    (BatchNorm(3), (17, 2, 2, 3)),
    (BatchNorm(4), (5, 4)),
    (Dropout(0.0, rng=RNG), (3, 4)),
    (GlobalAveragePool(), (2, 3, 2, 4)),
    (ColumnWindows(3), (2, 3, 4, 2)),
    (ColumnWindows(5), (2, 2, 1, 3)),
    (MaxPool2D(2), (2, 4, 6, 2)),
    (MaxPool2D(2), (2, 5, 3, 2)),
    (MaxPool2D(3, stride=2), (1, 7, 6, 2)),
    (Dense(4, 3, rng=RNG), (5, 4)),
    (Flatten(), (2, 3, 2, 2)),
    (ReLU(), (3, 4)),
    (GELU(), (3, 4)),
    (AveragePool2D(2), (2, 5, 4, 2)),
    (AveragePool2D(3, stride=1), (2, 4, 5, 2)),
    (Residual([Conv2D(2, 2, 3, padding=1, rng=RNG), GELU(), Conv2D(2, 2, 1, rng=RNG)]), (2, 3, 4, 2)),
    (Residual([Dense(4, 4, rng=RNG)]), (3, 4)),
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


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda value: str(value))
def test_a_layer_returns_arrays_of_its_own(layer: Layer, shape):
    layer.astype(np.float32)
    x, other = np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)
    y = layer.forward(x, training=True)
    dx = layer.backward(np.ones_like(y))
    before = y.copy(), dx.copy()
    layer.backward(layer.forward(other, training=True))
    np.testing.assert_array_equal(y, before[0])
    np.testing.assert_array_equal(dx, before[1])


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


def test_conv2d_by_hand():
    layer = Conv2D(1, 1, kernel_size=2, rng=RNG)
    layer.params["weight"][..., 0, 0] = [[1, 2], [3, 4]]
    layer.params["bias"][:] = 10
    x = np.array([[0, 1, 2], [3, 4, 5]], np.float32).reshape(1, 2, 3, 1)
    y = layer.forward(x, training=True)
    # 1*0 + 2*1 + 3*3 + 4*4 + 10 and 1*1 + 2*2 + 3*4 + 4*5 + 10
    np.testing.assert_array_equal(y[0, :, :, 0], [[37, 47]])
    dx = layer.backward(np.array([1, 100], np.float32).reshape(1, 1, 2, 1))
    np.testing.assert_array_equal(dx[0, :, :, 0], [[1, 102, 200], [3, 304, 400]])
    np.testing.assert_array_equal(layer.grads["weight"][..., 0, 0], [[100, 201], [403, 504]])
    np.testing.assert_array_equal(layer.grads["bias"], [101])


def test_dense_by_hand():
    layer = Dense(2, 3, rng=RNG)
    layer.params["weight"][...] = [[1, 2, 3], [4, 5, 6]]
    layer.params["bias"][:] = [10, 20, 30]
    y = layer.forward(np.array([[1, -1]], np.float32), training=True)
    np.testing.assert_array_equal(y, [[7, 17, 27]])
    dx = layer.backward(np.array([[1, 0, 2]], np.float32))
    np.testing.assert_array_equal(dx, [[7, 16]])
    np.testing.assert_array_equal(layer.grads["weight"], [[1, 0, 2], [-1, 0, -2]])
    np.testing.assert_array_equal(layer.grads["bias"], [1, 0, 2])


def test_relu_by_hand():
    layer = ReLU()
    y = layer.forward(np.array([[-2, 0, 3]], np.float32), training=True)
    np.testing.assert_array_equal(y, [[0, 0, 3]])
    np.testing.assert_array_equal(layer.backward(np.array([[5, 6, 7]], np.float32)), [[0, 0, 7]])


def test_gelu_by_hand():
    layer = GELU().astype(np.float64)
    y = layer.forward(np.array([[-100.0, 0.0, 1.0, 100.0]]), training=True)
    # sqrt(2 / pi) 1.044715 = 0.833561, whose tanh is 0.682384
    np.testing.assert_allclose(y, [[0, 0, (1 + 0.682384) / 2, 100]], atol=1e-6)
    dx = layer.backward(np.ones((1, 4)))
    # (1 + 0.682384) / 2 + (1 - 0.682384^2) / 2 sqrt(2 / pi) 1.134145
    np.testing.assert_allclose(dx, [[0, 0.5, 1.082964, 1]], atol=1e-6)


def test_gelu_is_nearly_x_times_the_normal_distribution_function():
    x = np.linspace(-6, 6, 1001)
    np.testing.assert_allclose(GELU().forward(x), x * norm.cdf(x), atol=5e-4)


def test_average_pooling_by_hand():
    layer = AveragePool2D(2, stride=1)
    x = np.array([[1, 2, 9], [4, 5, 0]], np.float32).reshape(1, 2, 3, 1)
    np.testing.assert_array_equal(layer.forward(x, training=True)[0, :, :, 0], [[3, 4]])
    dx = layer.backward(np.array([4, 8], np.float32).reshape(1, 1, 2, 1))
    np.testing.assert_array_equal(dx[0, :, :, 0], [[1, 3, 2], [1, 3, 2]])


def test_a_residual_by_hand():
    inner = Dense(2, 2, rng=RNG)
    layer = Residual([inner, ReLU()])
    inner.params["weight"][...], inner.params["bias"][:] = [[1, 2], [3, -4]], [10, 0]
    # [1, 1] + ReLU([14, -2])
    np.testing.assert_array_equal(layer.forward(np.ones((1, 2), np.float32), training=True), [[15, 1]])
    dx = layer.backward(
        np.array([[1, 5]], np.float32)
    )  # the second was 0 before, so it has the short cut alone
    np.testing.assert_array_equal(dx, [[2, 8]])
    np.testing.assert_array_equal(layer.grads["dense1.weight"], [[1, 0], [1, 0]])


def test_a_residuals_parameters_are_those_of_its_layers_in_a_network_too():
    block = Residual([Dense(4, 4, rng=RNG), BatchNorm(4), ReLU(), Dense(4, 4, rng=RNG)])
    model = Sequential("example", [block, Dense(4, 2, rng=RNG)], (4,)).copy()
    names = [name for name, _ in model.named_params()]
    assert names[:4] == [
        "residual1.dense1.weight",
        "residual1.dense1.bias",
        "residual1.norm1.gamma",
        "residual1.norm1.beta",
    ]
    model.parameters[:] = 7
    model.gradients[:] = 5
    inner = model.layers[0].layers[3]
    assert (inner.params["weight"] == 7).all()
    assert (inner.grads["weight"] == 5).all()
    assert dict(model.named_buffers())["residual1.norm1.running_mean"].shape == (4,)


def test_flatten_by_hand():
    layer = Flatten()
    x = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2)
    y = layer.forward(x, training=True)
    np.testing.assert_array_equal(y, [[0, 1, 2, 3, 4, 5, 6, 7]])
    np.testing.assert_array_equal(layer.backward(y), x)
    assert Flatten().forward(x[:0]).shape == (0, 8)


def test_max_pooling_by_hand():
    layer = MaxPool2D(2)
    x = np.array([[1, 2, 9, 0], [4, 3, 7, 8]], np.float32).reshape(1, 2, 4, 1)
    np.testing.assert_array_equal(layer.forward(x, training=True)[0, :, :, 0], [[4, 9]])
    dx = layer.backward(np.array([5, 6], np.float32).reshape(1, 1, 2, 1))
    np.testing.assert_array_equal(dx[0, :, :, 0], [[0, 0, 6, 0], [5, 0, 0, 0]])


def test_global_average_pooling_by_hand():
    layer = GlobalAveragePool()
    x = np.array([[1, 2], [3, 6]], np.float32).reshape(1, 2, 2, 1)
    np.testing.assert_array_equal(layer.forward(x, training=True), [[3]])
    np.testing.assert_array_equal(layer.backward(np.array([[8]], np.float32))[0, :, :, 0], [[2, 2], [2, 2]])


def test_batch_norm_by_hand():
    layer = BatchNorm(1, epsilon=1e-12).astype(np.float64)
    layer.params["gamma"][:], layer.params["beta"][:] = 10, 1
    y = layer.forward(np.array([[1.0], [3.0], [5.0], [7.0]]), training=True)  # mean 4, variance 5
    np.testing.assert_allclose(y[:, 0], 1 + 10 * np.array([-3, -1, 1, 3]) / np.sqrt(5))
    dx = layer.backward(np.array([[1.0], [0.0], [0.0], [0.0]]))
    # 10 / sqrt(5) * (dy - 1/4 - z * (-3 / sqrt(5)) / 4)
    np.testing.assert_allclose(dx[:, 0], 10 / np.sqrt(5) * np.array([0.3, -0.4, -0.1, 0.2]))
    np.testing.assert_allclose(layer.grads["gamma"], -3 / np.sqrt(5))
    np.testing.assert_allclose(layer.grads["beta"], 1)


def test_dropout_by_hand():
    class EveryOther:
        def random(self, shape, dtype):
            return np.arange(4, dtype=dtype).reshape(shape) % 2 * dtype(0.9)

    layer = Dropout(0.5, rng=EveryOther())
    y = layer.forward(np.array([[1, 2, 3, 4]], np.float32), training=True)
    np.testing.assert_array_equal(y, [[0, 4, 0, 8]])
    np.testing.assert_array_equal(layer.backward(np.ones((1, 4), np.float32)), [[0, 2, 0, 2]])


@pytest.mark.parametrize(("pool_size", "stride"), [(2, 2), (3, 2), (3, 1)])
def test_max_pooling_is_scipys_maximum_filter(pool_size, stride):
    x = np.random.default_rng(0).standard_normal((2, 7, 8, 3))
    of_every_pixel = maximum_filter(x, (1, pool_size, pool_size, 1), origin=(0, -1, -1, 0))
    y = MaxPool2D(pool_size, stride).forward(x)
    np.testing.assert_array_equal(y, of_every_pixel[:, ::stride, ::stride][:, : y.shape[1], : y.shape[2]])


def test_batch_norm_is_scipys_zscore():
    x = np.random.default_rng(0).normal(5, 3, (6, 4, 3, 2))
    y = BatchNorm(2, epsilon=1e-15).astype(np.float64).forward(x, training=True)
    np.testing.assert_allclose(y, zscore(x, axis=(0, 1, 2)), rtol=1e-9)


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


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Conv2D(1, 2, 3, rng=RNG), (2, 8, 8, 3), r"expects \(N, H, W, 1\), got \('N', 8, 8, 3\)"),
        (Conv2D(1, 2, 3, rng=RNG), (2, 2, 2, 1), "no smaller than its kernel"),
        (Conv2D(1, 2, 3, rng=RNG), (8, 8), r"expects \(N, H, W, 1\)"),
        (MaxPool2D(3), (2, 2, 8, 1), "H and W of at least 3"),
        (MaxPool2D(2), (2, 8), r"expects \(N, H, W, C\)"),
        (BatchNorm(3), (2, 4), r"expects \(N, H, W, 3\)"),
        (AveragePool2D(3), (2, 2, 8, 1), "H and W of at least 3"),
        (Residual([Dense(4, 3, rng=RNG)]), (2, 4), r"shapes must be equal: got \('N', 4\) and \('N', 3\)"),
        (ColumnWindows(3), (2, 4), r"expects \(N, H, W, C\)"),
        (GlobalAveragePool(), (2, 4), r"expects \(N, H, W, C\)"),
        (Dense(4, 3, rng=RNG), (2, 5), r"expects \(N, 4\), got \('N', 5\)"),
    ],
)
def test_a_wrong_shape_is_refused_with_what_was_expected(layer, shape, message):
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
        (lambda: MaxPool2D(0), "MaxPool2D needs"),
        (lambda: AveragePool2D(2, stride=0), "AveragePool2D needs"),
        (lambda: Residual([]), "at least one layer"),
        (lambda: Residual([Dropout(0.5, rng=RNG)]), "cannot be inside of a Residual"),
        (lambda: Residual([Residual([ReLU()])]), "cannot be inside of a Residual"),
        (lambda: Dense(1, 0, rng=RNG), "at least 1"),
        (lambda: BatchNorm(0), "channels of at least 1"),
        (lambda: BatchNorm(1, momentum=1), r"momentum in \[0, 1\)"),
        (lambda: Dropout(1, rng=RNG), r"rate in \[0, 1\), got 1"),
        (lambda: Dense(1, 1, rng=RNG, init="magic"), "got 'magic'"),
        (lambda: Dense(1, 1, rng=RNG, init="identity"), "got 'identity'"),
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


@pytest.mark.parametrize(("c", "k"), [(4, 6), (6, 4)])
def test_a_convolution_that_begins_as_identity_passes_its_first_channels_on(c, k):
    x = np.random.default_rng(0).standard_normal((2, 5, 5, c)).astype(np.float32)
    y = Conv2D(c, k, 3, padding=1, rng=np.random.default_rng(1), init="identity").forward(x)
    np.testing.assert_array_equal(y[..., :4], x[..., :4])
    assert y[..., 4:].any() == (k > c)
