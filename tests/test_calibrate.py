"""The fitted temperature makes confidence mean what it says."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from training.calibrate import fit_temperature, reliability


def honest_logits(n=20_000, seed=0):
    """Logits and labels drawn from exactly the probabilities the logits say."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 10))
    labels = (softmax(logits, axis=1).cumsum(1) > rng.random((n, 1))).argmax(1)
    return logits, labels


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 4.0])
def test_the_temperature_undoes_overconfidence(overconfidence):
    logits, labels = honest_logits()
    assert fit_temperature(logits * overconfidence, labels) == pytest.approx(overconfidence, rel=0.05)


def test_the_temperature_is_the_one_scipy_finds():
    logits, labels = honest_logits(500)

    def loss(temperature):
        return -log_softmax(logits / temperature, axis=1)[np.arange(500), labels].mean()

    expected = minimize_scalar(loss, bounds=(0.1, 10), method="bounded").x
    assert fit_temperature(logits, labels) == pytest.approx(expected, rel=2e-3)


def test_honest_probabilities_have_next_to_no_calibration_error_and_overconfident_ones_do():
    logits, labels = honest_logits()
    assert reliability(softmax(logits, axis=1), labels).expected_calibration_error < 0.01
    assert reliability(softmax(3 * logits, axis=1), labels).expected_calibration_error > 0.1


def test_the_calibration_error_is_the_weighted_gap():
    probs = np.full((4, 10), 0.0)
    probs[:, 3] = (0.95, 0.95, 0.55, 0.55)
    probs[:, 4] = 1 - probs[:, 3]
    labels = np.array([3, 3, 3, 4])  # sure answers all right, unsure ones half right
    found = reliability(probs, labels)
    assert found.counts.sum() == 4
    assert found.expected_calibration_error == pytest.approx(0.5 * 0.05 + 0.5 * 0.05)


def test_complete_certainty_falls_into_the_last_bin():
    found = reliability(np.eye(10)[:3], np.array([0, 1, 5]))
    assert found.counts[-1] == 3
    assert found.accuracy[-1] == pytest.approx(2 / 3)
