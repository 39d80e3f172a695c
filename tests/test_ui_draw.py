"""The Draw tab's server function, without a browser: what it answers to drawings and to everything else."""

import asyncio
import base64
import functools
import io
import json
import logging
import time
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from jobs.drawing_message import BUSY, ERROR, READ, SUPERSEDED, number_of, pack_reading, unpack_answer
from recognition import Digit, Reading
from recognition.reader import DEFAULT_WEIGHTS
from tests import event_loop
from tests.hostile_files import png, png_chunk
from tests.pad import drawn_seven
from ui.draw.tab import MAX_CHARACTERS, PNG, read_live, road_of
from ui.server.queue import FairQueue
from ui.shared.visit import Visitor

NOISE = np.random.default_rng(0).integers(0, 255, (40, 30), np.uint8)


class _Reader:
    """Reads a 7 in everything, and remembers what it was given."""

    digit = 7
    message = ""
    error = None

    def read_drawing(self, image):
        self.image = image
        if self.error:
            raise self.error
        probs = np.full(10, 0.01, np.float32)
        probs[7] = 0.91
        seen = np.arange(784).reshape(28, 28).astype(np.uint8)
        found = Digit((3, 4, 50, 60), seen, probs, self.digit, 0.91)
        return Reading((found,), self.message)


@pytest.fixture
def reader():
    return _Reader()


def _drawing(pixels=None, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(np.zeros((60, 50), np.uint8) if pixels is None else pixels).save(file, kind)
    return {"image": PNG + base64.b64encode(file.getvalue()).decode()}


def test_a_drawing_comes_back_as_json_with_the_picture_the_network_saw(reader):
    answer = read_live({"digits": reader}, _drawing())
    assert json.loads(json.dumps(answer)) == answer
    picture = base64.b64decode(answer["digits"][0].pop("picture"))
    assert list(picture) == [value % 256 for value in range(784)]
    assert answer == reader.read_drawing(None).to_json()


def test_the_reader_is_given_the_very_pixels(reader):
    pixels = np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8)
    read_live({"digits": reader}, _drawing(pixels))
    np.testing.assert_array_equal(reader.image, pixels)


def test_ink_that_is_no_digit_keeps_its_probabilities_and_says_why(reader):
    reader.digit, reader.message = None, "That is a blot."
    answer = read_live({"digits": reader}, _drawing())
    assert (answer["text"], answer["message"]) == ("?", "That is a blot.")
    assert max(answer["digits"][0]["probs"]) == pytest.approx(0.91)


@pytest.mark.parametrize(
    ("drawing", "message"),
    [
        (None, "A drawing is sent as"),
        ("data:image/png;base64,AAAA", "A drawing is sent as"),
        ([_drawing()], "A drawing is sent as"),
        ({}, "A drawing is sent as"),
        ({"image": None}, "A drawing is sent as"),
        ({"image": 7}, "A drawing is sent as"),
        ({"image": float("nan")}, "A drawing is sent as"),
        ({"image": ["data:image/png;base64,"]}, "A drawing is sent as"),
        ({"image": "data:image/svg+xml;base64,AAAA"}, "A drawing is sent as"),
        ({"image": PNG + "not base64"}, "not valid base64"),
        ({"image": PNG + "AAA"}, "not valid base64"),
        ({"image": PNG + "\u0664\u0662"}, "not valid base64"),
        ({"image": PNG}, "The file is empty"),
        ({"image": PNG + base64.b64encode(b"words").decode()}, "not a picture"),
        ({"image": _drawing(NOISE)["image"][:-400]}, "damaged or cut short"),
        ({"image": PNG + "A" * MAX_CHARACTERS}, "may have 40,000 characters, this one has 40,022"),
    ],
)
def test_everything_else_is_answered_in_words(reader, drawing, message):
    [(key, error)] = read_live({"digits": reader}, drawing).items()
    assert key == "error"
    assert message in error


def test_a_picture_that_unpacks_to_millions_of_pixels_is_refused(reader):
    answer = read_live({"digits": reader}, _drawing(np.zeros((3000, 3000), np.uint8)))
    assert "too large: 3000 x 3000 pixels" in answer["error"]


