"""Recipes for clothes, CIFAR-10 and one's own pictures, and the command that runs them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from cnn import DIGITS, load_model, whitening
from recognition.reader import DEFAULT_WEIGHTS
from tests.bars import bars, bars_dataset
from tests.test_datasets import arrays, paint
from training import __main__ as command_line
from training import commands, evaluation_sets
from training.augment import Cutout, Shift
from training.datasets.base import Dataset
from training.picture_recipes import Cifar10QuickRecipe, FashionRecipe, views
from training.recipes import RECIPES, DigitsRecipe, SeedRecipe
from training.trainer import Trainer


@pytest.fixture
def clothes():
    """Bars that are called clothes."""
    return replace(bars_dataset(600), title="clothes", classes=FashionRecipe().classes)


def test_whitened_outputs_are_uncorrelated_and_of_one_size():
    rng = np.random.default_rng(0)
    patches = rng.standard_normal((4000, 6)) @ rng.standard_normal((6, 6)) + 3
    weight, bias = whitening(patches, 8, epsilon=0)
    outputs = patches @ weight + bias
    np.testing.assert_allclose(np.cov(outputs[:, :4].T), np.eye(4), atol=1e-4)
    np.testing.assert_allclose(outputs.mean(0), 0, atol=1e-4)
    np.testing.assert_array_equal(weight[:, 4:], -weight[:, :4])


def test_a_shift_moves_every_picture_by_whole_pixels_of_its_own():
    images = np.zeros((40, 9, 9, 3), np.uint8)
    images[:, 4, 4] = 255
    shifted = Shift(2, "constant")(images, np.random.default_rng(0))
    places = np.argwhere(shifted[..., 0] == 255)
    assert len(places) == 40 and (np.abs(places[:, 1:] - 4) <= 2).all()
    assert len({tuple(place) for place in places[:, 1:]}) > 10
    np.testing.assert_array_equal(shifted, Shift(2, "constant")(images, np.random.default_rng(0)))
    assert (Shift(2)(np.full((3, 8, 8), 7, np.uint8), np.random.default_rng(0)) == 7).all()


@pytest.mark.parametrize("shape", [(40, 9, 8), (40, 9, 8, 3)])
def test_cutout_erases_a_square_around_any_pixel(shape):
    images = np.full(shape, 7, np.uint8)
    erased = Cutout(3)(images, np.random.default_rng(0))
    assert (images == 7).all()
    sizes = {int((picture == 0).any(axis=tuple(range(2, picture.ndim))).sum()) for picture in erased}
    assert max(sizes) == 9 and min(sizes) >= 4  # at a corner a quarter of it is left, and the middle
    holes = np.argwhere(erased.reshape(*shape[:3], -1)[..., 0] == 0)
    assert set(holes[:, 1]) == set(range(9)) and set(holes[:, 2]) == set(range(8))
    np.testing.assert_array_equal(erased, Cutout(3)(images, np.random.default_rng(0)))


@pytest.mark.parametrize("channels", [(), (3,)])
def test_the_views_of_a_picture_are_its_mirror_image_and_both_moved_by_a_pixel(channels):
    image = np.zeros((1, 5, 6, *channels), np.uint8)
    image[0, 2, 1] = 255
    seen = [np.argwhere(view.reshape(5, 6, -1)[..., 0]).tolist() for view in views(image)]
    assert seen == [[[2, 1]], [[2, 4]], [[1, 0]], [[3, 2]], [[1, 3]], [[3, 5]]]


def test_two_epochs_see_both_sides_of_every_picture():
    images = np.arange(5 * 28 * 28, dtype=np.uint16).reshape(5, 28, 28).astype(np.uint8)
    model = SeedRecipe().network()
    trainer = Trainer(model, None, images, np.arange(5), epochs=2, batch_size=5, seed=0, mirror=True)
    order = np.arange(5)
    [(_, (first, _))], [(_, (second, _))] = (list(trainer._batches(order, epoch, 0)) for epoch in (0, 1))
    np.testing.assert_array_equal(first[::2], images[::2])
    np.testing.assert_array_equal(first[1::2], images[1::2, :, ::-1])
    np.testing.assert_array_equal(second, first[:, :, ::-1])


def test_the_fashion_recipe_learns_and_its_network_knows_the_classes(clothes):
    recipe = replace(FashionRecipe(), epochs=4, batch_size=50, shift=0).for_dataset(clothes)
    trainer = recipe.trainer(clothes.train_images, clothes.train_labels.astype(int))
    list(trainer.run())
    model = trainer.result()
    assert (model.name, model.classes) == ("grey_net", FashionRecipe().classes)
    found = recipe.test(model, clothes, recipe.calibration(model, *bars(50, seed=3)))
    assert found.accuracy > 0.8 and found.accuracy_with_mirror > 0.8
    assert found.to_json()["accuracy_with_mirror"] == round(found.accuracy_with_mirror, 4)
    assert found.accuracy_with_views > 0.8 and "shifted too" in found.summary
    assert "T-shirt/top" in found.report() and "with the mirror image" in found.summary
    assert "per_class" in found.to_json()


def test_the_same_seed_gives_the_same_steps_bit_for_bit(clothes):
    ends = []
    for _ in range(2):
        trainer = FashionRecipe().trainer(clothes.train_images, clothes.train_labels.astype(int))
        next(trainer.run())
        ends.append(trainer.model.parameters)
    np.testing.assert_array_equal(*ends)


def test_a_recipe_refuses_pictures_that_it_is_not_for(clothes):
    colour = Dataset(
        *[np.zeros((20, 32, 32, 3), np.uint8), np.zeros(20, int)] * 2, "", "pets", ("cat", "dog")
    )
    for recipe, dataset, message in (
        (DigitsRecipe(), clothes, "the recipe digits trains on digits of 28x28 pixels; clothes has pictures"),
        (SeedRecipe(), colour, r"the recipe seed trains on pictures \(28, 28, 1\) of 10 classes; pets has"),
        (
            FashionRecipe(),
            colour,
            r"fashion trains on pictures \(28, 28, 1\) of 2 classes; pets has pictures",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            recipe.for_dataset(dataset)
    assert SeedRecipe().for_dataset(clothes) == SeedRecipe()
    assert Cifar10QuickRecipe().for_dataset(colour).network().name == "colour_net_2"


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Two epochs in which a few pictures are learned, started in an empty folder."""
    recipe = Cifar10QuickRecipe(epochs=2, batch_size=10, shift=1)
    monkeypatch.setitem(RECIPES, "cifar10-quick", lambda: recipe)
    monkeypatch.setattr(command_line, "_usual_recipe", lambda *_: "cifar10-quick")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_of_pictures_is_trained_on_and_judged(tiny, capsys):
    paint(tiny / "pets", 30)
    assert command_line.main(["--data", "pets"]) == 0
    (tiny / "weights" / "cifar10-quick-pets.npz").rename(tiny / "pets.npz")
    (tiny / "weights" / "cifar10-quick-pets.json").rename(tiny / "pets.json")
    assert "Test: Accuracy = " in capsys.readouterr().out
    model = load_model(tiny / "pets.npz", None, None, any_classes=True).model
    assert (model.classes, model.input_shape, model.name) == (("blue", "red"), (32, 32, 3), "colour_net_2")
    card = json.loads((tiny / "pets.json").read_text())
    assert card["command"] == "python -m training --recipe cifar10-quick --data DATA"
    assert card["data"]["name"] == "pets" and card["recipe"]["classes"] == ["blue", "red"]
    assert set(card["test"]) >= {"accuracy", "accuracy_with_mirror", "accuracy_with_views", "per_class"}

    evaluation = ["evaluate", "--weights", "pets.npz", "--data", "pets"]
    assert command_line.main(evaluation) == 0
    assert "pets.npz on pets's 10 test images" in capsys.readouterr().out
    assert command_line.main(["--data", "pets", "--out", "pets.npz", "--resume"]) == 0
    (tiny / "pets" / "red").rename(tiny / "pets" / "rose")
    assert command_line.main(["--data", "pets", "--out", "pets.npz", "--resume"]) == 1
    assert "the checkpoint was trained on other classes" in capsys.readouterr().err


