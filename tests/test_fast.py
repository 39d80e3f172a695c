"""Every step computes what the layers compute that it stands for, whatever the batch and the pictures."""

import numpy as np
import pytest

from cnn import (
    GELU,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    ReLU,
    Residual,
    Sequential,
    digit_net,
    prepare_for_inference,
)
from cnn.fast import parallel
from tests.plain_and_fast import assert_equal_networks, plain_and_fast

# kernel_size, padding, in_channels, out_channels
CONVOLUTIONS = [
    (3, 1, 1, 4),
    (3, 0, 5, 2),
    (3, 2, 2, 2),
    (5, 2, 5, 3),
    (5, 0, 1, 3),
    (2, 1, 6, 2),
]


def pictures(n, *shape, seed=1, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal((n, *shape)).astype(dtype)


def assert_winograd_equals_its_layer(channels, filters, padding, n, shape):
    plain, fast = plain_and_fast(lambda rng: [Conv2D(channels, filters, 3, padding=padding, rng=rng)], shape)
    assert [type(step).__name__ for step in fast.steps] == ["WinogradConv"]
    assert_equal_networks(plain, fast, pictures(n, *shape), atol=1e-8)
    prepared = prepare_for_inference(fast)
    for count in (1, n):
        x = pictures(count, *shape, seed=3)
        np.testing.assert_allclose(prepared.forward(x), plain.forward(x), atol=1e-9)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("n", "height", "width"), [(1, 1, 1), (9, 6, 3), (20, 5, 7), (17, 1, 4)])
@pytest.mark.parametrize(("f", "p", "c", "k"), [*CONVOLUTIONS, (1, 0, 3, 2)])
def test_fast_conv_equals_its_layer(f, p, c, k, n, height, width, bias):
    side = f - 1 - 2 * p  # what the picture loses
    if height + side < 1 or width + side < 1:
        height, width = height + 4, width + 4
    shape = (height + side, width + side, c)
    plain, fast = plain_and_fast(lambda rng: [Conv2D(c, k, f, padding=p, rng=rng, bias=bias)], shape)
    assert [type(step).__name__ for step in fast.steps] == ["FastConv"]
    assert_equal_networks(plain, fast, pictures(n, *shape))


@pytest.mark.parametrize("n", [1, 9, 70])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_relu_after_a_convolution_is_computed_with_it(n, stride):
    plain, fast = plain_and_fast(lambda rng: [Conv2D(3, 4, 3, stride, 1, rng=rng), ReLU()], (7, 5, 3))
    assert [type(step).__name__ for step in fast.steps] == ["FastConv" if stride == 1 else "StridedConv"]
    assert_equal_networks(plain, fast, pictures(n, 7, 5, 3))


@pytest.mark.parametrize("after", [[], [ReLU], [GELU], [ReLU, MaxPool2D], [MaxPool2D, ReLU]])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("n", "height", "width"), [(2, 2, 2), (9, 6, 4), (40, 5, 7)])
def test_conv_norm_equals_its_layers(n, height, width, bias, after):
    def build(rng):
        conv = Conv2D(3, 5, 3, padding=1, rng=rng, bias=bias)
        return [conv, BatchNorm(5), *(kind() for kind in after)]

    plain, fast = plain_and_fast(build, (height, width, 3))
    assert [type(step).__name__ for step in fast.steps] == ["ConvNorm"]
    assert_equal_networks(plain, fast, pictures(n, height, width, 3))


