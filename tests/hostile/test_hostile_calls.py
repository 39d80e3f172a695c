"""Malformed calls, and calls of what is not there: the sender is told why, and nothing of anybody else."""

import base64
import contextlib
import itertools
import json
import re
import socket

import pytest

from tests.hostile.stranger import (
    JSON,
    PATIENCE,
    SERVER,
    in_words,
)
from ui.draw.tab import PNG
from ui.server.routes import READING, WORK

CALL = {"component_id": 0, "fn_name": "live", "session_hash": "s", "data": None}


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 400, "JSON object"),
        (b"\xff\xfe{}", 400, "JSON object"),
        (b"[" * 90_000, 400, "JSON object"),
        (b'{"a":' * 18_000, 400, "JSON object"),
        (b"[" * 200_000, 413, "100,000 bytes"),
        (b"[1, 2, 3]", 400, "JSON object"),
        (b"0" * 90_000, 400, "JSON object"),
        (b'{"session_hash": "s", "data": 1e999}', 400, "finite"),
        (CALL | {"component_id": 10**30}, 404, "no such function"),
        (CALL | {"component_id": float("nan")}, 400, "finite"),
        (CALL | {"component_id": [1]}, 404, "no such function"),
        (CALL | {"component_id": True}, 404, "no such function"),
        (CALL | {"fn_name": "postprocess"}, 404, "no such function"),
        (CALL | {"fn_name": "__class__"}, 404, "no such function"),
        (CALL | {"fn_name": ["live"]}, 404, "no such function"),
        (CALL | {"session_hash": {"a": 1}}, 422, "session"),
        (CALL | {"session_hash": "../../etc"}, 422, "session"),
        (CALL | {"session_hash": "a" * 65}, 422, "session"),
        (CALL | {"session_hash": None}, 422, "session_hash"),
        ({name: value for name, value in CALL.items() if name != "data"}, 422, "data"),
    ],
)
def test_a_malformed_call_of_a_server_function_is_refused_in_words(app, body, status, sentence):
    if isinstance(body, dict):
        body = {"component_id": app.ids["pad"]} | {k: v for k, v in body.items() if v != 0 or v is True}
        body = json.dumps(body).encode()
    got, answer = app.ask("POST", SERVER, body, JSON)
    assert got == status
    assert sentence in in_words(answer)


NONSENSE = (
    None,
    True,
    7,
    -1e308,
    "x" * 1000,
    "../../../etc/passwd",
    [],
    [[[[]]]],
    {},
    {"path": "/etc/passwd"},
    {"path": ["/etc/passwd"]},
    {"path": "/tmp/gradio/../../etc/passwd", "image": 7, "example": "../ruled"},
    {"image": PNG, "network": ["own"], "label": "7", "picture": "AAAA", "position": -1, "drawing": 7},
    {"settings": {"epochs": 10**9, "network": "__import__", "images": -1, "learning_rate": 1e308}},
    {"settings": [1], "label": 10**10, "picture": base64.b64encode(bytes(784)).decode(), "position": 10**10},
)


def test_every_function_with_a_rate_of_its_own_is_there(app):
    hub_on_a_space = {"push_to_hub", "push_signs_to_hub"}
    assert set().union(*app.functions.values()) | hub_on_a_space >= READING | WORK


@pytest.mark.parametrize("tab", ["pad", "photo", "signs", "train", "inside"])
def test_wrong_types_to_every_server_function_are_answered_in_words(app, tab):
    names = app.functions[tab]
    assert len(names) >= {"pad": 8, "photo": 1, "signs": 8, "train": 12, "inside": 2}[tab]
    for name, asked in itertools.product(names, NONSENSE):
        status, answer = app.call(tab, name, asked, session=f"wrong-{tab}")
        assert status in (200, 429), (name, asked, answer)
        assert isinstance(answer, dict), (name, asked)
        if "error" in answer:
            in_words(answer)
    app.call("train", "stop", None, session=f"wrong-{tab}")


