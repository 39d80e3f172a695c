"""No visitor and no address takes what others need: turns in a queue, and room on the disk."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobs.account import StorageAccount
from jobs.limits import Limits
from jobs.queue import BusyError, Job, JobQueue

PATIENCE = 120  # seconds, for a machine that does other things


class _Job(Job):
    """Runs until it is released, without a process."""

    def __init__(self, address):
        super().__init__(
            (), {}, {}, None, address=address, on_event=None, on_position=lambda job: None, on_exit=None
        )
        self.begun, self.ends = threading.Event(), threading.Event()

    def run(self):
        self.begun.set()
        assert self.ends.wait(PATIENCE)


def test_addresses_take_turns_and_hold_no_more_than_their_share():
    queue = JobQueue(at_once=1, most_waiting=5, address_waiting=3)
    school = [_Job("school") for _ in range(4)]
    for job in school:
        queue.submit(job)
    with pytest.raises(BusyError, match="at your internet address"):
        queue.submit(_Job("school"))
    home, other = _Job("home"), _Job("other")
    queue.submit(home)
    queue.submit(other)
    with pytest.raises(BusyError, match="5 others are waiting"):
        queue.submit(_Job("fourth"))
    assert [queue.position(job) for job in (*school, home, other)] == [0, 3, 4, 5, 1, 2]
    assert queue.withdraw(school[1])
    assert [queue.position(job) for job in (home, other, *school[2:])] == [1, 2, 3, 4]
    for job in (school[0], home, other, *school[2:]):
        assert job.begun.wait(PATIENCE)
        job.ends.set()
    while queue.running:
        threading.Event().wait(0.01)
    assert queue.waiting == 0


def test_the_account_counts_every_byte_once_and_for_its_address():
    account = StorageAccount(most_bytes=100, address_bytes=40)
    assert account.reserve("upload", "school", 30)
    assert not account.reserve("another", "school", 11)
    assert account.reserve("another", "school", 10)
    account.enter("upload", "school", 20)  # it was smaller
    assert account.stored_bytes("school") == 30
    account.enter("models", "home", 70)  # grew beyond its share: nothing more is let in
    assert not account.has_room("home", 1)
    assert not account.has_room("third", 1)
    account.remove("models")
    account.remove("models")
    assert (account.stored_bytes(), account.stored_bytes("home")) == (30, 0)


def test_no_more_is_reserved_than_there_is_by_however_many_threads():
    account = StorageAccount(most_bytes=100, address_bytes=60)
    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(lambda i: account.reserve(i, f"address {i % 3}", 7), range(200)))
    assert sum(done) == 14
    assert account.stored_bytes() == 98


def test_an_address_has_at_least_one_place_however_small_the_house_is():
    limits = Limits(address_percent=40)
    assert [limits.share(total) for total in (1, 2, 8, 100)] == [1, 1, 3, 40]
