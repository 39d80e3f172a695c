"""What a visitor drew and saved on the page, as data to train on: read whole, or refused in a sentence."""

import io
import json
import zipfile

import numpy as np
import pytest

from cnn import load_model, save_model
from recognition.reader import DEFAULT_WEIGHTS
from tests.bars import bars
from tests.signs import SHAPES, drawings
from training.__main__ import main
from training.datasets.base import DataError
from training.datasets.registry import is_own, load_own
from training.examples import Example, write_examples
from training.own_signs import learn_signs
from training.sign_files import save_signs


@pytest.fixture
def digits(tmp_path):
    """A zip of 30 digits, as the Draw tab saves it."""
    path = tmp_path / "examples.zip"
    images, labels = bars(30)
    path.write_bytes(write_examples([Example(*one) for one in zip(images, labels.tolist(), strict=True)]))
    return path


@pytest.fixture(scope="module")
def signs_file(tmp_path_factory):
    """Three signs with eight drawings each, as the Signs tab saves them."""
    path = tmp_path_factory.mktemp("signs") / "signs.npz"
    images, labels = drawings(8, seed=1)
    save_signs(path, learn_signs(load_model(DEFAULT_WEIGHTS).model, images, labels, list(SHAPES)), images)
    return path


def test_the_zip_of_examples_is_a_data_set_of_digits(digits):
    assert is_own(digits)
    dataset = load_own(digits)
    images, labels = bars(30)
    assert (dataset.title, dataset.input_shape, len(dataset.classes)) == ("examples.zip", (28, 28, 1), 10)
    assert (len(dataset.train_labels), len(dataset.test_labels), dataset.validation_size) == (25, 5, 2)
    every = np.concatenate([dataset.train_images, dataset.test_images])
    theirs = np.concatenate([dataset.train_labels, dataset.test_labels])
    for image, label in zip(images, labels, strict=True):
        assert label in theirs[(every == image).all((1, 2))]


def test_the_file_of_signs_is_a_data_set_whose_classes_are_the_signs(signs_file):
    dataset = load_own(signs_file)
    assert dataset.classes == tuple(SHAPES)
    assert (len(dataset.train_labels), len(dataset.test_labels)) == (20, 4)
    assert np.bincount(np.concatenate([dataset.train_labels, dataset.test_labels])).tolist() == [8, 8, 8]
    assert not dataset.may_be_mirrored  # a mirrored b is a d


@pytest.mark.parametrize("validates", [False, True])
def test_a_network_is_trained_on_the_zip_and_evaluated(digits, tmp_path, capsys, validates):
    mine = tmp_path / "mine.npz"
    command = ["--data", str(digits), "--out", str(mine), "--checkpoint", str(tmp_path / "c.npz")]
    assert main([*command, "--epochs", "1", *(["--validate"] if validates else [])]) == 0, capsys.readouterr()
    if validates:
        assert "Validation = " in capsys.readouterr().out and not mine.exists()
        return
    card = json.loads(mine.with_suffix(".json").read_text())
    assert card["recipe"]["name"] == "seed" and card["recipe"]["batch_size"] == 23
    assert card["data"]["name"] == "examples.zip" and "test" in card and "mnist_test" not in card
    capsys.readouterr()
    assert main(["evaluate", "--weights", str(mine), "--data", str(digits)]) == 0
    assert "examples.zip's 5 test images" in capsys.readouterr().out
    assert main(["evaluate", "--weights", str(mine), "--dataset", str(digits)]) == 0
    assert "the 30 examples in" in capsys.readouterr().out


