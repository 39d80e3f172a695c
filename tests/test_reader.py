"""The one door to reading: right answers for digits, honest ones for everything else, clear errors."""

import csv
import json
import re
import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from cnn import ModelFileError, digit_net, log_odds, save_model, seed_net
from recognition import Reader
from recognition.__main__ import main
from recognition.calibration import Calibration
from recognition.context import SEPARATORS
from recognition.normalise import normalise, to_input
from recognition.reader import CONTEXT_MODEL, SHIPPED, WEIGHTS
from tests.strokes import STROKES
from training.finetune import MARGIN


def canvas(strokes, size=280, pen=18, side=200, x=40, y=40):
    """(H, W, 4) uint8: black pen on transparent paper."""
    image = np.zeros((size, size, 4), np.uint8)
    alpha = np.zeros((size, size), np.uint8)
    for stroke in strokes:
        line = np.rint(np.array(stroke) * side + (x, y)).astype(np.int32)
        if (line != line[0]).any():
            cv2.polylines(alpha, [line], False, 255, pen, cv2.LINE_AA)
        for end in (line[0], line[-1]):  # round, as the page's pen is
            cv2.circle(alpha, [int(v) for v in end], pen // 2, 255, -1, cv2.LINE_AA)
    image[..., 3] = alpha
    return image


@pytest.fixture(scope="module")
def reader():
    return Reader()


@pytest.mark.parametrize("network", SHIPPED)
@pytest.mark.parametrize("digit", STROKES)
def test_every_shipped_network_reads_plainly_drawn_digits(digit, network):
    reading = Reader(SHIPPED[network]).read_drawing(canvas(STROKES[digit]))
    assert reading.text == str(digit)
    assert reading.message == ""


def test_a_reading_tells_box_picture_probabilities_and_confidence(reader):
    found = reader.read_drawing(canvas(STROKES[7])).digits[0]
    x, y, width, height = found.box
    assert (x, y) == pytest.approx((71, 51), abs=3)
    assert (width, height) == pytest.approx((138, 188), abs=6)
    assert found.image.shape == (28, 28)
    assert found.image.dtype == np.uint8
    assert found.probs.shape == (10,)
    assert found.probs.dtype == np.float32
    assert found.probs.sum() == pytest.approx(1, rel=1e-5)
    assert found.confidence == pytest.approx(found.probs.max())
    assert found.digit == 7


def test_a_reading_becomes_plain_json(reader):
    reading = reader.read_drawing(canvas(STROKES[7]))
    plain = json.loads(json.dumps(reading.to_json()))
    assert plain["text"] == "7"
    assert plain["digits"][0]["digit"] == 7
    assert len(plain["digits"][0]["probs"]) == 10
    assert plain["digits"][0]["box"] == list(reading.digits[0].box)


@pytest.mark.parametrize("side", [30, 100, 260])
def test_size_and_place_do_not_change_the_answer(reader, side):
    drawn = canvas(STROKES[3], side=side, pen=max(2, side // 12), x=10, y=10)
    assert reader.read_drawing(drawn).text == "3"


@pytest.mark.parametrize("paper", [(280, 280, 4), (280, 280, 3), (280, 280)])
def test_an_empty_canvas_is_no_digit_and_says_so(reader, paper):
    for level in (0, 255):
        reading = reader.read_drawing(np.full(paper, level, np.uint8))
        if paper[-1] == 4 and level == 255:
            assert reading.text == ""
        assert (reading.text, reading.digits) == ("", ())
        assert reading.message == "Nothing is drawn: the picture is all one colour."


def test_a_dot_and_a_filled_canvas_are_no_digits(reader):
    dot = canvas([[(0.5, 0.5), (0.5, 0.5)]], pen=20)
    filled = np.zeros((280, 280, 4), np.uint8)
    filled[20:260, 20:260, 3] = 255
    for image in (dot, filled):
        reading = reader.read_drawing(image)
        assert reading.text == "?"
        assert reading.digits[0].digit is None
        assert "blot" in reading.message
        assert reading.digits[0].probs.shape == (10,)  # the bars stay


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (np.zeros((28, 28)), TypeError),
        (np.full((28, 28), np.nan, np.float32), TypeError),
        (np.zeros((0, 0), np.uint8), ValueError),
        (np.zeros((5, 5, 5), np.uint8), ValueError),
    ],
)
def test_what_is_no_picture_is_refused(reader, image, error):
    with pytest.raises(error, match="a drawing must"):
        reader.read_drawing(image)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 4000)])
