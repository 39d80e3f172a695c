"""A visitor's session, as tests follow it."""

import threading
import time
from dataclasses import replace

import numpy as np

from training.settings import Settings

SHORT = Settings("small_net", epochs=2, images=600, batch_size=50)
LONG = replace(SHORT, epochs=1000, batch_size=8)  # until it is ended
PATIENCE = 120  # seconds, for a machine that does other things


def seen_until(session, wanted):
    """Every status, until the first that `wanted` holds for."""
    seen, changed = [], threading.Event()

    def note():
        seen.append(session.status)
        changed.set()

    with session.listening(note):
        note()
        while not any(map(wanted, tuple(seen))):
            assert changed.wait(PATIENCE), session.status
            changed.clear()
    return seen[: next(i for i, status in enumerate(seen) if wanted(status)) + 1]


def wait_for(session, wanted):
    """The first status that `wanted` holds for."""
    return seen_until(session, wanted)[-1]


def await_(condition):
    """Until it holds: for what no status tells."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def rested(session):
    return wait_for(session, lambda status: not status.active)


def training(session):
    return wait_for(session, lambda status: status.phase == "training")


def process_of(session):
    return session._job._process


def cross(shift=0):
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 13 + shift] = image[13, 4:24] = 255
    return image
