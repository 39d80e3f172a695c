"""What all tests share."""

import contextlib
import gc
import os
import time
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from huggingface_hub import close_session, constants, utils
from threadpoolctl import threadpool_limits

from cnn import save_model, seed_net
from jobs import manager as manager_module
from jobs.limits import Limits
from jobs.manager import SessionManager
from recognition import Reader
from recognition.reader import DEFAULT_NETWORK
from tests.bars import bars_dataset, worker_command, write_mnist
from tests.hub_server import serve_hub, turn_to
from ui.stubs import no_stubs

# As the app and the training do: `cnn` spreads work over the cores, BLAS must not do it again.
threadpool_limits(1, user_api="blas")

HERE = Path(__file__).parent

# The app's workers make themselves less urgent than the app, and beside other tests would wait for minutes.
# Where all that tests start is as little urgent as can be, each has the same share.
if hasattr(os, "nice"):
    os.nice(19)

# By file, the longest first, so that none begins when the others have ended.
SLOW = ("browser/", "test_space", "hostile/", "test_hostile_pictures", "test_connections", "test_limits")
SLOW += ("test_picture_recipes", "test_recipes", "test_without_fast", "test_package", "test_replicas")
SLOW += ("test_kill", "test_model", "test_notebook")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    with no_stubs():  # Gradio is slow to import
        return (yield)


def pytest_collection_modifyitems(items):
    def rank(item):
        path = item.path.relative_to(HERE).as_posix()
        return next((rank for rank, name in enumerate(SLOW) if path.startswith(name)), len(SLOW))

    items.sort(key=rank)  # which leaves all others in their order
    for item in items:
        if item.path.is_relative_to(HERE / "browser"):
            # One visit in a thousand to a busy machine waits in vain, or meets the page between two states.
            # A fault that stays fails twice; what was seen the first time is in the summary.
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"Failed once, and was run again: {report.nodeid}")
        terminalreporter.line(report.longreprtext[-3000:])


def pytest_collection_finish():
    """What the imports made is there to stay: the collector need not look through it, which takes long."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A Hub with nothing in it, of which this machine knows nothing yet, and nobody who is signed in."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    impatient = SimpleNamespace(**vars(time) | {"sleep": lambda seconds: None})  # before it tries again
    monkeypatch.setattr(utils._http, "time", impatient)
    with serve_hub() as hub:
        turn_to(hub.address, monkeypatch)
        yield hub
        close_session()
        gc.collect()  # while its warnings are let by


@pytest.fixture
def weights(tmp_path):
    """A network that is none of the shipped ones, as a file."""
    path = tmp_path / "mine" / "mine.npz"
    save_model(path, seed_net(np.random.default_rng(3)), progress={"calibration": {"temperature": 1.5}})
    return path


@pytest.fixture(scope="session")
def dataset():
    """The stand-in for MNIST."""
    return bars_dataset(600)


@pytest.fixture(scope="session")
def bars_mnist(dataset, tmp_path_factory):
    """The stand-in as MNIST's four files: their folder and their checksums."""
    folder = tmp_path_factory.mktemp("mnist")
    return folder, write_mnist(folder, dataset)


@pytest.fixture
def open_manager(bars_mnist, tmp_path, monkeypatch):
    """Managers in a temporary folder of the test's own; at its end nothing may be left in it."""
    monkeypatch.setattr(manager_module.tempfile, "tempdir", str(tmp_path))
    folder, digests = bars_mnist
    with contextlib.ExitStack() as stack:

        def open_one(before="", **limits):
            limits = Limits(**{"epochs": 1000, "address_percent": 100} | limits)
            manager = SessionManager(limits, worker=worker_command(digests, before), mnist=folder)
            return stack.enter_context(contextlib.closing(manager))

        yield open_one
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def manager(open_manager):
    return open_manager()


@pytest.fixture
def house(bars_mnist):
    """The visitors of a page, with room for five of them."""
    from ui.shared.visitors import Visitors  # Gradio is slow to import, and few tests need it

    reader = shipped_reader()
    folder, digests = bars_mnist
    limits = Limits(epochs=1000, visitors=5, address_percent=40)
    manager = SessionManager(limits, worker=worker_command(digests), mnist=folder)
    with contextlib.closing(manager):
        yield Visitors({DEFAULT_NETWORK: reader, "seed": reader}, manager)


@cache
def shipped_reader():
    return Reader()


@pytest.fixture
def page(house):
    """A page that is open."""
    from tests.visitor_page import Page

    return Page(house, "one")


@pytest.fixture
def send(monkeypatch, tmp_path):
    """Puts a file where Gradio puts uploads, and gives what the script then asks."""
    from ui.server import uploads

    monkeypatch.setattr(uploads, "get_upload_folder", lambda: str(tmp_path))

    def put(content, name="upload.npz"):
        (tmp_path / name).write_bytes(content)
        return {"path": str(tmp_path / name)}

    return put
