"""Workers that fail, visitors who leave, an app that is killed: nothing is left behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jobs import activity
from jobs import manager as manager_module
from jobs.manager import SessionManager
from recognition.reader import DEFAULT_WEIGHTS, SHIPPED
from tests.sessions import LONG, PATIENCE, SHORT, process_of, rested, seen_until, training, wait_for

ROOT = Path(__file__).parent.parent


def test_closing_ends_the_process_and_tells_who_listens(manager):
    session = manager.session("ann")
    session.start(LONG)
    seen = []
    follower = threading.Thread(target=lambda: seen.extend(seen_until(session, lambda one: not one.active)))
    follower.start()
    training(session)
    process = process_of(session)
    manager.remove("ann")
    assert process.poll() is not None
    assert not session.folder.exists()
    with pytest.raises(ValueError, match="reload the page"):
        session.start(SHORT)
    follower.join(PATIENCE)
    assert not follower.is_alive()
    assert not seen[-1].active


def test_a_killed_worker_is_told_plainly_and_leaves_the_last_good_model(manager):
    session = manager.session("ann")
    session.start(LONG)
    training(session)
    process_of(session).kill()
    status = rested(session)
    assert (status.phase, status.result) == ("failed", False)
    assert "ended unexpectedly. Your model is as it was." in status.message
    assert session.model == DEFAULT_WEIGHTS
    session.start(SHORT)  # and all goes on
    assert rested(session).phase == "done"


def test_what_was_saved_before_a_crash_can_be_gone_on_with(open_manager):
    session = open_manager(before="worker.SAVE_EVERY = 0.2;").session("ann")
    session.start(LONG)
    wait_for(session, lambda status: status.resumable)
    process_of(session).kill()
    status = rested(session)
    assert status.phase == "paused"
    assert "you can go on from there" in status.message
    session.resume()
    training(session)
    session.stop()
    assert rested(session).comparison


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ("raise SystemExit;", "ended unexpectedly"),
        (
            "print('hello', file=sys.__stdout__, flush=True); import time; time.sleep(9);",
            "ended unexpectedly",
        ),
        ("worker.load_mnist = lambda folder: 1 / 0;", "a fault in this program"),
        ("data.FILES = {'x': ''};", "MNIST's images could not be downloaded"),
    ],
)
def test_whatever_goes_wrong_in_a_worker_is_told_in_words(before, message, open_manager, caplog):
    session = open_manager(before=before).session("ann")
    session.start(SHORT)
    status = rested(session)
    assert status.phase == "failed"
    assert message in status.message


def test_a_training_that_has_learned_nothing_is_no_model_to_use(open_manager):
    zeros = (
        "from training.experiment import Experiment; save = Experiment.save;"
        "Experiment.save = lambda self, path: ("
        "self.trainer.model.parameters.__imul__(0), "
        "[value.__imul__(0) for value in self.trainer.optimizer.state.values()], save(self, path));"
    )
    session = open_manager(before=zeros).session("ann")
    session.start(SHORT)
    status = rested(session)
    assert (status.phase, status.result, status.resumable) == ("failed", False, False)
    assert status.message == (
        "The new model cannot be read with: it answers the same to every picture: it has learned nothing. "
        "Your model is as it was."
    )
    assert session.model == DEFAULT_WEIGHTS
    assert list(session.folder.iterdir()) == []


def test_a_full_disk_loses_nothing(open_manager, tmp_path_factory):
    room = tmp_path_factory.mktemp("disk") / "room"
    full = (
        "import errno; from pathlib import Path; from training.experiment import Experiment\n"
        f"save, worker.PATIENCE = Experiment.save, {PATIENCE}\n"
        "def fail(self, path):\n"
        f"    if not Path({str(room)!r}).exists(): raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "    save(self, path)\n"
        "Experiment.save = fail;"
    )
    session = open_manager(before=f"exec({full!r});").session("ann")
    session.start(SHORT)
    wait_for(session, lambda status: "disk is full" in status.message)
    room.touch()
    status = rested(session)
    assert (status.phase, status.message, status.result) == ("done", "", True)


def test_a_training_ends_when_its_time_is_over(open_manager):
    session = open_manager(seconds=1).session("ann")
    session.start(LONG)
    status = rested(session)
    assert (status.phase, status.result, status.resumable) == ("done", True, False)
    assert status.message == "The time limit of 1 seconds is reached."


def test_a_worker_that_does_not_end_is_ended(open_manager, monkeypatch):
    monkeypatch.setattr(activity, "GRACE", 1.5)
    session = open_manager(before="import time; time.sleep(100);", seconds=1).session("ann")
    session.start(SHORT)
    status = rested(session)
    assert status.phase == "failed"
    assert "took longer than this host allows" in status.message


APP = """
import sys, time
from pathlib import Path
from tests.bars import worker_command
import json
from training.settings import Settings
from jobs.limits import Limits
from jobs.manager import SessionManager
digests, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
silent = "import time; worker.load_mnist = lambda folder: time.sleep(1000);"
manager = SessionManager(Limits(epochs=1000), worker=worker_command(digests, silent), mnist=folder)
session = manager.session("ann")
session.start(Settings("small_net", epochs=1000, images=600, batch_size=8))
while session._job._process is None:
    time.sleep(0.01)
print(session._job._process.pid, manager.folder, flush=True)
time.sleep(100)
"""


@pytest.mark.skipif(manager_module.fcntl is None, reason="folders are not locked on Windows")
def test_when_the_app_is_killed_workers_end_and_the_next_app_deletes_its_files(
    bars_mnist, tmp_path, monkeypatch
):
    folder, digests = bars_mnist
    app = subprocess.Popen(
        [sys.executable, "-c", APP, json.dumps(digests), str(folder)],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with app:
        pid, left = app.stdout.readline().split()
        app.send_signal(signal.SIGKILL)
    end = time.monotonic() + PATIENCE
    while is_running(int(pid)):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert Path(left).is_dir()
    monkeypatch.setattr(manager_module.tempfile, "tempdir", str(tmp_path))
    with contextlib.closing(SessionManager()) as one, contextlib.closing(SessionManager()) as other:
        assert not Path(left).exists()
        assert one.folder.is_dir()  # that of an app that lives is left alone
        assert other.folder.is_dir()
    assert list(tmp_path.iterdir()) == []


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    return True


def test_a_worker_brings_neither_gradio_nor_matplotlib():
    program = "import sys, jobs.worker; print(sorted({'gradio', 'matplotlib'} & sys.modules.keys()))"
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_a_training_that_diverges_is_told_and_the_visitor_keeps_their_model(open_manager):
    diverging = (
        "from training import experiment; cycle = experiment.one_cycle;"
        "experiment.one_cycle = lambda rate, steps, **shape: cycle(rate * 1e30, steps, **shape);"
    )
    session = open_manager(before=diverging).session("ann")
    session.use(SHIPPED["seed"])
    session.start(SHORT)
    status = rested(session)
    assert status.message == (
        "The training diverged: the loss is no longer a number. Try a smaller learning rate."
    )
    assert (status.phase, status.result, status.resumable) == ("failed", False, False)
    assert session.model == SHIPPED["seed"]
    assert list(session.folder.iterdir()) == []
