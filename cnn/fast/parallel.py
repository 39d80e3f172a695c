"""A batch worked on slice by slice: small enough for the processor's cache, spread over its cores.

NumPy's loops and matrix products release Python's lock, so plain threads run them at the same time. The
size of a slice never depends on the number of cores, and sums over slices are taken in their order, so the
result is the same bit for bit on one core or many.
"""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

Result = TypeVar("Result")

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
SLICE = 32  # samples worked on at once by layers that only pass over their values
SERIAL = 1 << 19  # operations that one core does sooner than two
_thread = threading.local()  # .sharing: this thread works on a slice of something already


def parallel_for(
    count: int, size: int, work: Callable[[slice], Result], operations: int | None = None
) -> list[Result]:
    """[work(s) for s in slices of `size` samples out of `count`], on all cores.

    operations: of each of the passes over a sample. Where those of all samples are few, this thread takes
    all slices: two threads that hand Python's lock to each other every few microseconds are slower than one.

    `work` may write to its own slice of an array only. Results come in the order of the slices; the first
    exception of any slice is raised. Within `work`, slices of the slice are worked on by this thread alone.
    """
    if 0 < count <= size:
        return [work(slice(0, count))]
    slices = slices_of(count, size)
    if operations is not None and operations * count < SERIAL:
        return [work(s) for s in slices]
    return run_all([(work, s) for s in slices])


def slices_of(count: int, size: int) -> list[slice]:
    """0 to count in slices of `size`; the last one may be smaller."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def run_all(tasks: list[tuple[Callable[[slice], Result], slice]]) -> list[Result]:
    """[work(s) for work, s in tasks], on all cores, begun in this order; otherwise as `parallel_for`."""
    if len(tasks) < 2 or CORES == 1 or getattr(_thread, "sharing", False):
        return [work(s) for work, s in tasks]
    results: list = [None] * len(tasks)
    # A core that is done takes the next one, as cores are not equally free.
    waiting = iter(range(len(tasks)))

    def share() -> None:
        _thread.sharing = True
        try:
            for i in waiting:
                work, s = tasks[i]
                results[i] = work(s)
        finally:
            _thread.sharing = False

    helpers: list[_Helper] = []
    with suppress(IndexError):  # none is idle
        while len(helpers) < min(CORES, len(tasks)) - 1:
            helpers.append(_idle.pop())
    for helper in helpers:
        helper.start(share)
    try:
        share()
    finally:
        errors = [helper.wait() for helper in helpers]
        _idle.extend(helpers)
    for error in errors:
        if error:
            raise error
    return results


class _Helper:
    """A thread that helps with one parallel_for at a time.

    Two locks hand work over faster than the queue of a thread pool, and a caller that finds no idle helper
    does not wait for one.
    """

    def __init__(self) -> None:
        self._go, self._done = threading.Lock(), threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, share: Callable[[], None]) -> None:
        if self._thread is None:
            self._go.acquire()
            self._done.acquire()
            self._thread = threading.Thread(target=self._run, name="cnn-parallel", daemon=True)
            self._thread.start()
        self._share, self._error = share, None
        self._go.release()

    def wait(self) -> BaseException | None:
        """Wait for the helper to finish; returns its exception, if any."""
        self._done.acquire()
        return self._error

    def _run(self) -> None:
        while True:
            self._go.acquire()
            try:
                self._share()
            except BaseException as error:
                self._error = error
            self._share = None
            self._done.release()


_idle: list[_Helper] = []


def _begin() -> None:
    """New helpers: a process that was forked has none of the threads, and would wait for one forever."""
    _idle[:] = [_Helper() for _ in range(CORES - 1)]
    _thread.sharing = False


_begin()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin)
