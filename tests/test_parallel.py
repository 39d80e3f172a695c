"""Slices of a batch over the cores: every sample once, results in order, failures raised."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cnn.fast import parallel

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("cores", [1, 2, 4])
@pytest.mark.parametrize("count", [0, 1, 5, 16, 33])
def test_every_sample_is_worked_on_once_and_results_come_in_order(monkeypatch, count, cores):
    monkeypatch.setattr(parallel, "CORES", cores)
    seen = np.zeros(count, int)

    def work(s):
        seen[s] += 1
        return s.start

    assert parallel.parallel_for(count, 5, work) == list(range(0, count, 5))
    assert (seen == 1).all()


def test_a_failure_in_any_slice_is_raised(monkeypatch):
    monkeypatch.setattr(parallel, "CORES", 2)

    def work(s):
        if s.start == 5:
            raise ValueError("slice 5 failed")

    with pytest.raises(ValueError, match="slice 5 failed"):
        parallel.parallel_for(20, 5, work)


def test_work_goes_on_after_a_failure_and_for_many_at_once(monkeypatch):
    monkeypatch.setattr(parallel, "CORES", 2)
    for failing in (0, 15):
        with pytest.raises(ZeroDivisionError):
            parallel.parallel_for(20, 5, lambda s, failing=failing: 1 // (s.start - failing))

    def count(_):
        return sum(parallel.parallel_for(200, 5, lambda s: s.stop - s.start))

    with ThreadPoolExecutor(8) as visitors:
        assert list(visitors.map(count, range(100))) == [200] * 100


FORKED = """
import os, sys
from cnn.fast import parallel

def starts():
    return parallel.parallel_for(40, 5, lambda s: s.start)

expected = starts()
child = os.fork()
if child == 0:
    os._exit(starts() != expected)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_does_not_wait_for_the_threads_of_its_parent():
    program = [sys.executable, "-W", "ignore", "-c", FORKED]
    with subprocess.Popen(program, cwd=ROOT, start_new_session=True) as process:
        try:
            assert process.wait(timeout=60) == 0
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # the child too, which waits for nobody
