"""python -m tests.browser.quick_app: app.py, whose workers need fewer pictures than those that are served.

All else is as it is served. A training ends with two networks reading the test images, which for the few
pictures that browser tests train on would be most of the work. Signs are learned from a few drawings beside
thousands of other pictures, so that nothing else is taken for a sign.
"""

import runpy
import sys
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

from jobs import worker
from jobs.manager import SessionManager
from training import own_signs

TESTED = 4_000  # of 10,000: enough for sixty mistakes of a network that was trained well
FEWER = {"COPIES": 240, "NON_DIGITS": 140, "DIGITS": 40, "STEPS": 40}  # constants of training/own_signs.py
PROGRAM = ("-m", "tests.browser.quick_app")
WORKER = (sys.executable, *PROGRAM, "worker")


def learn_signs_beside_fewer(set_to: Callable[[ModuleType, str, int], None]) -> None:
    for name, fewer in FEWER.items():
        assert getattr(own_signs, name) > fewer
        set_to(own_signs, name, fewer)


def work() -> None:
    load = worker.load_mnist

    def load_less(*where):
        whole = load(*where)
        return replace(whole, test_images=whole.test_images[:TESTED], test_labels=whole.test_labels[:TESTED])

    worker.load_mnist = load_less
    learn_signs_beside_fewer(setattr)
    worker.main()


def serve() -> None:
    SessionManager.__init__.__kwdefaults__["worker"] = WORKER
    runpy.run_path("app.py", run_name="__main__")


if __name__ == "__main__":
    work() if sys.argv[1:] == ["worker"] else serve()
