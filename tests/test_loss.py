"""Softmax and the losses: against SciPy, finite differences and the labels they refuse."""

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp

from cnn import log_odds, reject_cross_entropy, softmax, softmax_cross_entropy
from tests.gradients import finite_differences


def test_softmax_sums_to_one_and_survives_huge_logits():
    probs = softmax(np.array([[1000.0, 0.0, -1000.0], [1.0, 2.0, 3.0]], np.float32))
    assert probs.dtype == np.float32
    np.testing.assert_allclose(probs.sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(probs[0], [1, 0, 0])


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_cross_entropy_is_scipys_and_its_gradient_matches_finite_differences(label_smoothing):
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((4, 10)), np.array([0, 9, 3, 3])
    targets = np.eye(10)[labels] * (1 - label_smoothing) + label_smoothing / 10
    loss, dlogits = softmax_cross_entropy(logits, labels, label_smoothing)
    assert loss == pytest.approx(-(targets * log_softmax(logits, axis=1)).sum() / 4, rel=1e-12)
    expected = finite_differences(lambda: softmax_cross_entropy(logits, labels, label_smoothing)[0], logits)
    np.testing.assert_allclose(dlogits, expected, atol=1e-8)


def test_cross_entropy_of_target_probabilities_equals_that_of_labels():
    logits = np.random.default_rng(0).standard_normal((3, 10)).astype(np.float32)
    labels = np.array([1, 0, 7])
    by_label = softmax_cross_entropy(logits, labels)
    by_target = softmax_cross_entropy(logits, np.eye(10, dtype=np.float32)[labels])
    assert by_label[0] == by_target[0]
    np.testing.assert_array_equal(by_label[1], by_target[1])
    assert by_label[1].dtype == np.float32


def test_reject_cross_entropy_is_the_cross_entropy_of_one_more_class_with_logit_zero():
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((5, 10)), np.array([0, -1, 9, -1, 3])
    loss, dlogits = reject_cross_entropy(logits, labels)
    eleven = np.hstack([logits, np.zeros((5, 1))])
    assert loss == pytest.approx(-log_softmax(eleven, axis=1)[range(5), labels].mean(), rel=1e-12)
    expected = finite_differences(lambda: reject_cross_entropy(logits, labels)[0], logits)
    np.testing.assert_allclose(dlogits, expected, atol=1e-8)


def test_a_label_that_says_which_class_if_any_tells_nothing_of_whether_it_is_one():
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((3, 10)), np.array([10, 13, 19])
    loss, dlogits = reject_cross_entropy(logits, labels)
    among_ten, gradient = softmax_cross_entropy(logits, labels - 10)
    assert loss == pytest.approx(among_ten, rel=1e-12)
    np.testing.assert_allclose(dlogits, gradient, atol=1e-12)
    mixed = np.array([13, -1, 4])
    expected = finite_differences(lambda: reject_cross_entropy(logits, mixed)[0], logits)
    np.testing.assert_allclose(reject_cross_entropy(logits, mixed)[1], expected, atol=1e-8)
    with pytest.raises(ValueError, match="-1 to 19, got 4 to 20"):
        reject_cross_entropy(logits, np.array([4, 20, 5]))


def test_log_odds_is_scipys_logsumexp():
    logits = np.random.default_rng(0).normal(0, 30, (5, 10))
    np.testing.assert_allclose(log_odds(logits), logsumexp(logits, axis=1), rtol=1e-12)


def test_cross_entropy_stays_finite_where_softmax_rounds_to_zero():
    loss, dlogits = softmax_cross_entropy(np.array([[200.0, 0.0]], np.float32), np.array([1]))
    assert loss == pytest.approx(200)
    np.testing.assert_allclose(dlogits, [[1, -1]])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, 10]), "labels must be 0 to 9, got 0 to 10"),
        (np.array([-1, 3]), "labels must be 0 to 9, got -1 to 3"),
        (np.array([0.0, 1.0]), "integers"),
        (np.array([1]), r"got \(1,\)"),
    ],
)
def test_cross_entropy_refuses_labels_that_do_not_fit(labels, message):
    with pytest.raises(ValueError, match=message):
        softmax_cross_entropy(np.zeros((2, 10), np.float32), labels)


def test_cross_entropy_refuses_label_smoothing_outside_zero_to_one():
    with pytest.raises(ValueError, match=r"label_smoothing must be in \[0, 1\), got 1"):
        softmax_cross_entropy(np.zeros((1, 10), np.float32), np.array([1]), label_smoothing=1)
