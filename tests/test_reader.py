"""The one door to reading: right answers for digits, honest ones for everything else, clear errors."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from cnn import ModelFileError, digit_net, log_odds, save_model, seed_net
from recognition import Reader
from recognition.calibration import Calibration
from recognition.context import SEPARATORS
from recognition.normalise import normalise, to_input
from recognition.reader import CONTEXT_MODEL, LINE_MODEL, SHIPPED
from tests.drawings import canvas, side_by_side
from tests.strokes import STROKES
from training.finetune import LEARNED_MARGIN


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
def test_an_invalid_calibration_is_refused(tmp_path, calibration):
    save_model(
        tmp_path / "odd.npz", seed_net(np.random.default_rng(0)), progress={"calibration": calibration}
    )
    with pytest.raises(ModelFileError, match="calibration in this weights file is invalid"):
        Reader(tmp_path / "odd.npz")


# --- several digits on the pad


@pytest.mark.parametrize("number", [(4, 7), (1, 0), (3, 0, 4), (1, 7, 1, 3), (4, 1, 3), (4, 1, 3, 3, 7)])
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


def test_the_context_model_sees_what_is_beside_a_digit_and_has_a_say(reader, asked):
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


def test_a_digit_that_stands_alone_and_is_in_no_doubt_is_not_shown_to_the_context_model(
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
def test_of_a_doubtful_sign_the_context_model_is_asked_whether_it_is_a_digit(
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


def test_in_what_a_network_was_taught_the_context_model_has_no_say(reader, asked, monkeypatch):
    drawing = canvas(STROKES[7])
    image = reader.read_drawing(drawing).digits[0].image
    odds = float(log_odds(reader.model.predict(to_input(image[None])))[0])
    just_learned = replace(reader.classifier.calibration, threshold=odds - LEARNED_MARGIN - 0.01)
    monkeypatch.setattr(reader.classifier, "calibration", just_learned)
    asked.logits, asked.shown = np.full(10, -1000, np.float32), []
    assert reader.read_drawing(drawing).text == "7"
    assert asked.shown == []


def test_a_network_that_never_refuses_reads_alone():
    classifier = Reader(SHIPPED["seed"]).classifier
    assert (classifier.context_model, classifier.line_model) == (None, None)


def test_all_readers_share_one_context_model_and_one_line_model(reader, tmp_path):
    own = tmp_path / "own.npz"
    own.write_bytes(SHIPPED["digits"].read_bytes())
    one, other = Reader(own).classifier, Reader().classifier
    assert one.context_model is other.context_model is not None
    assert one.line_model is other.line_model is not None


@pytest.mark.parametrize(
    ("which", "wanted"), [("CONTEXT_MODEL", r"\(28, 28, 2\)"), ("LINE_MODEL", r"\(48, 264, 1\)")]
)
def test_without_these_models_whole_nothing_is_read(tmp_path, monkeypatch, which, wanted):
    for name, content, error, message in (
        ("missing.npz", None, FileNotFoundError, r"no weights file .*missing\.npz"),
        ("damaged.npz", CONTEXT_MODEL.read_bytes()[:1000], ModelFileError, "damaged.npz is damaged"),
        ("other.npz", SHIPPED["digits"].read_bytes(), ModelFileError, f"other.npz is a digit_net.*{wanted}"),
    ):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        monkeypatch.setattr(f"recognition.reader.{which}", tmp_path / name)
        with pytest.raises(error, match=message):
            Reader()


@pytest.mark.parametrize(("path", "name"), [(CONTEXT_MODEL, "row_net"), (LINE_MODEL, "line_net")])
def test_a_model_that_helps_reads_no_digit_alone(path, name):
    with pytest.raises(ModelFileError, match=rf"{path.name} is a {name}.*needed that takes \(28, 28, 1\)"):
        Reader(path)


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
