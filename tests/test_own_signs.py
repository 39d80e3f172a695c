"""A visitor's own signs: learned from a few drawings, told from everything else, and bounded."""

import numpy as np
import pytest

from cnn import Flatten, ReLU, Sequential, load_model
from recognition.reader import DEFAULT_WEIGHTS
from training.own_signs import MAX_EXAMPLES, MAX_NAME, check_names, learn_signs
from training.synthesis import synthesise_non_digits
from training.synthesis.strokes import Hand, picture_of

SHAPES = {
    "heart": [
        [(0.5, 0.95), (0.1, 0.4), (0.2, 0.1), (0.4, 0.1), (0.5, 0.3), (0.6, 0.1), (0.8, 0.1), (0.5, 0.95)]
    ],
    "<b>zig</b>": [[(0.1, 0.9), (0.3, 0.1), (0.5, 0.9), (0.7, 0.1), (0.9, 0.9)]],
    "🌲": [[(0.5, 0), (0.5, 1)], [(0.1, 0.5), (0.5, 0.1), (0.9, 0.5)], [(0.1, 0.9), (0.5, 0.5), (0.9, 0.9)]],
}


def drawings(count, seed, shapes=tuple(SHAPES)):
    """`count` of each shape by random hands: images (N, 28, 28) uint8 and labels (N,)."""
    rng = np.random.default_rng(seed)
    images = [picture_of(Hand(rng)(SHAPES[name]), rng) for name in shapes for _ in range(count)]
    return np.stack(images), np.repeat(np.arange(len(shapes)), count)


@pytest.fixture(scope="module")
def network():
    return load_model(DEFAULT_WEIGHTS).model


@pytest.fixture(scope="module")
def signs(network):
    return learn_signs(network, *drawings(5, seed=1), list(SHAPES))


def test_five_drawings_of_each_sign_are_enough(signs):
    images, labels = drawings(30, seed=2)
    assert (signs.probs(images).argmax(1) == labels).mean() >= 0.9


def test_most_other_drawings_are_anything_else(signs):
    others = synthesise_non_digits(200, np.random.default_rng(3))
    assert (signs.probs(others).argmax(1) == len(SHAPES)).mean() >= 0.8


def test_cross_validation_counts_every_example_once(signs):
    assert signs.confusions.shape == (3, 4)
    assert signs.confusions.sum(1).tolist() == [5, 5, 5]
    assert len(signs.mistakes) == 15 - np.trace(signs.confusions[:, :3])


def test_signs_that_look_alike_are_confused_in_cross_validation(network):
    images, _ = drawings(10, seed=4, shapes=["heart"])
    signs = learn_signs(network, images, np.arange(10) % 2, ["heart", "love"])
    assert len(signs.mistakes) >= 2


def test_the_network_is_not_changed_and_equal_arguments_give_equal_weights(network, signs):
    before = network.parameters.copy()
    again = learn_signs(network, *drawings(5, seed=1), list(SHAPES))
    assert np.array_equal(network.parameters, before)
    assert np.array_equal(again.model.parameters, signs.model.parameters)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "from 2 to 12 signs: there are 0"),
        (["a"], "from 2 to 12 signs: there are 1"),
        ([str(n) for n in range(13)], "there are 13"),
        (["a", " \n"], "Sign 2 has no name"),
        (["a", " a "], "same name"),
        (["a", 7], "must be text"),
        (["a", "b" * 10_000], f"10000 characters, at most {MAX_NAME}"),
    ],
)
def test_names_that_do_not_do_are_refused_in_a_sentence(names, message):
    with pytest.raises(ValueError, match=message):
        check_names(names)


def test_examples_that_do_not_do_are_refused_in_a_sentence(network):
    images, labels = drawings(5, seed=1, shapes=["heart", "🌲"])
    for changed, their_labels, message in [
        (images[:9], labels[:9], "Draw tree 5 times or more: there are 4"),
        (images[:0], labels[:0], "Draw heart 5 times or more: there are 0"),
        (images * np.uint8(0), labels, "empty"),
        (images.astype(float), labels, "uint8"),
        (images, labels + 1, "labels must be 0 to 1"),
        (images, labels[:3], "labels must be"),
        (np.resize(images, (MAX_EXAMPLES + 1, 28, 28)), np.resize(labels, MAX_EXAMPLES + 1), "at most 200"),
    ]:
        with pytest.raises(ValueError, match=message):
            learn_signs(network, changed, their_labels, ["heart", "tree"])


def test_a_network_without_a_last_dense_layer_is_refused():
    with pytest.raises(ValueError, match="end with Dense"):
        learn_signs(Sequential("x", [Flatten(), ReLU()], (28, 28, 1)), *drawings(5, seed=1), list(SHAPES))
