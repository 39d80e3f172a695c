"""Every route, with odd headers, queries and bodies: an answer in words each time, and no fault of ours."""

import http.client
import itertools
import json

import pytest

from tests.hostile.stranger import JSON, PATIENCE, SERVER, UPLOAD, addresses, form, in_words
from ui.server.routes import ROUTES

API = "/gradio_api"
PATHS = {
    "health": ["/health"],
    "metrics": ["/metrics"],
    "page": ["/"],
    "asset": [
        "/assets/none.js",
        "/static/" + "a" * 280,
        "/svelte/x",
        "/theme.css",
        "/favicon.ico",
        "/robots.txt",
    ],
    "about": [
        *["/config", "/manifest.json", f"{API}/info", f"{API}/openapi.json", f"{API}/app_id"],
        *[f"{API}/startup-events", f"{API}/theme.css", f"{API}/login_check", f"{API}/user", f"{API}/token"],
        f"{API}/queue/status",
    ],
    "open_page": [f"{API}/heartbeat/bad.session"],
    "events": [f"{API}/call/read_drawing/none", f"{API}/call/v2/none/none", f"{API}/queue/data"],
    "server_function": [SERVER],
    "join": [f"{API}/queue/join"],
    "call": [f"{API}/{way}/read_drawing" for way in ("run", "api", "call", "call/v2")],
    "cancel": [f"{API}/cancel", f"{API}/reset"],
    "upload": [UPLOAD],
    "live": ["/live"],
    "mcp": [f"{API}/mcp", f"{API}/mcp/"],
}
EVERY_PATH = [(route.method, path) for route in ROUTES for path in PATHS[route.name]]
LONG = "a" * 30_000
HEADERS = [
    {"Host": "[[["},
    {"Host": "x:99999999"},
    {"Host": "\xff\xfe"},
    {"Host": "a b"},
    {"Host": LONG},
    {"X-Forwarded-Host": "[[["},
    {"X-Forwarded-Host": "x:y:z", "X-Forwarded-Proto": "\xff"},
    {"X-Forwarded-Host": LONG, "X-Forwarded-Proto": "javascript"},
    {"X-Forwarded-For": ", ,[::1"},
    {"Referer": "http://["},
    {"Origin": "http://[", "Access-Control-Request-Method": "POST"},
    {"Cookie": "\xff=\xfe; a=" + LONG},
    {"Accept-Language": "\xff;q=nan"},
    {"Accept-Encoding": "gzip;q=nonsense"},
    {"Range": "bytes=9-1,-,5-"},
    {"If-Modified-Since": "the day before yesterday"},
    {"Content-Type": "\xff"},
    {"Content-Type": "multipart/form-data; boundary=x"},
    {"Content-Type": "application/json; charset=rot13"},
    {"Authorization": "Basic \xff"},
    {"X-Gradio-User": LONG, "X-Gradio-Server": "http://["},
    {"X-Gradio-Server": "x"},
]
QUERIES = [
    "session_hash=%ff&session_hash=",
    "&".join(f"a{i}=1" for i in range(100)),
    "fn_index=nan&serialize=maybe&all_endpoints=7&page=%00",
    "__theme=%3Cscript%3E&view=api&__lang=..",
    "upload_id=x",
    "%",
    "&&&===",
]
JSON_BODIES = [
    b"{}",
    b"null",
    b'{"data": null}',
    b'{"data": [null], "fn_index": -1}',
    b'{"data": [null], "fn_index": 1e300}',
    b'{"data": [null], "session_hash": "s", "event_id": 7}',
    b'{"data": [null], "session_hash": "s", "trigger_id": "x"}',
    b'{"data": [null], "session_hash": "s", "event_data": [[[1]]]}',
    b'{"data": [null], "batched": true}',
    b'{"image": {"path": "x", "meta": 7}}',
    b'{"image": {"path": "\\ud800", "meta": {"_type": "gradio.FileData"}}}',
    b'{"image": null}',
    b'{"image": "' + b"a" * 90_000 + b'"}',
    b'{"session_hash": "s", "fn_index": "' + b"a" * 90_000 + b'", "event_id": "e"}',
    b'{"session_hash": "s", "fn_index": 0, "event_id": ["e"]}',
    b'{"session_hash": "s", "fn_index": 0, "event_id": "none"}',
]


def test_every_route_has_a_path_here():
    assert PATHS.keys() == {route.name for route in ROUTES}
    for method, path in EVERY_PATH:
        assert any(route.method == method and route.path.fullmatch(path) for route in ROUTES), path


def _send(app, method, path, headers, body=None):
    """Status and answer."""
    connection = http.client.HTTPConnection(app.host, app.port, timeout=PATIENCE)
    try:
        connection.putrequest(method, path, skip_host=any(name == "Host" for name in headers))
        headers = {"X-Forwarded-For": next(addresses)} | headers
        if body is not None:
            headers["Content-Length"] = str(len(body))
        for name, value in headers.items():
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _check(status, answer, asked):
    assert status < 500 or status == 507, (asked, status, answer[:300])
    if status >= 400:
        assert len(answer) < 1000, asked
        in_words(json.loads(answer) if answer.startswith(b"{") else answer.decode())


@pytest.mark.parametrize("headers", HEADERS, ids=range(len(HEADERS)))
def test_odd_headers_are_answered_at_every_door(app, headers):
    for method, path in EVERY_PATH:
        body = b"{}" if method == "POST" else None
        status, answer = _send(app, method, path, headers, body)
        _check(status, answer, (method, path))


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_odd_queries_are_answered_at_every_door(app, query):
    for method, path in EVERY_PATH:
        body = b"{}" if method == "POST" else None
        status, answer = _send(app, method, f"{path}?{query}", JSON, body)
        _check(status, answer, (method, path))


@pytest.mark.parametrize("body", JSON_BODIES, ids=range(len(JSON_BODIES)))
def test_odd_json_is_answered_at_every_door(app, body):
    for method, path in EVERY_PATH:
        if method == "POST":
            status, answer = _send(app, method, path, JSON, body)
            if (status, path) == (500, f"{API}/run/read_drawing") or path == f"{API}/api/read_drawing":
                assert b"send a file" in answer or status < 500  # as Gradio answers our own errors
                continue
            _check(status, answer, (method, path))


def test_a_head_is_answered_as_a_get_without_its_body(app):
    for method, path in EVERY_PATH:
        if method == "GET":
            status, answer = _send(app, "HEAD", path, {})
            assert status < 500
            assert answer == b""


def test_files_are_refused_at_every_other_door(app):
    body, headers = form([("a.png", b"a")])
    for method, path in EVERY_PATH:
        if method == "POST" and path != UPLOAD:
            status, answer = _send(app, method, path, headers, body)
            _check(status, answer, (method, path))
            assert status in (400, 415)


def test_twelve_forged_addresses_are_one_sender(app):
    """Without a proxy in front that the host vouches for, only the connection says who asks."""
    forged = ", ".join(f"9.9.{i}.9" for i in itertools.islice(itertools.count(1), 12))
    for _ in range(3):
        status, _ = _send(app, "GET", "/config", {"X-Forwarded-For": forged})
        assert status == 200
