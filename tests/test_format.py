"""Files of yesterday are read to the same bits, and a list of layers in a file can do no harm."""

import json
from pathlib import Path

import numpy as np
import pytest

from cnn import (
    GELU,
    AdamW,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    MaxPool2D,
    ModelFileError,
    ReLU,
    Residual,
    Sequential,
    digit_net,
    load_model,
    prepare_for_inference,
    save_model,
    seed_net,
    small_net,
    softmax_cross_entropy,
)

# Weights and AdamW's state after five steps, written by the last version that wrote format 1.
FORMAT_1 = Path(__file__).parent / "fixtures" / "format1_small_net.npz"
RNG = np.random.default_rng(0)
OLD_WEIGHTS = (
    ["0.weight", "0.bias", "1.weight", "1.bias"]
    + [name for i in (2, 4, 6) for name in (f"{i}.weight", f"{i + 1}.gamma", f"{i + 1}.beta")]
    + ["9.weight", "9.bias"]
)  # of digit_net
OLD_BUFFERS = [f"{i}.{name}" for i in (3, 5, 7) for name in ("running_mean", "running_variance", "batches")]


def train_on(checkpoint, steps):
    """The parameters after training goes on from a checkpoint."""
    model = checkpoint.model
    optimizer = AdamW(model, 1e-3, weight_decay=0.01)
    checkpoint.restore(optimizer)
    for _ in range(steps):
        rng = np.random.default_rng(optimizer.step_count)
        x, labels = rng.random((16, 28, 28, 1), np.float32), rng.integers(0, 10, 16)
        _, dlogits = softmax_cross_entropy(model.forward(x, training=True), labels)
        model.backward_params(dlogits)
        optimizer.step()
    return model.parameters


def test_a_file_of_format_1_holds_what_it_held():
    checkpoint = load_model(FORMAT_1)
    assert checkpoint.progress == {"seed": 7, "steps": 5}
    with np.load(FORMAT_1) as archive:
        old = ["0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"]
        names = [name for name, _ in checkpoint.model.named_params()]
        for (name, value), before in zip(checkpoint.model.named_params(), old, strict=True):
            np.testing.assert_array_equal(value, archive[f"param.{before}"], err_msg=name)
        assert names[:2] == ["conv1.weight", "conv1.bias"]
        for name in ("mean", "square"):
            np.testing.assert_array_equal(checkpoint.optimizer_state[name], archive[f"optimizer.{name}"])


def test_training_goes_on_from_format_1_as_from_format_2(tmp_path):
    checkpoint = load_model(FORMAT_1)
    optimizer = AdamW(checkpoint.model, 1e-3, weight_decay=0.01)
    checkpoint.restore(optimizer)
    twin = tmp_path / "twin.npz"
    save_model(twin, checkpoint.model, optimizer, checkpoint.progress)
    with np.load(twin) as archive:
        assert archive["format"] == 2
        assert "param.dense1.weight" in archive.files
    np.testing.assert_array_equal(train_on(load_model(FORMAT_1), 4), train_on(load_model(twin), 4))


def test_format_1_buffers_come_back_too(tmp_path):
    rng = np.random.default_rng(3)
    model = digit_net(rng)
    arrays = {"format": np.array(1), "architecture": np.array("digit_net"), "progress": np.array("{}")}
    for kind, names, values in (
        ("param", OLD_WEIGHTS, model.named_params()),
        ("buffer", OLD_BUFFERS, model.named_buffers()),
    ):
        for name, (_, value) in zip(names, values, strict=True):
            value[...] = 0.02 * rng.random(value.shape)
            arrays[f"{kind}.{name}"] = value
    np.savez(tmp_path / "old.npz", **arrays)
    loaded = load_model(tmp_path / "old.npz").model
    np.testing.assert_array_equal(loaded.parameters, model.parameters)
    for (name, value), (_, saved) in zip(loaded.named_buffers(), model.named_buffers(), strict=True):
        np.testing.assert_array_equal(value, saved, err_msg=name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"param.3.weight": None, "param.3.bias": None}, "it lacks param.dense1.bias, param.dense1.weight"),
        ({"param.4.weight": np.zeros((2, 2), np.float32)}, "it has unknown param.4.weight"),
        ({"param.1.gamma": np.zeros(2, np.float32)}, "it has unknown param.conv2.gamma"),
        ({"param.0.weight": np.zeros((3, 3, 1, 8), np.float32)}, r"conv1.weight of small_net must be \(5, 5"),
    ],
)
def test_a_file_of_format_1_that_does_not_fit_is_refused(tmp_path, changes, message):
    with np.load(FORMAT_1) as archive:
        arrays = dict(archive) | changes
    np.savez(tmp_path / "old.npz", **{name: value for name, value in arrays.items() if value is not None})
    with pytest.raises(ModelFileError, match=message):
        load_model(tmp_path / "old.npz")


