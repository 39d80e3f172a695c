"""A drawing that grows: less is read of what is no digit yet, and nothing twice; no answer is another one."""

import cv2
import numpy as np
import pytest

from recognition import Reader, growing, segment
from recognition.growing import DrawingMemories, DrawingMemory
from recognition.reader import SHIPPED

BAR = [[(30, 40), (210, 46)]]
HOOK = [[(30, 40), (210, 40), (180, 100)]]
THREE = [(0, 10), (30, 0), (60, 15), (55, 40), (25, 52), (60, 62), (70, 90), (45, 112), (0, 105)]
SEVEN = [(0, 0), (75, 0), (30, 115)]


@pytest.fixture(scope="module")
def reader():
    return Reader()


def drawn(*strokes, pen=12):
    """Black ink on white, (200, 600); strokes: of corner points."""
    sheet = np.full((200, 600), 255, np.uint8)
    for stroke in strokes:
        cv2.polylines(sheet, [np.array(stroke, np.int32)], False, 0, pen, cv2.LINE_AA)
    return sheet


def moved(stroke, x, y=40):
    return [(left + x, top + y) for left, top in stroke]


TOUCHING = (moved(THREE, 40), moved(SEVEN, 100))  # the 3's belly runs into the 7's bar


@pytest.fixture
def asked(monkeypatch):
    """How many images the networks were shown, in `asked[0]`."""
    from recognition import classifier

    count, predict = [0], classifier._predict

    def counted(model, images):
        count[0] += len(images)
        return predict(model, images)

    monkeypatch.setattr(classifier, "_predict", counted)
    return count


def test_a_bar_is_shown_to_the_network_once(reader, asked):
    assert reader.read_drawing(drawn(*BAR)).text == "?"
    assert asked[0] <= 2  # of a doubtful sign, both networks are asked


def test_while_the_pen_moves_a_hook_costs_no_more_than_a_digit(reader, asked):
    assert reader.read_moving(drawn(*HOOK)).text == "?"
    assert asked[0] <= 2


def test_the_context_model_is_not_asked_about_what_the_network_finds_hopeless(reader, monkeypatch):
    scribble = [
        (40, 100),
        (60, 70),
        (80, 100),
        (60, 130),
        (40, 100),
        (300, 100),
        (300, 140),
        (280, 100),
        (280, 150),
    ]
    monkeypatch.setattr(segment, "add_context", lambda *_: pytest.fail("the context model was asked"))
    assert reader.read_drawing(drawn(scribble, pen=8)).text == "?"


def test_digits_that_touch_are_told_apart_once_the_pen_rests(reader):
    assert cv2.connectedComponents(255 - drawn(*TOUCHING))[0] == 2, "they must touch"
    memory = DrawingMemory()
    moving = reader.read_moving(drawn(*TOUCHING), memory)
    assert (moving.text, moving.provisional) == ("?", True)
    resting = reader.read_drawing(drawn(*TOUCHING), memory)
    assert (resting.text, resting.provisional) == ("37", False)


def test_digits_that_touched_when_the_pen_rested_stay_apart_while_the_next_one_is_drawn(reader):
    memory = DrawingMemory()
    reader.read_drawing(drawn(*TOUCHING), memory)
    growing_digit = drawn(*TOUCHING, moved(THREE, 260)[:7])
    assert reader.read_moving(growing_digit, memory).text.startswith("37")
    assert not reader.read_moving(growing_digit).text.startswith("37")  # without a memory it is not known


def test_one_digit_is_read_while_the_pen_moves_as_it_is_when_it_rests(reader):
    moving, resting = (
        reader.read_moving(drawn(moved(THREE, 40))),
        reader.read_drawing(drawn(moved(THREE, 40))),
    )
    assert not moving.provisional
    assert moving.to_json() == resting.to_json()


def test_a_memory_changes_no_answer_and_saves_most_of_the_work(reader, asked):
    memory = DrawingMemory()
    pictures = [drawn(moved(THREE, 40), moved(SEVEN, 150), moved(THREE, 260)[: 3 + i]) for i in range(7)]
    for picture in pictures:
        assert reader.read_drawing(picture, memory).to_json() == reader.read_drawing(picture).to_json()
    asked[0] = 0
    reader.read_drawing(pictures[-1])
    without, asked[0] = asked[0], 0
    reader.read_drawing(pictures[-1], memory)
    assert without > 10
    assert asked[0] == 0


def test_a_memory_forgets_what_another_network_said():
    memory = DrawingMemory()
    picture = drawn(moved(THREE, 40), moved(SEVEN, 150))
    for weights in SHIPPED.values():
        alone, remembered = (
            Reader(weights).read_drawing(picture),
            Reader(weights).read_drawing(picture, memory),
        )
        assert remembered.to_json() == alone.to_json()


def test_while_the_pen_moves_a_crowded_drawing_waits_until_it_rests(reader):
    crowd = [moved(SEVEN, x, y) for x in range(20, 560, 30) for y in range(10, 180, 40)]
    crowd = [
        [((x - left[0][0]) // 5 + left[0][0], (y - left[0][1]) // 5 + left[0][1]) for x, y in left]
        for left in crowd
    ]
    assert reader.read_moving(drawn(*crowd, pen=4)) is None
    assert reader.read_drawing(drawn(*crowd, pen=4)) is not None


def test_a_memory_is_bounded(reader, monkeypatch):
    monkeypatch.setattr(growing, "MOST_IMAGES", 5)
    monkeypatch.setattr(growing, "MOST_CUT", 1)
    memory = DrawingMemory()
    for x in (40, 41, 43):
        reader.read_drawing(drawn(moved(THREE, x), moved(SEVEN, 100)), memory)
    assert len(memory._logits) == 5
    assert len(memory._cut) == 1


def test_of_the_drawings_the_one_that_grew_longest_ago_is_forgotten(monkeypatch):
    monkeypatch.setattr(growing, "MOST_DRAWINGS", 2)
    memories = DrawingMemories()
    first, second = memories.of("first"), memories.of("second")
    assert memories.of("first") is first
    memories.of("third")
    assert memories.of("first") is first
    assert memories.of("second") is not second
