"""Hostile files: refused in words, and deleted."""

import contextlib
from pathlib import Path

import pytest

from tests.browser.driver import ROOT, seven
from tests.hostile.stranger import UPLOAD, addresses, bomb, drawing, form, in_words, pickle, zip_of


@pytest.mark.parametrize(
    ("headers", "status", "sentence"),
    [
        ({"Content-Type": "text/plain"}, 415, "multipart"),
        ({"Content-Type": "multipart/form-data"}, 415, "multipart"),
        ({"Content-Length": "30000000"}, 413, "21,000,000 bytes"),
        ({"Content-Length": "1e3"}, 413, "bytes"),
        ({"Transfer-Encoding": "chunked"}, 411, "length"),
    ],
)
def test_an_upload_that_is_none_is_refused_unread(app, headers, status, sentence):
    body, right = form([("a.png", b"a")])
    if headers.keys() & {"Content-Length", "Transfer-Encoding"}:
        body = None
    got, answer = app.ask("POST", UPLOAD, body, right | headers)
    if (got, headers) == (400, {"Content-Length": "1e3"}):
        return  # the web server itself refused it
    assert got == status
    assert sentence in in_words(answer)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (form([(f"{i}.png", b"a") for i in range(20)])[0], "At most 8 files"),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n", "fields called files"),
        (b"--x\r\n" + b"A: " + b"a" * 50_000 + b"\r\n\r\na\r\n--x--\r\n", "fields called files"),
        (b"nothing of the kind", "multipart"),
    ],
)
def test_a_malformed_upload_leaves_no_file(app, body, sentence):
    status, answer = app.ask("POST", UPLOAD, body, form([])[1])
    assert status in (400, 413)
    assert sentence in in_words(answer)


def test_the_name_of_a_file_leads_nowhere_else(app):
    for name in (
        "../../../../tmp/evil.png",
        "/etc/evil.png",
        "C:\\evil.png",
        "a" * 3000,
        "\u202egnp.exe",
    ):
        body, headers = form([(name, b"evil")])
        status, answer = app.ask("POST", UPLOAD, body, headers)
        if status != 200:
            in_words(answer)
            continue
        [path] = answer
        assert Path(path).is_relative_to(app.folder)
        assert ".." not in Path(path).parts
        app.call("photo", "read", {"path": path})  # which deletes it
        assert not Path(path).exists()
    assert not Path("/tmp/evil.png").exists()


@pytest.mark.parametrize(
    ("tab", "function", "content", "sentence"),
    [
        ("photo", "read", bomb(), "too large"),
        ("photo", "read", b"GIF89a" + bytes(100), "picture"),
        ("photo", "read", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "picture"),
        ("photo", "read", b"", "empty"),
        ("pad", "import_examples", zip_of("examples/7-0.png", bytes(50_000_000)), "."),
        ("pad", "import_examples", zip_of("../../evil.png", seven()), "."),
        ("pad", "import_examples", b"PK\x03\x04" + bytes(50), "."),
        ("train", "upload_model", zip_of("format.npy", bytes(90_000_000)), "MiB"),
        ("train", "upload_model", pickle(), "."),
        ("train", "upload_model", seven(), "not an .npz"),
        ("train", "upload_model", (ROOT / "weights/digits.npz").read_bytes()[:-1000], "damaged"),
    ],
)
def test_bombs_pickles_and_wrong_files_are_refused_and_deleted(app, tab, function, content, sentence):
    path = app.upload(content)
    status, answer = app.call(tab, function, {"path": path}, session="files")
    assert status == 200
    assert sentence in in_words(answer)
    assert not Path(path).exists()
    assert not Path("/tmp/digits-pickle-was-run").exists()


def test_two_visitors_who_send_the_same_photo_are_both_read_and_then_it_is_deleted(app):
    first, second = (app.upload(seven(), "seven.png") for _ in range(2))
    assert first == second  # Gradio names files by their content
    for session in ("one", "two"):
        status, answer = app.call("photo", "read", {"path": first}, session=session)
        assert status == 200
        assert answer["text"] == "7", answer
    assert not Path(first).exists()


def test_a_drawing_that_is_a_bomb_is_refused(app):
    status, answer = app.call("pad", "live", drawing(bomb()))
    assert status == 200
    assert "too large" in in_words(answer)


def test_uploads_that_are_broken_off_leave_no_file(app):
    body, headers = form([("a.png", bytes(300_000))])
    for _ in range(40):
        with contextlib.closing(app.connect()) as connection:
            connection.putrequest("POST", UPLOAD)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                connection.putheader(name, value)
            connection.putheader("X-Forwarded-For", next(addresses))
            connection.endheaders(body[:100_000])
