"""The Photo tab's server function, without a browser: what it answers to photos and to everything else."""

import base64
import io
import json
import logging
import time
from pathlib import Path

import anyio
import gradio as gr
import numpy as np
import pytest
from gradio.utils import get_upload_folder
from PIL import Image

from recognition import Digit, Reader, Reading
from recognition.reader import Stage
from scripts.example_photos import EXAMPLES as MADE
from tests import event_loop
from ui.photo import tab as photo
from ui.photo.tab import EXAMPLES, EXAMPLES_FOLDER, MOST_IN_LINE, SHOWN, STAGE, read_for_page, read_in_turn
from ui.server import uploads
from ui.server.uploads import read_upload

NOT_SENT = "Please send a file, with gradio_client's handle_file."
WRITTEN = {example.name: example.lines for example in MADE}
PHOTO = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)


class _Reader:
    """Reads 4 and 2 below each other in everything, and remembers what it was given."""

    error = None
    stages = (Stage("Grey", np.zeros((60, 80), np.uint8)), Stage("Pieces", np.zeros((60, 80, 3), np.uint8)))

    def read_photo(self, image):
        self.image = image
        if self.error:
            raise self.error
        probs = np.full(10, 0.01, np.float32)
        seen = np.arange(784).reshape(28, 28).astype(np.uint8)
        found = [Digit((3, 4 + 9 * i, 5, 6), seen, probs, digit, 0.91, i) for i, digit in enumerate((4, 2))]
        return Reading(tuple(found), "", self.stages)


@pytest.fixture
def reader():
    return _Reader()


@pytest.fixture
def send(monkeypatch, tmp_path):
    """Puts bytes or pixels where Gradio puts uploads, and gives what the script then asks."""
    monkeypatch.setattr(uploads, "get_upload_folder", lambda: str(tmp_path))

    def put(content=PHOTO, kind="PNG"):
        path = tmp_path / "upload"
        if isinstance(content, np.ndarray):
            Image.fromarray(content).save(path, kind)
        else:
            path.write_bytes(content)
        return {"path": str(path)}

    return put


