"""Work on a batch slice by slice: small enough for the processor's cache, spread over its cores.

NumPy's loops and matrix products release Python's lock, so plain threads run them at the same time. The
size of a slice never depends on the number of cores, and sums over slices are taken in their order, so the
result is the same bit for bit on one core or many.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
SLICE = 16  # samples worked on at once by layers that only pass over their values
_helpers = ThreadPoolExecutor(max(1, CORES - 1), thread_name_prefix="cnn-slices")


def for_slices(count: int, size: int, work: Callable[[slice], Result]) -> list[Result]:
    """[work(s) for s in slices of `size` samples out of `count`], on all cores.

    `work` may write to its own slice of an array only. Results come in the order of the slices; the first
    exception of any slice is raised.
    """
    slices = [slice(start, min(start + size, count)) for start in range(0, count, size)]
    if len(slices) < 2 or CORES == 1:
        return [work(s) for s in slices]
    results: list = [None] * len(slices)

    def share(first: int) -> None:
        for i in range(first, len(slices), CORES):
            results[i] = work(slices[i])

    others = [_helpers.submit(share, core) for core in range(1, min(CORES, len(slices)))]
    share(0)
    for other in others:
        other.result()
    return results
