"""The processes that read the pad's drawings: what they answer, and what becomes of those that end."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cnn import save_model, seed_net
from jobs import drawing_pool, drawing_reader
from jobs.drawing_message import (
    ERROR,
    READ,
    SUPERSEDED,
    unpack_answer,
)
from jobs.drawing_pool import DrawingPool
from jobs.drawing_reader import DrawingReader
from recognition import Reader
from recognition.reader import DEFAULT_WEIGHTS
from tests import event_loop
from tests.pad import drawn_seven, seven

PATIENCE = 60  # seconds until something is taken to never happen


@contextlib.asynccontextmanager
async def running(most=1, program=None):
    """program: what is done in the process before it starts as ever."""
    code = f"{program}\nfrom jobs import drawing_worker; drawing_worker.main()"
    pool = DrawingPool(most, (sys.executable, "-c", code)) if program else DrawingPool(most)
    try:
        await pool.start()
        yield pool
    finally:
        pool.close()


async def reads(pool, page="page", weights=DEFAULT_WEIGHTS):
    outcome, answer = await pool.read(page, weights, drawn_seven())
    answer = unpack_answer(answer)
    return outcome == "read" and [found["digit"] for found in answer["digits"]] == [7]


def in_loop(test):
    """A test that is run in an event loop of its own."""

    def run(*args):
        event_loop.call(test, *args)

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def is_gone(process_id):
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def until(true):
    ends = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < ends
        await asyncio.sleep(0.02)


def test_an_answer_has_what_was_read():
    outcome, answer = DrawingReader().answer("page", DEFAULT_WEIGHTS, drawn_seven(number=5))
    answer, reading = unpack_answer(answer), Reader().read_drawing(seven())
    assert (outcome, answer["number"], answer["kind"], answer["provisional"]) == ("read", 5, READ, False)
    [found], [sent] = reading.digits, answer["digits"]
    assert (sent["digit"], sent["line"], tuple(sent["box"])) == (7, 0, found.box)
    np.testing.assert_allclose(sent["probs"], found.probs, atol=1e-5)
    assert sent["reject_share"] == pytest.approx(found.reject_share, abs=1e-5)
    np.testing.assert_array_equal(sent["picture"], found.image)


def test_a_visitors_own_networks_are_loaded_where_they_are_needed_and_the_oldest_is_let_go(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(drawing_reader, "MOST_OWN", 2)
    reader = DrawingReader()
    paths = [tmp_path / f"{name}.npz" for name in "abc"]
    for path in paths:
        save_model(path, seed_net(np.random.default_rng(3)))
        assert unpack_answer(reader.answer("page", path, drawn_seven())[1])["kind"] == READ
    assert list(reader._own) == paths[1:]
    for path in paths:
        path.unlink()
    assert unpack_answer(reader.answer("page", paths[2], drawn_seven())[1])["kind"] == READ
    answer = unpack_answer(reader.answer("page", paths[0], drawn_seven())[1])
    assert (answer["kind"], answer["sentence"]) == (ERROR, drawing_reader.NETWORK_GONE)


def test_what_there_is_no_time_for_while_the_pen_moves_waits(monkeypatch):
    monkeypatch.setattr(Reader, "read_moving", lambda *_: None)
    answer = unpack_answer(DrawingReader().answer("page", DEFAULT_WEIGHTS, drawn_seven(moving=True))[1])
    assert answer["kind"] == SUPERSEDED


@in_loop
async def test_two_readers_read_at_once_and_share_the_memory_of_one():
    async with running(2) as pool:
        assert all(await asyncio.gather(*(reads(pool, f"page {i}") for i in range(6))))
        assert len(set(pool.processes)) == 2
        if sys.platform == "linux":
            for process_id in pool.processes:
                sizes = Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines()
                kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in sizes[1:]}
                shared = kilobytes["Shared_Clean"] + kilobytes["Shared_Dirty"]
                assert shared > kilobytes["Rss"] / 2


@in_loop
async def test_a_page_stays_with_the_reader_that_remembers_its_drawing():
    async with running(2) as pool:
        for page in ("a", "b"):
            assert await reads(pool, page)
        last = dict(pool._last)
        assert last["a"] is not last["b"]
        for page in ("b", "a", "b", "b"):
            assert await reads(pool, page)
        assert dict(pool._last) == last


@in_loop
async def test_a_reader_that_was_killed_is_replaced_and_the_drawing_read():
    async with running() as pool:
        [before] = pool.processes
        os.kill(before, signal.SIGKILL)
        assert await reads(pool)
        assert pool.processes != [before]


@in_loop
async def test_where_the_process_that_forks_was_killed_another_is_started():
    async with running() as pool:
        os.kill(pool._origin._process.pid, signal.SIGKILL)
        os.kill(pool.processes[0], signal.SIGKILL)
        assert await reads(pool)


ANSWER_BY = "from jobs.drawing_reader import DrawingReader; DrawingReader.answer = lambda *_: {}"
CRASHES = """
import os
from jobs.drawing_reader import DrawingReader
read = DrawingReader.answer
def answer(self, *args):
    if not os.path.exists({flag!r}):
        open({flag!r}, "w").close()
        os._exit(1)
    return read(self, *args)
