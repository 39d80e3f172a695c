"""Too many requests, and slow ones: the sender has to wait, and nobody else."""

import contextlib
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import pytest

from tests.hostile.stranger import (
    JSON,
    PATIENCE,
    addresses,
    in_words,
    reads,
)
from training.settings import Settings

START = {"settings": asdict(Settings("small_net", epochs=1, images=1000)), "drawing": None}


def test_a_flood_from_one_page_is_told_to_wait_and_hurts_nobody_else(app):
    address = next(addresses)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: app.call("train", "resume", None, "flood", address), range(200)))
    assert {status for status, _ in answers} == {200, 429}
    refusal = next(answer for status, answer in answers if status == 429)
    assert "wait a moment" in in_words(refusal)
    assert app.call("pad", "live", {}, "flood", address)[0] == 200  # which is another kind of request


def test_whoever_is_told_to_wait_is_told_how_long(app):
    address = next(addresses)
    while app.call("train", "resume", None, "hasty", address)[0] == 200:
        pass
    assert int(app.retry_after) >= 1


def test_new_sessions_by_the_thousand_take_no_memory(app):
    before = app.memory
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: app.call("pad", "live", {}, f"session-{i}"), range(1000)))
    assert app.memory < before + 40e6


def test_no_more_streams_are_open_than_pages_need(app):
    with contextlib.ExitStack() as stack:
        statuses = []
        for session in ("one-page",) * 6:
            connection = stack.enter_context(contextlib.closing(app.connect()))
            connection.request(
                "GET", f"/gradio_api/heartbeat/{session}", headers={"X-Forwarded-For": "9.9.9.9"}
            )
            statuses.append(connection.getresponse().status)
        assert statuses == [200] * 4 + [429] * 2
        assert "digits_open_pages 4.0" in app.ask("GET", "/metrics")[1]


def test_an_address_cannot_hold_all_connections(app):
    with contextlib.ExitStack() as stack:
        statuses = []
        for i in range(410):
            connection = stack.enter_context(contextlib.closing(app.connect()))
            connection.request("GET", f"/gradio_api/heartbeat/h{i}", headers={"X-Forwarded-For": "9.9.9.8"})
            statuses.append(connection.getresponse().status)
        assert statuses == [200] * 400 + [429] * 10
        assert reads(app)


def test_calls_whose_answers_nobody_fetches_are_bounded(app):
    call = {"data": [None], "fn_index": 0, "session_hash": "never-fetched"}
    statuses = [app.ask("POST", "/gradio_api/queue/join", json.dumps(call), JSON)[0] for _ in range(20)]
    assert statuses == [200] * 8 + [429] * 12


def test_photos_by_the_dozen_from_one_page_are_told_to_wait(app):
    with ThreadPoolExecutor(30) as pool:
        asked = [pool.submit(app.call, "photo", "read", {"path": "x"}, "photographer") for _ in range(30)]
        answers = [one.result() for one in asked]
    assert sum(status == 429 for status, _ in answers) >= 9


def test_trainings_cancelled_by_the_hundred_leave_no_process(app):
    started = 0
    for i in range(120):
        session = f"cancels-{i % 8}"
        status, answer = app.call("train", "start", START, session)
        assert status == 200
        started += "error" not in answer
        assert app.call("train", "stop", None, session)[0] == 200
    assert started > 100


@pytest.mark.parametrize("slow_at", ["head", "nothing", "body", "upload", "reading the answer"])
def test_a_client_that_is_slow_is_not_waited_for(app, slow_clients, slow_at):
    client = slow_clients[slow_at]
    if slow_at in ("body", "upload"):
        answer = client.recv(1000).decode()
        assert re.search(r"HTTP/1.1 40[08]", answer)
        assert "too slowly" in answer + client.recv(1000).decode()
    elif slow_at == "reading the answer":
        ends = time.monotonic() + PATIENCE
        while 'digits_turned_away_total{reason="silent"} 3.0' not in app.ask("GET", "/metrics")[1]:
            assert time.monotonic() < ends
            time.sleep(0.2)
        with contextlib.suppress(ConnectionError):
            while client.recv(2**20):  # what is still on the way, and no more
                assert time.monotonic() < ends
    else:
        with contextlib.suppress(ConnectionError):
            assert client.recv(1000) == b""


def test_health_and_counts_tell_nothing_of_anybody(app):
    assert app.ask("GET", "/health") == (200, {"status": "ok"})
    status, text = app.ask("GET", "/metrics")
    assert status == 200
    for name in ("readings", "turned_away", "jobs", "requests", "request_seconds_bucket", "jobs_waiting"):
        assert f"digits_{name}" in text
    assert "process_resident_memory_bytes" in text
    assert not re.search(r"8\.8\.|session|cancels|flood", text)


def test_the_log_is_json_and_names_nobody(app):
    lines = [line for line in app.log.read_text().splitlines() if line and not line.startswith("*")]
    assert any(json.loads(line)["message"] == "train started" for line in lines)
    assert not re.search(r"8\.8\.\d|cancels|X-Forwarded", "".join(lines))
