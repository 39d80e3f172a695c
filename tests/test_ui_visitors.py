"""Who asks, who waits, who leaves: no visitor in the way of another, without a browser."""

import asyncio
import errno
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import anyio
import numpy as np
import pytest

from cnn import ARCHITECTURES, save_model
from jobs import presence
from jobs.presence import STRAY
from jobs.session import Session
from recognition.reader import DEFAULT_WEIGHTS, SHIPPED
from tests import event_loop
from tests.sessions import await_
from tests.visitor_page import LONG, PATIENCE, SEVEN, Page, Request, base64_of
from ui.shared import visitors
from ui.shared.visit import Visitor
from ui.shared.visitors import OWN

ONE = Visitor("one", "one")


@pytest.fixture
def away(monkeypatch):
    """Says that pages are away for long enough, at once: calls what they have started timers for."""
    timers = []

    class _Timer:
        def __init__(self, seconds, function, given):
            self.start = lambda: timers.append(lambda: function(*given))

    monkeypatch.setattr(visitors, "threading", SimpleNamespace(Timer=_Timer))

    def pass_time():
        assert timers
        for function in timers:
            function()

    return pass_time


def test_whoever_only_looks_has_no_session(house, page):
    shown = page("watch")
    assert (shown["version"], shown["phase"], shown["mine"]["own"]) == (0, "idle", False)
    assert shown["mine"]["network"] == "digit_net"
    assert house.readers_of(ONE).get(OWN) is None
    assert house.manager.find("one") is None


def test_a_watcher_is_answered_when_something_changes_and_not_before(page, monkeypatch):
    monkeypatch.setattr(visitors, "PATIENCE", 0.2)
    known = page("stop")
    assert page("watch", known["version"])["version"] == known["version"]
    assert page("watch", known["version"] - 1)["version"] == known["version"]


def test_a_watcher_is_woken_and_does_not_look_again_and_again(house, page, monkeypatch):
    monkeypatch.setattr(visitors, "PATIENCE", PATIENCE)
    version = page("stop")["version"]
    session = house.manager.session("one")
    looks = []
    monkeypatch.setattr(Session, "status", property(lambda self: looks.append(self) or self._status))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(page, "watch", version)
        while not session._listeners:
            time.sleep(0.01)
        before = len(looks)
        session.use(SHIPPED["seed"])
        assert answer.result(PATIENCE)["version"] > version
    assert len(looks) - before < 5
    assert not session._listeners


def test_the_event_loop_waits_for_no_lock_under_which_others_work(house, page):
    known = page("stop")["version"]
    session = house.manager.session("one")
    with session._lock, house.manager._lock, ThreadPoolExecutor(1) as pool:
        assert pool.submit(page, "watch", known - 1).result(PATIENCE)["version"] == known
        assert pool.submit(Page(house, "two"), "watch").result(PATIENCE)["version"] == 0


def test_who_has_nothing_of_their_own_takes_nobodys_place(house):
    for i in range(20):
        assert "error" not in Page(house, f"empty {i}", f"address {i % 4}")("stop")
    assert house.manager.visitors == 0
    example = {"picture": base64_of(SEVEN), "label": 7}
    for i in range(5):
        assert "error" not in Page(house, f"visitor {i}", f"address {i}")("add_example", example)
    assert house.manager.visitors == 5
    assert "Too many visitors" in Page(house, "late", "address 9")("stop")["error"]


def test_an_address_holds_no_more_than_its_share_of_the_places(house):
    example = {"picture": base64_of(SEVEN), "label": 7}
    for i in range(2):
        assert "error" not in Page(house, f"school {i}", "school")("add_example", example)
    for name in ("stop", "add_example"):
        assert "at your internet address" in Page(house, "school 3", "school")(name, example)["error"]
    assert "error" not in Page(house, "home", "home")("add_example", example)


def test_whoever_loses_an_empty_place_between_two_moments_gets_another(house, page, monkeypatch):
    add = Session.add_example

    def evicted_first(session, *given):
        monkeypatch.setattr(Session, "add_example", add)
        house.manager.remove("one")
        add(session, *given)

    monkeypatch.setattr(Session, "add_example", evicted_first)
    assert len(page("add_example", {"picture": base64_of(SEVEN), "label": 7})["mine"]["examples"]) == 1


def test_files_of_one_address_do_not_keep_others_from_sending_theirs(house, send, monkeypatch):
    begun, goes_on = threading.Semaphore(0), threading.Event()

    def slow(session, *file):
        begun.release()
        assert goes_on.wait(PATIENCE)

    monkeypatch.setattr(Session, "upload", slow)
    payload = send(b"weights", "mine.npz")
    many = visitors.ADDRESS_FILES_WAITING

    async def flood():
        pages = [Page(house, "one", "school")] * many
        tasks = [
            asyncio.create_task(page.functions["upload_model"](payload, Request("one", "school")))
            for page in pages
        ]
        while not begun.acquire(blocking=False):
            await anyio.sleep(0.01)
        refused = await pages[0].functions["upload_model"](payload, Request("two", "school"))
        drawn = await pages[0].functions["add_example"](
            {"picture": base64_of(SEVEN), "label": 7}, Request("three", "home")
        )
        goes_on.set()
        await asyncio.gather(*tasks)
        return refused, drawn

    refused, drawn = event_loop.call(flood)
    assert "Many files" in refused["error"]
    assert len(drawn["mine"]["examples"]) == 1


