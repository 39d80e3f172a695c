"""Networks for other pictures than digits: trained, compared, tried, used, brought back, never for digits."""

import base64
import io
import json

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from cnn import Dense, Flatten, Sequential, save_model
from recognition import to_input
from recognition.export import ExportError
from tests.picture_stand_ins import VARIABLE, pictures_of, write_stand_ins
from tests.sessions import rested, training
from tests.visitor_page import base64_of
from training.datasets.base import DataError
from training.datasets.hosted import load_hosted
from training.datasets.registry import CIFAR10, FACTS, FASHION_MNIST, MNIST, name_of_dataset
from training.export import export_weights
from training.own_network.draft import OWN_NET, read_draft
from training.picture_reader import PictureReader
from training.settings import Settings
from ui.draw.tab import PNG
from ui.shared.visit import Visitor
from ui.shared.visitors import OWN, RESULT
from ui.train import building, hub

OTHERS = [FASHION_MNIST, CIFAR10]
POOL, FLATTEN = {"kind": "AveragePool2D", "pool_size": 2, "stride": 2}, {"kind": "Flatten"}
LAYERS = json.dumps([POOL, FLATTEN, {"kind": "Dense", "out_features": 10}])


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory):
    return write_stand_ins(tmp_path_factory.mktemp("data"))


@pytest.fixture(autouse=True)
def hosted(stand_ins, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(stand_ins))


def settings(dataset, **changes):
    usual = {"network": OWN_NET, "dataset": dataset, "layers": LAYERS, "epochs": 4, "images": 1080}
    return vars(Settings(**usual | {"batch_size": 32} | changes))


