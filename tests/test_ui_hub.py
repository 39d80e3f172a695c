"""The Hub on the page: what strangers may fetch and who may push what, without a browser."""

import contextlib
import logging
import threading
import time
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

from cnn import load_model
from jobs.limits import Limits
from jobs.manager import SessionManager
from recognition import Reader
from recognition.hub import WEIGHTS_FILE
from recognition.reader import DEFAULT_NETWORK, DEFAULT_WEIGHTS
from tests import event_loop
from tests.bars import bars_dataset, worker_command, write_mnist
from tests.hub_server import ADA, CLIENT_WARNINGS, NOWHERE, turn_to
from ui.shared import hub as hub_on_page
from ui.shared.visitors import Visitors
from ui.train.hub import NOT_YOURS, load_from_hub, push_to_hub

pytestmark = CLIENT_WARNINGS

PATIENCE = 120  # seconds, for a machine that does other things


class _Request:
    """What Gradio gives a server function."""

    def __init__(self, session_hash, site="same-origin"):
        self.session_hash, self.headers = session_hash, {"sec-fetch-site": site}
        self.state = SimpleNamespace(address="")

    async def json(self):
        return {"session_hash": self.session_hash, "data": None}


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mnist")
    return folder, write_mnist(folder, bars_dataset(600))


@pytest.fixture
def visitors(mnist):
    folder, digests = mnist
    limits = Limits(upload_bytes=4_000_000)
    with contextlib.closing(SessionManager(limits, worker=worker_command(digests), mnist=folder)) as manager:
        yield Visitors({DEFAULT_NETWORK: Reader()}, manager)


@pytest.fixture
def load(visitors):
    """Asks for a model of the Hub as the page's script does, for the visitor "one"."""
    [_, function] = visitors.server_functions([load_from_hub])
    return lambda asked: event_loop.call(function, asked, _Request("one"))


@pytest.fixture
def push(visitors):
    """Pushes as the page's script does, for the visitor "one", signed in as `user`."""
    [_, function] = hub_on_page.server_functions(visitors, push_to_hub)

    def call(asked, user="ada", token=ADA, site="same-origin"):
        names = {"name": "Ada", "preferred_username": user, "profile": "", "picture": ""}
        who = (gr.OAuthProfile(names), gr.OAuthToken(token, "openid", 0)) if user else (None, None)
        return event_loop.call(function, asked, _Request("one", site), *who)

    return call


@pytest.fixture
def own(visitors, weights):
    """The visitor "one" reads with a network of their own."""
    session = visitors.manager.session("one")
    session.upload(weights)
    _settle(session)
    session.use_result()
    return session


def _settle(session):
    end = time.monotonic() + PATIENCE
    while session.status.active:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_public_network_is_fetched_checked_tested_and_then_used(hub, visitors, load, weights):
    hub.put("ada/mine", {WEIGHTS_FILE: weights.read_bytes()})
    answer = load({"model": " ada/mine "})
    assert "error" not in answer
    session = visitors.manager.session("one")
    _settle(session)
    assert session.status.result
    session.use_result()
    assert session.model.read_bytes() == weights.read_bytes()
    assert session.evaluation.accuracy == session.status.comparison.after.accuracy
    assert [path.name for path in visitors.manager.folder.glob("hub-*")] == []


def test_strangers_never_see_with_the_hosts_token(hub, load, monkeypatch):
    hub.put("ada/private", {WEIGHTS_FILE: b""}, private=True)
    monkeypatch.setenv("HF_TOKEN", ADA)
    assert "There is no ada/private" in load({"model": "ada/private"})["error"]
    assert set(hub.tokens) == {None}


@pytest.mark.parametrize(
    "asked", [None, 7, {}, {"model": None}, {"model": "../../etc"}, {"model": "digits"}, {"model": "/a/b"}]
)
def test_only_names_of_the_hub_are_asked_for(hub, load, asked):
    assert '"user/model"' in load(asked)["error"]
    assert hub.asked == []


