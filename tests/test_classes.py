"""Networks know what their logits stand for; one that reads no digits is never taken for one that does."""

import json

import numpy as np
import pytest

from cnn import DIGITS, ModelFileError, Sequential, load_model, prepare_for_inference, save_model, small_net
from cnn.classes import check_class_names
from recognition import Reader
from recognition.reader import SHIPPED

CLOTHES = tuple(["Shirt", "Trouser", "Dress", "Coat", "Sandal", "Boot", "Bag", "Hat", "Belt", "Sock"])


@pytest.fixture
def model():
    network = small_net(np.random.default_rng(0))
    network.name_classes(CLOTHES)
    return network


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_the_names_of_the_classes_are_in_the_file(model, tmp_path, ending):
    path = tmp_path / f"clothes{ending}"
    save_model(path, model)
    assert load_model(path, any_classes=True).model.classes == CLOTHES


def test_copies_know_the_classes_too(model):
    for twin in (model.copy(), prepare_for_inference(model)):
        assert twin.classes == CLOTHES


def test_a_file_without_names_reads_digits_as_before(tmp_path):
    for path in SHIPPED.values():
        found = load_model(path).model
        assert found.classes == () and found.reads_digits
    model = small_net(np.random.default_rng(0))
    save_model(tmp_path / "plain.npz", model)
    model.name_classes(DIGITS)
    save_model(tmp_path / "digits.npz", model)
    assert "classes" not in np.load(tmp_path / "plain.npz").files
    assert load_model(tmp_path / "digits.npz").model.reads_digits


def test_the_digit_reader_refuses_a_network_of_other_classes(model, tmp_path):
    save_model(tmp_path / "clothes.npz", model)
    with pytest.raises(ModelFileError) as raised:
        Reader(tmp_path / "clothes.npz")
    assert str(raised.value) == (
        "clothes.npz does not read digits: its classes are Shirt, Trouser, Dress and others. A network that "
        "reads digits is needed"
    )


def test_there_is_a_name_for_every_logit():
    with pytest.raises(ValueError, match=r"small_net answers with \(10,\), got 3 class names"):
        small_net(np.random.default_rng(0)).name_classes(["a", "b", "c"])
    layers = small_net(np.random.default_rng(0)).layers
    assert Sequential("mine", layers, (28, 28, 1), classes=list(CLOTHES)).classes == CLOTHES


@pytest.mark.parametrize(
    "names", [CLOTHES, ("T-shirt/top", "Ankle boot"), ("♥", "👩‍🚀"), ("ᚠ", "ß"), ("x" * 40, "y")]
)
def test_names_that_people_give_are_fine(names):
    assert check_class_names(names) == names


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["one"], "there must be 2 to 1000 classes, got 1"),
        ([str(i) for i in range(1001)], "there must be 2 to 1000 classes, got 1001"),
        ("ab", "class names must be a list of texts"),
        ({"a": 1, "b": 2}, "class names must be a list of texts"),
        (["a", ""], "the name of class 1 must be a text that is not empty"),
        (["a", "  "], "the name of class 1 must be a text that is not empty"),
        (["a", 7], "the name of class 1 must be a text that is not empty"),
        (["a", "b" * 10_240], "the name of class 1 has 10,240 characters; at most 40 are read"),
        (["a", "b\n"], "invisible characters in it, or spaces at its ends"),
        (["a", "\u202eb"], "invisible characters in it, or spaces at its ends"),
        (["a", "<script>b</script>"], "must not contain any of < > & `"),
        (["a", "b", "a"], "two classes are both named a"),
    ],
)
def test_bad_names_are_refused_in_a_clause(names, message):
    with pytest.raises(ValueError, match=message):
        check_class_names(names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no JSON", "has class names that cannot be used"),
        ("[" * 50_000, "has class names that cannot be used"),
        (json.dumps(["a", "b"]), "small_net answers with (10,), got 2 class names"),
        (json.dumps([f"<b>{i}</b>" for i in range(10)]), "must not contain any of"),
        (json.dumps(["x" * 10_240, *CLOTHES[1:]]), "has 10,240 characters"),
        (json.dumps(["x" * 200_000, *CLOTHES[1:]]), "characters long"),
        (json.dumps({name: 0 for name in CLOTHES}), "must be a list of texts"),
    ],
)
def test_a_file_with_bad_names_is_refused_in_a_sentence(model, tmp_path, text, message):
    save_model(tmp_path / "good.npz", model)
    arrays = dict(np.load(tmp_path / "good.npz")) | {"classes": np.array(text)}
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(ModelFileError) as raised:
        load_model(tmp_path / "bad.npz", any_classes=True)
    assert message in str(raised.value) and len(str(raised.value)) <= 500
