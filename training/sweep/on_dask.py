"""Many calls of one function, on the processes of a Dask cluster: this machine's, or any by address."""

import importlib
import itertools
import logging
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from multiprocessing import resource_tracker

from training.cluster_imports import import_for_clusters

PATIENCE = 10  # seconds to wait for a scheduler, and for a worker of it


class LostError(RuntimeError):
    """The processes that ran a call ended, several times."""


def run_all(
    function: str, calls: Sequence[tuple], *, scheduler: str | None = None, workers: int | None = None
) -> Iterator[tuple[int, object]]:
    """Yield (position, result) for all calls, each as soon as it is there; an exception is its result, too.

    function: "module:name", imported where it runs. calls: the arguments of each. scheduler: the address of a
    running Dask scheduler, whose workers have this project installed or on their path; None: as many
    processes here as there are cores, or `workers`, each on cores of its own. A call whose process is killed
    is begun anew elsewhere; LostError is its result when that happens again and again. Raises ValueError, in
    a sentence, where Dask is missing, where there is no scheduler at the address or none of its workers, and
    where either is lost on the way.
    """
    dask, distributed = import_for_clusters("dask"), import_for_clusters("distributed")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what is lost is told here, once

    with ExitStack() as open_until_done:
        if scheduler is None:
            cores = len(_cores())
            open_until_done.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": 1}))
            count = min(workers or cores, max(1, len(calls)))
            with interrupted_afterwards():
                cluster = distributed.LocalCluster(
                    n_workers=count,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=None,
                    memory_limit=0,
                    silence_logs=logging.CRITICAL,
                )
                open_until_done.enter_context(cluster)
            client = distributed.Client(cluster)
        else:
            count = 0
            try:
                client = distributed.Client(scheduler, timeout=PATIENCE)
            except (OSError, TimeoutError, ValueError) as error:
                raise ValueError(f"there is no Dask scheduler at {scheduler}") from error
        open_until_done.enter_context(client)
        name = scheduler or "this machine"
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
            yield from _results(client, function, calls, count)
        except TimeoutError as error:
            raise ValueError(
                f"the Dask scheduler at {name} has no workers: start some that can import this project"
            ) from error
        except (CancelledError, OSError) as error:
            raise ValueError(
                f"the Dask scheduler at {name} was lost; what it did is kept: the same command goes on"
            ) from error


@contextmanager
def interrupted_afterwards() -> Iterator[None]:
    """Ctrl-C in the block raises KeyboardInterrupt at its end, and is not heard by processes begun in it.

    A cluster that is interrupted while it starts, and each process of it, would print where it was.
    """
    if threading.current_thread() is not threading.main_thread():  # which alone is interrupted
        yield
        return
    if os.name == "posix":
        resource_tracker.ensure_running()  # which lets its thread hear Ctrl-C again when it starts
    asked: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    has_masks = hasattr(signal, "pthread_sigmask")
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if has_masks else ()  # is inherited
    try:
        yield
    finally:
        if has_masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt


def _results(client, function: str, calls: Sequence[tuple], count: int) -> Iterator[tuple[int, object]]:
    """As `run_all`. Raises CancelledError without the scheduler, TimeoutError without all of its workers."""
    distributed = import_for_clusters("distributed")
    positions, waiting = {}, iter(enumerate(calls))
    lost: list[int] = []  # perhaps by the fault of another, which was in the same process

    def submit(position: int) -> None:
        positions[client.submit(_call, function, calls[position], count, pure=False)] = position

    def finished() -> Iterator[tuple[int, object]]:
        while positions:
            try:
                done = distributed.wait([*positions], timeout=PATIENCE, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                client.wait_for_workers(1, timeout=PATIENCE)
                continue
            for future in done:
                try:
                    error = future.exception()
                    found = future.result() if error is None else error
                except distributed.KilledWorker as killed:  # between the two
                    found = killed
                yield positions.pop(future), found

    # One call a process: those that wait in a process that is killed would be counted as its killers.
    for position, _ in itertools.islice(waiting, max(1, sum(client.nthreads().values()))):
        submit(position)
    for position, found in finished():
        for following, _ in itertools.islice(waiting, 1):
            submit(following)
        if isinstance(found, distributed.KilledWorker):
            lost.append(position)
        else:
            yield position, found
    for position in lost:  # each alone
        submit(position)
        for _, found in finished():
            is_lost = isinstance(found, distributed.KilledWorker)
            sentence = "its process was ended from outside, again and again"
            yield position, LostError(sentence) if is_lost else found


def _call(function: str, arguments: tuple, workers: int) -> object:
    """In a worker. Before anything is imported that counts cores, it takes its share of them."""
    if workers:
        _take_cores(workers)
    module, name = function.split(":")
    return getattr(importlib.import_module(module), name)(*arguments)


@cache
def _take_cores(workers: int) -> None:
    """Once a process: worker k of n runs on every n-th core from the k-th."""
    from distributed import get_worker

    with suppress(AttributeError, OSError, ValueError):  # no such thing on this system, or fewer cores
        cores = _cores()
        own = cores[int(get_worker().name) % len(cores) :: workers]
        os.sched_setaffinity(0, own)


def _cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
