"""python -m training evaluate, errors, compare, curves and card: networks judged and set side by side."""

import json
import math
import re

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest

from recognition.model_card import METRICS
from recognition.reader import SHIPPED, WEIGHTS
from tests.bars import bars_dataset
from training import evaluation_sets
from training.__main__ import main
from training.commands import model_card_of
from training.comparison import Comparison, mcnemar
from training.evaluate import Evaluation
from training.examples import Example, write_examples
from training.synthesis import synthesise_digits

DIGITS, SEED = map(str, (SHIPPED["digits"], SHIPPED["seed"]))


@pytest.fixture
def collection(tmp_path):
    """Thirty digits as the page saves them."""
    images, labels = synthesise_digits(30, np.random.default_rng(2))
    path = tmp_path / "mine.zip"
    path.write_bytes(write_examples([Example(*one) for one in zip(images, labels.tolist(), strict=True)]))
    return path


@pytest.fixture(autouse=True)
def bars(monkeypatch):
    monkeypatch.setattr(evaluation_sets, "load_dataset", lambda name, folder: bars_dataset())


def _size_of(path):
    with Image.open(path) as picture:
        return picture.size


def _evaluation(labels, predicted):
    probs = np.full((len(labels), 10), 0.01)
    probs[np.arange(len(labels)), predicted] = 0.91
    return Evaluation(np.array(labels), probs, np.zeros(len(labels), bool))


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (3, 9), (9, 3), (40, 41), (700, 500)])
def test_mcnemars_test_is_scipys_binomial_test(first, second):
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)


def test_two_networks_are_compared_picture_by_picture():
    first = _evaluation([0, 1, 2, 3, 4], [0, 1, 2, 3, 0])
    second = _evaluation([0, 1, 2, 3, 4], [0, 7, 7, 3, 7])
    comparison = Comparison(first, second)
    assert comparison.only_first.tolist() == [1, 2]
    assert comparison.only_second.tolist() == []
    assert comparison.differing.tolist() == [1, 2, 4]
    assert comparison.p_value == 0.5
    report = comparison.report(("a.npz", "b.npz"))
    assert "right by both 2, by the first alone 2, by the second alone 0, by neither 1" in report
    assert "may be chance" in report
    sure = Comparison(_evaluation([1] * 20, [1] * 20), _evaluation([1] * 20, [2] * 20))
    assert sure.p_value == pytest.approx(2 * 0.5**20)
    assert "is more than chance" in sure.report(("a", "b"))


def test_compare_prints_a_table_and_saves_a_picture(tmp_path, capsys, collection):
    out = tmp_path / "differ.png"
    assert main(["compare", DIGITS, SEED, "--dataset", str(collection), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert f"on the 30 examples in {collection}" in printed
    accuracies = re.findall(r"npz +([01]\.\d{4}) ", printed)
    assert len(accuracies) == 2
    assert float(accuracies[0]) > 0.9
    assert "McNemar's exact test: p = " in printed
    assert _size_of(out)[0] > 500


def test_compare_finds_no_difference_of_a_network_from_itself(capsys, collection):
    assert main(["compare", SEED, SEED, "--dataset", str(collection)]) == 0
    assert "p = 1, so the difference may be chance" in capsys.readouterr().out


def test_evaluate_takes_test_sets_by_name_and_collections_by_path(capsys, collection):
    assert main(["evaluate", "--dataset", "hands"]) == 0
    printed = capsys.readouterr().out
    assert "2,000 digits of writers who are never trained on" in printed
    assert float(printed.split("Accuracy = ")[1].split()[0]) > 0.97
    assert main(["evaluate", "--weights", SEED]) == 0
    assert "on MNIST's 300 test images" in capsys.readouterr().out
    assert main(["evaluate", "--dataset", str(collection)]) == 0
    assert "the 30 examples" in capsys.readouterr().out


def test_errors_of_a_collection_are_drawn(tmp_path, capsys, collection):
    out = tmp_path / "errors.png"
    assert main(["errors", "--weights", SEED, "--dataset", str(collection), "--out", str(out)]) == 0
    assert "of 30 read wrong; saved" in capsys.readouterr().out
    assert _size_of(out)[0] > 500


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evaluate", "--dataset", "nothing"], "there is no test set nothing"),
        (["evaluate", "--dataset", DIGITS], "digits.npz holds a network, but no signs"),
        (["evaluate", "--dataset", "hands", "--card"], "leave out --dataset or --card"),
        (["compare", DIGITS, "nowhere.npz", "--dataset", "hands"], "there is no weights file nowhere.npz"),
        (["curves", "nowhere.jsonl"], "nowhere.jsonl cannot be written or read"),
    ],
)
def test_what_cannot_be_judged_is_said_in_a_line(capsys, arguments, said):
    assert main(arguments) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert said in line