@pytest.mark.parametrize(
    ("path", "changes", "status", "sentence"),
    [
        ("queue/join", {"fn_index": 99999}, 404, "no such endpoint"),
        ("queue/join", {"fn_index": "0"}, 404, "no such endpoint"),
        ("queue/join", {"fn_index": None}, 404, "no such endpoint"),
        ("queue/join", {"fn_index": "unload"}, 404, "no such endpoint"),
        ("queue/join", {"data": "x"}, 422, "list"),
        ("queue/join", {"data": []}, 422, "list"),
        ("queue/join", {"data": [1, 2, 3]}, 422, "list"),
        ("queue/join", {"session_hash": None}, 400, "[Ss]ession"),
        ("call/leave", {"fn_index": None}, 404, "no such endpoint"),
        ("call/read_drawing", {"fn_index": "unload"}, 404, "no such endpoint"),
        ("call/read_drawing", {"data": {"image": 1}}, 422, "list"),
        ("call/v2/nothing", {}, 404, "no such endpoint"),
        ("run/read_photo", {"data": [{"path": "/etc/passwd"}]}, 500, "send a file"),
        ("run/read_photo", {"data": [{"path": "/proc/self/environ"}]}, 500, "send a file"),
        ("api/read_drawing", {"data": [[[[]]]]}, 500, "send a file"),
    ],
)
def test_a_malformed_call_of_an_endpoint_is_refused_in_words(app, path, changes, status, sentence):
    call = {"data": [None], "fn_index": None, "session_hash": "s"}
    if path == "queue/join":
        call["fn_index"] = 0
    call |= {name: app.unload if value == "unload" else value for name, value in changes.items()}
    got, answer = app.ask("POST", f"/gradio_api/{path}", json.dumps(call), JSON)
    assert got == status
    assert re.search(sentence, in_words(answer))


@pytest.mark.parametrize("endpoint", ["read_drawing", "read_photo"])
@pytest.mark.parametrize("meta", [{}, {"meta": {"_type": "gradio.FileData"}}])
def test_a_forged_file_or_address_is_neither_read_nor_fetched(app, endpoint, meta):
    with socket.create_server(("127.0.0.1", 0)) as bait:
        bait.settimeout(0.2)
        address = f"http://127.0.0.1:{bait.getsockname()[1]}/x.png"
        for forged in (
            {"path": "/etc/passwd"},
            {"path": address},
            {"path": "x.png", "url": address},
            {"url": address},
        ):
            status, answer = app.ask(
                "POST", f"/gradio_api/run/{endpoint}", json.dumps({"data": [forged | meta]}), JSON
            )
            assert status >= 400
            in_words(answer)
        with pytest.raises(TimeoutError):
            bait.accept()


@pytest.mark.parametrize(
    "path",
    [
        "/app.py",
        "/.git/config",
        "/weights/digits.npz",
        "/gradio_api/file=app.py",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=weights/digits.npz",
        "/gradio_api/file/etc/passwd",
        "/file=/etc/passwd",
        "/static/../../../../../../etc/passwd",
        "/static/..%2f..%2f..%2f..%2f..%2fetc/passwd",
        "/assets/%2e%2e/%2e%2e/%2e%2e/%2e%2e/app.py",
        "/svelte//etc/passwd",
        "/static/%00",
        "/gradio_api/proxy=http://127.0.0.1:1/",
        "/gradio_api/proxy=https://a.hf.space/",
        "/gradio_api/custom_component/x/client/component/style.css",
        "/gradio_api/stream/x/1/1/playlist.m3u8",
        "/gradio_api/dev/reload",
        "/gradio_api/deep_link?session_hash=s",
        "/?deep_link=..%2f..%2fetc",
        "/gradio_api/upload_progress?upload_id=x",
        "/gradio_api/call/read_drawing/none",
        "/gradio_api/queue/data?session_hash=none",
        "/monitoring",
        "/pwa_icon/100000",
        "/docs",
        "/login",
    ],
)
def test_only_the_pages_own_files_are_served(app, path):
    status, answer = app.ask("GET", path)
    assert status in (403, 404)
    in_words(answer)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(app, method):
    status, answer = app.ask(method, "/config")
    assert status in (404, 405)
    in_words(answer)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
        b"GET /config HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 500_000,
        b"GET /config\r\n\r\n",
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n" % SERVER.encode(),
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}" % SERVER.encode(),
    ],
)
def test_what_is_no_http_ends_the_connection(app, sent):
    with socket.create_connection((app.host, app.port), PATIENCE) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(sent)
        with contextlib.suppress(ConnectionError):
            assert client.recv(12) in (b"", b"HTTP/1.1 400", b"HTTP/1.1 413", b"HTTP/1.1 431")


def test_a_web_socket_is_refused(app):
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg=="}
    assert app.ask("GET", "/gradio_api/queue/join", headers=upgrade | key)[0] in (403, 404)
