"""Pictures that are much work, sent to the real app: the sender is told why, and others are answered."""

import json
import tempfile
import threading
import time
from pathlib import Path

import pytest

from tests.browser.driver import data_url, serve_app, seven
from tests.hostile.stranger import JSON, PATIENCE, App, in_words
from tests.hostile_files import PICTURES, jpeg_of_scans, png, png_chunk, zip_of

SECONDS = 1  # that a file may take here
MOST_MEMORY = 40e6  # bytes that the app's own process may grow by; the pictures take hundreds of millions
ZIPPED = {
    "empty chunks": png(28, 28, 8, png_chunk(b"tEXt", b"a\0") * 110_000),
    "one column": png(1, 3_900_000),
    "texts that unpack": PICTURES["PNG of texts that unpack"](),
}


@pytest.fixture(scope="module")
def app():
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        for name in ("GRADIO_TEMP_DIR", "SPACE_ID", "DIGITS_RATE"):
            patch.delenv(name, raising=False)
        with serve_app(DIGITS_PROXIES="1", DIGITS_MAX_PICTURE_SECONDS=str(SECONDS)) as served:
            yield App(served, Path(folder))


class _Drawer(threading.Thread):
    """Another visitor, who draws from another address until told to stop."""

    def __init__(self, app):
        super().__init__()
        self.app, self.answers, self.enough = app, [], threading.Event()

    def run(self):
        while not self.enough.is_set():
            drawing = {"image": data_url(seven())}
            self.answers.append(self.app.call("pad", "live", drawing, "drawer", "9.9.9.9"))
            self.enough.wait(0.05)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.enough.set()
        self.join(PATIENCE)
        assert self.answers
        assert all(status == 200 and answer.get("text") == "7" for status, answer in self.answers)


def _read_seven(app, address):
    """Sends a small photo until it is read: on a busy machine, even that one may take too long."""
    ends, answer = time.monotonic() + PATIENCE, {}
    while answer.get("text") != "7":
        assert time.monotonic() < ends, answer
        path = app.upload(seven(), "seven.png", address)
        _, answer = app.call("photo", "read", {"path": path}, "another", address)


@pytest.fixture(autouse=True)
def others_are_answered(app):
    memory = app.memory
    with _Drawer(app):
        yield
    _read_seven(app, "9.9.9.8")  # by a new process, where the last was ended
    assert app.memory < memory + MOST_MEMORY
    assert "Traceback" not in app.log.read_text()


@pytest.mark.parametrize("name", PICTURES)
def test_a_photo_that_is_much_work_is_answered(app, name):
    path = app.upload(PICTURES[name](), "photo")
    status, answer = app.call("photo", "read", {"path": path}, "hostile")
    assert status == 200
    if "error" in answer:
        in_words(answer)
    else:
        assert answer["photo"]
    assert not Path(path).exists()


@pytest.mark.parametrize("endpoint", ["read_photo", "read_drawing"])
def test_a_programs_file_that_takes_too_long_is_told(app, endpoint):
    path = app.upload(jpeg_of_scans(side=3900, count=20_000), "photo.jpg")
    call = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
    status, answer = app.ask("POST", f"/gradio_api/run/{endpoint}", json.dumps(call), JSON)
    assert status == 500
    assert "took longer than it may" in in_words(answer)


@pytest.mark.parametrize("name", ZIPPED)
def test_a_zip_of_pictures_that_are_much_work_is_answered(app, name):
    path = app.upload(zip_of({f"{i}.png": ZIPPED[name] for i in range(40)}), "examples.zip")
    status, answer = app.call("pad", "import_examples", {"path": path}, f"zips {name}".replace(" ", "-"))
    assert status == 200
    in_words(answer)
    assert not Path(path).exists()


def test_files_of_one_address_by_the_dozen_wait_in_their_own_line(app):
    content = PICTURES["JPEG of empty scans"]()
    answers = []

    def send(number):
        path = app.upload(content, f"{number}.jpg", "6.6.6.6")
        answers.append(app.call("photo", "read", {"path": path}, f"crowd-{number}", "6.6.6.6"))

    crowd = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for one in crowd:
        one.start()
    _read_seven(app, "7.7.7.7")
    for one in crowd:
        one.join(PATIENCE)
    assert [status for status, _ in answers] == [200] * len(crowd)
    assert all("took longer" in in_words(answer) for _, answer in answers)
