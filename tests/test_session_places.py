"""Several visitors: fair turns, so many places, and what is theirs is nobody else's."""

import pytest

from jobs import presence
from jobs.queue import BusyError
from recognition.reader import DEFAULT_WEIGHTS
from tests.sessions import LONG, PATIENCE, SHORT, cross, rested, training


def test_visitors_take_turns_in_the_order_in_which_they_came(open_manager):
    manager = open_manager(waiting=2)
    ann, bob, cem, dan = (manager.session(name) for name in ("ann", "bob", "cem", "dan"))
    ann.start(LONG)
    bob.start(LONG)
    cem.start(LONG)
    assert (bob.status.phase, bob.status.position, cem.status.position) == ("waiting", 1, 2)
    with pytest.raises(BusyError, match="2 others are waiting already"):
        dan.start(SHORT)
    assert dan.status.phase == "idle"
    training(ann)
    assert bob.status.phase == cem.status.phase == "waiting"
    bob.stop()  # who leaves the queue makes room in it
    assert (bob.status.phase, cem.status.position) == ("idle", 1)
    dan.start(SHORT)
    assert dan.status.position == 2
    ann.pause()
    training(cem)
    assert (dan.status.phase, dan.status.position) == ("waiting", 1)
    cem.pause()
    assert rested(dan).phase == "done"


def test_visitors_have_models_and_examples_of_their_own(manager):
    ann, bob = manager.session("ann"), manager.session("bob")
    ann.add_example(cross(), 4)
    ann.teach()
    rested(ann)
    assert bob.model == DEFAULT_WEIGHTS
    assert bob.examples == ()
    assert manager.session("ann") is ann
    assert manager.find("cem") is None


def test_there_is_room_for_so_many_visitors_until_one_leaves(open_manager):
    manager = open_manager(visitors=1)
    manager.session("ann").add_example(cross(), 4)
    with pytest.raises(BusyError, match="Too many visitors"):
        manager.session("bob")
    manager.remove("ann")
    manager.remove("ann")
    manager.session("bob")


def test_whoever_has_been_away_longest_makes_room_for_one_more(open_manager, monkeypatch):
    monkeypatch.setattr(presence, "STRAY", PATIENCE)
    manager = open_manager(visitors=3)
    ann, bob, cem = (manager.session(name) for name in ("ann", "bob", "cem"))
    for session in (ann, bob, cem):
        session.add_example(cross(), 4)
    for session, pages in ((ann, ("one", "two")), (bob, ("one",)), (cem, ("one",))):
        for page in pages:
            session.presence.touch(page)
        session.presence.close("one")
    bob.presence.touch("one")  # sent before
    cem.presence._left -= PATIENCE
    manager.session("dan").add_example(cross(), 4)
    assert manager.find("cem") is None
    assert cem.examples == ()
    assert len(ann.examples) == len(bob.examples) == 1
    manager.session("eve").add_example(cross(), 4)
    assert manager.find("bob") is None
    with pytest.raises(BusyError, match="Too many visitors"):
        manager.session("fay")


def test_what_a_visitor_left_behind_is_freed(open_manager):
    manager = open_manager(idle_seconds=1)
    ann, bob = manager.session("ann"), manager.session("bob")
    bob.start(LONG)
    ann.presence._touched -= 10
    bob.presence._touched -= 10
    manager.free_idle()
    assert manager.find("ann") is None
    assert not ann.folder.exists()
    assert manager.find("bob") is bob  # something of theirs runs
