"""The Photo tab's server function, without a browser or a worker: what it asks for, and what it answers."""

import json
import logging
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from gradio.utils import get_upload_folder

from jobs.limits import Limits
from jobs.picture_pool import PictureJobError, PicturePool
from recognition.files import MAX_PIXELS
from recognition.reader import DEFAULT_WEIGHTS, SHIPPED
from scripts.example_photos import EXAMPLES as MADE
from tests import event_loop
from ui.photo.tab import EXAMPLES, EXAMPLES_FOLDER, read_for_page
from ui.server import uploads
from ui.server.pictures import PictureQueue
from ui.server.uploads import NOT_SENT
from ui.shared.visit import Visitor

GONE = "The file is no longer here. Please send it again."
WRITTEN = {example.name: example.lines for example in MADE}
ANSWER = {"text": "42", "digits": []}


class _Pool:
    """Answers everything alike, and remembers what it was asked and whether the file was there."""

    most = 1
    error = None

    def __init__(self):
        self.jobs = []

    def read(self, job):
        self.jobs.append(job | {"there": Path(job["path"]).is_file()})
        if self.error:
            raise self.error
        return {"outcome": "read"}, {"json": np.frombuffer(json.dumps(ANSWER).encode(), np.uint8)}


@pytest.fixture
def pool():
    return _Pool()


def _visitors(pool):
    readers = {name: SimpleNamespace(weights=path) for name, path in SHIPPED.items()}
    own = {"own": SimpleNamespace(weights=Path("/a/visitors/model-3.npz"))}
    return SimpleNamespace(
        pictures=PictureQueue(pool),
        readers_of=lambda visitor: readers | (own if visitor.key == "ann" else {}),
    )


def _read(pool, asked, key="ann"):
    """What the script gets."""

    async def call():
        return await read_for_page(_visitors(pool), asked, Visitor(key, key), "home")

    answer = event_loop.call(call)
    return answer if isinstance(answer, dict) else json.loads(answer.body)


def _read_for_program(pool, file):
    request = SimpleNamespace(session_hash=None, state=SimpleNamespace(address="home"))

    async def call():
        return await PictureQueue(pool).read_for_program("photo", file, 10_000, request)

    return event_loop.call(call)


@pytest.fixture
def send(monkeypatch, tmp_path):
    """Puts a file where Gradio puts uploads, and gives what the script then asks."""
    monkeypatch.setattr(uploads, "get_upload_folder", lambda: str(tmp_path))

    def put():
        path = tmp_path / "upload"
        path.write_bytes(b"a photo")
        return {"path": str(path)}

    return put


def test_an_uploaded_photo_is_read_and_then_deleted(pool, send):
    asked = send()
    assert _read(pool, asked) == ANSWER
    [job] = pool.jobs
    assert job == {
        "job": "page",
        "path": asked["path"],
        "weights": str(DEFAULT_WEIGHTS),
        "max_pixels": MAX_PIXELS,
        "turns": None,
        "there": True,
    }
    assert not Path(asked["path"]).exists()
    assert _read(pool, asked) == {"error": GONE}


def test_a_photo_that_is_not_read_is_deleted_too(pool, send):
    pool.error = PictureJobError("It took too long.")
    asked = send()
    assert _read(pool, asked) == {"error": "It took too long."}
    assert not Path(asked["path"]).exists()


def test_the_network_that_the_visitor_chose_reads(pool, send):
    _read(pool, send() | {"network": "own"})
    _read(pool, send() | {"network": "seed"})
    assert [job["weights"] for job in pool.jobs] == ["/a/visitors/model-3.npz", str(SHIPPED["seed"])]
    assert _read(pool, send() | {"network": "own"}, key="bob") == {
        "error": "There is no such network; there are digits and seed."
    }
    assert len(pool.jobs) == 2


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_photo_that_lies_on_its_side_is_turned(pool, send, turns):
    _read(pool, send() | {"turns": turns})
    assert pool.jobs[0]["turns"] == turns


@pytest.mark.parametrize("turns", [4, -1, 1.5, "1", [1], True, float("nan"), "x" * 100_000])
def test_a_turn_that_is_none_is_refused(pool, send, turns):
    answer = _read(pool, send() | {"turns": turns})
    assert answer == {"error": "A photo can be turned by 0, 1, 2 or 3 quarter turns."}
    assert pool.jobs == []


@pytest.mark.parametrize(
    "asked",
    [
        None,
        7,
        "/etc/hostname",
        [],
        {},
        {"path": None},
        {"path": "/etc/hostname"},
        {"path": "a\0b"},
        {"path": f"{get_upload_folder()}/../../etc/hostname"},
        {"path": float("nan")},
    ],
)
def test_only_uploaded_files_are_read(pool, asked):
    assert _read(pool, asked) == {"error": NOT_SENT}
    with pytest.raises(gr.Error, match=NOT_SENT):
        _read_for_program(pool, asked)
    assert pool.jobs == []


def test_no_message_names_a_path_of_the_server(pool, send, tmp_path):
    for name in ("missing", "", "folder", "x" * 300):
        (tmp_path / "folder").mkdir(exist_ok=True)
        assert _read(pool, {"path": f"{tmp_path}/{name}"}) == {"error": GONE}


@pytest.mark.parametrize("name", ["../../etc/passwd", "", None, 7, ["ruled"], {"a": 1}, "ruled.jpg"])
def test_an_example_that_does_not_exist_is_refused(pool, name):
    assert _read(pool, {"example": name}) == {"error": "There is no such example."}


def test_a_fault_of_our_own_is_logged_and_the_person_is_asked_for_another_photo(pool, send, caplog):
    pool.error = ZeroDivisionError("secret detail")
    with caplog.at_level(logging.ERROR):
        answer = _read(pool, send())
    assert answer == {"error": "The photo could not be read. Please try another one."}
    assert "ZeroDivisionError" in caplog.text


def test_a_file_that_a_program_sent_stays_until_the_page_deletes_what_is_old(pool, send):
    asked = send()
    assert _read_for_program(pool, asked) == ANSWER
    assert Path(asked["path"]).exists()
    assert (pool.jobs[0]["job"], pool.jobs[0]["max_pixels"]) == ("photo", 10_000)


def test_a_program_is_told_in_words_why_its_file_was_not_read(pool, send):
    pool.error = PictureJobError("The picture is too large.")
    with pytest.raises(gr.Error, match=r"The picture is too large\."):
        _read_for_program(pool, send())


def test_every_example_is_there_and_all_are_small():
    assert {path.stem for path in EXAMPLES_FOLDER.iterdir()} == {example.name for example in EXAMPLES}
    assert sum(path.stat().st_size for path in EXAMPLES_FOLDER.iterdir()) < 400_000


@pytest.fixture(scope="module")
def worker():
    pool = PicturePool(Limits(picture_seconds=120))
    yield pool
    pool.close()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_examples_are_read_as_they_were_written(worker, example):
    assert _read(worker, {"example": example.name})["text"].split() == list(WRITTEN[example.name])