def png_of(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return PNG + base64.b64encode(file.getvalue()).decode()


# --- where a host has them


@pytest.mark.parametrize("name", OTHERS)
def test_a_host_may_have_the_pictures_as_png_or_jpeg_files(name):
    dataset, facts = load_hosted(name), FACTS[name]
    assert (dataset.input_shape, dataset.classes, dataset.title) == (
        facts.input_shape,
        facts.classes,
        facts.title,
    )
    images, labels = pictures_of(name, 300, seed=2)
    np.testing.assert_array_equal(dataset.test_labels, labels)
    np.testing.assert_array_equal(
        dataset.test_images, images if facts.input_shape[2] == 3 else images[..., 0]
    )


def test_files_that_hold_another_data_set_are_refused(stand_ins, tmp_path, monkeypatch):
    for part in ("train", "test"):
        content = (stand_ins / f"{FASHION_MNIST}_{part}.npz").read_bytes()
        (tmp_path / f"{CIFAR10}_{part}.npz").write_bytes(content)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(DataError, match=r"is not CIFAR-10: it has pictures .* T-shirt/top"):
        load_hosted(CIFAR10)


def test_the_authors_own_files_may_lie_in_a_folder_of_that_name(tmp_path, monkeypatch):
    (tmp_path / CIFAR10).mkdir()
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(DataError, match=r"lacks cifar-10-binary\.tar\.gz"):
        load_hosted(CIFAR10)


# --- on the page


@pytest.mark.parametrize("name", OTHERS)
def test_one_is_trained_compared_tried_used_and_brought_back_and_reads_no_digits(name, house, page, send):
    visitor, facts = Visitor("one", "one"), FACTS[name]
    assert "not here yet" in page("samples", {"dataset": name})["error"]
    page("start", {"settings": settings(name), "drawing": base64_of(np.zeros((28, 28), np.uint8))})
    answers = page.wait_for("done", "failed")
    done = answers[-1]
    assert done["phase"] == "done", done["message"]
    assert done["now"]["probs"] is None  # of a drawing, which is a digit
    assert len(done["now"]["watched"]) == 40
    comparison = done["comparison"]
    assert comparison["dataset"] == name
    assert comparison["before"] is None  # which reads digits
    assert comparison["after"]["accuracy"] > 0.8
    assert np.shape(comparison["after"]["confusion"]) == (10, 10)

    samples = page("samples", {"dataset": name})
    size = int(np.prod(facts.input_shape))
    pictures = np.frombuffer(base64.b64decode(samples["tests"]), np.uint8).reshape(-1, size)
    assert len(pictures) == len(samples["labels"]) == 40
    assert len(base64.b64decode(samples["watched"])) == 40 * size
    right = 0
    for picture, label in zip(pictures[:10], samples["labels"], strict=False):
        answer = page("read_picture", {"picture": base64_of(picture)})
        assert answer["picture"] == base64_of(picture)
        right += int(np.argmax(answer["probs"]) == label)
    assert right >= 8
    [photo], _ = pictures_of(name, 1, seed=9)
    answer = page("read_picture", {"image": png_of(photo.repeat(2, axis=0).repeat(2, axis=1))})
    assert len(answer["probs"]) == 10
    assert len(base64.b64decode(answer["picture"])) == size

    mine = page("use_result")["mine"]
    assert (mine["own"], mine["reads_digits"], mine["dataset"]) == (True, False, name)
    readers = house.readers_of(visitor)
    assert OWN not in readers
    assert RESULT not in readers
    with pytest.raises(ValueError, match="no such network"):
        house.weights_of(visitor, OWN)
    assert page("read_picture", {"picture": base64_of(pictures[0])})["probs"]
    page("add_example", {"picture": base64_of(np.eye(28, dtype=np.uint8)), "label": 1})
    assert "does not read digits" in page("teach", {})["error"]

    session = page.visitors.manager.session("one")
    with pytest.raises(ValueError, match="Networks that read digits are pushed from here"):
        hub.push_to_hub(session, {}, "ann/pictures", "token")
    file = base64.b64decode(page("download", "model")["file"])
    assert not page("use_shipped")["mine"]["own"]
    page("upload_model", send(file))
    again = page.wait_for("done", "failed")[-1]
    assert again["comparison"]["after"] == comparison["after"]
    assert page("undo")["mine"]["dataset"] == name

    page(
        "start",
        {"settings": settings(MNIST, network="small_net", layers="", fine_tune=True), "drawing": None},
    )
    tuned = page.wait_for("done", "failed")[-1]
    assert (
        tuned["settings"]["dataset"] == name
    )  # fine-tuning goes on with the network in use, on its pictures
    assert tuned["comparison"]["before"]["accuracy"] == comparison["after"]["accuracy"]


def test_a_training_on_colour_pictures_is_paused_and_goes_on(manager):
    session = manager.session("ann")
    session.start(Settings(**settings(CIFAR10, epochs=900)))
    training(session)
    session.pause()
    assert rested(session).phase == "paused"
    session.resume()
    training(session)
    session.stop()
    assert rested(session).comparison.dataset == CIFAR10


def test_pictures_that_cannot_be_had_are_a_sentence_and_the_page_goes_on(page, tmp_path, monkeypatch):
    (tmp_path / CIFAR10).mkdir()
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    page("start", {"settings": settings(CIFAR10), "drawing": None})
    failed = page.wait_for("done", "failed")[-1]
    sentence = "CIFAR-10's images could not be downloaded, so nothing can be trained with them here now."
    assert failed["message"] == sentence


def test_a_network_of_classes_that_there_are_no_pictures_of_is_refused(page, send, tmp_path):
    rng = np.random.default_rng(0)
    layers = [Flatten(), Dense(3072, 2, rng=rng)]
    model = Sequential("pets", layers, (32, 32, 3), classes=("cat", "dog"))
    assert name_of_dataset(model) is None
    save_model(tmp_path / "pets.npz", model)
    error = page("upload_model", send((tmp_path / "pets.npz").read_bytes()))["error"]
    assert error.startswith("The file does not read digits: its classes are cat, dog.")


@pytest.mark.parametrize(
    ("name", "asked", "why"),
    [
        ("read_picture", {"picture": "AAAA"}, "no network for such pictures"),
        ("samples", None, "not here yet"),
        ("samples", {"dataset": ["cifar10"]}, "not here yet"),
        ("samples", {"dataset": "../mnist"}, "not here yet"),
        ("check_layers", None, "no such data set"),
        ("check_layers", {"dataset": {}}, "no such data set"),
        ("check_layers", {"dataset": "mnist"}, "may have 20,000 characters"),
        ("check_layers", {"dataset": "mnist", "layers": "[]", "images": -1}, "no layers yet"),
        (
            "check_layers",
            {"dataset": "mnist", "layers": "[{}]", "images": "x"},
            "of a kind that there is not",
        ),
    ],
)
def test_what_is_asked_wrongly_is_a_sentence(page, name, asked, why):
    assert why in page(name, asked)["error"]


def test_a_list_of_layers_comes_back_with_all_that_is_shown_of_it(page):
    answer = page("check_layers", {"dataset": CIFAR10, "layers": LAYERS, "images": 1000})
    assert [row["shape"] for row in answer["rows"]] == [[16, 16, 3], [768], [10]]
    assert answer["parameters"] == 7690
    assert answer["seconds"] > 0
    assert 'load_dataset("cifar10")' in answer["python"]
    wrong = page("check_layers", {"dataset": MNIST, "layers": '[{"kind": "Dense", "out_features": 10}]'})
    assert wrong["rows"][0]["trouble"].startswith("Dense needs a list of numbers")
    assert (wrong["seconds"], wrong["python"]) == (None, "")


def test_every_ready_card_and_every_data_set_is_offered_with_what_goes_with_it():
    cards = building.cards()
    for name in FACTS:
        offered = [card["name"] for card in cards if name in card["datasets"].split()]
        assert offered[-1] == OWN_NET
        assert len(offered) >= 4
        for card in offered:
            if not card.startswith(building.READY) and card != OWN_NET:
                assert Settings.of(card, dataset=name).network == card


def test_one_can_be_had_for_other_programs_with_the_names_of_its_classes(tmp_path):
    draft = read_draft(LAYERS, FACTS[CIFAR10].input_shape, 10)
    model = draft.network(np.random.default_rng(0))
    model.name_classes(FACTS[CIFAR10].classes)
    save_model(tmp_path / "own.npz", model)
    [file] = export_weights(tmp_path / "own.npz", "onnx", tmp_path, "net")
    session = onnxruntime.InferenceSession(file)
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["classes"]) == list(FACTS[CIFAR10].classes)
    assert "28" not in metadata["preprocessing"]
    pictures, _ = pictures_of(CIFAR10, 3)
    x = to_input(pictures)
    [logits] = session.run(["logits"], {"images": x.transpose(0, 3, 1, 2)})
    np.testing.assert_allclose(logits, model.predict(x), atol=1e-4)
    with pytest.raises(ExportError, match="C is written for networks that read digits"):
        export_weights(tmp_path / "own.npz", "c", tmp_path, "net")


# --- the reader


def test_a_photo_of_clothes_on_a_light_ground_is_inverted_as_the_data_set_has_them(tmp_path):
    rng = np.random.default_rng(0)
    model = Sequential(
        "own_net", [Flatten(), Dense(784, 10, rng=rng)], (28, 28, 1), classes=FACTS[FASHION_MNIST].classes
    )
    save_model(tmp_path / "own.npz", model)
    reader = PictureReader(tmp_path / "own.npz")
    photo = np.full((56, 80, 3), 240, np.uint8)
    photo[20:40, 30:50] = 30
    seen = reader.fit(photo)
    assert seen.shape == (28, 28)
    assert seen[0, 0] == 15
    assert seen[15, 14] == 225
    np.testing.assert_array_equal(reader.fit(255 - photo), seen)
    with pytest.raises(ValueError, match="takes pictures"):
        reader.probs(np.zeros((32, 32, 3), np.uint8))
