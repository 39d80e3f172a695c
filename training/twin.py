"""The calibration of weights that were trained on all pictures, by a twin that was not.

    python -m training --recipe cifar10 --validate --calibrate weights/cifar10.npz

A network is too sure of what it was trained on, so its temperature is fitted on pictures that it has never
seen. Where a recipe leaves none aside, a twin is trained by the same recipe without the validation pictures,
and the weights take over the temperature that suits the twin on these. It never changes an answer.
"""

import json
from pathlib import Path

from cnn import load_model, save_model
from recognition.calibration import Calibration
from training.commands import save_card
from training.datasets.base import Dataset
from training.evaluate import Evaluation
from training.recipe import Recipe

CALIBRATED_ON = "calibrated_on"  # the key in the card


def check_twin(weights: Path, recipe: Recipe, dataset: Dataset) -> None:
    """Raises ValueError or ModelFileError where the recipe's network is no twin of these weights."""
    card = weights.with_suffix(".json")
    if not card.is_file():
        raise ValueError(f"there is no card {card}: --calibrate is for weights that a recipe has written")
    twin = recipe.network()
    model = load_model(weights, twin.input_shape, twin.output_shape, any_classes=True).model
    if (model.name, model.classes) != (twin.name, twin.classes):
        raise ValueError(f"{weights.name} is no {twin.name} for {dataset.title}, so it has no twin here")
    theirs = json.loads(card.read_text(encoding="utf-8"))["recipe"]["name"]
    if theirs != recipe.name:
        raise ValueError(f"{weights.name} was trained by the recipe {theirs}, not {recipe.name}")


def calibrate_as_twin(
    weights: Path, calibration: Calibration, recipe: Recipe, dataset: Dataset, count: int
) -> Evaluation:
    """Write the twin's calibration into weights and their card; returns the test with it.

    count: the validation pictures that it was fitted on.
    """
    checkpoint = load_model(weights, None, None, any_classes=True)
    test = recipe.test(checkpoint.model, dataset, calibration)
    save_model(weights, checkpoint.model, progress=checkpoint.progress | calibration.to_progress())
    card = weights.with_suffix(".json")
    note = f"{count:,} training pictures, by a twin that was not trained on them"
    described = json.loads(card.read_text(encoding="utf-8")) | calibration.to_progress()
    save_card(card, described | {CALIBRATED_ON: note, recipe.test_key(dataset): test.to_json()})
    return test
