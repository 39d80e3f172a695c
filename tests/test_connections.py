"""Connections are bounded in number, of all and of an address, and in how long they may keep silent."""

import contextlib
import errno
import http.client
import itertools
import json
import re
import socket
import subprocess
import sys
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from tests.browser.driver import ROOT, data_url, serve_app, seven
from ui.server import connections
from ui.server.connections import Connections

PATIENCE = 300  # seconds until something is taken to never happen
DESCRIPTORS = 512  # that the real server may open
SILENT = 700  # connections to it


class _Connection:
    """A BoundedProtocol, as far as `Connections` looks at it."""

    def __init__(self, of, address, is_waiting=True):
        self.of, self.address, self.is_waiting, self.is_open = of, address, is_waiting, True

    def end(self):
        self.is_open = False
        self.of.discard(self, self.address)


def _connect(to, address, is_waiting=True, may_be_proxy=False):
    connection = _Connection(to, address, is_waiting)
    to.add(connection, address, may_be_proxy)
    return connection


def test_an_address_that_has_its_share_gives_up_what_has_waited_for_longest():
    all_of_them = Connections(most=100, most_of_address=3)
    busy = _connect(all_of_them, "8.8.8.8", is_waiting=False)
    silent = [_connect(all_of_them, "8.8.8.8") for _ in range(5)]
    other = _connect(all_of_them, "8.8.4.4")
    assert [one.is_open for one in silent] == [False, False, False, True, True]
    assert busy.is_open and other.is_open
    assert len(all_of_them) == len(list(all_of_them)) == 4


def test_where_all_are_busy_the_newest_is_ended():
    all_of_them = Connections(most=100, most_of_address=2)
    busy = [_connect(all_of_them, "8.8.8.8", is_waiting=False) for _ in range(2)]
    assert not _connect(all_of_them, "8.8.8.8").is_open
    assert all(one.is_open for one in busy)


def test_when_the_house_is_full_the_address_with_the_most_gives_up_one():
    all_of_them = Connections(most=6, most_of_address=5)
    crowd = [_connect(all_of_them, "8.8.8.8") for _ in range(5)]
    alone = [_connect(all_of_them, f"8.8.4.{i}") for i in range(3)]
    assert [one.is_open for one in crowd] == [False, False, True, True, True]
    assert all(one.is_open for one in alone)


def test_a_proxy_may_have_as_many_as_there_is_room_for():
    all_of_them = Connections(most=6, most_of_address=2)
    through = [_connect(all_of_them, "127.0.0.1", may_be_proxy=True) for _ in range(7)]
    assert [one.is_open for one in through] == [False] + [True] * 6


def test_who_left_is_forgotten():
    all_of_them = Connections(most=6, most_of_address=2)
    for i in range(100):
        connection = _connect(all_of_them, str(i))
        all_of_them.discard(connection, str(i))
        all_of_them.discard(connection, str(i))
    assert len(all_of_them) == 0
    assert all_of_them._open == {}


@pytest.mark.parametrize(
    ("is_waiting", "unsent", "ends"),
    [(True, 0, True), (False, 0, False), (False, 900, True), (True, 900, True)],
)
def test_connections_that_wait_for_the_other_side_are_ended_after_a_while(
    is_waiting, unsent, ends, monkeypatch
):
    now = [0.0]
    monkeypatch.setattr(connections, "time", SimpleNamespace(monotonic=lambda: now[0]))
    connection, since = _Connection(Connections(9, 9), "a", is_waiting), {}
    connection.transport = SimpleNamespace(get_write_buffer_size=lambda: unsent)
    for now[0] in (0, 5, 9.9):
        connections.end_if_silent(connection, since)
        assert connection.is_open
    unsent = unsent and unsent - 1  # something is taken: the clock begins anew
    now[0] = 10.1
    connections.end_if_silent(connection, since)
    assert connection.is_open == (not ends or bool(unsent))
    now[0] = 30
    connections.end_if_silent(connection, since)
    assert connection.is_open == (not ends)


