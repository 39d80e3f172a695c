"""The share of "not a digit": above one half exactly where a sign is rejected, and all eleven add up."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from recognition import Reader
from recognition.calibration import Calibration
from recognition.reader import SHIPPED
from recognition.reading import RULED_OUT, Digit, Reading
from tests.strokes import STROKES


def _sign(digit=7, reject_share=0.2):
    probs = np.full(10, 0.01, np.float32)
    probs[7] = 0.91
    image = np.zeros((28, 28), np.uint8)
    return Digit((0, 0, 20, 20), image, probs, digit, 0.91, reject_share=reject_share)


def _drawing(lines):
    """Grey, (200, 200): lines of points in a unit box."""
    paper = Image.new("L", (200, 200), 255)
    for line in lines:
        ImageDraw.Draw(paper).line([(30 + 140 * x, 30 + 140 * y) for x, y in line], 0, 14, joint="curve")
    return np.asarray(paper)


def test_the_share_of_not_a_digit_crosses_one_half_at_the_threshold():
    calibration = Calibration(1.3, threshold=2.5)
    odds = np.array([-900.0, 2.4999, 2.5, 2.5001, 900.0], np.float32)
    shares = calibration.reject_share(odds)
    assert ((shares > 0.5) == ~calibration.accepts(odds)).all()
    assert shares[[0, 2, 4]].tolist() == [1.0, 0.5, 0.0]
    assert shares[1] == pytest.approx(
        1 / (1 + np.exp(odds[1] - 2.5)), abs=1e-7
    )  # the formula as it is written


def test_a_network_that_never_rejects_gives_nothing_to_not_a_digit():
    assert Calibration().reject_share(np.array([-50.0, 50.0], np.float32)).tolist() == [0.0, 0.0]


def test_eleven_shares_add_up_to_one_and_keep_the_proportions_of_the_digits():
    sign = _sign()
    assert sign.shares.shape == (11,)
    assert sign.shares.sum() == pytest.approx(1, abs=1e-6)
    assert sign.shares[10] == 0.2
    assert sign.shares[7] / sign.shares[0] == pytest.approx(91, rel=1e-4)


def test_a_sign_that_a_rule_rejects_says_so_in_its_shares():
    assert _sign().rejected().digit is None
    assert _sign().rejected().reject_share == RULED_OUT
    assert _sign(reject_share=0.999).rejected().reject_share == 0.999


@pytest.mark.parametrize("network", SHIPPED)
@pytest.mark.parametrize(
    "lines",
    [
        *STROKES.values(),
        [[(0.1, 1), (0.5, 0), (0.9, 1)], [(0.3, 0.6), (0.7, 0.6)]],
        [[(0.5, 0.5), (0.51, 0.5)]],
    ],
    ids=[*map(str, STROKES), "A", "dot"],
)
def test_answer_and_shares_of_a_drawing_agree(network, lines):
    for found in Reader(SHIPPED[network]).read_drawing(_drawing(lines)).digits:
        assert (found.reject_share > 0.5) == (found.digit is None)
        assert found.shares.sum() == pytest.approx(1, abs=1e-6)


def test_the_endpoints_send_the_eleven_shares_beside_the_ten_probabilities():
    [sent] = json.loads(json.dumps(Reading((_sign(),)).to_json()))["digits"]
    assert len(sent["probs"]) == 10
    assert len(sent["shares"]) == 11
    assert sum(sent["shares"]) == pytest.approx(1, abs=1e-3)