DrawingReader.answer = answer
"""


def test_a_drawing_whose_reader_crashes_is_read_by_another(tmp_path):
    @in_loop
    async def crash():
        async with running(program=CRASHES.format(flag=str(tmp_path / "crashed"))) as pool:
            assert await reads(pool)

    crash()
    assert (tmp_path / "crashed").exists()


@in_loop
async def test_a_drawing_that_crashes_every_reader_is_answered_in_words():
    async with running(program=ANSWER_BY.format("__import__('os')._exit(1)")) as pool:
        for _ in range(2):
            _, answer = await pool.read("page", DEFAULT_WEIGHTS, drawn_seven(8))
            answer = unpack_answer(answer)
            assert (answer["number"], answer["kind"]) == (8, ERROR)
            assert answer["sentence"] == drawing_reader.FAULT


def test_a_fault_of_ours_is_logged_by_the_app_and_answered_in_words(caplog):
    @in_loop
    async def fault():
        program = "from recognition import Reader; Reader.read_drawing = lambda *_: 1 / 0"
        async with running(program=program) as pool:
            before = pool.processes
            _, answer = await pool.read("page", DEFAULT_WEIGHTS, drawn_seven())
            assert unpack_answer(answer)["sentence"] == drawing_reader.FAULT
            assert pool.processes == before

    fault()
    assert "ZeroDivisionError" in caplog.text


def test_a_reader_that_hangs_is_ended(monkeypatch):
    @in_loop
    async def hang():
        async with running(program=ANSWER_BY.format("__import__('time').sleep(9999)")) as pool:
            [before] = pool.processes
            _, answer = await pool.read("page", DEFAULT_WEIGHTS, drawn_seven())
            assert unpack_answer(answer)["kind"] == ERROR
            await until(lambda: is_gone(before))

    monkeypatch.setattr(drawing_pool, "READ_SECONDS", 0.2)
    hang()


@in_loop
async def test_a_reader_goes_on_where_nobody_waits_for_its_answer_any_more():
    async with running() as pool:
        before = pool.processes
        asked = asyncio.create_task(pool.read("page", DEFAULT_WEIGHTS, drawn_seven()))
        await asyncio.sleep(0)
        asked.cancel()
        assert await reads(pool, "another")
        await until(lambda: pool.processes == before)


@in_loop
async def test_a_program_that_does_not_start_is_no_reader():
    async with running(program="raise SystemExit(1)") as pool:
        _, answer = await pool.read("page", DEFAULT_WEIGHTS, drawn_seven())
        assert unpack_answer(answer)["sentence"] == drawing_reader.FAULT


@in_loop
async def test_nothing_is_left_of_a_pool_that_was_closed():
    async with running(2) as pool:
        processes = [*pool.processes, pool._origin._process.pid]
    await until(lambda: all(map(is_gone, processes)))


def test_without_fork_a_thread_reads(monkeypatch):
    monkeypatch.delattr(os, "fork")

    @in_loop
    async def read():
        async with running() as pool:
            assert await reads(pool)
            assert pool.processes == []

    read()
