"""What the page is sent of a reading."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from jobs.picture_answer import PHOTO_SIDE, STAGE_SIDE, answer_with_stages, outcome_of, picture_url
from recognition import Digit, Reading
from recognition.reading import Stage

PHOTO = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
SEEN = np.arange(784).reshape(28, 28).astype(np.uint8)


def _digit(digit, line=0):
    return Digit((3, 4 + 9 * line, 5, 6), SEEN, np.full(10, 0.01, np.float32), digit, 0.91, line)


def _reading(*stages):
    """4 and 2 below each other."""
    return Reading((_digit(4), _digit(2, 1)), "", stages)


def _opened(url):
    head, content = url.split(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_a_photo_comes_with_its_reading_the_photo_and_the_stages():
    stages = Stage("Grey", np.zeros((60, 80), np.uint8)), Stage("Pieces", np.zeros((60, 80, 3), np.uint8))
    answer = answer_with_stages(PHOTO, _reading(*stages))
    assert json.loads(json.dumps(answer)) == answer
    assert answer["text"] == "4\n2"
    assert [digit["line"] for digit in answer["digits"]] == [0, 1]
    assert base64.b64decode(answer["digits"][0]["picture"]) == SEEN.tobytes()
    assert (answer["width"], answer["height"]) == (80, 60)
    assert _opened(answer["photo"]).size == (80, 60)
    assert [stage["name"] for stage in answer["stages"]] == ["Grey", "Pieces"]
    assert [_opened(stage["picture"]).mode for stage in answer["stages"]] == ["L", "RGB"]


def test_pictures_are_no_larger_than_the_page_shows_them():
    stage = Stage("Grey", np.zeros((1200, 2000), np.uint8))
    answer = answer_with_stages(np.zeros((1500, 3000), np.uint8), _reading(stage))
    assert (answer["width"], answer["height"]) == (3000, 1500)  # boxes are in these pixels
    assert _opened(answer["photo"]).size == (PHOTO_SIDE, PHOTO_SIDE // 2)
    assert _opened(answer["stages"][0]["picture"]).width == STAGE_SIDE


def test_transparent_paper_is_shown_white():
    shown = _opened(picture_url(np.zeros((40, 40, 4), np.uint8), 40))
    assert shown.getpixel((20, 20)) == (255, 255, 255)


def test_light_ink_on_transparent_paper_is_shown_on_black():
    written = np.zeros((40, 40, 4), np.uint8)
    written[10:30, 18:24] = 255
    shown = _opened(picture_url(written, 40))
    assert min(shown.getpixel((20, 20))) > 240 and max(shown.getpixel((5, 5))) < 15


@pytest.mark.parametrize(
    ("digits", "outcome"),
    [((), "empty"), ((None,), "refused"), ((None, None), "refused"), ((None, 3), "read")],
)
def test_readings_are_counted_by_what_came_of_them(digits, outcome):
    assert outcome_of(Reading(tuple(_digit(digit) for digit in digits))) == outcome