def test_a_network_that_is_deleted_while_it_is_loaded_makes_room_for_the_one_before(
    house, page, send, tmp_path
):
    save_model(tmp_path / "small.npz", ARCHITECTURES["small_net"](np.random.default_rng(0)))
    page("upload_model", send((tmp_path / "small.npz").read_bytes()))
    page.wait_for("done", "failed")
    session = house.manager.session("one")
    session.use_result()
    is_file = Path.is_file

    def undone_meanwhile(path):
        found = is_file(path)
        if path == session.model:
            session.undo()  # which deletes it
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "is_file", undone_meanwhile)
        assert house.readers_of(ONE).get(OWN) is None
    assert session.model == DEFAULT_WEIGHTS


def test_a_fault_of_our_own_is_logged_and_told_without_detail(house, caplog):
    def broken(session, asked):
        raise ZeroDivisionError("secret detail")

    [_, function] = house.server_functions([broken])
    with caplog.at_level(logging.ERROR):
        answer = event_loop.call(function, None, Request("one"))
    assert answer == {"error": "That did not work, for a reason of our own. Please try again."}
    assert "ZeroDivisionError" in caplog.text


def test_a_full_disk_is_told_in_words(page, monkeypatch):
    def full(*_, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    page("add_example", {"picture": base64_of(SEVEN), "label": 7})
    monkeypatch.setattr(Path, "mkdir", full)
    assert page("teach") == {
        "error": "There is no room left on the disk of this page. Please try again later."
    }


def test_a_fault_of_our_own_while_watching_is_told_and_the_next_look_succeeds(page, monkeypatch, caplog):
    page("stop")
    monkeypatch.setattr(visitors, "status_json", lambda status: {}["secret detail"])
    with caplog.at_level(logging.ERROR):
        assert page("watch") == {"error": "That did not work, for a reason of our own. Please try again."}
    assert "secret detail" in caplog.text
    monkeypatch.undo()
    assert page("watch")["phase"] == "idle"


def test_closing_the_page_ends_the_process_and_after_a_while_frees_everything(house, page, away):
    page("start", {"settings": LONG, "drawing": None})
    page.wait_for("training")
    session = house.manager.session("one")
    process = session._job._process
    page.leave()
    away()
    await_(lambda: process.poll() is not None and not session.status.active)
    house.manager.free_idle()
    assert session.folder.exists()
    session.presence._left -= house.manager.limits.away_seconds
    house.manager.free_idle()
    assert not session.folder.exists()
    assert house.manager.find("one") is None


def test_what_a_page_asked_just_before_it_was_closed_does_not_keep_its_training(
    house, page, away, monkeypatch
):
    monkeypatch.setattr(presence, "STRAY", PATIENCE)
    page("start", {"settings": LONG, "drawing": None})
    page.wait_for("training")
    page.leave()
    page("watch")  # was on its way already, and is read only now
    away()
    left = house.manager._sessions["one"]
    await_(lambda: not left.status.active)
    assert left.status.phase == "paused"


def test_a_page_that_asks_again_after_a_lost_connection_keeps_everything(house, page, away):
    page("start", {"settings": LONG, "drawing": None})
    page.wait_for("training")
    page.leave()
    house.manager._sessions["one"].presence._closed["one"] -= STRAY
    page("watch")
    away()
    assert (page("watch")["phase"], page("watch")["message"]) == ("training", "")


def test_a_phone_that_slept_finds_its_training_paused_and_is_told_why(house, page, away):
    page("start", {"settings": LONG, "drawing": None})
    page.wait_for("training")
    page("add_example", {"picture": base64_of(SEVEN), "label": 7})
    page.leave()
    away()
    await_(lambda: not house.manager._sessions["one"].status.active)
    found = page("watch")
    assert (found["phase"], found["resumable"], len(found["mine"]["examples"])) == ("paused", True, 1)
    assert (
        found["message"]
        == "You were away, so the training was paused to make room for others. Nothing is lost."
    )
    page("resume")
    page.wait_for("training")
    page("pause")
    assert page.wait_for("paused")[-1]["message"] == ""


def test_a_page_whose_session_was_freed_can_tell(house, page):
    page("add_example", {"picture": base64_of(SEVEN), "label": 7})
    first = page("watch")["session"]
    house.manager.remove("one")
    assert page("watch")["session"] == ""
    page("add_example", {"picture": base64_of(SEVEN), "label": 7})
    assert page("watch")["session"] not in (first, "")
