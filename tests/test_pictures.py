"""The line in which files wait to be read: whose turn it is, who is turned away, and who gives up."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobs.picture_pool import PictureJobError
from tests import event_loop
from ui.server import metrics
from ui.server.pictures import (
    CROWDED,
    MOST_WAITING,
    MOST_WAITING_OF_ADDRESS,
    MOST_WAITING_OF_SESSION,
    TOO_MANY,
    PictureQueue,
)

PATIENCE = 60  # seconds until something is taken to never happen


class _Pool:
    """Reads files when it is told to, and remembers which."""

    most = 1

    def __init__(self):
        self.read_files, self.at_once, self.most_at_once = [], 0, 0
        self.go_on = threading.Event()

    def read(self, job):
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.read_files.append(job["path"])
        assert self.go_on.wait(PATIENCE)
        self.at_once -= 1
        if "error" in job:
            raise PictureJobError(job["error"])
        return {"outcome": "read"}, {}


class _Line:
    def __init__(self):
        self.pool, self.tasks = _Pool(), {}
        self.queue = PictureQueue(self.pool)

    async def send(self, path, session="ann", address="home", **options):
        job = {"path": path} | options
        self.tasks[path] = asyncio.create_task(self.queue.read(job, session, address))
        await asyncio.sleep(0)

    async def begun(self, path):
        async with asyncio.timeout(PATIENCE):
            while path not in self.pool.read_files:
                await asyncio.sleep(0.01)

    async def finish(self):
        """What became of each file: its answer, or the sentence."""
        self.pool.go_on.set()
        async with asyncio.timeout(PATIENCE):
            ends = await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        return dict(zip(self.tasks, ends, strict=True))


def _waiting():
    return metrics.REGISTRY.get_sample_value("digits_photos_waiting")


def test_files_are_read_one_at_a_time_and_addresses_take_turns():
    async def story():
        line = _Line()
        await line.send("now")
        for i in range(3):
            await line.send(f"crowd {i}", f"session {i}", "crowd")
        await line.send("alone", "bob", "elsewhere")
        assert _waiting() == 5  # one of them is read
        await line.finish()
        assert line.pool.read_files == ["now", "crowd 0", "alone", "crowd 1", "crowd 2"]
        assert line.pool.most_at_once == 1
        assert _waiting() == 0

    event_loop.call(story)


def test_a_session_and_an_address_have_a_share_of_the_line_and_the_line_has_an_end():
    async def story():
        line = _Line()
        await line.send("now")
        for i in range(MOST_WAITING_OF_SESSION + 1):
            await line.send(f"session {i}", "one", "crowd")
        for i in range(MOST_WAITING_OF_ADDRESS):
            await line.send(f"address {i}", f"session {i}", "crowd")
        for i in range(MOST_WAITING):
            await line.send(f"{i}", "s", f"address {i}")
        ends = await line.finish()
        refused = [str(end) for end in ends.values() if isinstance(end, ValueError)]
        assert refused.count(TOO_MANY) == MOST_WAITING_OF_SESSION + 1
        assert refused.count(CROWDED) == MOST_WAITING_OF_ADDRESS
        assert len(line.pool.read_files) == MOST_WAITING + 1

    event_loop.call(story)


def test_a_file_that_is_not_read_lets_the_next_one_in():
    async def story():
        line = _Line()
        await line.send("bad", error="It took too long.")
        await line.send("good", "bob")
        ends = await line.finish()
        assert str(ends["bad"]) == "It took too long."
        assert ends["good"] == ({"outcome": "read"}, {})

    event_loop.call(story)


@pytest.mark.parametrize("gives_up", ["waiting", "read"])
def test_a_request_that_is_cancelled_lets_the_next_one_in(gives_up):
    async def story():
        line = _Line()
        await line.send("read")
        await line.begun("read")
        await line.send("waiting", "bob")
        await line.send("last", "cay")
        line.tasks[gives_up].cancel()
        ends = await line.finish()
        assert isinstance(ends.pop(gives_up), asyncio.CancelledError)
        assert set(map(str, ends.values())) == {str(({"outcome": "read"}, {}))}
        assert _waiting() == 0

    event_loop.call(story)


def test_files_hold_none_of_the_threads_that_others_are_answered_from():
    async def story():
        line = _Line()
        for i in range(10):
            await line.send(f"{i}", f"s{i}", f"a{i}")
        await line.begun("0")
        names = [thread.name for thread in threading.enumerate() if thread.name.startswith("AnyIO")]
        assert len(names) == 1
        await line.finish()

    with ThreadPoolExecutor(1):
        event_loop.call(story)