@pytest.mark.parametrize("order", ["ReLU, pool", "pool, ReLU", "pool"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("n", "height", "width"), [(1, 2, 2), (9, 6, 4), (40, 5, 7)])
@pytest.mark.parametrize(("f", "p", "c", "k"), CONVOLUTIONS)
def test_conv_pool_equals_its_layers(f, p, c, k, n, height, width, bias, order):
    shape = (height + f - 1 - p, width + f - 1 - p, c)

    def build(rng):
        after = [{"ReLU": ReLU(), "pool": MaxPool2D(2)}[name] for name in order.split(", ")]
        return [Conv2D(c, k, f, padding=p, rng=rng, bias=bias), *after]

    plain, fast = plain_and_fast(build, shape)
    kind = "SparseConvPoolReLU" if c <= 4 and "ReLU" in order else "ConvPool"
    assert [type(step).__name__ for step in fast.steps] == [kind]
    assert_equal_networks(plain, fast, pictures(n, *shape))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("n", [1, 40, 200])
def test_blank_paper_changes_nothing(n, bias):
    plain, fast = plain_and_fast(
        lambda rng: [Conv2D(1, 4, 3, padding=1, rng=rng, bias=bias), ReLU(), MaxPool2D(2)], (12, 10, 1)
    )
    x = pictures(n, 12, 10, 1)
    x[:, :5] = x[:, :, 7:] = x[2:5] = 0
    assert_equal_networks(plain, fast, x)
    x[...] = 0
    assert_equal_networks(plain, fast, x)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("n", "c", "k"), [(1, 1, 1), (5, 3, 2), (40, 2, 7)])
def test_winograd_conv_equals_its_layer(n, c, k, bias):
    plain, fast = plain_and_fast(lambda rng: [Conv2D(c, k, 3, padding=1, rng=rng, bias=bias)], (6, 6, c))
    assert [type(step).__name__ for step in fast.steps] == ["WinogradConv"]
    assert_equal_networks(plain, fast, pictures(n, 6, 6, c))


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize(("n", "height", "width"), [(1, 3, 3), (40, 3, 3), (3, 6, 6), (9, 12, 6), (2, 9, 15)])
def test_winograd_conv_of_several_tiles_equals_its_layer(n, height, width, padding):
    shape = (height + 2 - 2 * padding, width + 2 - 2 * padding, 64)
    if min(shape) < 1:
        pytest.skip("nothing is left of the picture")
    assert_winograd_equals_its_layer(64, 70, padding, n, shape)


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize(
    ("n", "height", "width"), [(1, 4, 4), (40, 7, 7), (3, 8, 7), (9, 7, 11), (2, 14, 16)]
)
def test_winograd_conv_of_tiles_that_hang_over_the_edge_equals_its_layer(n, height, width, padding):
    shape = (height + 2 - 2 * padding, width + 2 - 2 * padding, 70)
    assert_winograd_equals_its_layer(70, 90, padding, n, shape)


@pytest.mark.parametrize(("f", "s", "p"), [(3, 2, 1), (2, 2, 0), (5, 3, 2), (1, 2, 0), (3, 1, 3), (4, 2, 5)])
@pytest.mark.parametrize("n", [1, 70])
def test_strided_conv_equals_its_layer(n, f, s, p):
    plain, fast = plain_and_fast(lambda rng: [Conv2D(3, 4, f, s, p, rng=rng)], (7, 9, 3))
    assert [type(step).__name__ for step in fast.steps] == ["StridedConv"]
    assert_equal_networks(plain, fast, pictures(n, 7, 9, 3))


@pytest.mark.parametrize(("pool_size", "stride"), [(2, 2), (3, 2), (3, 1), (1, 1)])
@pytest.mark.parametrize("n", [1, 70])
def test_fast_average_pool_equals_its_layer(n, pool_size, stride):
    plain, fast = plain_and_fast(lambda rng: [AveragePool2D(pool_size, stride)], (7, 6, 3))
    kind = "HalvingAveragePool" if (pool_size, stride) == (2, 2) else "FastAveragePool"
    assert [type(step).__name__ for step in fast.steps] == [kind]
    assert_equal_networks(plain, fast, pictures(n, 7, 6, 3))


