"""What the benchmarks say about the machine and about time."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np


def machine() -> str:
    """ "2 cores of an AMD EPYC" """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    processor = "an unknown processor"
    about = Path("/proc/cpuinfo")
    if about.exists():
        names = [line for line in about.read_text().splitlines() if line.startswith("model name")]
        processor = names[0].split(":")[1].strip() if names else processor
    return f"{cores} cores of {processor}"


def milliseconds(seconds: np.ndarray) -> dict[str, float]:
    """Of one thing measured often: median and best."""
    return {"median": 1e3 * float(np.median(seconds)), "best": 1e3 * float(np.min(seconds))}


def peak_megabytes() -> float:
    """The most memory this process has had. Linux only: elsewhere ru_maxrss may be the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def sgemm_rate(threads: int) -> float:
    """GFLOP/s of float32 matrix products, one a thread: the most this machine's BLAS can do."""
    size, repeats = 1024, 12
    a = np.ones((size, size), np.float32)

    def work(_: int) -> float:
        out = np.empty_like(a)
        best = np.inf
        for _ in range(repeats):
            start = time.perf_counter()
            np.matmul(a, a, out=out)
            best = min(best, time.perf_counter() - start)
        return 2 * size**3 / best / 1e9

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(work, range(threads)))
