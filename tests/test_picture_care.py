"""Networks for other pictures begin and are trained on the page as the recipes do it; digits' are not."""

import json

import numpy as np
import pytest

from cnn import Conv2D, Sequential, load_model, softmax_cross_entropy
from recognition.calibration import Calibration
from training import data
from training.augment import Augmentation, Shift
from training.datasets import registry
from training.datasets.base import Dataset
from training.datasets.registry import FACTS
from training.experiment import Experiment
from training.own_network.draft import OWN_NET, read_draft
from training.own_network.python_text import python_text
from training.picture_care import RECIPES, augmentation_for, begin_whitened, loss_for
from training.picture_recipes import PLACES, whiten_first_layer
from training.settings import FRESH, Settings
from training.trainer import Trainer

CONV = {"kind": "Conv2D", "out_channels": 5, "kernel_size": 3, "stride": 2, "padding": 1}
BLOCKS = [CONV, {"kind": "BatchNorm"}, {"kind": "ReLU"}, {"kind": "Flatten"}]
BLOCKS.append({"kind": "Dense", "out_features": 10})


@pytest.fixture
def small(monkeypatch):
    """Makes a few pictures of bright rows pass for a data set, of which 100 validate."""
    monkeypatch.setattr(data, "VALIDATION_SIZE", 100)

    def make(name):
        facts, rng = FACTS[name], np.random.default_rng(0)
        shape = facts.input_shape if facts.input_shape[2] == 3 else facts.input_shape[:2]
        labels = rng.integers(0, 10, 400)
        images = rng.integers(0, 120, (400, *shape), np.uint8)
        images[np.arange(400), 2 * labels + 4] = 255
        dataset = Dataset(
            images[:300], labels[:300], images[300:], labels[300:], "", facts.title, facts.classes
        )
        monkeypatch.setitem(registry.DATASETS, name, lambda folder: dataset)
        return dataset

    return make


def _settings(name):
    layers = json.dumps(BLOCKS)
    return Settings(OWN_NET, epochs=3, images=200, batch_size=64, dataset=name, layers=layers)


@pytest.mark.parametrize("name", FACTS)
def test_the_same_as_python_has_the_weights_and_the_calibration_of_the_pages_training(
    small, name, tmp_path, monkeypatch, capsys
):
    dataset = small(name)
    experiment = Experiment(_settings(name), dataset)
    list(experiment.run())
    facts = FACTS[name]
    monkeypatch.chdir(tmp_path)
    text = python_text(read_draft(json.dumps(BLOCKS), facts.input_shape, 10), name)
    exec(compile(text, "my_network.py", "exec"), {})
    made = load_model(tmp_path / "my_network.npz", None, None, any_classes=True)
    np.testing.assert_array_equal(made.model.parameters, experiment.trainer.result().parameters)
    assert Calibration.of(made) == experiment.calibration != Calibration()
    assert "Test: Accuracy" in capsys.readouterr().out


@pytest.mark.parametrize("name", RECIPES)
def test_other_pictures_begin_with_a_whitened_first_layer_and_smoothed_labels(small, name):
    dataset = small(name)
    experiment = Experiment(_settings(name), dataset)
    plain = _settings(name).draft.network(np.random.default_rng(0))
    weight, drawn = (model.layers[0].params["weight"] for model in (experiment.trainer.model, plain))
    np.testing.assert_array_equal(weight[..., 2:4], -weight[..., :2])  # both signs of a direction
    np.testing.assert_array_equal(weight[..., 4], drawn[..., 4])  # the odd one
    logits, labels = np.eye(10, dtype=np.float32)[:4], np.arange(4)
    smoothing = RECIPES[name].label_smoothing
    assert smoothing > 0
    assert experiment.trainer.loss(logits, labels)[0] == pytest.approx(
        softmax_cross_entropy(logits, labels, label_smoothing=smoothing)[0]
    )


def test_digits_are_trained_as_before(small):
    dataset = small("mnist")
    trainer: Trainer = Experiment(_settings("mnist"), dataset).trainer
    plain = _settings("mnist").draft.network(np.random.default_rng(0))
    np.testing.assert_array_equal(trainer.model.parameters, plain.parameters)
    assert trainer.loss is softmax_cross_entropy and loss_for("mnist") is softmax_cross_entropy
    assert isinstance(augmentation_for("mnist"), Augmentation)


def test_shifts_and_mirroring_suit_the_data_and_are_the_usual_settings_of_the_best_networks(small):
    assert augmentation_for("cifar10") == Shift(2, "reflect")
    assert augmentation_for("fashion-mnist") == Shift(2, "constant")
    assert FRESH["grey_net"].augmentation and FRESH["colour_net"].augmentation
    for name, is_mirrored in {"cifar10": True, "fashion-mnist": True, "mnist": False}.items():
        settings = Settings(OWN_NET, images=200, augmentation=True, dataset=name, layers=json.dumps(BLOCKS))
        assert Experiment(settings, small(name)).trainer.mirror is is_mirrored


@pytest.mark.parametrize("kernel", [1, 3, 28])
@pytest.mark.parametrize("channels", [1, 2, 7, 64])
def test_any_first_convolution_begins_with_finite_weights(kernel, channels):
    pictures = np.random.default_rng(0).integers(0, 256, (50, 28, 28), np.uint8)
    for bias in (True, False):
        layer = Conv2D(1, channels, kernel, bias=bias, rng=np.random.default_rng(0))
        model = Sequential("x", [layer], (28, 28, 1))
        begin_whitened(model, pictures, "fashion-mnist", 0)
        assert np.isfinite(model.parameters).all()


def test_outputs_of_a_whitened_layer_are_uncorrelated():
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (600, 8, 8, 3), np.uint8)
    pictures[..., 1] = pictures[..., 0]  # two colours that go together
    model = Sequential("x", [Conv2D(3, 6, 3, rng=rng)], (8, 8, 3))
    whiten_first_layer(model, pictures, np.random.default_rng(1))
    y = model.predict(pictures.astype(np.float32) / 255)[..., :3].reshape(-1, 3)
    assert PLACES > 1
    np.testing.assert_allclose(np.cov(y.T), np.eye(3), atol=0.2)