def own_net(rng):
    """A network of every kind of layer, and none of those that are known."""
    layers = [
        Conv2D(1, 4, 5, stride=2, padding=2, rng=rng, bias=False),
        BatchNorm(4, momentum=0.5, epsilon=1e-3),
        ReLU(),
        MaxPool2D(3, stride=2),
        Residual([Conv2D(4, 4, 3, padding=1, rng=rng), BatchNorm(4), GELU()]),
        AveragePool2D(2, stride=1),
        Conv2D(4, 6, 3, rng=rng),
        GlobalAveragePool(),
        Flatten(),
        Dropout(0.25, rng=rng),
        Dense(6, 10, rng=rng),
    ]
    return Sequential("own_net", layers, (28, 28, 1))


def test_a_network_that_somebody_writes_comes_back_with_its_layers(tmp_path):
    model = own_net(np.random.default_rng(0))
    model.layers[1].buffers["running_mean"][:] = 0.03
    save_model(tmp_path / "own.npz", model)
    loaded = load_model(tmp_path / "own.npz").model
    assert loaded.name == "own_net"
    assert [repr(layer) for layer in loaded.layers] == [repr(layer) for layer in model.layers]
    x = np.random.default_rng(1).random((40, 28, 28, 1), np.float32)
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    assert (loaded.layers[1].momentum, loaded.layers[1].epsilon) == (0.5, 1e-3)


def test_dropout_is_no_part_of_a_known_network(tmp_path):
    rng = np.random.default_rng(0)
    model = small_net(rng)
    with_dropout = [*model.layers[:-1], Dropout(0.5, rng=rng), model.layers[-1]]
    save_model(tmp_path / "small.npz", Sequential("small_net", with_dropout, model.input_shape))
    assert len(load_model(tmp_path / "small.npz").model.layers) == len(model.layers)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            Sequential("seed_net", own_net(np.random.default_rng(0)).layers, (28, 28, 1)),
            "other layers than seed",
        ),
        (prepare_for_inference(digit_net(np.random.default_rng(0))), "other layers than digit_net"),
        (Sequential("../x", seed_net(np.random.default_rng(0)).layers, (28, 28, 1)), "name must be 1 to 40"),
        (
            Sequential("big", [Flatten(), Dense(3000, 1400, rng=np.random.default_rng(0))], (3000,)),
            "more than 4,000,000 parameters",
        ),
    ],
)
def test_a_network_that_could_not_be_read_back_is_not_written(tmp_path, model, message):
    with pytest.raises(ValueError, match=message):
        save_model(tmp_path / "model.npz", model)
    assert not list(tmp_path.iterdir())


def conv(**changes):
    values = {"in_channels": 1, "out_channels": 4, "kernel_size": 3, "stride": 1, "padding": 0, "bias": True}
    return {"kind": "Conv2D"} | values | changes


def dense(in_features, out_features):
    return {"kind": "Dense", "in_features": in_features, "out_features": out_features}


def pool(size, stride):
    return {"kind": "MaxPool2D", "pool_size": size, "stride": stride}


def residual(*layers):
    return {"kind": "Residual", "layers": layers}


