"""The benchmark of real handwriting counts what it says, on archives of a few samples made here."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from benchmarks import failures, handwriting
from benchmarks.handwriting import read_set, score
from benchmarks.handwriting_sets import SETS, draw, read_archive, strokes_of
from recognition import Digit, Reading
from training.handwriting import validation_writers


def reading(digit, best, confidence=0.9):
    probs = np.full(10, (1 - confidence) / 9, np.float32)
    probs[best] = confidence
    found = Digit((0, 0, 1, 1), np.zeros((28, 28), np.uint8), probs, digit, confidence)
    return Reading((found,))


@pytest.fixture
def folder(tmp_path):
    """Two digits in strokes, 7 and 1, with y pointing up; and one doodle, a filled square."""
    points = np.array([[0.0, 1.0], [0.6, 1.0], [0.2, 0.0], [0.0, 0.0], [0.0, 1.0]])
    np.savez(
        tmp_path / "unipen_digits_dev.npz",
        points=points,
        stroke_offsets=np.array([0, 3, 5]),
        sample_offsets=np.array([0, 1, 2]),
        labels=np.array([7, 1]),
        writers=np.array([0, 23]),  # two who are not trained on
        balanced=np.array([True, True]),
        y_up=np.array(True),
    )
    images = np.full((1, 28, 28), 255, np.uint8)
    images[0, 5:23, 5:23] = 0
    np.savez(tmp_path / "quickdraw_neg_dev.npz", images=images)
    return tmp_path


def test_a_row_counts_exact_top1_characters_and_refusals():
    readings = [reading(7, 7), reading(None, 1), reading(2, 2), Reading(())]
    row = score(readings, ["7", "1", "3", "5"], [0.001] * 4)
    assert row.n == 4
    assert row.exact == 25
    assert row.top1 == 50  # refused, but its best was right: that counts for top1
    assert row.refused == 50
    assert row.chars == 25
    assert row.ms == pytest.approx(1)


def test_writers_who_are_trained_on_are_left_out_unless_all_are_wanted(folder):
    path = folder / "unipen_digits_dev.npz"
    with np.load(path) as archive:
        columns = {name: archive[name] for name in archive.files}
    np.savez(path, **columns | {"writers": np.array([0, 1])})
    assert ("unipen", 0) in validation_writers() and ("unipen", 1) not in validation_writers()
    for writers, count in (("validation", 1), ("all", 2)):
        _, samples = read_archive(SETS["unipen_digits"], folder, "dev", 0, writers)
        assert len(samples) == count


def test_separators_count_only_where_the_labels_have_them():
    class Read:
        text, digits = "12/ 3", ()

    for text, separators_count, exact in (("123", False, 100), ("12/3", True, 100), ("12-3", True, 0)):
        assert score([Read()], [text], [0.1], separators_count).exact == exact


def test_nothing_read_where_nothing_is_to_be_read_is_exact():
    row = score([Reading(()), reading(3, 3)], ["", ""], [0.1, 0.1])
    assert (row.exact, row.refused) == (50, 50)
    assert row.chars is None
    assert "   -" in str(row)


def test_strokes_are_turned_upright_and_drawn_inside_the_canvas(folder):
    with np.load(folder / "unipen_digits_dev.npz") as archive:
        seven = strokes_of(archive, 0)
    assert seven[0][0][1] < seven[0][2][1]  # it starts at the top: y points down now
    canvas = draw(seven, np.random.default_rng(0), 300, 200)
    assert canvas.shape == (200, 300, 4)
    assert not canvas[0, :, 3].any()
    assert 0.01 < (canvas[..., 3] > 127).mean() < 0.3


def test_each_sample_of_a_set_is_read_with_its_text(folder):
    class Sevens:
        def read_drawing(self, image):
            assert image.shape == (280, 280, 4)
            return reading(7, 7)

    readings, texts, seconds = read_set(Sevens(), SETS["unipen_digits"], folder, "dev", 0)
    assert texts == ["7", "1"]
    assert len(readings) == len(seconds) == 2


def test_the_command_prints_a_table_and_puts_it_into_a_card(folder, tmp_path, monkeypatch, capsys):
    card = tmp_path / "card.json"
    known = {"half": "dev", "writers": "validation", "sets": {"orand_car_a": {"n": 604}}}
    card.write_text(json.dumps({"parameters": 5, "real_handwriting": known}))
    sets = ["unipen_digits", "not: quickdraw"]
    monkeypatch.setattr(
        sys, "argv", ["handwriting.py", *sets, "--folder", str(folder), "--card", str(card), "--choose", "2"]
    )
    handwriting.main()
    printed = capsys.readouterr().out
    assert "unipen_digits              2" in printed
    assert "threshold" in printed
    written = json.loads(card.read_text(), parse_constant=pytest.fail)  # NaN is not JSON
    assert written["parameters"] == 5
    assert written["real_handwriting"]["sets"]["unipen_digits"]["n"] == 2
    assert written["real_handwriting"]["sets"]["not: quickdraw"]["refused"] == 100  # a blot
    assert written["real_handwriting"]["sets"]["orand_car_a"]["n"] == 604, "sets that were not read now stay"


def test_the_sheet_of_failures_shows_what_is_written_and_what_was_read(folder, tmp_path, monkeypatch, capsys):
    with np.load(folder / "unipen_digits_dev.npz") as archive:
        columns = {name: archive[name] for name in archive.files}
    texts, has_separator = np.array(["7", "1"]), np.array([False, False])
    strings = columns | {"labels": texts, "digits": texts, "has_separator": has_separator}
    np.savez(folder / "unipen_strings_dev.npz", **strings)

    class Sevens:
        def read_drawing(self, image):
            return reading(7, 7)

    monkeypatch.setattr(failures, "Reader", Sevens)
    path = tmp_path / "sheet.jpg"
    monkeypatch.setattr(sys, "argv", ["failures.py", str(path), "--folder", str(folder)])
    failures.main()
    assert "1 misread" in capsys.readouterr().out
    with Image.open(path) as sheet:
        pixels = np.asarray(sheet.convert("L"))
    assert pixels.shape[1] > 1000
    assert (pixels[30:, :300] < 100).any(), "the 1 that was read as a 7"
    assert (pixels[:, 320:] > 240).all(), "and nothing else"
