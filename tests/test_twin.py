"""The calibration of picture networks that were trained on all pictures, by a twin that was not."""

import json

import numpy as np
import pytest

from cnn import load_model
from recognition.calibration import Calibration
from tests.test_datasets import paint
from training import __main__ as command_line
from training.commands import model_card_of
from training.picture_recipes import Cifar10QuickRecipe
from training.recipes import RECIPES

WEIGHTS = "weights/cifar10-quick-pets.npz"
TRAIN = ["--data", "pets", "--recipe", "cifar10-quick"]
TWIN = [*TRAIN, "--validate", "--calibrate", WEIGHTS]


@pytest.fixture
def pets(monkeypatch, tmp_path):
    """Weights of a tiny recipe that was trained on all of a few pictures."""
    recipe = Cifar10QuickRecipe(epochs=2, batch_size=10, shift=1)
    monkeypatch.setitem(RECIPES, "cifar10-quick", lambda: recipe)
    monkeypatch.chdir(tmp_path)
    paint(tmp_path / "pets", 30)
    assert command_line.main(TRAIN) == 0
    return tmp_path


def _card(home):
    return json.loads((home / WEIGHTS).with_suffix(".json").read_text())


def _read(home):
    return load_model(home / WEIGHTS, None, None, any_classes=True)


def test_a_twin_that_has_not_seen_the_validation_pictures_calibrates_weights_and_card(pets, capsys):
    before, card = _read(pets), _card(pets)
    assert Calibration.of(before) == Calibration()
    assert "Expected calibration error" not in model_card_of(pets / WEIGHTS)
    assert command_line.main(TWIN) == 0
    assert "on the test set its calibration error is" in capsys.readouterr().out
    after, described = _read(pets), _card(pets)
    np.testing.assert_array_equal(after.model.parameters, before.model.parameters)
    found = Calibration.of(after)
    assert found.temperature != 1 and described["calibration"] == {
        "temperature": found.temperature,
        "threshold": None,
    }
    assert described["test"]["accuracy"] == card["test"]["accuracy"]  # no answer has changed
    assert described["test"]["expected_calibration_error"] < card["test"]["expected_calibration_error"]
    assert described["recipe"] == card["recipe"] and described["command"] == card["command"]
    text = model_card_of(pets / WEIGHTS)
    assert "| Expected calibration error | " in text
    assert "fitted on 5 training pictures, by a twin that was not trained on them" in text
    assert (pets / "checkpoints" / "cifar10-quick-pets-twin.npz").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*TRAIN, "--calibrate", WEIGHTS], "--calibrate needs --validate"),
        ([*TRAIN, "--validate", "--calibrate", "none.npz"], "there is no card none.json"),
        (
            [*TRAIN[:-1], "cifar10", "--validate", "--calibrate", WEIGHTS],
            "trained by the recipe cifar10-quick",
        ),
    ],
    ids=["seen", "no card", "another recipe"],
)
def test_what_is_no_twin_trains_nothing_and_changes_nothing(pets, arguments, message, capsys):
    content = (pets / WEIGHTS).read_bytes()
    capsys.readouterr()
    assert command_line.main(arguments) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert message in line
    assert (pets / WEIGHTS).read_bytes() == content


def test_weights_for_other_classes_are_no_twins(pets, capsys):
    (pets / "pets" / "red").rename(pets / "pets" / "rose")
    assert command_line.main(TWIN) == 1
    assert "is no colour_net_2 for pets, so it has no twin here" in capsys.readouterr().err