def listed(*layers, input_shape=(28, 28, 1)):
    return json.dumps({"input_shape": input_shape, "layers": layers})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it is no JSON"),
        ("[" * 10_000, "it is no JSON"),
        ("9" * 19_000, "it is no JSON"),
        (" " * 20_001, "20,001 characters long; at most 20,000"),
        ("[]", 'must have "input_shape" and "layers"'),
        (json.dumps({"layers": []}), 'must have "input_shape" and "layers"'),
        (listed(), "layers must be a list of 1 to 64"),
        (listed(*[{"kind": "ReLU"}] * 65), "layers must be a list of 1 to 64"),
        (listed({"kind": "ReLU"}, input_shape=[]), "one to three whole numbers"),
        (listed({"kind": "ReLU"}, input_shape=[-28, 28, 1]), "one to three whole numbers"),
        (listed({"kind": "ReLU"}, input_shape=[28, 28, True]), "one to three whole numbers"),
        (listed({"kind": "ReLU"}, input_shape="28"), "one to three whole numbers"),
        (listed({"kind": "ReLU"}, input_shape=[100_000, 100_000, 1]), "at most 1,000,000"),
        (listed("ReLU"), "layer 1 must be one of Conv2D"),
        (listed({"kind": "Sequential"}), "layer 1 must be one of Conv2D"),
        (listed({"kind": "__import__('os').system"}), "layer 1 must be one of Conv2D"),
        (listed({"kind": ["ReLU"]}), "layer 1 must be one of Conv2D"),
        (listed({"kind": "ReLU", "inplace": True}), "ReLU, must have no arguments"),
        (
            listed({"kind": "Dense", "in_features": 3}),
            "must have in_features, out_features",
        ),
        (listed(conv(kernel_size=2.5)), "kernel_size of layer 1, Conv2D, must be 1 to 31"),
        (listed(conv(kernel_size=True)), "kernel_size of layer 1, Conv2D, must be 1 to 31"),
        (listed(conv(out_channels=10**9)), "out_channels of layer 1, Conv2D, must be 1 to 4096"),
        (listed(conv(stride=0)), "stride of layer 1"),
        (listed(conv(padding=-1)), "padding of layer 1"),
        (listed(conv(bias=1)), "bias of layer 1, Conv2D, must be true or false"),
        (listed({"kind": "Dropout", "rate": float("nan")}), "rate of layer 1, Dropout, must be 0 to 0.99"),
        (listed({"kind": "BatchNorm", "channels": 1, "momentum": 1, "epsilon": 1e-5}), "momentum of layer 1"),
        (listed({"kind": "BatchNorm", "channels": 1, "momentum": 0, "epsilon": 0}), "epsilon of layer 1"),
        (listed({"kind": "Residual"}), "layer 1, Residual, must have layers, a list of at least one"),
        (listed({"kind": "Residual", "layers": []}), "layer 1, Residual, must have layers"),
        (listed({"kind": "Residual", "layers": [3]}), "layer 1.1 must be one of Conv2D"),
        (listed(residual(residual({"kind": "ReLU"}))), "layer 1, Residual, must not have another"),
        (listed(residual(*[{"kind": "ReLU"}] * 64)), "more than 64 layers"),
        (listed(residual(conv())), "shapes must be equal"),
        (listed(residual(conv(out_channels=4096, kernel_size=5, padding=4))), "layer 1.1 works on"),
        (listed(residual({"kind": "Dropout", "rate": 0.5})), "cannot be inside of a Residual"),
        (listed(conv(in_channels=3)), "expects .N, H, W, 3., got"),
        (
            listed(conv(out_channels=64), conv(in_channels=4096, kernel_size=31)),
            "more than 4,000,000 parameters",
        ),
        (
            listed({"kind": "Flatten"}, {"kind": "Dense", "in_features": 784, "out_features": 10**6}),
            "more than 4,000,000 parameters by layer 2",
        ),
        (listed(conv(out_channels=4096, kernel_size=5, padding=4)), "layer 1 works on 4,194,304 values"),
        (listed(conv(in_channels=4096, padding=30), input_shape=[1, 1, 4096]), "layer 1 works on"),
        (listed(*[pool(31, 1)] * 9, input_shape=[999, 999, 1]), "100,000,000 operations a sample by layer 1"),
        (
            listed(conv(out_channels=64), conv(in_channels=64, out_channels=512, padding=1)),
            "100,000,000 operations",
        ),
        (listed(conv(), input_shape=[9, 9, 1]), r"takes pictures of shape \(9, 9, 1\)"),
        (listed(conv()), r"answers with an array of shape \(26, 26, 4\)"),
    ],
)
def test_a_broken_or_hostile_list_of_layers_is_refused_with_a_sentence(tmp_path, text, message):
    path = tmp_path / "own.npz"
    save_model(path, own_net(np.random.default_rng(0)))
    with np.load(path) as archive:
        arrays = dict(archive) | {"layers": np.array(text)}
    np.savez(path, **arrays)
    with pytest.raises(ModelFileError, match=message) as refused:
        load_model(path)
    assert len(str(refused.value)) < 400
    assert "\n" not in str(refused.value)


def test_a_known_name_cannot_bring_other_layers(tmp_path):
    path = tmp_path / "seed.npz"
    save_model(path, seed_net(np.random.default_rng(0)))
    with np.load(path) as archive:
        arrays = dict(archive) | {"layers": np.array(listed(conv()))}
    np.savez(path, **arrays)
    with pytest.raises(ModelFileError, match="is not a seed_net: it has unknown layers"):
        load_model(path)


@pytest.mark.parametrize("name", ["", "a" * 41, "<b>net</b>", "../weights", "net\n"])
def test_a_list_of_layers_under_a_strange_name_is_refused(tmp_path, name):
    path = tmp_path / "own.npz"
    save_model(path, own_net(np.random.default_rng(0)))
    with np.load(path) as archive:
        arrays = dict(archive) | {"architecture": np.array(name)}
    np.savez(path, **arrays)
    with pytest.raises(ModelFileError, match="for the network"):
        load_model(path)
