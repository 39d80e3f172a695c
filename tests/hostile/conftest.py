"""The running app that a stranger sends to, and what must be true of it after every test."""

import socket
import tempfile
import time
from pathlib import Path

import pytest

from tests.browser.driver import serve_app
from tests.hostile.stranger import PATIENCE, SERVER, UPLOAD, App, reads

MOST_MEMORY = 150e6  # bytes that all tests of a file together may add; a single bomb would take more


@pytest.fixture(scope="module")
def slow_clients(app):
    """Clients that take their time, while the other tests do not: sockets by what they are slow at."""
    begun = {
        "head": b"GET /config HTTP/1.1\r\nHost: x\r\n",
        "nothing": b"",
        "body": b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{" % SERVER.encode(),
        "upload": b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nbytes'
        % UPLOAD.encode(),
        "reading the answer": b"GET /config HTTP/1.1\r\nHost: x\r\n\r\n" * 400,
    }
    clients = {}
    for slow_at, sent in begun.items():
        clients[slow_at] = socket.socket()
        clients[slow_at].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        clients[slow_at].settimeout(PATIENCE)
        clients[slow_at].connect((app.host, app.port))
        clients[slow_at].sendall(sent)
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture(scope="module")
def app():
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        for name in ("GRADIO_TEMP_DIR", "SPACE_ID", "DIGITS_RATE", "DIGITS_PROXIES"):
            patch.delenv(name, raising=False)
        with serve_app() as served:
            yield App(served, Path(folder))


@pytest.fixture(scope="module")
def at_rest(app, slow_clients):
    """The app's memory once everything has been used once."""
    assert reads(app)
    app.call("photo", "read", {"example": "ruled"})
    return app.memory


@pytest.fixture(autouse=True)
def nothing_stays_behind(app, at_rest):
    before, said, faults = app.kept, len(app.log.read_text()), app.faults
    yield
    assert reads(app), "another visitor is not answered"
    ends = time.monotonic() + PATIENCE
    # Connections close a moment after their answer; two of the slow clients' may come and go.
    while any(app.kept[name] > before[name] + 3 * (name == "open files") for name in before):
        assert time.monotonic() < ends, (before, app.kept)
        time.sleep(0.05)
    assert app.memory < at_rest + MOST_MEMORY
    printed = app.log.read_text()[said:]
    assert "Traceback" not in printed, printed
    assert app.faults == faults, printed  # a fault that repeats is logged once a minute, and counted