def test_curves_are_drawn_from_a_log(tmp_path, capsys):
    log = tmp_path / "run.jsonl"
    line = {"epoch": 1, "step": 20, "steps_per_epoch": 40, "loss": 0.5, "accuracy": 0.9}
    log.write_text(json.dumps(line | {"validation_accuracy": None, "seconds": 1}) + "\n")
    assert main(["curves", str(log)]) == 0
    assert _size_of(tmp_path / "run.png")[0] > 500
    assert main(["curves", str(log), "--out", str(tmp_path / "a" / "b.png")]) == 0
    assert (tmp_path / "a" / "b.png").exists()


# --- cards


def test_a_card_is_written_anew_with_its_json(tmp_path, capsys):
    for suffix in (".npz", ".json", ".md"):
        (tmp_path / f"seed{suffix}").write_bytes(SHIPPED["seed"].with_suffix(suffix).read_bytes())
    weights = tmp_path / "seed.npz"
    assert main(["evaluate", "--weights", str(weights), "--card"]) == 0  # on the stand-in for MNIST
    accuracy = json.loads(weights.with_suffix(".json").read_text())["mnist_test"]["accuracy"]
    assert accuracy != 0.9877
    assert f"| Accuracy | {100 * accuracy:.2f} % |" in weights.with_suffix(".md").read_text()


CARDS = [card.with_suffix(".npz") for card in sorted(WEIGHTS.glob("*.json"))]
PICTURE_CARDS = [path for path in CARDS if path.stem in ("fashion", "cifar10-quick", "cifar10")]
DIGIT_CARDS = [path for path in CARDS if path not in PICTURE_CARDS]


@pytest.mark.parametrize("weights", CARDS, ids=lambda path: path.stem)
def test_a_card_says_what_its_json_says(weights):
    """`python -m training card --weights FILE` writes it anew."""
    assert weights.with_suffix(".md").read_text(encoding="utf-8") == model_card_of(weights)


@pytest.mark.parametrize("weights", DIGIT_CARDS, ids=lambda path: path.stem)
def test_a_card_has_what_the_hub_looks_for(weights):
    from huggingface_hub import ModelCard

    card = ModelCard.load(weights.with_suffix(".md"))
    assert (card.data.license, card.data.pipeline_tag) == ("apache-2.0", "image-classification")
    assert card.data.datasets == ["ylecun/mnist"]
    described = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    results = {one.metric_type: one.metric_value for one in card.data.eval_results}
    scores = next(described[test] for test in ("mnist_test", "rows_test", "lines_test") if test in described)
    assert results == {metric: scores[metric] for metric in results}
    assert set(results) in (set(METRICS), {"digits", "separators", "none"}, {"lines", "signs"})
    assert all(math.isfinite(value) for value in results.values())
    for title in ("How to use it", "What it is for", "What it was trained on", "Scores", "Limits"):
        assert f"## {title}\n" in card.text


@pytest.mark.parametrize("weights", DIGIT_CARDS, ids=lambda path: path.stem)
def test_the_three_lines_of_a_card_run_as_they_are_copied(weights, monkeypatch):
    monkeypatch.chdir(WEIGHTS.parent)
    text = weights.with_suffix(".md").read_text(encoding="utf-8")
    [code] = [part.split("```")[0] for part in text.split("```python\n")[1:]]
    assert len([line for line in code.splitlines() if line]) == 3
    image = np.full((80, 60), 255, np.uint8)
    image[10:70, 25:35] = 0
    names = {"image": image}
    exec(code.replace("reader.read_drawing(image).text", "answer = reader.read_drawing(image).text"), names)
    assert names["answer"] == "1"


@pytest.mark.parametrize("weights", PICTURE_CARDS, ids=lambda path: path.stem)
def test_a_card_of_a_network_for_pictures_says_how_it_did_and_how_to_use_it(weights, monkeypatch):
    monkeypatch.chdir(WEIGHTS.parent)
    text = weights.with_suffix(".md").read_text(encoding="utf-8")
    described = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    for name in ("accuracy", "accuracy_with_mirror", "accuracy_with_views"):
        assert f" {100 * described['test'][name]:.2f} % |" in text
    [code] = [part.split("```")[0] for part in text.split("```python\n")[1:]]
    names = {"image": np.full((80, 60, 3), 255, np.uint8)}
    exec(code.replace("model.classes[", "answer = model.classes["), names)
    assert names["answer"] in described["recipe"]["classes"]