@pytest.mark.parametrize(("pool_size", "stride"), [(2, 2), (3, 2), (3, 1), (1, 1)])
@pytest.mark.parametrize("n", [1, 70])
def test_fast_max_pool_equals_its_layer(n, pool_size, stride):
    plain, fast = plain_and_fast(lambda rng: [MaxPool2D(pool_size, stride)], (7, 6, 3))
    kind = "HalvingMaxPool" if (pool_size, stride) == (2, 2) else "FastMaxPool"
    assert [type(step).__name__ for step in fast.steps] == [kind]
    assert_equal_networks(plain, fast, pictures(n, 7, 6, 3))
    assert_equal_networks(plain, fast, np.ones((n, 7, 6, 3)))  # equal values: the first one wins


@pytest.mark.parametrize("bias", [True, False])
def test_prepared_for_inference_winograd_conv_reads_one_picture_as_it_reads_many(bias):
    plain, fast = plain_and_fast(lambda rng: [Conv2D(3, 5, 3, padding=1, rng=rng, bias=bias)], (6, 6, 3))
    prepared = prepare_for_inference(fast)
    x = np.random.default_rng(1).standard_normal((3, 6, 6, 3))
    y = np.concatenate([prepared.forward(x[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(y, plain.forward(x), atol=1e-10)
    np.testing.assert_allclose(prepared.forward(x), y, atol=1e-10)


def test_winograd_conv_in_float32_is_exact_to_the_fourth_digit():
    def build(rng):
        return [Conv2D(64, 64, 3, padding=1, rng=rng)]

    plain, _ = plain_and_fast(build, (6, 6, 64))
    _, fast = plain_and_fast(build, (6, 6, 64), np.float32)
    plain.parameters[:] = fast.parameters
    x, dy = pictures(8, 6, 6, 64, dtype=np.float32), pictures(8, 6, 6, 64, seed=2, dtype=np.float32)
    y, dx = plain.forward(x.astype(np.float64), training=True), plain.backward(dy.astype(np.float64))
    for got, exact in (
        (fast.forward(x, training=True), y),
        (fast.backward(dy), dx),
        (fast.gradients, plain.gradients),
    ):
        assert abs(got - exact).max() < 5e-4 * exact.std()


@pytest.mark.parametrize("n", [2, 33, 64, 65])
@pytest.mark.parametrize("activation", [[], [ReLU], [GELU]])
@pytest.mark.parametrize("shape", [(3, 2, 5), (5,)])
def test_fast_batch_norm_equals_its_layers(shape, activation, n):
    plain, fast = plain_and_fast(lambda rng: [BatchNorm(5), *(kind() for kind in activation)], shape)
    assert [type(step).__name__ for step in fast.steps] == ["FastBatchNorm"]
    assert_equal_networks(plain, fast, 3 + 2 * pictures(n, *shape))


@pytest.mark.parametrize("after", [[ReLU, MaxPool2D], [MaxPool2D, ReLU]])
@pytest.mark.parametrize("gamma", [[1, 2, 3], [-1, -2, -3], [1, -2, 0.5]])
@pytest.mark.parametrize(("n", "height", "width"), [(2, 2, 2), (33, 7, 6), (64, 4, 5)])
def test_batch_norm_before_pooling_equals_its_layers_whatever_the_sign_of_gamma(
    n, height, width, gamma, after
):
    plain, fast = plain_and_fast(lambda rng: [BatchNorm(3), *(kind() for kind in after)], (height, width, 3))
    for network in (plain, fast):
        network.layers[0].params["gamma"][...] = gamma
    assert [type(step).__name__ for step in fast.steps] == ["FastBatchNorm"]
    assert_equal_networks(plain, fast, 3 + 2 * pictures(n, height, width, 3))


@pytest.mark.parametrize("far", [0, 10, 100, 1000])
def test_batch_norm_in_float32_keeps_a_variance_that_is_small_beside_the_mean(far):
    _, fast = plain_and_fast(lambda rng: [BatchNorm(5)], (6, 6, 5), np.float32)
    x = (far + pictures(40, 6, 6, 5)).astype(np.float32)
    exact = x.astype(np.float64)
    exact = (exact - exact.mean(axis=(0, 1, 2))) / exact.std(axis=(0, 1, 2))
    gamma, beta = fast.layers[0].params["gamma"], fast.layers[0].params["beta"]
    np.testing.assert_allclose(fast.forward(x, training=True), gamma * exact + beta, atol=1e-3)


@pytest.mark.parametrize("n", [1, 9, 70])
@pytest.mark.parametrize(("height", "width"), [(2, 2), (6, 4), (7, 5)])
def test_gelu_before_pooling_equals_its_layers(n, height, width):
    plain, fast = plain_and_fast(lambda rng: [GELU(), MaxPool2D(2)], (height, width, 3))
    assert [type(step).__name__ for step in fast.steps] == ["FastGELU"]
    assert_equal_networks(plain, fast, pictures(n, height, width, 3))


@pytest.mark.parametrize("n", [1, 33, 300])
def test_fast_dense_and_relu_equal_their_layers(n):
    plain, fast = plain_and_fast(
        lambda rng: [Dense(2000, 70, rng=rng), ReLU(), Dense(70, 3, rng=rng)], (2000,)
    )
    assert [type(step).__name__ for step in fast.steps] == ["FastDense", "FastReLU", "FastDense"]
    assert_equal_networks(plain, fast, pictures(n, 2000), atol=1e-9)


def deep(rng):
    """Every step, layers that none stands for, and steps that follow such layers."""
    return [
        Conv2D(2, 3, 3, padding=1, rng=rng),
        MaxPool2D(3, stride=2),
        ReLU(),
        Conv2D(3, 5, 3, stride=2, padding=1, rng=rng),
        Conv2D(5, 6, 2, rng=rng, bias=False),
        BatchNorm(6),
        ReLU(),
        Conv2D(6, 7, 3, padding=1, rng=rng),
        MaxPool2D(2),
        ReLU(),
        Residual([Conv2D(7, 7, 3, padding=1, rng=rng), BatchNorm(7), GELU(), Conv2D(7, 7, 1, rng=rng)]),
        GELU(),
        Flatten(),
        Dense(28, 9, rng=rng),
        Dropout(0.0, rng=rng),
        BatchNorm(9),
        Dense(9, 4, rng=rng),
    ]


def test_a_list_that_somebody_writes_is_right_and_fast_where_a_run_of_it_matches():
    plain, fast = plain_and_fast(deep, (20, 21, 2))
    assert [type(step).__name__ for step in fast.steps] == [
        "FastConv",
        "FastMaxPool",
        "FastReLU",
        "StridedConv",
        "ConvNorm",
        "ConvPool",
        "FastResidual",
        "FastGELU",
        "Flatten",
        "FastDense",
        "Dropout",
        "FastBatchNorm",
        "FastDense",
    ]
    for n in (7, 33, 2):
        assert_equal_networks(plain, fast, pictures(n, 20, 21, 2, seed=n), atol=1e-9)


@pytest.mark.parametrize(
    ("step", "channels", "build"),
    [
        ("FastConv", 2, lambda rng: [Conv2D(2, 3, 3, rng=rng)]),
        ("ConvPool", 5, lambda rng: [Conv2D(5, 3, 3, padding=1, rng=rng), ReLU(), MaxPool2D(2)]),
        ("SparseConvPoolReLU", 2, lambda rng: [Conv2D(2, 3, 3, padding=1, rng=rng), ReLU(), MaxPool2D(2)]),
        ("WinogradConv", 2, lambda rng: [Conv2D(2, 3, 3, padding=1, rng=rng)]),
        ("WinogradConv", 64, lambda rng: [Conv2D(64, 64, 3, padding=1, rng=rng)]),
        ("StridedConv", 2, lambda rng: [Conv2D(2, 3, 3, stride=2, padding=1, rng=rng)]),
        ("ConvNorm", 2, lambda rng: [Conv2D(2, 3, 3, rng=rng), BatchNorm(3), ReLU(), MaxPool2D(2)]),
        ("HalvingAveragePool", 2, lambda rng: [AveragePool2D(2)]),
        ("HalvingMaxPool", 2, lambda rng: [MaxPool2D(2)]),
        ("FastBatchNorm", 2, lambda rng: [BatchNorm(2), ReLU(), MaxPool2D(2)]),
        ("FastGELU", 2, lambda rng: [GELU(), MaxPool2D(2)]),
        ("FastAveragePool", 2, lambda rng: [AveragePool2D(3, stride=1)]),
        ("FastMaxPool", 2, lambda rng: [MaxPool2D(3, stride=1)]),
        ("FastBatchNorm", 2, lambda rng: [BatchNorm(2), ReLU()]),
        ("FastBatchNorm", 2, lambda rng: [BatchNorm(2), GELU()]),
        ("FastGELU", 2, lambda rng: [GELU()]),
        ("FastResidual", 2, lambda rng: [Residual([Conv2D(2, 2, 3, padding=1, rng=rng), GELU()])]),
    ],
)
def test_batches_before_leave_no_trace(step, channels, build):
    plain, fast = plain_and_fast(build, (6, 6, channels))
    assert type(fast.steps[0]).__name__ == step
    for n in (20, 9, 3, 20, 2, 40):  # as the last batch of an epoch is smaller than the others
        assert_equal_networks(plain, fast, pictures(n, 6, 6, channels, seed=n))


def test_batches_before_leave_no_trace_in_the_margins_of_tiles():
    plain, fast = plain_and_fast(lambda rng: [Conv2D(64, 64, 3, padding=1, rng=rng)], (12, 12, 64))
    assert type(fast.steps[0]).__name__ == "WinogradConv"
    for n in (20, 9, 3, 20, 2, 40):
        assert_equal_networks(plain, fast, pictures(n, 12, 12, 64, seed=n), atol=1e-8)


@pytest.mark.parametrize(
    "build",
    [
        lambda rng: [Conv2D(2, 3, 3, padding=1, rng=rng), ReLU()],
        lambda rng: [Conv2D(2, 64, 3, padding=1, rng=rng), Conv2D(64, 64, 3, padding=1, rng=rng)],
        lambda rng: [Conv2D(2, 3, 3, padding=1, rng=rng), BatchNorm(3), ReLU(), MaxPool2D(2)],
        lambda rng: [BatchNorm(2), GELU(), AveragePool2D(2), Flatten(), Dense(18, 3, rng=rng)],
    ],
)
def test_no_pictures_are_read_as_none(build):
    plain, fast = plain_and_fast(build, (6, 6, 2))
    x = pictures(0, 6, 6, 2)
    assert fast.forward(x).shape == plain.forward(x).shape


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_the_number_of_cores_changes_no_bit(monkeypatch, cores):
    x = np.random.default_rng(1).random((70, 28, 28, 1), np.float32)

    def one_step():
        model = digit_net(np.random.default_rng(0))
        logits = model.forward(x, training=True).copy()
        dx = model.backward(logits)
        return logits, dx.copy(), model.gradients

    monkeypatch.setattr(parallel, "CORES", 1)
    alone = one_step()
    monkeypatch.setattr(parallel, "CORES", cores)
    for one, many in zip(alone, one_step(), strict=True):
        np.testing.assert_array_equal(many, one)


def test_a_step_says_which_call_is_missing():
    model = Sequential("example", [Dense(2, 2, rng=np.random.default_rng(0))], (2,))
    with pytest.raises(RuntimeError, match=r"FastDense\(Dense\(2, 2\)\).backward needs a forward"):
        model.backward(np.zeros((1, 2), np.float32))
