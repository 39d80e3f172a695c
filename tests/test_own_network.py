"""A network of one's own: what fits and why not, what it costs, and the Python that trains the very same."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from cnn import ARCHITECTURES, Checkpoint, Sequential, load_model, save_model
from cnn.layer_list import layer_list, network_from_list
from tests.bars import bars_dataset, write_mnist
from training import data
from training.experiment import Experiment
from training.own_network import draft as module
from training.own_network.blocks import KINDS
from training.own_network.draft import OWN_NET, read_draft
from training.own_network.pace import Pace, pace
from training.own_network.presets import PRESETS
from training.own_network.python_text import python_text
from training.settings import Settings

GREY, COLOUR = (28, 28, 1), (32, 32, 3)
FLATTEN, RELU, NORM = {"kind": "Flatten"}, {"kind": "ReLU"}, {"kind": "BatchNorm"}


def conv(channels=8, kernel=3, stride=1, padding=1):
    sizes = {"out_channels": channels, "kernel_size": kernel, "stride": stride, "padding": padding}
    return {"kind": "Conv2D"} | sizes


def pool(size=2, kind="MaxPool2D"):
    return {"kind": kind, "pool_size": size, "stride": size}


def dense(outputs=10):
    return {"kind": "Dense", "out_features": outputs}


def residual(*layers):
    return {"kind": "Residual", "layers": list(layers)}


def drafted(*blocks, shape=GREY, classes=10):
    return read_draft(json.dumps(blocks), shape, classes)


# --- what fits


def test_each_row_has_the_shape_after_it_and_its_parameters():
    draft = drafted(conv(8, 5, padding=2), NORM, RELU, pool(), residual(conv(8), RELU), FLATTEN, dense())
    assert draft.trouble == ""
    shapes = [(28, 28, 8)] * 3 + [(14, 14, 8)] * 2 + [(1568,), (10,)]
    assert [row.shape for row in draft.rows] == shapes
    assert [row.parameters for row in draft.rows] == [200, 16, 0, 0, 584, 0, 15_690]
    assert [row.shape for row in draft.rows[4].rows] == [(14, 14, 8)] * 2
    assert draft.parameters == draft.network(np.random.default_rng(0)).parameters.size


@pytest.mark.parametrize(
    ("blocks", "place", "why"),
    [
        ([conv(), dense()], 1, "Dense needs a list of numbers, and gets 28 × 28 × 8: put Flatten"),
        ([FLATTEN, conv(), dense()], 1, "Convolution needs rows and columns, and gets a list of 784"),
        ([FLATTEN, pool(), dense()], 1, "Max pooling needs rows and columns"),
        ([pool(14), conv(8, 7)], 1, "A kernel of 7 × 7 is larger than what it gets, 2 × 2 × 1"),
        ([pool(14), pool(3)], 1, "A window of 3 is larger than what it gets, 2 × 2 × 1"),
        ([conv(), residual(conv(4))], 1, "adds what it gets, 28 × 28 × 8, .* it is 28 × 28 × 4"),
        ([conv(), residual(conv(stride=2))], 1, "it is 14 × 14 × 8"),
        ([residual()], 0, "needs at least one layer"),
        ([residual({"kind": "Dropout", "rate": 0.5})], 0, "Dropout cannot be inside of a residual block"),
        ([residual(residual(RELU))], 0, "Residual block cannot be inside of a residual block"),
        ([residual(FLATTEN, dense(2))], 0, "it is 2"),
    ],
)
def test_what_does_not_fit_says_why_at_its_layer_and_what_comes_after_is_open(blocks, place, why):
    draft = drafted(*blocks, RELU, FLATTEN, dense())
    troubles = [row.trouble for row in draft.rows]
    assert [bool(trouble) for trouble in troubles].index(True) == place
    assert re.search(why, troubles[place])
    assert draft.trouble.startswith(f"Layer {place + 1}, ")
    assert all(row.shape is None for row in draft.rows[place:])
    assert all(row.shape for row in draft.rows[:place])
    assert troubles.count("") == len(troubles) - 1
    with pytest.raises(ValueError, match=f"Layer {place + 1}"):
        draft.network(np.random.default_rng(0))


def test_the_end_must_be_a_number_for_each_class():
    assert "must end in 10 numbers" in drafted(FLATTEN, dense(9)).trouble
    assert "ends in 28 × 28 × 8" in drafted(conv()).trouble
    assert drafted(FLATTEN, dense(3), classes=3).trouble == ""


@pytest.mark.parametrize(
    "number", [0, -1, 513, 1e9, 10**400, 2.0, True, None, "8", [8], {}], ids=lambda number: str(number)[:9]
)
def test_a_number_out_of_range_or_of_another_type_is_refused_at_its_layer(number):
    draft = drafted(conv() | {"out_channels": number}, FLATTEN, dense())
    assert draft.rows[0].trouble == "Channels must be a whole number from 1 to 512."


@pytest.mark.parametrize(
    ("blocks", "why"),
    [
        ([FLATTEN, dense(4096)], "more than 1,500,000 parameters by layer 2"),
        ([conv(512, 15, padding=7)], "more than 50,000,000 operations a sample by layer 1"),
        ([conv(512, 1, padding=0), conv(1, 15, padding=7)], "works on"),
        ([conv(512, 3), conv(512, 3)], "more than"),
    ],
)
def test_absurd_sizes_are_refused_in_a_sentence_before_anything_large_is_made(blocks, why, monkeypatch):
    assert why in drafted(*blocks).trouble


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "sent as a list in JSON"),
        ("[" * 9_000, "sent as a list in JSON"),
        ("{}", "There are no layers yet"),
        ("[]", "There are no layers yet"),
        (json.dumps([RELU] * 65), "may have 64 layers"),
        (json.dumps([residual(*[RELU] * 40)] * 2), "may have 64 layers"),
        (json.dumps([RELU] * 10_000), "may have 20,000 characters"),
        (json.dumps([{"kind": "os.system"}]), "Layer 1 is of a kind that there is not"),
        (json.dumps([RELU, {"kind": ["ReLU"]}]), "Layer 2 is of a kind that there is not"),
        (json.dumps([RELU, 7]), "Layer 2 is of a kind that there is not"),
        (json.dumps([residual({"kind": "Sequential"})]), "Layer 1 is of a kind that there is not"),
        (json.dumps([{"kind": "Residual"}]), "Layer 1, Residual block, needs a list"),
        (json.dumps([{"kind": "Residual", "layers": {"a": 1}}]), "Layer 1, Residual block, needs a list"),
    ],
)
def test_what_is_no_list_of_layers_is_refused_in_a_sentence(text, why):
    with pytest.raises(ValueError, match=why):
        read_draft(text, GREY, 10)


# --- ready networks


@pytest.mark.parametrize("shape", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("name", PRESETS)
def test_every_ready_network_fits_and_its_file_carries_its_layers(name, shape, tmp_path):
    draft = drafted(*PRESETS[name].blocks(shape, 10), shape=shape)
    assert draft.trouble == ""
    model = draft.network(np.random.default_rng(1))
    save_model(tmp_path / "own.npz", model)
    read = load_model(tmp_path / "own.npz", shape, any_classes=True).model
    assert layer_list(read.layers, shape) == layer_list(model.layers, shape)
    np.testing.assert_array_equal(read.parameters, model.parameters)
    assert draft.most_pictures() >= 128


def test_together_they_show_every_kind_of_layer():
    found = {
        kind
        for preset in PRESETS.values()
        for block in preset.blocks(GREY, 10)
        for kind in (block["kind"], *(inner["kind"] for inner in block.get("layers", ())))
    }
    assert found == set(KINDS)


@pytest.mark.parametrize(
    ("preset", "ours"),
    [
        ("regression", "softmax_regression"),
        ("seed", "seed_net"),
        ("small", "small_net"),
        ("five", "digit_net"),
    ],
)
def test_those_that_are_networks_of_ours_begin_with_the_very_same_weights(preset, ours):
    own = drafted(*PRESETS[preset].blocks(GREY, 10)).network(np.random.default_rng(3))
    built = ARCHITECTURES[ours](np.random.default_rng(3))
    np.testing.assert_array_equal(own.parameters, built.parameters)


# --- what it costs


def test_an_epoch_takes_longer_with_more_multiplications_and_with_more_values():
    assert min(pace().per_operation, pace().per_value) >= 0
    of_one = Pace(per_operation=1e-9, per_value=1e-8)
    draft = drafted(FLATTEN, dense())
    assert draft.operations == 7_840 + 784
    assert of_one.seconds(draft, 1000) == pytest.approx(1000 * (8_624e-9 + 1e-8 * draft.values))


# --- settings


def own_settings(*blocks, **changes):
    layers = json.dumps(blocks or [FLATTEN, dense()])
    usual = {"network": OWN_NET, "layers": layers, "epochs": 1, "images": 600, "batch_size": 50}
    return Settings(**usual | changes)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"layers": ""}, "sent as a list in JSON"),
        ({"layers": None}, "sent as text"),
        ({"layers": "[]"}, "no layers yet"),
        ({"layers": json.dumps([conv()])}, "must end in 10 numbers"),
        ({"dataset": "cifar100"}, "no data set 'cifar100'; there are mnist, fashion-mnist, cifar10"),
        ({"dataset": ["mnist"]}, "no data set"),
        ({"network": "small_net"}, "Only a network of your own"),
        ({"network": "small_net", "dataset": "cifar10", "layers": ""}, "no network 'small_net' for CIFAR-10"),
        ({"fine_tune": True}, "Only a network of your own"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_in_words(changes, why):
    with pytest.raises(ValueError, match=why):
        own_settings(**changes)


def test_a_batch_that_would_take_too_much_memory_is_refused_with_the_largest_that_does_not():
    blocks = [conv(64), conv(8), FLATTEN, dense()]
    most = drafted(*blocks).most_pictures()
    assert 8 <= most < 512
    own_settings(*blocks, batch_size=most)
    with pytest.raises(ValueError, match=f"choose a batch size of at most {most}"):
        own_settings(*blocks, batch_size=most + 1)


def test_settings_of_an_earlier_version_are_still_read():
    values = {
        name: value
        for name, value in vars(Settings("small_net")).items()
        if name not in ("dataset", "layers")
    }
    assert Settings.from_json(values) == Settings("small_net")


# --- training


@pytest.fixture
def dataset(monkeypatch):
    monkeypatch.setattr(data, "VALIDATION_SIZE", 300)
    return bars_dataset(600)


def test_it_is_trained_paused_saved_and_goes_on_bit_for_bit(dataset, tmp_path):
    blocks = [
        conv(8, stride=2),
        NORM,
        RELU,
        residual(conv(), NORM),
        FLATTEN,
        {"kind": "Dropout", "rate": 0.2},
    ]
    settings = own_settings(*blocks, dense(), epochs=2, dropout=0.3)
    whole = Experiment(settings, dataset)
    last = list(whole.run())[-1]
    assert last.validation_accuracy > 0.9
    assert last.kernels.shape == (3, 3, 1, 8)

    begun = Experiment(settings, dataset)
    for _ in begun.run():
        begun.stop()
    begun.save(tmp_path / "own.npz")
    resumed = Experiment.resume(tmp_path / "own.npz", dataset)
    list(resumed.run())
    np.testing.assert_array_equal(resumed.trainer.model.parameters, whole.trainer.model.parameters)


def test_a_file_whose_layers_are_not_those_of_its_settings_is_not_resumed(dataset, tmp_path):
    experiment = Experiment(own_settings(FLATTEN, dense(20), RELU, dense()), dataset)
    experiment.save(tmp_path / "own.npz")
    checkpoint = load_model(tmp_path / "own.npz")
    other = json.dumps([FLATTEN, dense()])
    checkpoint.progress["settings"] |= {"layers": other}
    save_model(tmp_path / "forged.npz", checkpoint.model, experiment.trainer.optimizer, checkpoint.progress)
    with pytest.raises(ValueError, match="its layers are others"):
        Experiment.resume(tmp_path / "forged.npz", dataset)


@pytest.mark.parametrize("blocks", [[pool(), FLATTEN, dense()], [NORM, FLATTEN, dense()]])
def test_a_first_layer_that_does_not_see_the_picture_itself_shows_no_filters(blocks, dataset):
    experiment = Experiment(own_settings(*blocks), dataset)
    experiment.stop()
    [only] = experiment.run()
    assert only.kernels.shape[-1] == 0


def test_no_more_filters_are_shown_than_a_page_can_take_four_times_a_second(dataset):
    experiment = Experiment(own_settings(FLATTEN, dense(200), RELU, dense()), dataset)
    experiment.stop()
    [only] = experiment.run()
    assert only.kernels.shape == (28, 28, 1, 51)


def test_a_file_of_somebodys_layers_is_not_trained_on_in_batches_that_take_too_much_memory(dataset):
    heavy = drafted(conv(64), conv(8), FLATTEN, dense())
    start = Checkpoint(heavy.network(np.random.default_rng(0)))
    settings = Settings(OWN_NET, fine_tune=True, images=600, batch_size=heavy.most_pictures() + 1)
    with pytest.raises(ValueError, match=f"choose a batch size of at most {heavy.most_pictures()}"):
        Experiment(settings, dataset, start)
    Experiment(replace(settings, batch_size=50), dataset, start)


# --- the same as Python


def test_the_python_under_it_is_a_program_that_trains_the_very_same_network(dataset, tmp_path):
    """With the settings in its text: the page's training ends with the same weights."""
    blocks = [conv(4), NORM, RELU, residual(conv(4), RELU), pool(), pool(2, "AveragePool2D")]
    blocks += [{"kind": "GELU"}, FLATTEN, {"kind": "Dropout", "rate": 0.1}, dense()]
    text = python_text(drafted(*blocks), "mnist")
    digests = write_mnist(tmp_path / "cache" / "mnist", dataset)
    stand_in = f"from training import data; data.FILES, data.VALIDATION_SIZE = {digests}, 300\n"
    (tmp_path / "mine.py").write_text(stand_in + text, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "mine.py"],
        cwd=tmp_path,
        env={
            "PYTHONPATH": str(module.__file__).split("/training/")[0],
            "DIGITS_CACHE": str(tmp_path / "cache"),
        },
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Epoch 3: loss" in ran.stdout
    assert "Test: Accuracy" in ran.stdout
    made = load_model(tmp_path / "my_network.npz").model
    experiment = Experiment(own_settings(*blocks, epochs=3, batch_size=64), dataset)
    list(experiment.run())
    np.testing.assert_array_equal(made.parameters, experiment.trainer.result().parameters)


@pytest.mark.parametrize("name", PRESETS)
def test_the_layers_in_the_text_are_those_of_the_network(name):
    draft = drafted(*PRESETS[name].blocks(GREY, 10))
    begin, end = "rng = np.random", "dataset = load_dataset"
    text = python_text(draft, "mnist")
    imports = text[text.index("from cnn import") : text.index("from recognition")]
    layers = text[text.index(begin) : text.index(end)]
    scope = {"np": np, "SEED": 5}
    exec(imports + layers, scope)
    written = Sequential(OWN_NET, scope["layers"], GREY)
    meant = draft.network(np.random.default_rng(5))
    assert layer_list(written.layers, GREY) == layer_list(meant.layers, GREY)
    assert network_from_list(OWN_NET, layer_list(written.layers, GREY)).output_shape == (10,)
    np.testing.assert_array_equal(written.parameters, meant.parameters)


def test_what_does_not_fit_has_no_python():
    assert python_text(drafted(conv()), "mnist") == ""