def test_a_network_trained_on_signs_knows_their_names_and_is_evaluated_on_all_of_them(
    signs_file, tmp_path, capsys
):
    mine = tmp_path / "mine.npz"
    command = ["--data", str(signs_file), "--out", str(mine), "--checkpoint", str(tmp_path / "c.npz")]
    assert main([*command, "--epochs", "1"]) == 0, capsys.readouterr()
    assert load_model(mine, any_classes=True, output_shape=(3,)).model.classes == tuple(SHAPES)
    recipe = json.loads(mine.with_suffix(".json").read_text())["recipe"]
    assert (recipe["name"], recipe["mirror"]) == ("fashion", False)
    capsys.readouterr()
    assert main(["evaluate", "--weights", str(mine), "--dataset", str(signs_file)]) == 0
    assert "the 24 examples in" in (out := capsys.readouterr().out) and "zig zag" in out
    assert main(["evaluate", "--weights", str(DEFAULT_WEIGHTS), "--dataset", str(signs_file)]) == 1
    assert "a network is needed that answers with (3,)" in capsys.readouterr().err


# --- what is wrong with a zip or a file of signs


def packed(labels="file,label\n1.png,7\n", pictures=("1.png",), content=b"GIF89a"):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in pictures:
            archive.writestr(name, content)
        archive.writestr("labels.csv", labels)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no zip", "bad.zip: The file is damaged or not a zip file of examples"),
        (packed("file,label\n1.png,<b>7</b>\n"), "Line 2 of labels.csv must be a file and a digit"),
        (packed("file,label\n1.png,12\n"), "Line 2 of labels.csv must be a file and a digit"),
        (packed("file,label\n2.png,1\n"), "names 2.png, which is not in the zip"),
        (packed(), "1.png is not a PNG picture"),
        (packed(content=bytes(50_000_000)), "which is too large: at most 2 MiB are read"),
        (
            packed(content=bytes(1), pictures=[f"{n}.png" for n in range(21_000)]),
            "holds more than 20006 files",
        ),
        (bytes(20_000_001), "The file is too large: at most 20 MB are read"),
        (write_examples([Example(bars(1)[0][0], 4)] * 11), "11 pictures are too few"),
    ],
    ids=["no zip", "markup", "label", "missing", "no PNG", "bomb", "too many", "too large", "too few"],
)
def test_a_zip_with_something_wrong_is_refused_in_a_sentence(tmp_path, content, message):
    (tmp_path / "bad.zip").write_bytes(content)
    with pytest.raises(DataError, match=message) as raised:
        load_own(tmp_path / "bad.zip")
    assert len(str(raised.value)) < 300 and str(raised.value).isprintable()


def noted(change):
    """The notes of a file of signs, changed."""
    return lambda model, notes: (model, notes | change)


def renamed(names):
    def change(model, notes):
        model.classes = names
        return model, notes

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (noted({"labels": [3] * 24}), "bad.npz: an example in it is of a sign that it does not name"),
        (noted({"labels": [0] * 23}), "it does not say which sign each example is of"),
        (noted({"pictures": "!"}), "its examples are damaged"),
        (noted({"pictures": "A" * 400_001}), "its examples are missing or too many"),
        (renamed(("<b>", "b", "c", "anything else")), "must not contain any of < > & `"),
        (renamed(("a" * 10_000, "b", "c", "anything else")), "has 10,000 characters; at most 40 are read"),
        (lambda model, notes: (load_model(DEFAULT_WEIGHTS).model, {}), "holds a network, but no signs"),
    ],
    ids=["labels", "count", "pictures", "too many", "markup", "long name", "digits"],
)
def test_a_file_of_signs_with_something_wrong_is_refused_in_a_sentence(signs_file, tmp_path, change, message):
    found = load_model(signs_file, output_shape=None, any_classes=True)
    model, notes = change(found.model, found.progress["signs"])
    save_model(tmp_path / "bad.npz", model, progress={"signs": notes} if notes else {})
    with pytest.raises(DataError, match=message) as raised:
        load_own(tmp_path / "bad.npz")
    assert len(str(raised.value)) < 300 and str(raised.value).isprintable()


def test_what_the_page_never_saved_is_told(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("no drawings")
    assert main(["evaluate", "--dataset", str(tmp_path / "notes.txt")]) == 1
    assert "is no file of examples or signs that the page saved" in capsys.readouterr().err