@pytest.mark.parametrize("kind", [b"iCCP", b"zTXt", b"tEXt", b"eXIf"])
def test_what_is_no_part_of_a_picture_is_not_unpacked(reader, monkeypatch, kind):
    """A text of 30 kB may unpack to 30 MB, in the process that everybody is answered from."""
    grey = np.random.default_rng(0).integers(0, 255, (4, 4), np.uint8)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in grey))
    bomb = png_chunk(kind, b"a\0\0" + zlib.compress(bytes(20_000_000), 9))
    sent = png(4, 4, 8, bomb, pixels)
    monkeypatch.setattr(PngImagePlugin.PngStream, f"chunk_{kind.decode()}", pytest.fail)
    answer = read_live({"digits": reader}, {"image": PNG + base64.b64encode(sent).decode()})
    assert answer["text"] == "7"
    np.testing.assert_array_equal(reader.image, grey)


@pytest.mark.parametrize("end", [9, 12, 16, 30, 40])
def test_a_png_that_breaks_off_anywhere_is_told(reader, end):
    sent = png(4, 4, 8)[:end]
    answer = read_live({"digits": reader}, {"image": PNG + base64.b64encode(sent).decode()})
    assert "picture" in answer["error"]


def test_what_the_reader_refuses_is_passed_on_in_its_words(reader):
    reader.error = ValueError("ink must be finite, got NaN or infinity")
    assert read_live({"digits": reader}, _drawing()) == {"error": "ink must be finite, got NaN or infinity"}


def test_a_fault_of_our_own_is_logged_and_the_person_is_asked_to_try_again(reader, caplog):
    reader.error = ZeroDivisionError("secret detail")
    with caplog.at_level(logging.ERROR):
        answer = read_live({"digits": reader}, _drawing())
    assert answer == {"error": "The drawing could not be read. Please try again."}
    assert "ZeroDivisionError" in caplog.text


def test_the_network_that_was_chosen_reads():
    readers = {"digits": _Reader(), "seed": _Reader()}
    readers["seed"].message = "read by the first"
    assert read_live(readers, _drawing() | {"network": "seed"})["message"] == "read by the first"
    assert read_live(readers, _drawing() | {"network": "digits"})["message"] == ""
    assert read_live(readers, _drawing())["message"] == ""


@pytest.mark.parametrize("network", ["../../etc/passwd", "", None, 7, ["seed"], {"a": 1}])
def test_a_network_that_does_not_exist_is_refused_by_name_only(reader, network):
    readers = {"digits": reader, "seed": reader}
    answer = read_live(readers, _drawing() | {"network": network})
    assert answer == {"error": "There is no such network; there are digits and seed."}


# ---------------------------------------------------------------- the road of the pad's drawings


class _Pool:
    """Answers when it is told to."""

    def __init__(self):
        self.asked, self.go_on = [], asyncio.Event()

    async def read(self, page, weights, message):
        self.asked.append((page, weights, message))
        await self.go_on.wait()
        return "read", pack_reading(number_of(message), 0, Reading(()))


def _weights_of(visitor, network):
    if network != "digits":
        raise ValueError("There is no such network; there are digits.")
    return DEFAULT_WEIGHTS


async def _read_all(*messages, most_waiting=9):
    """The answers to drawings of one page that all come before the first is read."""
    pool = _Pool()
    queue = FairQueue(1, most_waiting, latest_only=True)
    read = road_of(SimpleNamespace(pool=pool, strokes=queue, weights_of=_weights_of))
    asked = [
        asyncio.create_task(read(Visitor("key", "page"), "8.8.8.8", message, time.perf_counter() - 0.05))
        for message in messages
    ]
    await asyncio.sleep(0.01)
    pool.go_on.set()
    answers = [unpack_answer(await one) for one in asked]
    assert all(answer["took"] >= 50 for answer in answers)
    return pool.asked, [(answer["number"], answer["kind"]) for answer in answers]


def test_of_the_drawings_of_a_page_the_newest_waits_and_is_read():
    messages = [drawn_seven(number) for number in (1, 2, 3)]
    asked, answers = event_loop.call(_read_all, *messages)
    assert answers == [(1, READ), (2, SUPERSEDED), (3, READ)]
    assert asked == [("page", DEFAULT_WEIGHTS, messages[0]), ("page", DEFAULT_WEIGHTS, messages[2])]


def test_where_too_many_drawings_wait_the_page_is_told():
    call = functools.partial(_read_all, most_waiting=0)
    _, answers = event_loop.call(call, drawn_seven(1), drawn_seven(2))
    assert answers == [(1, READ), (2, BUSY)]


def test_a_network_that_there_is_not_is_said_on_the_road_too():
    asked, answers = event_loop.call(_read_all, drawn_seven(4, network="none"))
    assert (asked, answers) == ([], [(4, ERROR)])
