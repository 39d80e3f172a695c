"""The key that a browser stores finds what is its visitor's again, from any page, and nothing else does."""

import hashlib

import gradio as gr
import pytest
from gradio.helpers import special_args

from tests import event_loop
from tests.sessions import await_
from tests.visitor_page import LONG, SEVEN, Page, Request, base64_of
from ui.server.payload import SESSION
from ui.shared import visitors
from ui.shared.visit import visitor_of, without_key

KEY = "k" * 43
EXAMPLE = {"picture": base64_of(SEVEN), "label": 7}


def test_a_page_that_is_loaded_anew_finds_all_again_and_is_sent_it_at_once(house):
    before = Page(house, "before", secret=KEY)
    before("add_example", EXAMPLE)
    before("start", {"settings": LONG, "drawing": None})
    before.wait_for("training")
    after = Page(house, "after", secret=KEY)
    found = after("watch")
    assert found["phase"] == "training"
    assert len(found["mine"]["examples"]) == 1
    assert found["session"] == before("watch")["session"]
    after("stop")


DIGEST = hashlib.sha256(KEY.encode()).hexdigest()


@pytest.mark.parametrize("secret", [None, "j" * 43, KEY[1:], KEY + "k", KEY + "\n", "", 7, [KEY], DIGEST])
def test_without_the_very_key_nothing_of_it_is_found(house, secret):
    Page(house, "before", secret=KEY)("add_example", EXAMPLE)
    stranger = Page(house, "after", secret=secret)
    assert (stranger("watch")["version"], stranger("watch")["mine"]["examples"]) == (0, [])
    assert stranger("stop")["mine"]["examples"] == []


def test_no_session_hash_stands_for_a_key(house):
    Page(house, "before", secret=KEY)("add_example", EXAMPLE)
    for page in ("before", KEY, DIGEST):
        assert house.manager.find(*event_loop.call(visitor_of, Request(page))) is None
    [key] = house.manager._sessions
    assert not SESSION.fullmatch(key)


def test_the_server_keeps_no_key(house):
    Page(house, "before", secret=KEY)("add_example", EXAMPLE)
    [(kept, session)] = house.manager._sessions.items()
    assert KEY not in kept
    assert KEY not in repr(vars(session))


def test_closing_one_of_two_tabs_leaves_the_training_alone_and_closing_both_pauses_it(house, monkeypatch):
    monkeypatch.setattr(visitors, "PAUSED_AFTER", 0.0)
    one, two = Page(house, "one", secret=KEY), Page(house, "two", secret=KEY)
    one("start", {"settings": LONG, "drawing": None})
    one.wait_for("training")
    two("watch")
    one.leave()
    [session] = house.manager._sessions.values()
    assert not session.presence.is_away
    two.leave()
    await_(lambda: not session.status.active)
    assert session.status.message == visitors.AWAY
    three = Page(house, "three", secret=KEY)
    assert three("watch")["resumable"]
    three("resume")
    three.wait_for("training")
    three("stop")


def test_who_is_forgotten_has_nothing_left_and_nobody_else_loses_anything(house):
    ann, bob = Page(house, "ann", secret=KEY), Page(house, "bob", secret="b" * 43)
    for one in (ann, bob):
        one("add_example", EXAMPLE)
    ann("start", {"settings": LONG, "drawing": None})
    ann.wait_for("training")
    [session, _] = house.manager._sessions.values()
    process = session._job._process
    left = ann("forget")
    assert (left["version"], left["mine"]["examples"], left["session"]) == (0, [], "")
    await_(lambda: process.poll() is not None)
    assert not session.folder.exists()
    assert ann("watch")["version"] == 0
    assert len(bob("watch")["mine"]["examples"]) == 1


def test_another_tab_that_watches_is_told_at_once_that_all_was_forgotten(house):
    ann = Page(house, "ann", secret=KEY)
    ann("add_example", EXAMPLE)
    [session] = house.manager._sessions.values()
    find = house.manager.find

    def found_just_before(*visitor):
        found = find(*visitor)
        if found is not None:
            house.manager.remove(visitor[0])
        return found

    house.manager.find = found_just_before
    assert ann("watch", session.status.version)["version"] == 0


def test_a_server_function_is_given_the_payload_alone_and_what_gradio_adds():
    seen = []

    async def action(payload: object, request: gr.Request, profile: gr.OAuthProfile | None) -> dict:
        seen.append((payload, request))
        return {}

    function = without_key(action)
    assert function.__name__ == "action"
    request = gr.Request()
    for sent in ({"visitor": KEY, "payload": 7}, 7, {"visitor": KEY}):
        given, *_ = special_args(function, [sent], request, None)
        event_loop.call(function, *given)
    assert [payload for payload, _ in seen] == [7, 7, {"visitor": KEY}]
    assert all(one is request for _, one in seen)
