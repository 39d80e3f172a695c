"""The fair queue: whose turn is next, who is turned away, and that nobody who gives up holds others up."""

import asyncio

import pytest

from tests import event_loop
from ui.server.queue import FairQueue, QueueFull, Superseded

PATIENCE = 120  # seconds until something is taken to never happen


class _Requests:
    """Requests that hold their turns until `finish`, and then one after the other."""

    def __init__(self, at_once=1, most_waiting=10, **options):
        self.queue = FairQueue(at_once, most_waiting, **options)
        self.served, self.tasks, self.go_on = [], {}, asyncio.Event()

    async def send(self, name, session, address="home"):
        async def wait_and_hold():
            async with self.queue.turn(session, address):
                self.served.append(name)
                await self.go_on.wait()

        self.tasks[name] = asyncio.create_task(wait_and_hold())
        await asyncio.sleep(0)

    async def finish(self):
        """What became of each request: None, or what it raised."""
        self.go_on.set()
        async with asyncio.timeout(PATIENCE):
            ends = await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        return dict(zip(self.tasks, ends, strict=True))


def _play(story, *args, **options):
    async def play():
        requests = _Requests(*args, **options)
        await story(requests)
        assert requests.queue.waiting == 0
        assert requests.queue.running == 0
        assert not requests.queue._lines

    event_loop.call(play)


def test_so_many_are_served_at_once_and_the_others_in_the_order_in_which_they_came():
    async def story(requests):
        for session in "abcd":
            await requests.send(session, session)
        assert requests.served == ["a", "b"]
        assert (requests.queue.running, requests.queue.waiting) == (2, 2)
        await requests.finish()
        assert requests.served == ["a", "b", "c", "d"]

    _play(story, 2)


def test_addresses_take_turns_so_that_many_pages_of_one_are_in_their_own_way():
    async def story(requests):
        await requests.send("now", "x", "somewhere")
        for i in range(4):
            await requests.send(f"crowd {i}", f"c{i}", "crowd")
        await requests.send("alone", "y", "home")
        await requests.finish()
        assert requests.served == ["now", "crowd 0", "alone", "crowd 1", "crowd 2", "crowd 3"]

    _play(story)


def test_sessions_of_one_address_take_turns_too():
    async def story(requests):
        await requests.send("now", "x")
        for i in range(3):
            await requests.send(f"ann {i}", "ann")
        for i in range(2):
            await requests.send(f"bob {i}", "bob")
        await requests.finish()
        assert requests.served == ["now", "ann 0", "bob 0", "ann 1", "bob 1", "ann 2"]

    _play(story)


def test_where_only_the_newest_of_a_session_waits_it_keeps_the_place_of_the_older():
    async def story(requests):
        await requests.send("first", "ann")
        for name, session in (("older", "ann"), ("bob's", "bob"), ("newer", "ann")):
            await requests.send(name, session)
        ends = await requests.finish()
        assert requests.served == ["first", "newer", "bob's"]
        assert isinstance(ends["older"], Superseded)
        assert ends["newer"] is None

    _play(story, latest_only=True)


def test_a_full_queue_turns_others_away_but_those_who_wait_may_still_send_a_newer_request():
    async def story(requests):
        for session in "abc":
            await requests.send(session, session, session)
        with pytest.raises(QueueFull) as full:
            async with requests.queue.turn("late", "late"):
                raise AssertionError
        assert full.value.of == "all"
        await requests.send("newer", "c", "c")
        await requests.finish()
        assert requests.served == ["a", "b", "newer"]

    _play(story, 1, 2, latest_only=True)


def test_an_address_and_a_session_have_a_share_of_the_queue():
    async def story(requests):
        await requests.send("now", "x", "crowd")
        for name, session in (("ann 1", "ann"), ("ann 2", "ann"), ("bob", "bob"), ("cay", "cay")):
            await requests.send(name, session, "crowd")
        await requests.send("alone", "y", "home")
        ends = await requests.finish()
        refused = {name: end.of for name, end in ends.items() if isinstance(end, QueueFull)}
        assert refused == {"ann 2": "session", "cay": "address"}
        assert requests.served == ["now", "ann 1", "alone", "bob"]

    _play(story, most_of_address=2, most_of_session=1)


@pytest.mark.parametrize("its_turn_has_come", [False, True])
def test_whoever_gives_up_holds_nobody_up(its_turn_has_come):
    async def story(requests):
        for session in "abc":
            await requests.send(session, session)
        if its_turn_has_come:
            requests.go_on.set()
            while not requests.tasks["a"].done():
                await asyncio.sleep(0)
        requests.tasks["b"].cancel()
        ends = await requests.finish()
        assert ends["c"] is None
        assert "c" in requests.served

    _play(story)


@pytest.mark.parametrize("latest_only", [False, True])
def test_a_turn_that_is_given_up_in_the_moment_it_comes_goes_to_the_next(latest_only):
    async def story(requests):
        for session in "abc":
            await requests.send(session, session)
        requests.go_on.set()
        requests.tasks["b"].cancel()  # still in line while "a", which was woken first, hands its turn on
        ends = await requests.finish()
        assert [ends["a"], ends["c"]] == [None, None]
        assert isinstance(ends["b"], asyncio.CancelledError)

    _play(story, latest_only=latest_only)


def test_a_request_that_was_given_up_can_be_superseded():
    async def story(requests):
        await requests.send("now", "x")
        await requests.send("older", "ann")
        await requests.send("bob's", "bob")
        requests.tasks["older"].cancel()
        newer = requests.queue.turn("ann", "home")
        waits = asyncio.create_task(newer.__aenter__())
        ends = await requests.finish()
        await waits
        await newer.__aexit__(None, None, None)
        assert isinstance(ends["older"], asyncio.CancelledError)
        assert ends["bob's"] is None

    _play(story, latest_only=True)


def test_what_fails_hands_its_turn_on():
    async def story(requests):
        with pytest.raises(ZeroDivisionError):
            async with requests.queue.turn("ann", "home"):
                await requests.send("bob's", "bob")
                raise ZeroDivisionError
        await requests.finish()
        assert requests.served == ["bob's"]

    _play(story)
