"""What the Train tab and "Teach it" ask of the server, without a browser: for one visitor and no other."""

import base64
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cnn import ARCHITECTURES, load_model, save_model
from recognition.reader import DEFAULT_WEIGHTS
from tests.sessions import cross
from tests.visitor_page import LONG, SEVEN, SHORT, Page, base64_of
from training.settings import NETWORKS, Settings
from ui.server.routes import kind_of_function
from ui.shared.visit import Visitor
from ui.shared.visitors import OWN, RESULT
from ui.train import tab as train


def test_a_training_is_watched_from_its_start_until_its_model_reads_for_this_visitor_alone(house, page):
    other = Page(house, "other")
    other("stop")  # has a session, too
    started = page("start", {"settings": SHORT, "drawing": base64_of(SEVEN)})
    assert started["active"]
    assert started["settings"] == SHORT
    answers = page.wait_for("done", "failed")
    shown = [answer["now"] for answer in answers if answer["now"]]
    assert all(abs(sum(now["probs"]) - 1) < 0.01 for now in shown)
    kernels = shown[-1]["kernels"]
    assert (kernels["size"], kernels["count"]) == (5, 8)
    assert len(base64.b64decode(kernels["weights"])) == 4 * 8 * 5 * 5
    done = answers[-1]
    assert done["curve"][-1]["epoch"] == pytest.approx(2)
    assert done["comparison"]["after"]["accuracy"] > 0.9 > done["comparison"]["before"]["accuracy"]
    assert np.sum(done["comparison"]["after"]["confusion"]) == done["comparison"]["images"] == 300
    assert house.readers_of(Visitor("one", "one")).get(OWN) is None  # not before it is wanted

    made = house.readers_of(Visitor("one", "one")).get(RESULT)  # which only looks at what it got wrong
    assert made.model.name == "small_net"
    assert house.readers_of(Visitor("one", "one")).get(RESULT) is made
    assert house.weights_of(Visitor("one", "one"), RESULT) == made.weights
    assert house.readers_of(Visitor("other", "other")).get(RESULT) is None

    mine = page("use_result")["mine"]
    assert house.readers_of(Visitor("one", "one")).get(RESULT) is None
    assert (mine["own"], mine["network"], mine["is_tested"]) == (True, "small_net", True)
    own = house.readers_of(Visitor("one", "one")).get(OWN)
    assert own.model.name == "small_net"
    assert house.weights_of(Visitor("one", "one"), OWN) == own.weights
    assert house.weights_of(Visitor("one", "one"), "digits") == DEFAULT_WEIGHTS
    for visitor, network in ((Visitor("one", "one"), RESULT), (Visitor("other", "other"), OWN)):
        with pytest.raises(ValueError, match="no such network"):
            house.weights_of(visitor, network)
    assert house.readers_of(Visitor("one", "one")).get(OWN) is own  # not read from its file for every drawing
    assert house.readers_of(Visitor("other", "other")).get(OWN) is None
    assert not other("stop")["mine"]["own"]

    shipped = page("use_shipped")
    assert not shipped["mine"]["own"]
    assert not shipped["mine"]["is_tested"]  # what was tested is another
    assert [shipped[name] for name in ("phase", "comparison", "curve", "now")] == ["idle", None, [], None]
    assert house.readers_of(Visitor("one", "one")).get(OWN) is None
    again = page("undo")
    assert (again["mine"]["own"], again["mine"]["is_tested"]) == (True, True)
    assert again["phase"] == "done"
    assert again["comparison"] == done["comparison"]
    assert again["curve"] == done["curve"]


def test_the_kernels_are_sent_one_after_the_other(page):
    page("start", {"settings": SHORT, "drawing": None})
    now = page.wait_for("done")[-1]["now"]
    sent = np.frombuffer(base64.b64decode(now["kernels"]["weights"]), "<f4").reshape(8, 5, 5)
    weights = page.visitors.manager.session("one").status.snapshot.kernels
    np.testing.assert_array_equal(sent[3], weights[:, :, 0, 3])
    assert now["probs"] is None


