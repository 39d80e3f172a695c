"""Networks on the Hugging Face Hub and back, through the real client and a stand-in for the Hub."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import ModelCard, SpaceCard, close_session

from cnn import ModelFileError, load_model
from recognition import Reader
from recognition.hub import CONFIG_FILE, WEIGHTS_FILE, HubError, check_name, save
from recognition.reader import CONTEXT_MODEL, DEFAULT_WEIGHTS, SHIPPED
from scripts.push_space import ROOT, push_space, tracked_files
from scripts.push_space import main as push_space_main
from tests.drawings import canvas
from tests.hub_server import ADA, BOB, CLIENT_WARNINGS, NOWHERE, turn_to
from tests.strokes import STROKES
from training.__main__ import main

pytestmark = CLIENT_WARNINGS


@pytest.fixture(scope="module")
def reader():
    return Reader()


# --- there and back


def test_what_was_pushed_comes_back_bit_for_bit_and_reads_the_same(hub, reader):
    reader.push_to_hub("ada/digits", token=ADA)
    files = hub.repositories["model", "ada/digits"].files
    assert files[WEIGHTS_FILE] == DEFAULT_WEIGHTS.read_bytes()
    back = Reader.from_pretrained("ada/digits")
    np.testing.assert_array_equal(back.model.parameters, reader.model.parameters)
    assert back.classifier.calibration == reader.classifier.calibration
    for strokes in STROKES.values():
        assert back.read_drawing(canvas(strokes)).to_json() == reader.read_drawing(canvas(strokes)).to_json()


def test_what_came_from_the_hub_can_be_pushed_on(hub, weights):
    Reader(weights).push_to_hub("ada/mine", token=ADA)
    Reader.from_pretrained("ada/mine").push_to_hub("bob/mine", token=BOB)
    assert hub.repositories["model", "bob/mine"].files[WEIGHTS_FILE] == weights.read_bytes()


def test_the_card_tells_the_scores_as_the_hub_wants_them(hub, reader):
    reader.push_to_hub("ada/digits", token=ADA)
    card = ModelCard(hub.repositories["model", "ada/digits"].files["README.md"].decode())
    told = json.loads(DEFAULT_WEIGHTS.with_suffix(".json").read_text())["mnist_test"]
    results = {one.metric_type: one for one in card.data.eval_results}
    assert results["accuracy"].metric_value == told["accuracy"]
    assert (results["accuracy"].dataset_type, results["accuracy"].dataset_split) == ("ylecun/mnist", "test")
    assert results["expected_calibration_error"].metric_value == told["expected_calibration_error"]
    assert card.data.library_name == "numpy"
    assert card.data.datasets == ["ylecun/mnist"]
    assert (card.data.license, card.data.pipeline_tag) == ("apache-2.0", "image-classification")
    assert {"mnist", "handwriting"} <= set(card.data.tags)
    assert 'Reader.from_pretrained("ada/digits")' in card.text
    assert "torch" not in card.content.lower()


def test_scores_that_nobody_measured_are_not_claimed(hub, weights):
    Reader(weights).push_to_hub("ada/mine", token=ADA)
    card = ModelCard(hub.repositories["model", "ada/mine"].files["README.md"].decode())
    assert card.data.eval_results is None
    assert "804,554 parameters" in card.text
    Reader(weights).push_to_hub("ada/mine", token=ADA, mnist_test={"accuracy": 0.5, "per_digit": []})
    card = ModelCard(hub.repositories["model", "ada/mine"].files["README.md"].decode())
    assert [one.metric_value for one in card.data.eval_results] == [0.5]


def test_the_config_tells_what_the_network_is_and_nothing_of_this_machine(hub, weights):
    Reader(weights).push_to_hub("ada/mine", token=ADA)
    files = hub.repositories["model", "ada/mine"].files
    config = json.loads(files[CONFIG_FILE])
    assert config["architecture"] == "seed_net"
    assert config["parameters"] == load_model(weights).model.parameters.size
    assert config["calibration"]["temperature"] == 1.5
    assert set(files) == {WEIGHTS_FILE, CONFIG_FILE, "README.md", "model.onnx", "model.safetensors"}
    assert str(weights.parent).encode() not in files[CONFIG_FILE] + files["README.md"]


def test_a_repository_has_the_network_in_the_formats_of_others(hub, tmp_path):
    Reader(SHIPPED["seed"]).push_to_hub("ada/seed", token=ADA)
    files = hub.repositories["model", "ada/seed"].files
    parameters = load_model(SHIPPED["seed"]).model.parameters
    (tmp_path / "model.safetensors").write_bytes(files["model.safetensors"])
    np.testing.assert_array_equal(load_model(tmp_path / "model.safetensors").model.parameters, parameters)
    assert b"digits-from-scratch" in files["model.onnx"]
    assert len(files["model.onnx"]) > 4 * parameters.size
    assert b"model.onnx" in files["README.md"]


def test_an_earlier_commit_can_be_read(hub, weights, reader):
    Reader(weights).push_to_hub("ada/mine", token=ADA)
    [first] = hub.repositories["model", "ada/mine"].commits
    Reader(SHIPPED["seed"]).push_to_hub("ada/mine", token=ADA)
    back = Reader.from_pretrained("ada/mine", revision=first)
    np.testing.assert_array_equal(back.model.parameters, load_model(weights).model.parameters)


def test_what_was_fetched_once_is_read_without_a_connection(hub, weights, monkeypatch):
    Reader(weights).push_to_hub("ada/mine", token=ADA)
    Reader.from_pretrained("ada/mine")
    turn_to(NOWHERE, monkeypatch)
    close_session()
    back = Reader.from_pretrained("ada/mine")
    np.testing.assert_array_equal(back.model.parameters, load_model(weights).model.parameters)


def test_a_folder_that_was_saved_is_read_too(weights, tmp_path):
    save(weights, tmp_path / "saved")
    back = Reader.from_pretrained(tmp_path / "saved")
    np.testing.assert_array_equal(back.model.parameters, load_model(weights).model.parameters)


def test_a_private_repository_is_its_owners(hub, weights):
    Reader(weights).push_to_hub("ada/mine", token=ADA, private=True)
    assert hub.repositories["model", "ada/mine"].private
    Reader.from_pretrained("ada/mine", token=ADA)


def test_importing_recognition_does_not_import_the_hubs_client():
    told = "import sys, recognition; print('huggingface_hub' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


# --- what does not work, in words


def _put(hub, content, **options):
    hub.put("ada/mine", {WEIGHTS_FILE: content}, **options)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ada/none", "There is no ada/none on the Hub, or it is private"),
        ("ada/private", "There is no ada/private on the Hub, or it is private"),
        ("ada/gated", "for those only who agreed to its terms"),
        ("ada/other", "has no digits.npz: it is not what is loaded here"),
    ],
)
def test_what_cannot_be_fetched_is_told(hub, name, message):
    hub.put("ada/private", {WEIGHTS_FILE: b""}, private=True)
    hub.put("ada/gated", {WEIGHTS_FILE: b""}, gated=True)
    hub.put("ada/other", {"pytorch_model.bin": b"\0"})
    with pytest.raises(HubError, match=message):
        Reader.from_pretrained(name, token=BOB if name == "ada/private" else False)


def test_a_revision_that_is_not_there_is_told(hub):
    _put(hub, b"")
    with pytest.raises(HubError, match="no such revision"):
        Reader.from_pretrained("ada/mine", revision="v9")


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "digits",
        "a/b/c",
        "../etc",
        "ada/..",
        "/etc/passwd",
        "http://x/y",
        "ada/mine\n",
        "ada/" + 97 * "x",
    ],
)
def test_only_a_users_model_is_a_name(name):
    with pytest.raises(HubError, match='"user/model"'):
        check_name(name)


def test_a_pickle_is_refused_unopened(hub, tmp_path):
    class Bomb:
        def __reduce__(self):
            return Path.touch, (tmp_path / "exploded",)

    np.savez(tmp_path / "bomb.npz", weight=np.array([Bomb()], object), allow_pickle=True)
    _put(hub, (tmp_path / "bomb.npz").read_bytes())
    with pytest.raises(ModelFileError, match=r"damaged or not an \.npz weights file"):
        Reader.from_pretrained("ada/mine")
    assert not (tmp_path / "exploded").exists()


def test_a_file_of_something_else_is_refused(hub, tmp_path):
    np.savez(tmp_path / "other.npz", weight=np.zeros(3))
    for content in (b"just some words", (tmp_path / "other.npz").read_bytes()):
        _put(hub, content)
        with pytest.raises(ModelFileError):
            Reader.from_pretrained("ada/mine")


def test_a_file_too_large_is_not_even_fetched(hub):
    _put(hub, b"x")
    hub.claimed = 10**9
    with pytest.raises(HubError, match="too large: at most 67"):
        Reader.from_pretrained("ada/mine")
    assert {method for method, _ in hub.asked} == {"HEAD"}


def test_a_config_that_a_stranger_wrote_has_no_say(hub, weights):
    config = json.dumps({"weights": "/etc/hostname", "architecture": "other"}).encode()
    hub.put("ada/mine", {WEIGHTS_FILE: weights.read_bytes(), CONFIG_FILE: config})
    back = Reader.from_pretrained("ada/mine")
    assert back.model.name == "seed_net"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "does not know this token"),
        (402, "an account that pays"),
        (403, "may not do that with ada/mine"),
        (409, "ada/mine is taken"),
        (413, "too large for ada/mine"),
        (429, "too many requests"),
        (500, "The Hub answered 500. Please try again later"),
    ],
)
def test_what_the_hub_refuses_is_told_of_both_ways(hub, reader, status, message):
    hub.fault = status, "/"
    with pytest.raises(HubError, match=message):
        reader.push_to_hub("ada/mine", token=ADA)
    with pytest.raises(HubError, match=message):
        Reader.from_pretrained("ada/mine")


def test_an_upload_that_breaks_off_is_told(hub, reader):
    hub.fault = 500, "/lfs/"
    with pytest.raises(HubError, match="The transfer broke off"):
        reader.push_to_hub("ada/mine", token=ADA)
    assert hub.repositories["model", "ada/mine"].commits == {}


def test_a_network_that_reads_no_digit_alone_is_told_and_not_read(hub):
    _put(hub, CONTEXT_MODEL.read_bytes())
    with pytest.raises(ModelFileError, match=r"is a row_net, which takes pictures of shape \(28, 28, 2\)"):
        Reader.from_pretrained("ada/mine")


def test_a_file_that_comes_cut_short_is_told_and_not_read(hub, weights):
    hub.put("ada/mine", {WEIGHTS_FILE: weights.read_bytes()[:1000]})
    hub.claimed = weights.stat().st_size
    with pytest.raises(HubError, match="The transfer broke off"):
        Reader.from_pretrained("ada/mine")


def test_without_a_connection_both_ways_say_so(hub, reader, monkeypatch):
    turn_to(NOWHERE, monkeypatch)
    for attempt in (Reader.from_pretrained, lambda name: reader.push_to_hub(name, token=ADA)):
        with pytest.raises(HubError, match="cannot be reached"):
            attempt("ada/mine")


def test_whoever_is_not_signed_in_is_told_how_to(hub, reader):
    with pytest.raises(HubError, match="hf auth login"):
        reader.push_to_hub("ada/mine")
    with pytest.raises(HubError, match="does not know this token"):
        reader.push_to_hub("ada/mine", token="of nobody")


def test_nobody_pushes_into_anothers_account(hub, reader):
    with pytest.raises(HubError, match="may not do that with ada/mine"):
        reader.push_to_hub("ada/mine", token=BOB)
    assert hub.repositories == {}


def test_a_name_under_which_something_else_lies_is_taken(hub, reader):
    bert = hub.put("ada/bert", {"README.md": b"my life's work", "model.safetensors": b"\0"})
    with pytest.raises(HubError, match="ada/bert is taken"):
        reader.push_to_hub("ada/bert", token=ADA)
    assert len(bert.commits) == 1


# --- the command line, and the Space


def test_the_command_line_pushes_a_network(hub, weights, monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", ADA)
    assert main(["push", "ada/mine", "--weights", str(weights), "--private"]) == 0
    assert "to ada/mine: http" in capsys.readouterr().out
    repository = hub.repositories["model", "ada/mine"]
    assert repository.private
    assert repository.files[WEIGHTS_FILE] == weights.read_bytes()


def test_the_command_line_tells_in_a_line_what_does_not_work(hub, monkeypatch, capsys):
    assert main(["push", "ada/mine"]) == 1
    assert capsys.readouterr().err.startswith("python -m training: Nobody is signed in")
    assert push_space_main(["just-a-name"]) == 1
    assert '"user/model"' in capsys.readouterr().err


@pytest.fixture
def clone(tmp_path):
    """A small repository with a file that git does not track."""
    root = tmp_path / "clone"
    (root / "recognition").mkdir(parents=True)
    (root / "README.md").write_text("---\nsdk: gradio\n---\n")
    (root / "recognition" / "reader.py").write_text("print('reads')\n")
    (root / "odd [name].npz").write_bytes(b"\0\1")
    (root / "secret.txt").write_text("not for others")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    added = ["add", "README.md", "recognition", "odd [name].npz"]
    for command in (["init", "-q"], added, ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], cwd=root, check=True)
    return root


def test_a_space_holds_what_git_tracks_and_nothing_else(hub, clone):
    address = push_space("ada/demo", clone, token=ADA)
    space = hub.repositories["space", "ada/demo"]
    assert address == f"{hub.address}/spaces/ada/demo"
    assert space.sdk == "gradio"
    assert set(space.files) == {"README.md", "recognition/reader.py", "odd [name].npz"}
    assert space.files["odd [name].npz"] == b"\0\1"
    assert SpaceCard(space.files["README.md"].decode()).data.to_dict() == {
        "sdk": "gradio",
        "thumbnail": f"{address}/resolve/main/docs/screenshot.png",
    }

    space.commit(space.files | {".gitattributes": b"of the Hub", "left.py": b"of an older version"})
    (clone / "README.md").write_text("---\nsdk: gradio\n---\nnew\n")
    push_space("ada/demo", clone, token=ADA)
    assert len(space.commits) == 3  # what is new and what is gone come together
    assert set(space.files) == {".gitattributes", "README.md", "recognition/reader.py", "odd [name].npz"}
    assert space.files["README.md"].endswith(b"new\n")


def test_a_space_of_something_else_is_left_alone(hub, clone):
    hub.put("ada/other", {"app.py": b"print('mine')"}, kind="space", sdk="gradio")
    with pytest.raises(HubError, match="ada/other is taken"):
        push_space("ada/other", clone, token=ADA)
    with pytest.raises(HubError, match="may not do that"):
        push_space("bob/demo", clone, token=ADA)


def test_a_folder_that_git_does_not_know_is_told(tmp_path):
    with pytest.raises(HubError, match="Is it a clone"):
        tracked_files(tmp_path)