def _opened(url):
    head, data = url.split(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_a_photo_comes_back_with_its_reading_the_photo_and_the_stages(reader, send):
    answer = read_for_page({"digits": reader}, send())
    assert json.loads(json.dumps(answer)) == answer
    assert answer["text"] == "4\n2"
    assert [digit["line"] for digit in answer["digits"]] == [0, 1]
    assert len(base64.b64decode(answer["digits"][0]["picture"])) == 784
    assert (answer["width"], answer["height"]) == (80, 60)
    assert _opened(answer["photo"]).size == (80, 60)
    assert [stage["name"] for stage in answer["stages"]] == ["Grey", "Pieces"]
    assert [_opened(stage["picture"]).mode for stage in answer["stages"]] == ["L", "RGB"]


def test_the_reader_is_given_the_very_pixels(reader, send):
    read_for_page({"digits": reader}, send())
    np.testing.assert_array_equal(reader.image, PHOTO)


def test_the_network_that_the_visitor_chose_reads(reader, send):
    other = type(reader)()
    other.image = None
    read_for_page({"digits": other, "own": reader}, send() | {"network": "own"})
    np.testing.assert_array_equal(reader.image, PHOTO)
    assert other.image is None
    answer = read_for_page({"digits": reader}, send() | {"network": "own"})
    assert answer == {"error": "There is no such network; there are digits."}


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_photo_that_lies_on_its_side_is_turned_before_it_is_read(reader, send, turns):
    answer = read_for_page({"digits": reader}, send() | {"turns": turns})
    turned = np.rot90(PHOTO, -turns)  # clockwise
    np.testing.assert_array_equal(reader.image, turned)
    assert (answer["height"], answer["width"]) == turned.shape[:2]
    assert _opened(answer["photo"]).size == turned.shape[1::-1]


@pytest.mark.parametrize("turns", [4, -1, 1.5, "1", None, [1]])
def test_a_turn_that_is_none_is_refused(reader, send, turns):
    answer = read_for_page({"digits": reader}, send() | {"turns": turns})
    assert answer == {"error": "A photo can be turned by 0, 1, 2 or 3 quarters."}


def test_pictures_are_sent_no_larger_than_the_page_shows_them(reader, send):
    reader.stages = (Stage("Grey", np.zeros((1200, 2000), np.uint8)),)
    answer = read_for_page({"digits": reader}, send(np.zeros((1500, 3000), np.uint8)))
    assert (answer["width"], answer["height"]) == (3000, 1500)  # boxes are in these pixels
    assert _opened(answer["photo"]).size == (SHOWN, SHOWN // 2)
    assert _opened(answer["stages"][0]["picture"]).width == STAGE


def test_transparent_paper_is_shown_white(reader, send):
    answer = read_for_page({"digits": reader}, send(np.zeros((40, 40, 4), np.uint8)))
    assert _opened(answer["photo"]).getpixel((20, 20)) == (255, 255, 255)


def test_light_ink_on_transparent_paper_is_shown_on_black(reader, send):
    written = np.zeros((40, 40, 4), np.uint8)
    written[10:30, 18:24] = 255
    shown = _opened(read_for_page({"digits": reader}, send(written))["photo"])
    assert min(shown.getpixel((20, 20))) > 240 and max(shown.getpixel((5, 5))) < 15


@pytest.mark.parametrize("content", [PHOTO, b"just some words"])
def test_an_uploaded_photo_is_deleted_once_it_was_opened(reader, send, content):
    asked = send(content)
    read_for_page({"digits": reader}, asked)
    assert not Path(asked["path"]).exists()
    assert read_for_page({"digits": reader}, asked) == {
        "error": "The file is no longer here. Please send it again."
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"just some words", "not a picture that can be read"),
        (b"", "The file is empty"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not a picture that can be read"),
    ],
)
def test_files_that_are_no_pictures_are_answered_in_words(reader, send, content, message):
    [(key, error)] = read_for_page({"digits": reader}, send(content)).items()
    assert key == "error"
    assert message in error


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
def test_only_uploaded_files_are_read(reader, asked):
    assert read_for_page({"digits": reader}, asked) == {"error": NOT_SENT}
    with pytest.raises(gr.Error, match=NOT_SENT):
        read_upload(reader.read_photo, asked, 100)


def test_no_message_names_a_path_of_the_server(reader, send, tmp_path):
    for name in ("missing", "", "folder", "x" * 300):
        (tmp_path / "folder").mkdir(exist_ok=True)
        answer = read_for_page({"digits": reader}, {"path": f"{tmp_path}/{name}"})
        assert answer == {"error": "The file is no longer here. Please send it again."}


@pytest.mark.parametrize("name", ["../../etc/passwd", "", None, 7, ["ruled"], {"a": 1}, "ruled.jpg"])
def test_an_example_that_does_not_exist_is_refused(reader, name):
    assert read_for_page({"digits": reader}, {"example": name}) == {"error": "There is no such example."}


def test_what_the_reader_refuses_is_passed_on_in_its_words(reader, send):
    reader.error = ValueError("the picture is one pixel wide")
    assert read_for_page({"digits": reader}, send()) == {"error": "the picture is one pixel wide"}


def test_a_fault_of_our_own_is_logged_and_the_person_is_asked_for_another_photo(reader, send, caplog):
    reader.error = ZeroDivisionError("secret detail")
    with caplog.at_level(logging.ERROR):
        answer = read_for_page({"digits": reader}, send())
    assert answer == {"error": "The photo could not be read. Please try another one."}
    assert "ZeroDivisionError" in caplog.text


def test_a_file_that_a_program_sent_stays_until_the_page_deletes_what_is_old(reader, send):
    asked = send()
    assert read_upload(reader.read_photo, asked, 10_000)["text"] == "4\n2"
    assert Path(asked["path"]).exists()


def test_a_picture_with_too_many_pixels_is_refused_before_it_is_unpacked(send):
    with pytest.raises(gr.Error, match="too large: 80 x 60 pixels"):
        read_upload(pytest.fail, send(), 4_000)


def test_photos_are_read_one_at_a_time_and_a_long_line_is_turned_away(reader, monkeypatch):
    reading, most_at_once = 0, 0

    def slow(reader, asked):
        nonlocal reading, most_at_once
        reading += 1
        most_at_once = max(most_at_once, reading)
        time.sleep(0.01)
        reading -= 1
        return {"text": "7"}

    monkeypatch.setattr(photo, "read_for_page", slow)
    read = read_in_turn()
    answers = []

    async def visit():
        answers.append(await read(reader, {}))

    async def visits():
        async with anyio.create_task_group() as visitors:
            for _ in range(MOST_IN_LINE + 5):
                visitors.start_soon(visit)

    event_loop.call(visits)
    assert most_at_once == 1
    assert answers.count({"text": "7"}) == MOST_IN_LINE
    assert sum("Please try again in a minute" in answer.get("error", "") for answer in answers) == 5


def test_every_example_is_there_and_all_are_small():
    assert {path.stem for path in EXAMPLES_FOLDER.iterdir()} == {example.name for example in EXAMPLES}
    assert sum(path.stat().st_size for path in EXAMPLES_FOLDER.iterdir()) < 400_000


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_examples_are_read_as_they_were_written(example):
    answer = read_for_page({"digits": Reader()}, {"example": example.name})
    assert answer["text"].split() == list(WRITTEN[example.name])
