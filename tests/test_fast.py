"""What is computed cleverly equals what is computed plainly, on one core or many, bit for bit."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cnn import (
    BatchNorm,
    Conv2D,
    ConvPoolReLU,
    FastConv2D,
    MaxPool2D,
    ReLU,
    Sequential,
    WindowConvPoolReLU,
    WinogradConv2D,
    digit_net,
    prepare_for_inference,
    slices,
)

SHAPES = [(1, 1, 1), (9, 6, 3), (20, 5, 7), (17, 1, 4)]  # N, H, W of the result


def plain_twin(layer):
    """The Conv2D with the same random weights, both in float64."""
    rng = np.random.default_rng(0)
    plain = Conv2D(
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,
        padding=layer.padding,
        rng=rng,
        bias="bias" in layer.params,
    ).astype(np.float64)
    layer.astype(np.float64)
    for name, value in layer.params.items():
        value[...] = rng.standard_normal(value.shape)
        plain.params[name][...] = value
    return plain


def assert_equal_layers(fast, plain, x, atol=1e-10):
    """Both layers, or a layer and a chain of them, compute the same, in training and in reading."""
    chain = plain if isinstance(plain, list) else [plain]
    y = x
    for layer in chain:
        y = layer.forward(y, training=True)
    np.testing.assert_allclose(fast.forward(x), y, atol=atol)
    np.testing.assert_allclose(fast.forward(x, training=True), y, atol=atol)
    dy = np.random.default_rng(2).standard_normal(y.shape)
    dx = dy
    for layer in reversed(chain):
        dx = layer.backward(dx)
    np.testing.assert_allclose(fast.backward(dy), dx, atol=atol)
    for name, gradient in fast.grads.items():
        np.testing.assert_allclose(gradient, chain[0].grads[name], atol=10 * atol, err_msg=name)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("n", "height", "width"), SHAPES)
@pytest.mark.parametrize(
    ("f", "p", "c", "k"),
    [(3, 1, 1, 4), (3, 0, 5, 2), (3, 2, 2, 2), (5, 2, 2, 3), (5, 0, 1, 3), (2, 1, 3, 2), (1, 0, 3, 2)],
)
def test_fast_conv2d_equals_conv2d(f, p, c, k, n, height, width, bias):
    fast = FastConv2D(c, k, f, p, rng=np.random.default_rng(0), bias=bias)
    side = f - 1 - 2 * p  # what the picture loses
    if height + side < 1 or width + side < 1:
        height, width = height + 4, width + 4
    x = np.random.default_rng(1).standard_normal((n, height + side, width + side, c))
    assert_equal_layers(fast, plain_twin(fast), x)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", [ConvPoolReLU, WindowConvPoolReLU])
@pytest.mark.parametrize(("n", "height", "width"), [(1, 2, 2), (9, 6, 4), (40, 5, 7)])
@pytest.mark.parametrize(
    ("f", "p", "c", "k"), [(3, 1, 1, 4), (3, 0, 5, 2), (5, 0, 1, 3), (5, 2, 2, 2), (3, 2, 1, 1)]
)
def test_conv_pool_relu_equals_the_three_layers(f, p, c, k, n, height, width, kind, bias):
    fast = kind(c, k, f, p, rng=np.random.default_rng(0), bias=bias)
    x = np.random.default_rng(1).standard_normal((n, height + f - 1 - p, width + f - 1 - p, c))
    assert_equal_layers(fast, [plain_twin(fast), ReLU(), MaxPool2D(2)], x)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("n", [1, 40, 200])
def test_blank_paper_costs_nothing_and_changes_nothing(n, bias):
    fast = WindowConvPoolReLU(1, 4, 3, 1, rng=np.random.default_rng(0), bias=bias)
    x = np.random.default_rng(1).standard_normal((n, 12, 10, 1))
    x[:, :5] = x[:, :, 7:] = x[2:5] = 0
    assert_equal_layers(fast, [plain_twin(fast), ReLU(), MaxPool2D(2)], x)
    x[...] = 0
    assert_equal_layers(fast, [plain_twin(fast), ReLU(), MaxPool2D(2)], x)


def test_conv_pool_relu_needs_room_for_a_window():
    layer = ConvPoolReLU(1, 1, 3, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"room for a 2x2 window, got \('N', 3, 9, 1\)"):
        layer.output_shape((3, 9, 1))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("n", "c", "k"), [(1, 1, 1), (5, 3, 2), (40, 2, 7)])
def test_winograd_conv2d_equals_conv2d(n, c, k, bias):
    fast = WinogradConv2D(c, k, rng=np.random.default_rng(0), bias=bias)
    x = np.random.default_rng(1).standard_normal((n, 6, 6, c))
    assert_equal_layers(fast, plain_twin(fast), x)


@pytest.mark.parametrize("bias", [True, False])
def test_a_frozen_winograd_conv2d_reads_one_picture_as_it_reads_many(bias):
    layer = WinogradConv2D(3, 5, rng=np.random.default_rng(0), bias=bias)
    plain = plain_twin(layer)
    layer.freeze()
    x = np.random.default_rng(1).standard_normal((3, 6, 6, 3))
    y = np.concatenate([layer.forward(x[i : i + 1]) for i in range(3)])
    np.testing.assert_allclose(y, plain.forward(x), atol=1e-10)
    np.testing.assert_allclose(layer.forward(x), y, atol=1e-10)


def test_winograd_conv2d_in_float32_is_exact_to_the_fourth_digit():
    fast = WinogradConv2D(64, 64, rng=np.random.default_rng(0))
    plain = plain_twin(fast)
    x = np.random.default_rng(1).standard_normal((8, 6, 6, 64))
    dy = np.random.default_rng(2).standard_normal((8, 6, 6, 64))
    y, dx = plain.forward(x, training=True), plain.backward(dy)
    fast.astype(np.float32)
    for got, exact in (
        (fast.forward(x.astype(np.float32), training=True), y),
        (fast.backward(dy.astype(np.float32)), dx),
        (fast.grads["weight"], plain.grads["weight"]),
    ):
        assert abs(got - exact).max() < 5e-4 * exact.std()


def test_winograd_conv2d_takes_pictures_of_one_size():
    layer = WinogradConv2D(2, 3, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"expects \(N, 6, 6, 2\), got \('N', 7, 6, 2\)"):
        layer.output_shape((7, 6, 2))


def test_relu_inside_batch_norm_equals_relu_after_it():
    rng = np.random.default_rng(0)
    fused, plain = (BatchNorm(5, relu=relu).astype(np.float64) for relu in (True, False))
    for name in fused.params:
        fused.params[name][:] = plain.params[name][:] = rng.standard_normal(5)
    x = 3 + 2 * rng.standard_normal((40, 3, 2, 5))
    relu = ReLU()
    np.testing.assert_allclose(fused.forward(x, True), relu.forward(plain.forward(x, True), True), atol=1e-12)
    np.testing.assert_allclose(fused.forward(x), relu.forward(plain.forward(x)), atol=1e-12)
    dy = rng.standard_normal(x.shape)
    np.testing.assert_allclose(fused.backward(dy), plain.backward(relu.backward(dy)), atol=1e-12)
    for name, gradient in plain.grads.items():
        np.testing.assert_allclose(fused.grads[name], gradient, atol=1e-10)


@pytest.mark.parametrize(
    "fast",
    [
        FastConv2D(2, 3, 3, 1, rng=np.random.default_rng(0)),
        ConvPoolReLU(2, 3, 3, 1, rng=np.random.default_rng(0)),
        WindowConvPoolReLU(2, 3, 3, 1, rng=np.random.default_rng(0)),
        WinogradConv2D(2, 3, rng=np.random.default_rng(0)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_the_gradients_of_parameters_are_the_same_without_the_gradient_of_the_input(fast):
    x = np.random.default_rng(1).standard_normal((10, 6, 6, 2), np.float32)
    dy = fast.forward(x, training=True).copy()
    fast.backward(dy)
    gradients = {name: value.copy() for name, value in fast.grads.items()}
    fast.forward(x, training=True)
    fast.backward_params(dy)
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(fast.grads[name], gradient, err_msg=name)


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_the_number_of_cores_changes_no_bit(monkeypatch, cores):
    x = np.random.default_rng(1).random((70, 28, 28, 1), np.float32)

    def one_step():
        model = digit_net(np.random.default_rng(0))
        logits = model.forward(x, training=True).copy()
        dx = model.backward(logits)
        return logits, dx.copy(), model.gradients

    monkeypatch.setattr(slices, "CORES", 1)
    alone = one_step()
    monkeypatch.setattr(slices, "CORES", cores)
    for one, many in zip(alone, one_step(), strict=True):
        np.testing.assert_array_equal(many, one)


@pytest.mark.parametrize(
    "fast",
    [
        FastConv2D(2, 3, 3, 0, rng=np.random.default_rng(0)),
        ConvPoolReLU(2, 3, 3, 1, rng=np.random.default_rng(0)),
        WindowConvPoolReLU(2, 3, 3, 1, rng=np.random.default_rng(0)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_memory_used_before_by_other_batches_leaves_no_trace(fast):
    plain = plain_twin(fast)
    chain = [plain, ReLU(), MaxPool2D(2)] if isinstance(fast, ConvPoolReLU) else [plain]
    rng = np.random.default_rng(1)
    # As the last batch of an epoch is smaller than the others; and as pictures of other sizes may come.
    for n, height, width in ((20, 5, 4), (9, 5, 4), (3, 4, 7), (20, 5, 4), (1, 5, 4)):
        assert_equal_layers(fast, chain, rng.standard_normal((n, height, width, 2)))


def test_padding_as_wide_as_the_kernel_is_refused():
    with pytest.raises(ValueError, match="padding below 3, got 3"):
        FastConv2D(1, 1, 3, 3, rng=np.random.default_rng(0))


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


def test_work_goes_on_after_a_failure_and_for_many_at_once(monkeypatch):
    monkeypatch.setattr(slices, "CORES", 2)
    for failing in (0, 15):
        with pytest.raises(ZeroDivisionError):
            slices.for_slices(20, 5, lambda s, failing=failing: 1 // (s.start - failing))

    def count(_):
        return sum(slices.for_slices(200, 5, lambda s: s.stop - s.start))

    with ThreadPoolExecutor(8) as visitors:
        assert list(visitors.map(count, range(100))) == [200] * 100


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


def test_folding_leaves_the_model_as_it_was():
    model = digit_net(np.random.default_rng(0))
    before = model.parameters.copy()
    prepare_for_inference(model).parameters[:] = 0
    np.testing.assert_array_equal(model.parameters, before)


def test_what_follows_a_non_linearity_cannot_be_folded():
    rng = np.random.default_rng(0)
    model = Sequential("odd", [ConvPoolReLU(1, 3, 3, rng=rng), BatchNorm(3)], (6, 6, 1))
    with pytest.raises(ValueError, match="only a plain convolution or Dense can take it in"):
        prepare_for_inference(model)


def test_a_batch_norm_that_follows_no_weights_cannot_be_folded():
    model = Sequential("odd", [ReLU(), BatchNorm(3)], (3,))
    with pytest.raises(ValueError, match=r"BatchNorm\(3\) follows ReLU"):
        prepare_for_inference(model)