def test_odd_sizes_do_no_harm(reader, size):
    image = np.full(size, 255, np.uint8)
    image[0, size[1] // 2] = 0
    assert reader.read_drawing(image).text in {"", "?", *"0123456789"}


# --- calibration


def test_temperature_changes_confidence_but_never_the_answer():
    logits = np.random.default_rng(0).normal(0, 5, (20, 10)).astype(np.float32)
    sure, unsure = Calibration(0.5).probs(logits), Calibration(3.0).probs(logits)
    np.testing.assert_array_equal(sure.argmax(1), unsure.argmax(1))
    assert (sure.max(1) >= unsure.max(1)).all()
    assert sure.dtype == np.float32


def test_under_the_threshold_ink_is_no_digit_but_keeps_its_bars(tmp_path):
    save_model(
        tmp_path / "strict.npz",
        digit_net(np.random.default_rng(0)),
        progress=Calibration(1.0, threshold=1e9).to_progress(),
    )
    reading = Reader(tmp_path / "strict.npz").read_drawing(canvas(STROKES[7]))
    assert reading.text == "?"
    assert reading.digits[0].probs.sum() == pytest.approx(1, rel=1e-5)
    assert "does not look like a digit" in reading.message


@pytest.mark.parametrize(
    "calibration",
    [{"temperature": 0}, {"temperature": "hot"}, {"threshold": float("nan")}, {"colour": 1}, [1]],
)
def test_a_calibration_that_makes_no_sense_is_refused(tmp_path, calibration):
    save_model(
        tmp_path / "odd.npz", seed_net(np.random.default_rng(0)), progress={"calibration": calibration}
    )
    with pytest.raises(ModelFileError, match="calibration in this weights file makes no sense"):
        Reader(tmp_path / "odd.npz")


# --- several digits on the pad


def side_by_side(*digits, size=(600, 280), pen=14, side=130, step=110):
    """(H, W, 4) uint8: digits drawn one beside the other."""
    drawn = np.zeros((size[1], size[0], 4), np.uint8)
    for place, digit in enumerate(digits):
        one = canvas(STROKES[digit], size=280, pen=pen, side=side, x=30, y=70)[..., 3]
        left = step * place
        region = drawn[:, left : left + 280, 3]
        np.maximum(region, one[:, : region.shape[1]], out=region)
    return drawn


@pytest.mark.parametrize("number", [(4, 7), (1, 0), (3, 0, 4), (1, 7, 1, 3)])
def test_digits_drawn_side_by_side_are_a_number(reader, number):
    reading = reader.read_drawing(side_by_side(*number))
    assert reading.text == "".join(map(str, number))
    assert reading.message == ""
    left = [found.box[0] for found in reading.digits]
    assert left == sorted(left)
    x, y, _, height = reading.digits[0].box
    assert (x, y) == pytest.approx((70, 70), abs=30)
    assert height == pytest.approx(130, abs=25)


class Asked:
    """A context model that is sure of everything that it is shown, and remembers it."""

    def __init__(self, digit):
        self.logits, self.shown = 1000 * np.eye(10, dtype=np.float32)[digit], []

    def predict(self, x):
        self.shown.append(x)
        no_separators = np.full(len(SEPARATORS), -1000, np.float32)
        return np.tile(np.concatenate([self.logits, no_separators]), (len(x), 1))


@pytest.fixture
def asked(reader, monkeypatch):
    judge = Asked(3)
    monkeypatch.setattr(reader.classifier, "context_model", judge)
    return judge


def test_the_row_judge_sees_what_is_beside_a_digit_and_has_a_say(reader, asked):
    assert set(reader.read_drawing(side_by_side(4, 7)).text) == {"3"}
    shown = np.concatenate(asked.shown)
    assert shown.shape[1:] == (28, 28, 2)
    four, seven = (
        normalise(side_by_side(digit)[..., 3] / np.float32(255)) / np.float32(255) for digit in (4, 7)
    )
    for digit, beside, other_side in ((four, np.s_[14:], np.s_[:14]), (seven, np.s_[:14], np.s_[14:])):
        (pair,) = [pair for pair in shown if np.abs(pair[..., 0] - digit).mean() < 0.02]  # upright
        assert pair[:, beside, 1].sum() > 10
        assert not pair[:, other_side, 1].any()


def test_a_digit_that_stands_alone_and_is_in_no_doubt_is_not_shown_to_the_row_judge(
    reader, asked, monkeypatch
):
    monkeypatch.setattr(
        reader.classifier, "calibration", replace(reader.classifier.calibration, threshold=-10.0)
    )
    assert reader.read_drawing(canvas(STROKES[7])).text == "7"
    alpha = canvas(STROKES[4])[..., 3]
    assert reader.read_photo(255 - alpha).text == "4"
    assert asked.shown == []


@pytest.mark.parametrize(("above_threshold", "verdict"), [(1, -1), (-1, 1)])
def test_of_a_doubtful_sign_the_row_judge_is_asked_whether_it_is_a_digit(
    reader, asked, monkeypatch, above_threshold, verdict
):
    drawing = canvas(STROKES[7])
    sure = reader.read_drawing(drawing).digits[0]
    odds = log_odds(reader.model.predict(to_input(sure.image[None])))[0]
    doubtful = replace(reader.classifier.calibration, threshold=float(odds) - above_threshold)
    monkeypatch.setattr(reader.classifier, "calibration", doubtful)
    asked.logits, asked.shown = np.full(10, 1000 * verdict, np.float32), []
    found = reader.read_drawing(drawing).digits[0]
    (shown,) = asked.shown
    assert (shown[0, ..., 0] == sure.image / np.float32(255)).all()
    assert not shown[..., 1].any()  # nothing stands around it
    assert found.digit == (7 if verdict > 0 else None)
    assert (found.probs == sure.probs).all()  # which digit is the network's own answer


def test_in_what_a_network_was_taught_the_row_judge_has_no_say(reader, asked, monkeypatch):
    drawing = canvas(STROKES[7])
    image = reader.read_drawing(drawing).digits[0].image
    odds = float(log_odds(reader.model.predict(to_input(image[None])))[0])
    just_learned = replace(reader.classifier.calibration, threshold=odds - MARGIN - 0.01)
    monkeypatch.setattr(reader.classifier, "calibration", just_learned)
    asked.logits, asked.shown = np.full(10, -1000, np.float32), []
    assert reader.read_drawing(drawing).text == "7"
    assert asked.shown == []


def test_a_network_that_never_refuses_reads_alone():
    assert Reader(SHIPPED["seed"]).classifier.context_model is None


def test_all_readers_share_one_row_judge(reader, tmp_path):
    own = tmp_path / "own.npz"
    own.write_bytes(SHIPPED["digits"].read_bytes())
    assert Reader(own).classifier.context_model is Reader().classifier.context_model is not None


def test_without_a_row_judge_that_is_whole_nothing_is_read(tmp_path, monkeypatch):
    for name, content, error, message in (
        ("missing.npz", None, FileNotFoundError, r"no weights file .*missing\.npz"),
        ("damaged.npz", CONTEXT_MODEL.read_bytes()[:1000], ModelFileError, "damaged.npz is damaged"),
        (
            "other.npz",
            SHIPPED["digits"].read_bytes(),
            ModelFileError,
            r"other.npz is a digit_net.*\(28, 28, 2\)",
        ),
    ):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        monkeypatch.setattr("recognition.reader.CONTEXT_MODEL", tmp_path / name)
        with pytest.raises(error, match=message):
            Reader()


def test_the_row_judge_reads_no_digit_alone():
    with pytest.raises(ModelFileError, match=r"rows.npz is a row_net.*needed that takes \(28, 28, 1\)"):
        Reader(CONTEXT_MODEL)


@pytest.mark.parametrize("share", [0.3, 0.45])
def test_a_small_one_before_a_number_is_no_comma(reader, share):
    drawn = side_by_side(7, 7)
    drawn[:, :150] = 0
    cv2.line(drawn, (130, 195), (132, round(195 - share * 120)), (0, 0, 0, 255), 14)
    assert reader.read_drawing(drawn).text == "17"


def test_digits_drawn_below_each_other_are_lines(reader):
    drawn = np.concatenate([side_by_side(4, 7), side_by_side(3, 0)])
    assert reader.read_drawing(drawn).text == "47\n30"


def test_a_digit_of_several_strokes_stays_one(reader):
    open_four = [[(0.25, 0.05), (0.2, 0.5), (0.75, 0.5)], [(0.72, 0.1), (0.68, 0.95)]]
    barred_seven = [[(0.2, 0.1), (0.8, 0.1), (0.45, 0.95)], [(0.3, 0.5), (0.75, 0.5)]]
    assert reader.read_drawing(canvas(open_four)).text == "4"
    assert reader.read_drawing(canvas(barred_seven)).text == "7"


@pytest.mark.parametrize("pen", [8, 22])
def test_a_number_of_two_needs_no_certain_pen(reader, pen):
    assert reader.read_drawing(side_by_side(4, 7, pen=pen)).text == "47"


def test_a_letter_of_two_parts_that_look_like_ones_is_no_number(reader):
    for strokes in (
        [[(0.2, 0.05), (0.5, 0.95), (0.8, 0.05)]],  # V
        [[(0.2, 0.95), (0.2, 0.05), (0.8, 0.95), (0.8, 0.05)]],  # N
        [[(0.15, 0.05), (0.15, 0.95)], [(0.85, 0.05), (0.85, 0.95)], [(0.15, 0.5), (0.85, 0.5)]],  # H
    ):
        assert reader.read_drawing(canvas(strokes)).text == "?"


def test_a_word_is_refused_as_a_whole(reader):
    word = np.zeros((280, 840, 4), np.uint8)
    letters = word[..., 3].copy()
    cv2.putText(letters, "Wesen", (40, 190), cv2.FONT_HERSHEY_SCRIPT_COMPLEX, 5, 255, 12, cv2.LINE_AA)
    word[..., 3] = letters
    reading = reader.read_drawing(word)
    assert reading.text == "?"
    assert "does not look like a digit" in reading.message


# --- the command line


def save(strokes, path, paper=False):
    """A drawing as a file, on transparent paper or as a photo."""
    drawn = strokes if isinstance(strokes, np.ndarray) else canvas(strokes)
    Image.fromarray(255 - np.repeat(drawn[..., 3:], 3, -1) if paper else drawn).save(path)
    return str(path)


def test_the_command_line_prints_ten_percentages_and_the_digit(tmp_path, capsys):
    Image.fromarray(canvas(STROKES[7])).save(tmp_path / "seven.png")
    assert main([str(tmp_path / "seven.png")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:10]] == [str(digit) for digit in range(10)]
    assert all(line.endswith(" %") for line in lines[:10])
    assert lines[10] == "Predicted digit: 7"


def test_the_command_line_reads_the_rest_where_one_file_is_no_picture(tmp_path, capsys):
    (tmp_path / "text.png").write_text("no picture")
    Image.fromarray(canvas(STROKES[1])).save(tmp_path / "one.png")
    assert main([str(tmp_path / "text.png"), str(tmp_path / "one.png")]) == 1
    printed = capsys.readouterr()
    assert "Predicted digit: 1" in printed.out
    assert "text.png: The file is not a picture that can be read" in printed.err


def test_the_command_line_tells_of_wrong_weights_in_one_line(tmp_path, capsys):
    (tmp_path / "w.npz").write_bytes(b"x")
    assert main(["--weights", str(tmp_path / "w.npz"), "any.png"]) == 1
    assert "w.npz is damaged or not" in capsys.readouterr().err


def test_the_command_line_prints_several_digits_line_by_line(tmp_path, capsys):
    drawn = np.concatenate([side_by_side(4, 7), side_by_side(3, 0)])
    assert main([save(drawn, tmp_path / "numbers.png", paper=True)]) == 0
    assert capsys.readouterr().out == "47\n30\n"


def test_the_command_line_saves_a_picture_with_boxes_and_a_table(tmp_path):
    photo = save(side_by_side(4, 7), tmp_path / "numbers.jpg", paper=True)
    boxes, table = tmp_path / "boxes.png", tmp_path / "table.csv"
    assert main([photo, "--boxes", str(boxes), "--csv", str(table)]) == 0
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["digit"] for row in rows] == ["4", "7"]
    assert [row["picture"] for row in rows] == [photo, photo]
    assert [row["line"] for row in rows] == ["0", "0"]
    assert all(0.5 < float(row["confidence"]) <= 1 for row in rows)
    drawn = np.asarray(Image.open(boxes))
    assert drawn.shape == (280, 600, 3)
    x, y, height = (int(rows[1][name]) for name in ("x", "y", "height"))
    assert len(set(drawn[y + height // 2, x].tolist())) > 1, "a coloured edge of the box"


def test_the_command_line_takes_folders_and_several_files(tmp_path, capsys):
    folder = tmp_path / "photos"
    folder.mkdir()
    save(STROKES[7], folder / "b.png")
    save(STROKES[1], folder / "a.PNG")
    (folder / "notes.txt").write_text("no picture")
    table = tmp_path / "table.csv"
    boxes = tmp_path / "boxes"
    assert main([str(folder), "--csv", str(table), "--boxes", str(boxes)]) == 0
    printed = capsys.readouterr().out
    assert printed.index("a.PNG:") < printed.index("Predicted digit: 1") < printed.index("b.png:")
    with table.open(newline="", encoding="utf-8") as file:
        assert [row["digit"] for row in csv.DictReader(file)] == ["1", "7"]
    assert sorted(path.name for path in boxes.iterdir()) == ["a.PNG.png", "b.png.png"]


def test_the_command_line_says_where_it_finds_and_can_write_nothing(tmp_path, capsys):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main([str(empty)]) == 1
    assert "no picture in that folder" in capsys.readouterr().err
    photo = save(STROKES[7], tmp_path / "seven.png")
    for option in ("--csv", "--boxes"):
        assert main([photo, option, str(tmp_path / "nowhere" / "out")]) == 1
        assert "cannot be written" in capsys.readouterr().err


# --- files that are no photo of digits


def _bad_files(folder):
    """Name -> what the command line should say of it."""
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    rgb = Image.fromarray(noise)
    (folder / "words.jpg").write_bytes(b"just some words")
    rgb.save(folder / "whole.jpg")
    (folder / "cut.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:400])
    (folder / "whole.jpg").unlink()
    Image.new("RGB", (1, 1), "white").save(folder / "pixel.png")
    Image.new("RGB", (300, 200), "white").save(folder / "blank.heic", "HEIF")
    Image.new("1", (20_000, 20_000)).save(folder / "huge.png")
    Image.fromarray(_cat()).save(folder / "cat.jpg", quality=85)
    Image.fromarray(_text_page()).save(folder / "text.png")
    return {
        "words.jpg": "not a picture that can be read",
        "cut.jpg": "damaged or cut short",
        "pixel.png": "Nothing is drawn",
        "blank.heic": "Nothing is drawn",
        "huge.png": "too large",
        "cat.jpg": r"does not look like a digit|No digits were found",
        "text.png": "No digits were found",
    }


def _cat():
    """Fur, eyes and a blurred room, as in a photo of a cat: (480, 640, 3) uint8."""
    rng = np.random.default_rng(3)
    room = cv2.resize(rng.uniform(60, 200, (5, 7, 3)), (640, 480), interpolation=cv2.INTER_CUBIC)
    fur = cv2.GaussianBlur(rng.normal(0, 60, (480, 640)), (0, 0), sigmaX=1, sigmaY=5)[..., None]
    body = np.zeros((480, 640), np.uint8)
    cv2.ellipse(body, (320, 420), (190, 160), 0, 0, 360, 255, -1)
    cv2.circle(body, (320, 210), 110, 255, -1)
    for ear in ([(225, 170), (235, 70), (300, 120)], [(415, 170), (405, 70), (340, 120)]):
        cv2.fillPoly(body, [np.array(ear)], 255)
    share = cv2.GaussianBlur(body, (0, 0), 3)[..., None] / 255
    picture = (1 - share) * room + share * (np.array((150, 110, 70)) + fur)
    for x in (278, 362):
        cv2.ellipse(picture, (x, 200), (22, 15), 0, 0, 360, (190, 200, 90), -1)
        cv2.ellipse(picture, (x, 200), (6, 14), 0, 0, 360, (10, 10, 10), -1)
    return picture.clip(0, 255).astype(np.uint8)


def _text_page():
    page = np.full((900, 900), 255, np.uint8)
    for row, words in enumerate(["Sehr geehrte Damen", "und Herren, wenn ein", "Reisender bei Nacht"] * 4):
        cv2.putText(page, words, (30, 70 + 68 * row), cv2.FONT_HERSHEY_COMPLEX, 1.7, 0, 3, cv2.LINE_AA)
    return page


def test_the_command_line_says_of_every_bad_file_what_is_wrong_with_it(tmp_path, capsys):
    for name, message in _bad_files(tmp_path).items():
        failed = main([str(tmp_path / name)])
        printed = capsys.readouterr()
        assert re.search(message, printed.err if failed else printed.out), name
        assert "Traceback" not in printed.out + printed.err


def test_pictures_of_every_kind_are_read(tmp_path, capsys):
    drawn = 255 - side_by_side(4, 7)[..., 3]
    grey = Image.fromarray(drawn)
    rgb = grey.convert("RGB")
    clear = Image.fromarray(side_by_side(4, 7))
    rgb.convert("CMYK").save(tmp_path / "cmyk.jpg")
    rgb.convert("P").save(tmp_path / "palette.png")
    Image.fromarray(drawn.astype(np.uint16) * 257).save(tmp_path / "sixteen.png")
    rgb.save(tmp_path / "phone.heic", "HEIF")
    clear.save(tmp_path / "clear.webp", lossless=True)
    rgb.save(tmp_path / "moving.gif", save_all=True, append_images=[Image.new("RGB", rgb.size)] * 2)
    turned = Image.Exif()
    turned[0x0112] = 6  # turn it a quarter to the right to see it upright
    rgb.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.jpg", exif=turned)
    for path in sorted(tmp_path.iterdir()):
        assert main([str(path)]) == 0
        assert capsys.readouterr().out == "47\n", path.name


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is counted in kilobytes on Linux only")
def test_neither_a_large_photo_nor_a_bomb_takes_a_gigabyte(tmp_path):
    photo = cv2.resize(255 - side_by_side(4, 7)[..., 3], (7800, 6400))  # 49.9 million pixels, the most
    Image.fromarray(photo).convert("RGB").save(tmp_path / "large.jpg")
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    peak = (
        "import resource, sys; from recognition.__main__ import main; main(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    files = [str(tmp_path / name) for name in ("large.jpg", "bomb.png")]
    done = subprocess.run(
        [sys.executable, "-c", peak, *files], capture_output=True, text=True, check=True, cwd=WEIGHTS.parent
    )
    assert "47" in done.stdout
    assert "too large" in done.stderr
    assert int(done.stdout.split()[-1]) < 1e9 / 1024