@pytest.mark.skipif(connections.resource is None, reason="Windows has no such limit")
@pytest.mark.parametrize(("soft", "hard", "raised"), [(256, 1024, 1024), (1024, 1024, 1024), (64, 512, 512)])
def test_the_limit_of_open_files_is_raised_as_far_as_it_goes(soft, hard, raised):
    program = (
        "import resource; from ui.server.connections import *; "
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard})); "
        "bound_connections(False); of_all = BoundedProtocol.connections_of_all; "
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], of_all.most, of_all.most_of_address)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, text=True
    )
    limit, most, of_address = map(int, told.stdout.split())
    assert limit == raised
    assert most < limit and of_address <= most / 4


# ---------------------------------------------------------------- the real server, with few descriptors


@pytest.fixture(scope="module")
def app():
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SPACE_ID", "DIGITS_RATE", "DIGITS_PROXIES"):
            patch.delenv(name, raising=False)
        with serve_app(descriptors=DESCRIPTORS) as served:
            yield served


def _ask(app, method, path, body=None, source="127.0.0.1"):
    url = urlsplit(app.url)
    with contextlib.closing(
        http.client.HTTPConnection(url.hostname, url.port, PATIENCE, (source, 0))
    ) as connection:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def _draw(app, source):
    status, config = _ask(app, "GET", "/config", source=source)
    assert status == 200
    parts = json.loads(config)["components"]
    pad = next(one["id"] for one in parts if one["props"].get("elem_id") == "pad")
    call = {"component_id": pad, "fn_name": "live", "session_hash": "s", "data": {"image": data_url(seven())}}
    status, answer = _ask(app, "POST", "/gradio_api/component_server/", json.dumps(call), source)
    assert status == 200
    return json.loads(answer)["text"]


def _turned_away(app):
    """How many were ended: there were too many, or they were silent for long, as on a busy machine."""
    reasons = r'digits_turned_away_total{reason="(?:connections[^"]*|silent)"} (\S+)'
    return sum(map(float, re.findall(reasons, _ask(app, "GET", "/metrics")[1])))


@pytest.mark.parametrize("sources", [["127.0.0.2"], ["127.0.0.1"], [f"127.0.1.{i}" for i in range(1, 41)]])
def test_silent_connections_by_the_hundred_stop_nobody_and_are_not_logged_one_by_one(app, sources):
    url = urlsplit(app.url)
    logged, turned_away = app.log.stat().st_size, _turned_away(app)
    with contextlib.ExitStack() as stack:
        for i, source in zip(range(SILENT), itertools.cycle(sources), strict=False):
            if (
                i % 25 == 0
            ):  # or they come faster than they are taken, and the system tries again a second later
                _ask(app, "GET", "/metrics")
            silent = stack.enter_context(contextlib.closing(socket.socket()))
            silent.settimeout(PATIENCE)
            silent.bind((source, 0))
            with contextlib.suppress(ConnectionError):
                silent.connect((url.hostname, url.port))
        for _ in range(5):
            assert _draw(app, "127.0.0.9") == "7"
    assert "Too many open files" not in app.log.read_text()
    assert app.log.stat().st_size < logged + 50_000
    assert _turned_away(app) - turned_away >= SILENT - DESCRIPTORS


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /config HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\nnonsense\r\n\r\n",
        b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"GET /config HTTP/1.1\r\nHost: x\r\n\r\n\xff\xfe nonsense \r\n\r\n",
        b"GET /gradio_api/heartbeat/s HTTP/1.1\r\nHost: x\r\n\r\n\xff\xfe nonsense \r\n\r\n",
        b"GET /config HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\0" * 100_000,
    ],
)
def test_garbage_on_a_connection_ends_it_and_is_no_fault_of_ours(app, sent):
    url = urlsplit(app.url)
    logged = len(app.log.read_text())
    for pieces in (1, 7):
        client = socket.create_connection((url.hostname, url.port), PATIENCE)
        with contextlib.closing(client), contextlib.suppress(ConnectionError):
            for i in range(pieces):
                client.sendall(sent[i * len(sent) // pieces : (i + 1) * len(sent) // pieces])
            _say_no_more(client)
            while client.recv(65_536):
                pass
    assert _draw(app, "127.0.0.9") == "7"
    printed = app.log.read_text()[logged:]
    assert "Traceback" not in printed and '"error"' not in printed, printed


def _say_no_more(client):
    """Close this direction; nothing to close is no fault, where the server has ended both already."""
    try:
        client.shutdown(socket.SHUT_WR)
    except OSError as error:
        if error.errno != errno.ENOTCONN:
            raise