def test_a_network_is_not_judged_on_pictures_of_something_else(tiny, capsys):
    paint(tiny / "pets", 12)
    assert command_line.main(["evaluate", "--data", "pets"]) == 1
    assert "digits.npz is a digit_net, which takes pictures of shape (28, 28, 1)" in capsys.readouterr().err
    clothes = evaluation_sets.LabelledPictures(
        "ten clothes", np.zeros((10, 28, 28), np.uint8), np.arange(10), FashionRecipe().classes
    )
    with pytest.raises(ValueError, match=r"digits.npz does not tell apart what ten clothes show"):
        commands._evaluate_file(DEFAULT_WEIGHTS, clothes)


def test_bad_data_is_one_line_and_trains_nothing(tiny, capsys):
    np.savez(tiny / "bad.npz", **arrays() | {"classes": np.array(["red", "<b>blue"])})
    for options, message in (
        (["--data", "bad.npz"], "the class names in bad.npz cannot be used: the name of class 1 must not"),
        (["--data", "bad.npz", "--dataset", "cifar10"], "give --dataset cifar10 or your own pictures"),
    ):
        assert command_line.main(options) == 1
        [line] = capsys.readouterr().err.splitlines()
        assert message in line
    assert not (tiny / "checkpoints").exists()


def test_every_data_set_has_a_usual_recipe():
    usual = command_line._usual_recipe
    assert [usual("mnist", None), usual(None, None)] == ["seed", "seed"]
    assert [usual("fashion-mnist", None), usual("cifar10", None)] == ["fashion", "cifar10-quick"]
    assert bars_dataset(10).classes == DIGITS