def test_what_is_no_network_is_refused_by_the_models_name(hub, load):
    hub.put("ada/words", {WEIGHTS_FILE: b"just some words"})
    hub.put("ada/other", {"model.safetensors": b"\0"})
    hub.put("ada/empty", {}).commits.clear()
    error = load({"model": "ada/words"})["error"]
    assert error.startswith("The file of ada/words is damaged or not an .npz weights file")
    assert "has no digits.npz" in load({"model": "ada/other"})["error"]
    assert "ada/empty is empty" in load({"model": "ada/empty"})["error"]


def test_a_file_larger_than_an_upload_may_be_is_not_fetched(hub, load):
    hub.put("ada/large", {WEIGHTS_FILE: b"x"})
    hub.claimed = 4_000_001
    assert "too large: at most 4 MB" in load({"model": "ada/large"})["error"]
    assert not any(method == "GET" and "resolve" in path for method, path in hub.asked)


def test_a_hub_that_cannot_be_reached_is_told(hub, load, monkeypatch):
    turn_to(NOWHERE, monkeypatch)
    assert "cannot be reached" in load({"model": "ada/mine"})["error"]


def test_a_slow_hub_keeps_neither_the_visitor_nor_others_waiting(hub, load, monkeypatch):
    free = threading.Event()
    with monkeypatch.context() as slow:
        slow.setattr(hub_on_page, "newest_commit", lambda name, token: free.wait(PATIENCE))
        slow.setattr(hub_on_page, "SECONDS", 0.05)
        for _ in range(hub_on_page.AT_ONCE):
            assert load({"model": "ada/mine"})["error"] == hub_on_page.SLOW
        assert load({"model": "ada/mine"})["error"] == hub_on_page.BUSY
    free.set()
    end = time.monotonic() + PATIENCE
    while load({"model": "ada/mine"})["error"] == hub_on_page.BUSY:
        assert time.monotonic() < end
    assert "There is no ada/mine" in load({"model": "ada/mine"})["error"]


def test_a_network_of_ones_own_goes_into_ones_own_account(hub, own, push, caplog):
    with caplog.at_level(logging.DEBUG):
        answer = push({"name": "my-digits"})
    assert answer == {"address": f"{hub.address}/ada/my-digits"}
    files = hub.repositories["model", "ada/my-digits"].files
    assert files[WEIGHTS_FILE] == own.model.read_bytes()
    assert f"value: {round(own.evaluation.accuracy, 4)}" in files["README.md"].decode()
    assert ADA not in caplog.text


@pytest.mark.parametrize("name", ["bob/theirs", "../bob/theirs", "", None, 7, "a b"])
def test_nobody_pushes_elsewhere(hub, own, push, name):
    assert '"user/model"' in push({"name": name})["error"]
    assert hub.asked == []


def test_only_who_is_signed_in_and_asks_from_the_page_itself_pushes(hub, own, push):
    assert push({"name": "mine"}, user=None)["error"] == hub_on_page.NOT_SIGNED_IN
    for site in ("cross-site", "same-site", "none", None):
        assert push({"name": "mine"}, site=site)["error"] == hub_on_page.FOREIGN
    assert "does not know this token" in push({"name": "mine"}, token="an old one")["error"]
    assert hub.repositories == {}


def test_a_shipped_network_is_nobodys_to_push(hub, push):
    assert push({"name": "mine"})["error"] == NOT_YOURS
    assert hub.asked == []


def test_away_from_a_space_nobody_can_sign_in(monkeypatch):
    for variables in ({}, {"SYSTEM": "spaces", "SPACE_ID": "ada/demo"}, {"OAUTH_CLIENT_ID": "x"}):
        for name in ("SYSTEM", "SPACE_ID", "OAUTH_CLIENT_ID"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert hub_on_page.sign_in() is None


def test_the_shipped_weights_are_ones_that_the_hub_gives_back(hub, visitors, load):
    hub.put("ada/shipped", {WEIGHTS_FILE: DEFAULT_WEIGHTS.read_bytes()})
    assert "error" not in load({"model": "ada/shipped"})
    session = visitors.manager.session("one")
    _settle(session)
    np.testing.assert_array_equal(
        load_model(session.result).model.parameters, load_model(DEFAULT_WEIGHTS).model.parameters
    )
