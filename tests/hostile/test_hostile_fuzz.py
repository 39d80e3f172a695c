"""Hundreds of requests that are nearly right, from a fixed seed: each is answered without a fault of ours."""

import json
import random

import pytest

from tests import mutations
from tests.hostile.stranger import JSON, SERVER, UPLOAD, form, in_words
from tests.mutations import FORMATS, mutated, value

CALLS = 25  # of each server function, and of each endpoint
FILES = 6  # of each kind of picture, and of the other kinds
ENDPOINTS = [f"{way}/{name}" for way in ("run", "call", "call/v2") for name in ("read_drawing", "read_photo")]


def _check(status, answer, sent):
    assert status in (200, 400, 404, 413, 415, 422, 429, 500), (status, sent)
    if status >= 400:
        assert "reason of our own" not in in_words(answer), sent
    elif isinstance(answer, dict) and "error" in answer:
        assert len(in_words(answer)) <= 300, sent


@pytest.mark.parametrize("tab", ["pad", "photo", "signs", "train"])
def test_server_functions_are_sent_anything(app, tab):
    chance = random.Random(f"functions {tab}")
    for name in sorted(app.functions[tab]):
        if name in ("load_from_hub", "load_signs_from_hub"):
            continue  # asks the Hub, where the name is one
        for number in range(CALLS):
            sent = value(chance)
            status, answer = app.call(tab, name, sent, session=f"fuzz-{tab}-{number}")
            _check(status, answer, (name, sent))
    for number in range(CALLS):
        app.call("train", "stop", None, session=f"fuzz-{tab}-{number}")


def test_endpoints_are_sent_anything(app):
    chance = random.Random("endpoints")
    for path in ENDPOINTS:
        for _ in range(CALLS):
            body = {"image": value(chance)} if "v2" in path else {"data": [value(chance)]}
            status, answer = app.ask("POST", f"/gradio_api/{path}", json.dumps(body), JSON)
            _check(status, answer, (path, body))


@pytest.mark.parametrize("path", [SERVER, "/gradio_api/queue/join", "/gradio_api/cancel"])
def test_requests_are_broken_in_every_place(app, path):
    chance = random.Random(path)
    call = {
        "component_id": app.ids["pad"],
        "fn_name": "live",
        "session_hash": "s",
        "data": [None],
        "fn_index": 0,
    }
    original = json.dumps(call | {"event_id": "e"}).encode()
    for _ in range(4 * CALLS):
        body = mutated(original, chance)
        status, answer = app.ask("POST", path, body, JSON)
        _check(status, answer, body)


def test_uploads_are_broken_in_every_place(app):
    chance = random.Random("uploads")
    original, headers = form([("a.png", b"content" * 20), ("b.png", b"another")])
    for number in range(4 * CALLS):
        body = mutated(original, chance)
        status, answer = app.ask("POST", UPLOAD, body, headers)
        _check(status, answer if status >= 400 else {}, body)
        for path in answer if status == 200 else ():
            app.call("photo", "read", {"path": path}, session=f"uploads-{number}")  # which deletes it


def test_mutated_files_are_read_or_refused_and_deleted(app, tmp_path):
    chance = random.Random("files")
    originals = [("photo", "read", mutations.picture(kind)) for kind in FORMATS]
    importing = [name for name in app.functions["pad"] if name == "import_examples"]
    originals += [("pad", name, mutations.examples()) for name in importing]
    bringing = [name for name in app.functions["train"] if name == "upload_model"]
    originals += [("train", name, mutations.weights(tmp_path / "weights.npz")) for name in bringing]
    assert len(originals) == len(FORMATS) + 2
    for tab, name, original in originals:
        for number in range(FILES):
            path = app.upload(mutated(original, chance))
            status, answer = app.call(tab, name, {"path": path}, session=f"files-{tab}-{number}")
            _check(status, answer, (tab, name, number))
