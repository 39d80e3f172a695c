"""Programs have pictures read through gradio_client; whoever sends anything else gets an answer in words."""

import http.client
import json
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageDraw

from ui.photo.tab import EXAMPLES_FOLDER

ENDPOINTS = ["/read_drawing", "/read_photo"]


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


@pytest.fixture
def seven(tmp_path) -> Path:
    image = Image.new("RGB", (200, 160), "white")
    ImageDraw.Draw(image).line([(60, 30), (130, 30), (90, 130)], fill="navy", width=12, joint="curve")
    path = tmp_path / "seven.png"
    image.save(path)
    return path


def _post(url, body):
    """Status and JSON (or text) of a bare request."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def _call(url, tab, function, sent):
    """Calls a tab's own server function, as its script does."""
    with urllib.request.urlopen(f"{url}/config", timeout=120) as response:
        components = json.loads(response.read())["components"]
    [component] = [one["id"] for one in components if one["props"].get("elem_id") == tab]
    call = {"component_id": component, "fn_name": function, "session_hash": "a", "data": sent}
    return _post(f"{url}/gradio_api/component_server", json.dumps(call).encode())


def test_an_image_file_gives_its_reading_as_json(client, seven):
    reading = client.predict(handle_file(seven), api_name="/read_drawing")
    assert reading["text"] == "7"
    [digit] = reading["digits"]
    assert digit["digit"] == int(np.argmax(digit["probs"])) == 7
    assert digit["confidence"] == max(digit["probs"])
    assert len(digit["probs"]) == 10
    assert sum(digit["probs"]) == pytest.approx(1, abs=0.01)
    x, y, width, height = digit["box"]
    assert (x, y) == pytest.approx((57, 24), abs=6)
    assert (width, height) == pytest.approx((80, 110), abs=8)


def test_a_photo_gives_its_lines_in_the_same_json(client):
    reading = client.predict(handle_file(EXAMPLES_FOLDER / "board.jpg"), api_name="/read_photo")
    assert reading["text"] == "1729\n6174"
    assert [digit["line"] for digit in reading["digits"]] == [0] * 4 + [1] * 4
    assert set(reading) == {"text", "message", "digits", "symbols", "turned", "cells"}
    one = {"digit", "confidence", "probs", "shares", "box", "line", "column"}
    assert set(reading["digits"][0]) == one
    left = [digit["box"][0] for digit in reading["digits"][:4]]
    assert left == sorted(left)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_empty_picture_gives_an_empty_text(client, tmp_path, endpoint):
    Image.new("RGB", (50, 50), "white").save(tmp_path / "empty.png")
    reading = client.predict(handle_file(tmp_path / "empty.png"), api_name=endpoint)
    assert (reading["text"], reading["digits"]) == ("", [])
    assert reading["message"] != ""


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("words.png", b"just some words", "not a picture that can be read"),
        ("empty.png", b"", "The file is empty"),
        ("seven.png", None, "damaged or cut short"),
    ],
)
def test_files_that_are_no_pictures_are_refused_in_words(
    client, seven, tmp_path, name, content, message, endpoint
):
    path = tmp_path / name
    path.write_bytes(seven.read_bytes()[:200] if content is None else content)
    with pytest.raises(AppError, match=message):
        client.predict(handle_file(path), api_name=endpoint)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "sent", [None, 7, "/etc/hostname", {}, {"path": None}, {"path": "/tmp/gradio/../../etc/hostname"}]
)
def test_only_uploaded_files_are_read(client, sent, endpoint):
    with pytest.raises(AppError, match="Please send a file"):
        client.predict(sent, api_name=endpoint)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_file_of_the_server_cannot_be_named_in_a_bare_request(url, endpoint):
    _, call = _post(f"{url}/gradio_api/call{endpoint}", b'{"data": [{"path": "/etc/hostname"}]}')
    events = f"{url}/gradio_api/call{endpoint}/{call['event_id']}"
    with urllib.request.urlopen(events, timeout=120) as answer:
        assert "Please send a file" in answer.read().decode()


@pytest.mark.parametrize("drawing", [None, 7, "seven", [], {}, {"image": 0.5}, {"image": "data:text/html,x"}])
def test_the_pads_own_function_answers_nonsense_in_words(url, drawing):
    status, answer = _call(url, "pad", "live", drawing)
    assert status == 200
    assert "A drawing is sent as" in answer["error"]


@pytest.mark.parametrize(
    "asked", [None, 7, "ruled", [], {}, {"path": "/etc/hostname"}, {"example": "../../weights/digits"}]
)
def test_the_photo_tabs_own_function_answers_nonsense_in_words(url, asked):
    status, answer = _call(url, "photo", "read", asked)
    assert status == 200
    assert answer["error"].startswith(("Please send a file", "There is no such example"))


def test_a_request_too_large_to_be_a_drawing_is_refused_unread(url):
    for header, value, status in (("Content-Length", "1000001", 413), ("Transfer-Encoding", "chunked", 411)):
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
        connection.putrequest("POST", "/gradio_api/component_server")
        connection.putheader(header, value)
        connection.endheaders()  # and not one byte of the body
        assert connection.getresponse().status == status
        connection.close()
