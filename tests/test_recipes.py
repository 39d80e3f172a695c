"""Each recipe trains what it says it does."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from cnn import digit_net, log_odds
from recognition import to_input
from training.memory import keep_freed_memory, share_freed_memory
from training.recipes import RECIPES, DigitsRecipe, SeedRecipe
from training.row_recipes import RowsRecipe
from training.synthesis import synthesise_digits, synthesise_non_digits
from training.trainer import IF_NOT_REJECTED, REJECT_CLASS

TINY = DigitsRecipe(
    epochs=5,
    mnist_copies=2,
    synthetic_digits=900,
    non_digits=450,
    real_digits=300,
    real_non_digits=150,
    learning_rate=4e-3,
    average_decay=0.9,
    last_epochs=2,
    last_synthetic_digits=100,
    last_non_digits=50,
    last_real_digits=60,
    last_real_non_digits=40,
)


@pytest.fixture(scope="module")
def written():
    """A stand-in for MNIST: 300 synthetic digits."""
    return synthesise_digits(300, np.random.default_rng(5))


@pytest.fixture(scope="module")
def trained(written):
    phases = []
    for trainer in TINY.phases(*written):
        last = list(trainer.run())[-1]
        phases.append(trainer.result())
    assert (last.epoch, last.epochs) == (7, 7)
    return TINY.result(phases)


def test_the_seed_recipe_is_the_origins():
    recipe = SeedRecipe()
    assert (recipe.epochs, recipe.batch_size, recipe.momentum, recipe.decay) == (5, 64, 0.9, 1e-3)
    trainer = recipe.trainer(np.zeros((64, 28, 28), np.uint8), np.zeros(64, int))
    assert trainer.model.name == "seed_net"
    assert trainer.augment is None
    assert trainer.optimizer.current_learning_rate() == recipe.learning_rate


def test_the_digits_recipe_trains_on_mnist_real_hands_synthetic_digits_and_non_digits(written):
    trainer = TINY.trainer(*written)
    assert len(trainer.images) == 2 * 300 + 900 + 450 + 300 + 150
    assert (trainer.labels == REJECT_CLASS).sum() == 450 + 150
    assert trainer.model.name == "digit_net"
    np.testing.assert_array_equal(trainer.images[:300], written[0])


def test_some_of_the_synthetic_pictures_come_from_rows_of_digits(written):
    plain = replace(TINY, cut_share=0, pair_share=0).trainer(*written)
    mixed = TINY.trainer(*written)
    assert (plain.labels >= IF_NOT_REJECTED).sum() == 0
    assert (mixed.labels >= IF_NOT_REJECTED).sum() == TINY.cut_share * TINY.synthetic_digits
    assert len(plain.images) == len(mixed.images)
    assert (plain.labels == REJECT_CLASS).sum() == (mixed.labels == REJECT_CLASS).sum()
    assert (plain.images[600:] != mixed.images[600:]).any()


def test_the_digits_recipe_learns_to_tell_digits_from_each_other_and_from_the_rest(trained):
    rng = np.random.default_rng(77)
    images, labels = synthesise_digits(300, rng)
    both = np.concatenate([images, synthesise_non_digits(300, rng)])
    logits = trained.predict(to_input(both))
    assert (logits[:300].argmax(1) == labels).mean() > 0.7
    odds = log_odds(logits)
    assert np.median(odds[:300]) > np.median(odds[300:]) + 1


def test_the_last_phase_goes_on_from_the_first_with_fewer_synthetic_pictures(written):
    first = TINY.trainer(*written).result()
    trainer = TINY.last_trainer(first, *written)
    assert len(trainer.images) == 2 * 300 + 100 + 50 + 60 + 40
    assert trainer.model is first
    assert trainer.augment == TINY.last_augmentation
    np.testing.assert_array_equal(trainer.result().parameters, first.parameters)


def test_a_training_that_starts_from_weights_is_the_last_phase_alone_and_leaves_them_as_they_are(written):
    start = TINY.network()
    before = start.parameters.copy()
    (trainer,) = TINY.phases(*written, start)
    assert trainer.epochs == TINY.last_epochs
    next(trainer.run())
    assert not np.array_equal(trainer.model.parameters, before)
    np.testing.assert_array_equal(start.parameters, before)
    with pytest.raises(ValueError, match="the recipe seed has one phase alone"):
        list(SeedRecipe().phases(*written, SeedRecipe().network()))


def test_digits_in_crops_are_trained_on_as_digits(written):
    settings = {"cut_share": 0.0, "pair_share": 0.0, "real_digits": 0, "real_non_digits": 0}
    without, with_crops = (
        replace(TINY, **settings, crop_share=share).trainer(*written) for share in (0.0, 1.0)
    )
    assert len(without.images) == len(with_crops.images)
    in_crops = with_crops.labels[600:1500]
    assert set(in_crops) == set(range(10))
    assert (with_crops.labels == REJECT_CLASS).sum() == (without.labels == REJECT_CLASS).sum()


def test_the_result_lies_between_what_the_two_phases_have_made():
    rng = np.random.default_rng(3)
    first, last = digit_net(rng), digit_net(rng)
    for _, value in last.named_buffers():
        value += 1
    result = replace(TINY, last_share=0.25).result([first, last])
    np.testing.assert_allclose(result.parameters, 0.75 * first.parameters + 0.25 * last.parameters, atol=1e-6)
    for (_, value), (_, start) in zip(result.named_buffers(), first.named_buffers(), strict=True):
        np.testing.assert_allclose(value, start + 0.25)
    np.testing.assert_array_equal(first.parameters, digit_net(np.random.default_rng(3)).parameters)


def test_the_same_seed_gives_the_same_training_bit_for_bit(written):
    runs = []
    for _ in range(2):
        trainer = TINY.trainer(*written)
        list(itertools.islice(trainer.run(), 3))
        runs.append(trainer)
    one, same = runs
    np.testing.assert_array_equal(one.images, same.images)
    np.testing.assert_array_equal(one.model.parameters, same.model.parameters)
    np.testing.assert_array_equal(one.result().parameters, same.result().parameters)


def test_recipes_say_their_settings_in_plain_values():
    for name, recipe in RECIPES.items():
        settings = recipe().to_json()
        assert settings["name"] == name
        assert settings["learning_rate"] > 0


@pytest.mark.parametrize(
    ("recipe", "changes", "message"),
    [
        (
            SeedRecipe,
            {"learning_rate": float("nan")},
            "learning_rate must be a positive, finite number, got nan",
        ),
        (SeedRecipe, {"learning_rate": 0}, "learning_rate must be a positive, finite number, got 0"),
        (
            SeedRecipe,
            {"learning_rate": "fast"},
            "learning_rate must be a positive, finite number, got 'fast'",
        ),
        (SeedRecipe, {"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        (SeedRecipe, {"epochs": 2.5}, "epochs must be a whole number of at least 1, got 2.5"),
        (SeedRecipe, {"batch_size": True}, "batch_size must be a whole number of at least 1, got True"),
        (SeedRecipe, {"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        (SeedRecipe, {"decay": float("inf")}, "decay must be a finite number, got inf"),
        (DigitsRecipe, {"last_learning_rate": -1.0}, "last_learning_rate must be a positive, finite number"),
        (DigitsRecipe, {"last_epochs": 0}, "last_epochs must be a whole number of at least 1, got 0"),
        (DigitsRecipe, {"synthetic_digits": -5}, "synthetic_digits must be a whole number of at least 0"),
        (DigitsRecipe, {"threshold": float("nan")}, "threshold must be a finite number, got nan"),
        (RowsRecipe, {"rows": 0}, "rows must be a whole number of at least 1, got 0"),
    ],
)
def test_impossible_settings_are_refused_in_words(recipe, changes, message):
    with pytest.raises(ValueError, match=message):
        recipe(**changes)


def test_asking_for_memory_to_be_kept_never_fails():
    assert keep_freed_memory() in (True, False)
    assert share_freed_memory() in (True, False)
