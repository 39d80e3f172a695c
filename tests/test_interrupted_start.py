"""Ctrl-C while a cluster starts: it starts first, then ends, and no process of it prints where it was."""

import os
import signal
import subprocess
import sys

import pytest

from training.sweep.on_dask import interrupted_afterwards

pytestmark = pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no such thing on this system")
IS_BLOCKED = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))"


@pytest.fixture(autouse=True)
def hears_ctrl_c():
    """As at a terminal: what a shell starts in the background ignores it, and so would wait for ever."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_waits_for_the_end_of_the_start():
    done = []
    with pytest.raises(KeyboardInterrupt), interrupted_afterwards():
        os.kill(os.getpid(), signal.SIGINT)
        done.append("started")
    assert done == ["started"]
    with pytest.raises(KeyboardInterrupt):  # and is heard at once again
        os.kill(os.getpid(), signal.SIGINT)
        signal.pause()


def test_processes_that_are_started_do_not_hear_it():
    with interrupted_afterwards():
        inside = subprocess.run([sys.executable, "-c", IS_BLOCKED], capture_output=True, text=True)
    after = subprocess.run([sys.executable, "-c", IS_BLOCKED], capture_output=True, text=True)
    assert (inside.stdout.strip(), after.stdout.strip()) == ("True", "False")


def test_what_fails_at_the_start_is_told_as_it_is():
    with pytest.raises(ValueError, match="no room"), interrupted_afterwards():
        raise ValueError("no room")
