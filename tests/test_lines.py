"""Whole lines to train on: what they show, what they say, and the recipe that learns to read them."""

import json
import re

import numpy as np
import pytest

from cnn import load_model
from recognition.line_image import HEIGHT, STEP
from tests.bars import bars, make_mnist
from training.__main__ import main
from training.evaluate import LinesEvaluation, are_right_lines, edit_distance, evaluate_lines
from training.handwriting.people import people
from training.recipes import RECIPES
from training.row_recipes import LinesRecipe
from training.synthesis import synthesise_lines
from training.synthesis.lines import MOST_SIGNS, SOMETHING_ELSE, WIDTH


@pytest.fixture(scope="module")
def drawn():
    return synthesise_lines(60, np.random.default_rng(0), *bars(200), people("training"))


def test_a_line_has_as_many_groups_of_ink_as_rows_and_its_signs_from_the_left(drawn):
    lines, texts = drawn
    assert lines.shape == (60, HEIGHT, WIDTH) and lines.dtype == np.uint8 and WIDTH % STEP == 0
    assert texts.shape == (60, MOST_SIGNS) and texts.dtype == np.int8
    count = (texts >= 0).sum(1)
    assert count.min() >= 1 and count.mean() > 5
    assert all((text[:length] >= 0).all() for text, length in zip(texts, count, strict=True))
    assert set(np.unique(texts)) == set(range(-1, SOMETHING_ELSE + 1))  # all digits, separators, and letters
    assert (lines.max((1, 2)) > 200).all()
    assert not lines[:, :, 0].any()


def test_the_same_generator_gives_the_same_lines_and_another_does_not(drawn):
    again = synthesise_lines(60, np.random.default_rng(0), *bars(200), people("training"))
    np.testing.assert_array_equal(again[0], drawn[0])
    np.testing.assert_array_equal(again[1], drawn[1])
    other = synthesise_lines(5, np.random.default_rng(1), *bars(200), people("training"))
    assert not np.array_equal(other[0], drawn[0][:5])


def test_letters_that_follow_each_other_are_one_sign(drawn):
    _, texts = drawn
    both = (texts[:, 1:] == SOMETHING_ELSE) & (texts[:, :-1] == SOMETHING_ELSE)
    assert both.mean() < 0.02  # two words beside each other, and no word of several signs


@pytest.mark.parametrize(
    ("found", "wanted", "distance"),
    [
        ("", "", 0),
        ("42", "42", 0),
        ("", "123", 3),
        ("1234", "134", 1),
        ("12", "21", 2),
        ((1, 2), (1, 10, 2), 1),
    ],
)
def test_the_edit_distance_counts_insertions_deletions_and_replacements(found, wanted, distance):
    assert edit_distance(found, wanted) == edit_distance(wanted, found) == distance


class Says:
    """A network that says the same of every line."""

    def __init__(self, frames):
        self.logits = np.eye(17, dtype=np.float32)[frames][None]

    def predict(self, x):
        return np.stack([self.logits] * len(x))


def test_lines_are_scored_whole_and_by_their_signs():
    model, lines = Says([1, 16, 2, 2]), np.zeros((2, HEIGHT, WIDTH), np.uint8)
    texts = np.array([[1, 2, -1], [1, 2, 3]])
    assert evaluate_lines(model, lines, texts) == LinesEvaluation(lines=0.5, signs=pytest.approx(0.8))
    assert are_right_lines(model.predict(lines), texts).tolist() == [True, False]


@pytest.fixture
def mnist_folder(tmp_path, monkeypatch):
    return make_mnist(tmp_path / "mnist", monkeypatch, n=200)


def test_the_line_model_is_trained_from_the_command_line_and_tested_on_lines(
    mnist_folder, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(RECIPES, "lines", lambda: LinesRecipe(lines=16, test_lines=6, epochs=2, batch_size=8))
    assert main(["--data", str(mnist_folder), "--recipe", "lines", "--out", "out/lines.npz"]) == 0
    losses = re.findall(r"Epoch \d: Loss = ([\d.]+)", capsys.readouterr().out)
    assert float(losses[1]) < float(losses[0])
    card = json.loads((tmp_path / "out/lines.json").read_text())
    assert set(card["lines_test"]) == {"lines", "signs"}
    assert load_model(tmp_path / "out/lines.npz", (48, 264, 1), (1, 66, 17)).model.name == "line_net"
