"""Connectionist temporal classification: against all ways to spell a text, and finite differences."""

import itertools
from collections import defaultdict

import numpy as np
import pytest
from scipy.special import log_softmax

from cnn import ctc_best_path, ctc_log_probs, ctc_loss, ctc_texts
from tests.gradients import finite_differences

BLANK = 2
TEXTS = [(0,), (1, 0), (1, 1), (0, 1, 0), ()]


def padded(texts):
    labels = np.full((len(texts), 3), -1)
    for row, text in zip(labels, texts, strict=True):
        row[: len(text)] = text
    return labels


def spelled(frames):
    """The text that a class for every frame spells."""
    return tuple(sign for sign, _ in itertools.groupby(frames) if sign != BLANK)


def probabilities_of_texts(logits):
    """P(text) of every text, summed over every way to spell it."""
    probs, found = np.exp(log_softmax(logits, axis=1)), defaultdict(float)
    for frames in itertools.product(range(3), repeat=len(logits)):
        found[spelled(frames)] += float(np.prod(probs[range(len(logits)), frames]))
    return found


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(scale=2, size=(len(TEXTS), 5, 3))


def test_the_loss_is_that_of_all_ways_to_spell_the_texts_for_each_sign(logits):
    loss, _ = ctc_loss(logits, padded(TEXTS))
    log_probs = [np.log(probabilities_of_texts(of)[text]) for of, text in zip(logits, TEXTS, strict=True)]
    assert loss == pytest.approx(-sum(log_probs) / sum(map(len, TEXTS)), rel=1e-12)


def test_its_gradient_matches_finite_differences(logits):
    labels = padded(TEXTS)
    expected = finite_differences(lambda: ctc_loss(logits, labels)[0], logits)
    np.testing.assert_allclose(ctc_loss(logits, labels)[1], expected, atol=1e-8)


def test_a_text_that_the_frames_cannot_hold_adds_nothing(logits):
    alone = ctc_loss(logits[:1, :2], padded(TEXTS[:1]))
    loss, dlogits = ctc_loss(logits[:2, :2], padded([TEXTS[0], (1, 1)]))  # a blank between would not fit
    assert loss == pytest.approx(alone[0], rel=1e-12)
    np.testing.assert_allclose(dlogits[0], alone[1][0], atol=1e-12)
    assert not dlogits[1].any()


def test_a_step_against_the_gradient_makes_the_texts_likelier_in_single_precision(logits):
    logits, labels = logits.astype(np.float32), padded(TEXTS)
    loss, dlogits = ctc_loss(logits, labels)
    assert dlogits.dtype == np.float32
    assert ctc_loss(logits - dlogits, labels)[0] < loss


def test_the_probability_of_many_texts_of_one_line(logits):
    of_all = probabilities_of_texts(logits[0])
    np.testing.assert_allclose(
        ctc_log_probs(logits[0], padded(TEXTS)), [np.log(of_all[text]) for text in TEXTS], rtol=1e-12
    )


def test_the_search_finds_the_most_probable_texts(logits):
    for of_line in logits:
        of_all = probabilities_of_texts(of_line)
        assert ctc_texts(of_line, 4, beam=64) == sorted(of_all, key=of_all.get, reverse=True)[:4]


def test_the_most_probable_class_of_every_frame_spells_a_text():
    frames = [[0, 0, BLANK, 0, 1], [BLANK, 1, 1, 1, BLANK], [BLANK] * 5]
    logits = np.eye(3)[np.array(frames)]
    assert ctc_best_path(logits) == [(0, 0, 1), (1,), ()]


@pytest.mark.parametrize(
    "labels, told",
    [
        (np.zeros((3, 2), int), r"expected logits \(N, T, K \+ 1\) and labels \(N, L\), got"),
        (np.zeros((5, 2)), "labels must be integers, got float64"),
        (np.full((5, 2), BLANK), "labels must be -1 to 1, got 2 to 2"),
        (np.array([[-1, 0]] * 5), "-1 only after the end of a text"),
    ],
)
def test_labels_that_do_not_fit_are_refused(logits, labels, told):
    with pytest.raises(ValueError, match=told):
        ctc_loss(logits, labels)
