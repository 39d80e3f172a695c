"""Drawings and answers as bytes: what arrives is what was sent, and `message.js` has the same format."""

import numpy as np
import pytest

from jobs.drawing_message import (
    BUSY,
    MAX_BYTES,
    MOST_STROKES,
    pack_drawing,
    pack_reading,
    pack_sentence,
    pack_strokes,
    pixels_of,
    strokes_of,
    unpack_answer,
    unpack_drawing,
    with_time,
)
from recognition.pen_strokes import PenStrokes
from recognition.reading import Digit, Reading, Separator
from tests.pad import seven

# The same as in tests/scripts/message.test.mjs.
DRAWING = "0201000001460003000700041200736565643800020058001800980018000100f0ff0800c00a41813c7f4511c8"
READING = (
    "02010000000c0001020002002d372d010005000600070008000080370100"
    "010002002c0104000000004000000000000000000000ffbf000000003333"
)
SENTENCE = "03000000020500427573792e"


def test_a_drawing_is_packed_as_the_page_packs_it():
    pixels = np.full((3, 70), 255, np.uint8)
    pixels[1, 5:9] = [0, 0, 17, 200]
    pixels[2] = 0
    strokes = PenStrokes((np.array([[5.5, 1.5], [9.5, 1.5]]), np.array([[-1.0, 0.5]])), 3.5)
    assert pack_drawing(258, True, "seed", pixels, strokes).hex() == DRAWING


def test_a_reading_is_packed_as_the_page_unpacks_it():
    probs = np.zeros(10, np.float32)
    probs[7], probs[1] = 0.75, 0.25
    image = np.zeros((28, 28), np.uint8)
    image[0, 0] = 9
    found = Digit((1, 2, 300, 4), image, probs, 7, 0.75, 1, reject_share=0.2)
    dash = Separator((5, 6, 7, 8), "-", 0.5, 1)
    packed = pack_reading(258, 12.4, Reading((dash, found), "Hm.", provisional=True))
    assert packed[: len(READING) // 2].hex() == READING
    assert packed.endswith(b"Hm.")
    answer = unpack_answer(packed)
    assert (answer["text"], [one["digit"] for one in answer["digits"]]) == ("-7", [7])
    assert len(packed) == len(READING) // 2 + 28 * 28 + 3


def test_a_sentence_is_packed_as_the_page_unpacks_it():
    packed = pack_sentence(3, BUSY, 5, "Busy.")
    assert packed.hex() == SENTENCE
    assert unpack_answer(with_time(packed, 70.2)) == {
        "number": 3,
        "kind": BUSY,
        "took": 70,
        "sentence": "Busy.",
    }
    assert unpack_answer(with_time(packed, 1e9))["took"] == 65535


def test_pixels_arrive_as_they_were_sent():
    sheet = np.random.default_rng(0).integers(0, 256, (40, 70)).astype(np.uint8)
    sheet[:, 10:60] = 255
    sheet[3:30, 20:50] = 0
    for pixels in (sheet, seven(), np.full((500, 500), 255, np.uint8), np.zeros((1, 1), np.uint8)):
        drawing = unpack_drawing(pack_drawing(9, True, "seed", pixels))
        assert (drawing.number, drawing.moving, drawing.network) == (9, True, "seed")
        np.testing.assert_array_equal(pixels_of(drawing), pixels)


def test_strokes_arrive_as_they_were_sent_to_a_sixteenth_of_a_pixel():
    rng = np.random.default_rng(0)
    sent = PenStrokes(tuple(rng.uniform(-9, 300, (count, 2)) for count in (1, 7, 40)), 9.6)
    found = strokes_of(unpack_drawing(pack_drawing(9, False, "seed", seven(), sent)))
    assert found.pen == pytest.approx(sent.pen, abs=1 / 32)
    for ours, theirs in zip(sent.points, found.points, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1 / 32)
    assert strokes_of(unpack_drawing(pack_drawing(9, False, "seed", seven()))) is None


DOT = np.zeros((1, 2))


@pytest.mark.parametrize(
    "strokes",
    [
        pack_strokes(PenStrokes((), 3)),
        pack_strokes(PenStrokes((DOT, DOT), 3))[:-1],
        pack_strokes(PenStrokes((DOT, DOT), 3))[:-2],
        pack_strokes(PenStrokes((DOT, np.zeros((0, 2))), 3)),
        pack_strokes(PenStrokes((DOT, DOT), 0)),
        pack_strokes(PenStrokes((DOT, DOT), 101)),
        pack_strokes(PenStrokes((DOT,) * (MOST_STROKES + 1), 3)),
        pack_strokes(PenStrokes((np.zeros((5000, 2)),), 3)),
        b"\x30",
        b"\x30\0\xff\xff",
    ],
    ids=[
        "none",
        "half a number",
        "half a point",
        "no points",
        "no pen",
        "a broom",
        "many",
        "long",
        "a byte",
        "-1",
    ],
)
def test_strokes_that_are_not_as_announced_are_refused(strokes):
    drawing = unpack_drawing(pack_drawing(9, False, "seed", seven()))
    with pytest.raises(ValueError, match="reload the page"):
        strokes_of(drawing._replace(strokes=strokes))


def test_every_cut_of_a_drawing_is_refused():
    packed = pack_drawing(9, True, "seed", seven())
    for end in range(len(packed)):
        with pytest.raises(ValueError, match="reload the page"):
            pixels_of(unpack_drawing(packed[:end]))


def test_bytes_at_random_are_refused_or_pixels():
    random = np.random.default_rng(0)
    packed = np.frombuffer(pack_drawing(9, True, "seed", seven()), np.uint8)
    for _ in range(500):
        changed = packed.copy()
        changed[random.integers(0, len(packed), 3)] = random.integers(0, 256, 3)
        try:
            pixels = pixels_of(unpack_drawing(changed.tobytes()))
        except ValueError:
            continue
        assert pixels.dtype == np.uint8
        assert 0 < pixels.size <= 512 * 512
    with pytest.raises(ValueError, match="reload"):
        unpack_drawing(bytes(MAX_BYTES + 1))
