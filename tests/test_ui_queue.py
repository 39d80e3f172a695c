"""Who is read when many draw at once."""

import asyncio

import pytest

from tests import event_loop
from ui.server.queue import Crowded, Superseded, Turns

PATIENCE = 120  # seconds until something is taken to never happen


class _House:
    """Visitors whose drawings are read until they are let go, one after the other."""

    def __init__(self, at_once=1, waiting=10):
        self.turns = Turns(at_once, waiting)
        self.read, self.tasks, self.go_on = [], {}, asyncio.Event()

    async def sends(self, drawing, visitor, address="home"):
        async def wait_and_read():
            async with self.turns.turn(visitor, address):
                self.read.append(drawing)
                await self.go_on.wait()

        self.tasks[drawing] = asyncio.create_task(wait_and_read())
        await asyncio.sleep(0)

    async def ends(self):
        """What became of each drawing, once all can be read."""
        self.go_on.set()
        async with asyncio.timeout(PATIENCE):
            became = await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        return dict(zip(self.tasks, became, strict=True))


def _play(story, *args):
    async def play():
        house = _House(*args)
        await story(house)
        assert house.turns.waiting == 0
        assert house.turns._running == 0

    event_loop.call(play)


def test_so_many_are_read_at_once_and_the_others_in_the_order_in_which_they_came():
    async def story(house):
        for visitor in "abcd":
            await house.sends(visitor, visitor)
        assert house.read == ["a", "b"]
        assert house.turns.waiting == 2
        await house.ends()
        assert house.read == ["a", "b", "c", "d"]

    _play(story, 2)


def test_only_the_newest_drawing_of_a_visitor_waits_and_keeps_the_place():
    async def story(house):
        await house.sends("first", "ann")
        for drawing, visitor in (("older", "ann"), ("bob's", "bob"), ("newer", "ann")):
            await house.sends(drawing, visitor)
        ends = await house.ends()
        assert house.read == ["first", "newer", "bob's"]
        assert isinstance(ends["older"], Superseded)
        assert ends["newer"] is None

    _play(story)


def test_addresses_take_turns_so_that_many_pages_of_one_are_in_their_own_way():
    async def story(house):
        await house.sends("now", "x", "somewhere")
        for i in range(4):
            await house.sends(f"crowd {i}", f"c{i}", "crowd")
        await house.sends("alone", "y", "home")
        await house.ends()
        assert house.read == ["now", "crowd 0", "alone", "crowd 1", "crowd 2", "crowd 3"]

    _play(story)


def test_a_crowd_is_turned_away_but_those_who_wait_may_still_send_something_newer():
    async def story(house):
        for visitor in "abc":
            await house.sends(visitor, visitor, visitor)
        with pytest.raises(Crowded):
            async with house.turns.turn("late", "late"):
                raise AssertionError
        await house.sends("newer", "c", "c")
        await house.ends()
        assert house.read == ["a", "b", "newer"]

    _play(story, 1, 2)


@pytest.mark.parametrize("its_turn_has_come", [False, True])
def test_whoever_gives_up_holds_nobody_up(its_turn_has_come):
    async def story(house):
        for visitor in "abc":
            await house.sends(visitor, visitor)
        if its_turn_has_come:
            house.go_on.set()
            while not house.tasks["a"].done():
                await asyncio.sleep(0)
        house.tasks["b"].cancel()
        ends = await house.ends()
        assert ends["c"] is None
        assert "c" in house.read

    _play(story)


def test_what_fails_hands_its_turn_on():
    async def story(house):
        with pytest.raises(ZeroDivisionError):
            async with house.turns.turn("ann", "home"):
                await house.sends("bob's", "bob")
                raise ZeroDivisionError
        await house.ends()
        assert house.read == ["bob's"]

    _play(story)
