"""Whether a visitor is here: which of their pages are open, and since when none is."""

from jobs import presence
from jobs.presence import MOST_PAGES, STRAY, Presence


def test_a_visitor_is_away_once_their_last_page_is_closed():
    visitor = Presence()
    visitor.touch("one")
    visitor.touch("two")
    assert not visitor.close("one")
    assert not visitor.is_away
    assert visitor.close("two")
    assert visitor.is_away
    assert visitor.away_for() > 0


def test_a_page_that_nobody_knows_closes_nothing():
    visitor = Presence()
    visitor.touch("one")
    assert not visitor.close("another")
    assert visitor.close("one")
    assert not visitor.close("one")


def test_a_page_that_is_loaded_anew_is_here_whatever_the_order_of_the_news():
    for order in ("closed first", "opened first"):
        visitor = Presence()
        visitor.touch("before")
        if order == "closed first":
            visitor.close("before")
            visitor.touch("after")
        else:
            visitor.touch("after")
            visitor.close("before")
        assert not visitor.is_away, order


def test_what_a_page_sent_before_it_was_closed_does_not_open_it_again_but_what_comes_later_does(monkeypatch):
    now = 100.0
    monkeypatch.setattr(presence.time, "monotonic", lambda: now)
    visitor = Presence()
    visitor.touch("one")
    visitor.close("one")
    visitor.touch("one")
    assert visitor.is_away
    now += STRAY
    visitor.touch("one")
    assert not visitor.is_away
    assert visitor.idle_for() == 0


def test_pages_by_the_thousand_take_no_more_room_than_a_few():
    visitor = Presence()
    for page in range(1000):
        visitor.touch(str(page))
    assert len(visitor._open) == MOST_PAGES
    assert not visitor.close("0")
    for page in range(1000 - MOST_PAGES, 999):
        assert not visitor.close(str(page))
    assert visitor.close("999")