def test_a_training_is_paused_and_goes_on_and_is_stopped(page):
    page("start", {"settings": LONG, "drawing": None})
    page.wait_for("training")
    page("pause")
    paused = page.wait_for("paused")[-1]
    assert paused["resumable"]
    page("resume", {"drawing": base64_of(SEVEN)})
    assert page.wait_for("training")[-1]["now"]["seconds"] > 0
    assert page("draw", {"drawing": base64_of(SEVEN)}) == {}
    page("stop")
    assert page.wait_for("done")[-1]["result"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (None, "settings of this training are incomplete"),
        ({}, "settings of this training are incomplete"),
        ({"settings": []}, "settings of this training are incomplete"),
        ({"settings": SHORT | {"more": 1}}, "settings of this training are incomplete"),
        ({"settings": SHORT | {"epochs": None}}, "Epochs must be a whole number from 1"),
        ({"settings": SHORT | {"epochs": 1e9}}, "Epochs must be a whole number"),
        ({"settings": SHORT | {"network": "../x"}}, "There is no network"),
        ({"settings": SHORT | {"learning_rate": float("nan")}}, "Learning rate must be a number"),
        ({"settings": SHORT, "drawing": "AAAA"}, "28 x 28 grey bytes"),
        ({"settings": SHORT, "drawing": 7}, "28 x 28 grey bytes"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_words(page, asked, message):
    [(key, error)] = page("start", asked).items()
    assert key == "error"
    assert message in error
    assert page("watch")["phase"] == "idle"


def test_an_example_is_collected_taught_and_its_teaching_undone(page):
    images = [cross(shift) for shift in (0, 3, 1)]
    for image in images:
        answer = page("add_example", {"picture": base64_of(image), "label": 1})
    assert [one["label"] for one in answer["mine"]["examples"]] == [1, 1, 1]
    assert answer["mine"]["examples"][1]["picture"] == base64_of(images[1])
    assert len(page("remove_example", {"position": 1})["mine"]["examples"]) == 2
    page("teach")
    taught = page.wait_for("done", "failed", "idle")[-1]
    status = page.visitors.manager.session("one").status
    for when, probs in (("before", status.lesson.before), ("after", status.lesson.after)):
        told = [one["confidence"] for one in taught["lesson"][when]]
        assert told == pytest.approx(probs.max(1).tolist())
        assert len(told) == 2
    assert taught["comparison"] is not None
    assert taught["mine"]["own"]
    assert not page("undo")["mine"]["own"]


@pytest.mark.parametrize(
    ("name", "asked", "message"),
    [
        ("add_example", None, "Please draw something first"),
        ("add_example", {"picture": base64_of(SEVEN)}, "digit from 0 to 9"),
        ("add_example", {"picture": base64_of(SEVEN), "label": 10}, "digit from 0 to 9"),
        ("add_example", {"picture": base64_of(0 * SEVEN), "label": 1}, "empty"),
        ("remove_example", {"position": 0}, "no such example"),
        ("remove_example", {"position": "0"}, "no such example"),
        ("teach", None, "nothing to teach"),
        ("undo", None, "nothing to undo"),
        ("use_result", None, "no new model"),
        ("download", "result", "no new model"),
        ("export", None, "can be had as onnx, safetensors, c"),
        ("export", {"to": ["onnx"]}, "can be had as onnx, safetensors, c"),
        ("export", {"to": "c"}, "C is written for small_net alone"),
        ("resume", None, "no training to go on with"),
        ("upload_model", {"path": "/etc/hostname"}, "send a file"),
        ("upload_model", None, "send a file"),
        ("import_examples", {"path": "/etc/hostname"}, "send a file"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(page, name, asked, message):
    [(key, error)] = page(name, asked).items()
    assert key == "error"
    assert message in error


def test_examples_are_packed_and_unpacked(page, send):
    page("add_example", {"picture": base64_of(SEVEN), "label": 7})
    packed = base64.b64decode(page("export_examples")["file"])
    asked = send(packed, "mine.zip")
    examples = page("import_examples", asked)["mine"]["examples"]
    assert examples == [{"picture": base64_of(SEVEN), "label": 7}]
    assert not Path(asked["path"]).exists()


def test_a_model_is_downloaded_and_brought_back(page, send, tmp_path):
    assert base64.b64decode(page("download", "model")["file"]) == DEFAULT_WEIGHTS.read_bytes()
    save_model(tmp_path / "small.npz", ARCHITECTURES["small_net"](np.random.default_rng(0)))
    content = (tmp_path / "small.npz").read_bytes()
    page("upload_model", send(content))
    assert page.wait_for("done", "failed")[-1]["result"]
    assert base64.b64decode(page("download", "result")["file"]) == content


def _exported(page, to):
    return base64.b64decode(page("export", {"to": to})["file"])


def test_the_model_in_use_can_be_had_for_other_programs(page, send, tmp_path):
    assert b"digits-from-scratch" in _exported(page, "onnx")[:100]
    path = tmp_path / "model.safetensors"
    path.write_bytes(_exported(page, "safetensors"))
    parameters = load_model(DEFAULT_WEIGHTS).model.parameters
    np.testing.assert_array_equal(load_model(path).model.parameters, parameters)

    model = ARCHITECTURES["small_net"](np.random.default_rng(0))
    save_model(tmp_path / "small.safetensors", model)
    page("upload_model", send((tmp_path / "small.safetensors").read_bytes()))
    assert page.wait_for("done", "failed")[-1]["result"], "what was exported can be brought back"
    page("use_result")
    own = base64.b64decode(page("download", "model")["file"])
    assert own.startswith(b"PK"), "and is an .npz here"
    with zipfile.ZipFile(io.BytesIO(_exported(page, "c"))) as files:
        assert set(files.namelist()) == {"small_net.h", "small_net.c"}
        assert b"conv1_weight" in files.read("small_net.h")


def test_an_export_takes_a_place_among_the_files():
    assert train.export.reads_file
    assert kind_of_function("export") == "work"


def test_a_file_that_is_no_model_is_refused_by_no_name_and_deleted(page, send):
    asked = send(b"just some words")
    [(key, error)] = page("upload_model", asked).items()
    assert key == "error"
    assert error.startswith("The file is damaged or not an .npz weights file")
    assert "upload" not in error
    assert not Path(asked["path"]).exists()


def test_every_network_comes_with_settings_that_can_be_trained():
    for name in NETWORKS:
        for begin, settings in train._defaults(name).items():
            assert Settings.from_json(settings).fine_tune == (begin == "fine_tune")
