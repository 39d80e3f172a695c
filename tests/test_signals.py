"""Whatever signal ends the app, the visitors' files and processes end with it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from tests.browser.driver import ROOT, free_port, seven
from tests.hostile.stranger import form

PATIENCE = 120  # seconds, for a machine that does other things
# As app.py, with a visitor in whose folder there is a file, and whose training never ends.
APP = """
import runpy, sys, threading, time
from jobs import manager
made = manager.SessionManager.close_on_signals
def with_visitor(self):
    made(self)
    self.shared.worker = (sys.executable, "-c", "import sys; sys.stdin.buffer.read()")
    session = self.session("ann")
    session.upload(sys.argv[1])
    while session._job is None or session._job._process is None:
        time.sleep(0.01)
    print("visitor", session._job._process.pid, flush=True)
manager.SessionManager.close_on_signals = with_visitor
from pathlib import Path
sys.argv[1] = Path(sys.argv[1])
runpy.run_path("app.py", run_name="__main__")
"""
SIGNALS = [name for name in ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGINT") if hasattr(signal, name)]


def _hear_all_signals():
    """A shell that starts the tests in the background has them, and what they start, ignore two."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def app(tmp_path):
    """A running app with an upload and a visitor: its process, and that of the visitor's job."""
    port = free_port()
    environment = os.environ | {
        "TMPDIR": str(tmp_path),
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_SERVER_NAME": "127.0.0.1",
    }
    environment.pop("GRADIO_TEMP_DIR", None)
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-c", APP, str(ROOT / "weights/seed.npz")],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            preexec_fn=_hear_all_signals,
        )
        try:
            worker = next(int(line.split()[1]) for line in process.stdout if line.startswith(b"visitor"))
            body, headers = form([("a.png", seven())])
            request = urllib.request.Request(f"http://127.0.0.1:{port}/gradio_api/upload", body, headers)
            end = time.monotonic() + PATIENCE
            while True:
                with contextlib.suppress(OSError), urllib.request.urlopen(request) as answer:
                    [path] = json.loads(answer.read())
                    break
                assert time.monotonic() < end
                time.sleep(0.1)
            assert Path(path).is_relative_to(tmp_path)
            yield process, worker
        finally:
            process.kill()
            process.communicate()


def _is_running(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_that_ends_the_app_leaves_no_file_and_no_process(app, tmp_path, name):
    process, worker = app
    assert len(list(tmp_path.glob("digits-from-scratch-*/visitor-*/*"))) == 1
    process.send_signal(getattr(signal, name))
    status = process.wait(PATIENCE)
    if name != "SIGINT":
        assert status == -getattr(signal, name)
    assert [path for path in tmp_path.rglob("*") if path.name.startswith("digits-from-scratch-")] == []
    end = time.monotonic() + PATIENCE
    while _is_running(worker):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_signal_that_is_ignored_stays_so(tmp_path):
    program = (
        "import signal; from jobs.manager import SessionManager;"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN);"
        "manager = SessionManager(); manager.close_on_signals(); signal.raise_signal(signal.SIGHUP);"
        "print(manager.folder.is_dir()); manager.close()"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (found.returncode, found.stdout.strip()) == (0, "True")
