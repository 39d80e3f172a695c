"""A visitor's own signs on the Hub: pushed with a card that names them, loaded by name, refused in words."""

import json

import gradio as gr
import numpy as np
import pytest

from cnn import load_model
from jobs.sign_collection import Collection
from recognition.hub import WEIGHTS_FILE
from recognition.reader import DEFAULT_WEIGHTS
from tests import event_loop
from tests.hub_server import ADA, CLIENT_WARNINGS
from tests.sessions import cross
from tests.signs import drawings
from tests.visitor_page import Page, Request
from training.__main__ import main
from training.own_signs import learn_signs
from training.sign_files import load_signs, save_signs
from training.sign_hub import SIGNS_FILE
from ui.shared.hub import FOREIGN, NOT_SIGNED_IN, server_functions
from ui.signs.hub import push_signs_to_hub

pytestmark = CLIENT_WARNINGS

NAMES = ["heart", "⚡ zap"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A file of two signs with five drawings each."""
    path = tmp_path_factory.mktemp("saved") / "my-signs.npz"
    images, labels = drawings(5, 1, shapes=["heart", "zig zag"])
    save_signs(path, learn_signs(load_model(DEFAULT_WEIGHTS).model, images, labels, NAMES), images)
    return path


@pytest.fixture
def push(house, saved):
    """Pushes the signs of the visitor "one", who has loaded a file of them, as the page's script does."""
    house.manager.session("one").load_signs(saved)
    [_, function] = server_functions(house, push_signs_to_hub)
    assert function.__name__ == "push_signs_to_hub"

    def call(asked, token=ADA, site="same-origin"):
        names = {"name": "Ada", "preferred_username": "ada", "profile": "", "picture": ""}
        who = (gr.OAuthProfile(names), gr.OAuthToken(token, "openid", 0)) if token else (None, None)
        return event_loop.call(function, asked, Request("one", site=site), *who)

    return call


def _files(hub):
    return hub.repositories["model", "ada/my-signs"].files


def _loaded(house):
    page = Page(house, "two")
    return page, page("load_signs_from_hub", {"model": " ada/my-signs "})


@pytest.mark.parametrize("examples", [None, False, "yes", 1])
def test_signs_are_shared_without_their_drawings_unless_the_visitor_says_so(
    hub, house, push, tmp_path, examples
):
    answer = push({"name": "my-signs", "examples": examples})
    assert answer == {"address": f"{hub.address}/ada/my-signs"}
    (tmp_path / SIGNS_FILE).write_bytes(_files(hub)[SIGNS_FILE])
    signs, images = load_signs(tmp_path / SIGNS_FILE)
    assert (signs.names, len(images), len(signs.labels)) == (tuple(NAMES), 0, 0)
    assert json.loads(_files(hub)["config.json"])["labels"] == [*NAMES, "anything else"]
    card = _files(hub)["README.md"].decode()
    assert "- `⚡ zap`" in card and "The drawings are not in the file." in card and "10 drawings" in card


def test_shared_signs_are_loaded_by_name_and_read_the_same(hub, house, push):
    push({"name": "my-signs", "examples": True})
    assert "The drawings are in the file." in _files(hub)["README.md"].decode()
    _, answer = _loaded(house)
    shown = answer["mine"]["signs"]
    assert [(sign["name"], len(sign["examples"])) for sign in shown["signs"]] == [(n, 5) for n in NAMES]
    one, two = (house.manager.session(name) for name in ("one", "two"))
    assert two.read_sign(cross()) == one.read_sign(cross())
    assert set(hub.tokens[-3:]) == {None}  # fetched as nobody


def test_signs_without_drawings_read_are_saved_and_can_be_taught_anew(hub, house, push):
    push({"name": "my-signs"})
    page, answer = _loaded(house)
    learned = answer["mine"]["signs"]["learned"]
    assert learned == {"names": NAMES, "is_current": True, "examples": []}
    session = house.manager.session("two")
    assert session.read_sign(cross()) == house.manager.session("one").read_sign(cross())
    assert page("save_signs")["file"]
    session.add_sign_example(session.signs.signs[0].id, cross())
    assert "Draw heart 5 times or more: there are 1" in page("learn_signs")["error"]


def test_what_holds_no_signs_is_refused_by_its_name_and_loses_nothing(hub, house, push):
    session = house.manager.session("one")
    before = session.signs
    hub.put("ada/digits", {WEIGHTS_FILE: DEFAULT_WEIGHTS.read_bytes()})
    hub.put("ada/renamed", {SIGNS_FILE: DEFAULT_WEIGHTS.read_bytes()})
    hub.put("ada/words", {SIGNS_FILE: b"just some words"})
    page = Page(house, "one")
    for name, message in {
        "ada/digits": "ada/digits has no signs.npz: it is not what is loaded here",
        "ada/renamed": "The file of ada/renamed holds a network, but no signs",
        "ada/words": "The file of ada/words is damaged",
        "ada/none": "There is no ada/none on the Hub, or it is private",
        "digits": 'A name on the Hub is "user/model"',
    }.items():
        assert message in page("load_signs_from_hub", {"model": name})["error"]
    assert session.signs == before
    assert len(list(session.folder.iterdir())) == 1
    assert [path.name for path in house.manager.folder.glob("hub-*")] == []


def test_signs_go_into_ones_own_account_alone_from_the_page_itself_and_once_they_are_learned(
    hub, house, push
):
    assert push({"name": "my-signs"}, token=None)["error"] == NOT_SIGNED_IN
    assert push({"name": "my-signs"}, site="cross-site")["error"] == FOREIGN
    assert '"user/model"' in push({"name": "bob/theirs"})["error"]
    hub.put("ada/digits", {WEIGHTS_FILE: b"", "config.json": b""})
    assert "is taken: it holds something else" in push({"name": "digits"})["error"]
    session = house.manager.session("one")
    session.add_sign_example(session.signs.signs[0].id, cross())
    assert "Learn your signs first" in push({"name": "my-signs"})["error"]
    assert ("model", "ada/my-signs") not in hub.repositories
    house.manager.remove("one")
    assert "Learn your signs first" in push({"name": "my-signs"})["error"]
    assert house.manager.session("one").signs == Collection()


def test_a_saved_file_is_pushed_from_the_command_line(hub, saved, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", ADA)
    command = ["push", "ada/my-signs", "--weights", str(saved)]
    assert main(command) == 0, capsys.readouterr()
    assert "Pushed" in capsys.readouterr().out
    (tmp_path / "without.npz").write_bytes(_files(hub)[SIGNS_FILE])
    assert main([*command, "--examples"]) == 0
    (tmp_path / "with.npz").write_bytes(_files(hub)[SIGNS_FILE])
    assert [len(load_signs(tmp_path / f"{name}.npz")[1]) for name in ("without", "with")] == [0, 10]
    assert main(["evaluate", "--dataset", str(tmp_path / "without.npz")]) == 1
    assert "there are no drawings in it" in capsys.readouterr().err


def test_the_network_pushed_is_the_one_that_was_learned(hub, push, saved, tmp_path):
    push({"name": "my-signs"})
    (tmp_path / SIGNS_FILE).write_bytes(_files(hub)[SIGNS_FILE])
    pushed, learned = (load_signs(path)[0].model for path in (tmp_path / SIGNS_FILE, saved))
    np.testing.assert_array_equal(pushed.parameters, learned.parameters)
