"""A visitor's own signs: learned from a few drawings, told from everything else, and bounded."""

import numpy as np
import pytest

from cnn import Flatten, ReLU, Sequential, load_model
from recognition.reader import DEFAULT_WEIGHTS
from tests.signs import SHAPES, drawings
from training.own_signs import ANYTHING_ELSE, MAX_EXAMPLES, check_names, learn_signs
from training.synthesis import synthesise_non_digits


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


def test_the_network_names_its_classes(signs):
    assert signs.model.classes == (*SHAPES, ANYTHING_ELSE)


@pytest.mark.parametrize("names", [["♥", "👩‍🚀"], ["ᚠ", "ß"], ["x" * 40, "Übergröße  №1"]])
def test_emoji_runes_and_long_names_will_do(names):
    assert check_names(names) == tuple(" ".join(name.split()) for name in names)


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
        (["a", " \n"], "The name of sign 2 must be a text that is not empty"),
        (["a", " a "], "same name"),
        (["a", "anything  else"], 'The name of sign 2 must not be "anything else"'),
        (["a", 7], "must be a text"),
        (["a", "b" * 10_240], "The name of sign 2 has 10,240 characters; at most 40 are read"),
        (["<b>a</b>", "b"], "The name of sign 1 must not contain any of < > & `"),
        (["a", "\u202eb"], "The name of sign 2 has invisible characters"),
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
    with pytest.raises(ValueError, match="that end with Dense can be taught more"):
        learn_signs(Sequential("x", [Flatten(), ReLU()], (28, 28, 1)), *drawings(5, seed=1), list(SHAPES))
