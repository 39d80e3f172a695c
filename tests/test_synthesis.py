"""Synthetic handwriting: digits and ink that is no digit, looking like what `recognition.normalise` makes."""

import cv2
import numpy as np
import pytest

from training.synthesis import (
    cut_digits,
    digit_strokes,
    digits_in_crops,
    draw_strokes,
    non_digit_strokes,
    synthesise_digits,
    synthesise_non_digits,
    uncut_pairs,
)
from training.synthesis import non_digits as no_digit
from training.synthesis.cut import cut_apart
from training.synthesis.digits import DESIGNS
from training.synthesis.made_up import MOST_SLIM, hung
from training.synthesis.signs import letters, signs
from training.synthesis.strokes import CORNER, SCANNED_SIDE, Hand, scanned, trace


@pytest.fixture(scope="module")
def digits():
    return synthesise_digits(1000, np.random.default_rng(0))


@pytest.fixture(scope="module")
def non_digits(digits):
    return synthesise_non_digits(300, np.random.default_rng(1), digits[0])


def test_digits_come_as_mnist_does(digits):
    images, labels = digits
    assert images.shape == (1000, 28, 28) and images.dtype == np.uint8
    assert labels.shape == (1000,) and labels.dtype == np.int64


def test_every_digit_appears_about_equally_often(digits):
    assert np.bincount(digits[1], minlength=10).min() > 65


@pytest.mark.parametrize("kind", ["digits", "non_digits"])
def test_pictures_are_normalised_as_mnist_was(kind, digits, non_digits):
    images = digits[0] if kind == "digits" else non_digits
    for image in images:
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        assert image.max() == 255
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)  # its faintest edge may round to nothing
    # Whole-pixel shifts leave half a pixel; ink that is lopsided cannot be shifted all the way.
    ink = images / images.sum((1, 2), keepdims=True)
    assert np.median(np.abs((ink.sum(2) @ np.arange(28)) - 14)) <= 0.5
    assert np.median(np.abs((ink.sum(1) @ np.arange(28)) - 14)) <= 0.5


def test_same_generator_state_gives_same_pictures(digits):
    again, labels = synthesise_digits(50, np.random.default_rng(3))
    images, _ = synthesise_digits(50, np.random.default_rng(3))
    others, _ = synthesise_digits(50, np.random.default_rng(4), [int(label) for label in labels[:1]])
    np.testing.assert_array_equal(images, again)
    assert (images != others).any()
    first, second = (synthesise_non_digits(50, np.random.default_rng(5), digits[0]) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_only_the_classes_asked_for_are_drawn():
    _, labels = synthesise_digits(60, np.random.default_rng(0), classes=[1, 7])
    assert set(labels) == {1, 7}


def test_no_two_pictures_are_the_same(digits, non_digits):
    for images in (digits[0], non_digits):
        assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_digits_look_like_their_label_and_non_digits_like_none(digits, non_digits):
    """k nearest neighbours, trained on other synthetic digits: the classes hold together and apart."""
    images, labels = digits
    known, known_labels = synthesise_digits(2500, np.random.default_rng(7))
    votes, distance = _nearest(images[:300], known, known_labels)
    assert (votes == labels[:300]).mean() > 0.85
    _, distance_of_others = _nearest(non_digits, known, known_labels)
    assert np.median(distance_of_others) > 1.15 * np.median(distance)


def _nearest(images, known, known_labels, k=5):
    def unit(pictures):
        # Blurred to 7x7 steps: neighbours should share a shape, not exact pixels.
        small = pictures.reshape(-1, 14, 2, 14, 2).mean((2, 4)).reshape(len(pictures), -1)
        return small / np.linalg.norm(small, axis=1, keepdims=True)

    likeness = unit(images) @ unit(known).T
    nearest = np.argpartition(-likeness, k, axis=1)[:, :k]
    votes = np.array([np.bincount(row, minlength=10).argmax() for row in known_labels[nearest]])
    return votes, 1 - np.sort(likeness, axis=1)[:, -k:].mean(1)


@pytest.mark.parametrize("label", range(10))
def test_every_design_gives_strokes_about_one_high(label):
    rng = np.random.default_rng(label)
    for design, share in DESIGNS[label]:
        assert share > 0
        for _ in range(10):
            points = np.concatenate(Hand(rng, wild=0.0)(design(rng.uniform)))
            assert 0.8 < np.ptp(points[:, 1]) < 1.9, design.__name__
            assert np.ptp(points[:, 0]) < 1.9, design.__name__


def test_shares_of_the_designs_add_up_to_one():
    for designs in (*DESIGNS.values(), no_digit.DESIGNS):
        assert sum(share for _, share in designs) == pytest.approx(1), designs


def test_every_sign_is_strokes_in_its_box():
    assert set(letters()) >= set("AEIOUaeiou")
    for sign in signs():
        points = np.array([point[:2] for stroke in sign for point in stroke])
        assert len(points) >= 2
        assert points.min() >= -0.15 and points[:, 0].max() <= 1 and points[:, 1].max() <= 1.4, sign


def test_path_passes_through_its_control_points_and_turns_only_at_corners():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    smooth = trace(points, np.zeros(4, bool))
    broken = trace(points, np.array([False, True, False, False]))
    for path in (smooth, broken):
        assert all(np.isclose(path, point).all(1).any() for point in points)
    assert _sharpest_turn(smooth) < 45
    assert _sharpest_turn(broken) > 60


def _sharpest_turn(path):
    step = np.diff(path, axis=0)
    angle = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
    return np.rad2deg(np.abs(np.diff(angle)).max())


def test_hand_that_is_not_wild_draws_the_design_as_written():
    design = [[(0.0, 0.0), (0.5, 0.5, CORNER), (1.0, 0.0)]]
    (path,) = Hand(np.random.default_rng(0), wild=0.0)(design)
    assert np.ptp(path[:, 1]) == pytest.approx(0.5, abs=0.05)


def test_pen_is_as_wide_as_asked():
    line = [np.array([[0.0, 0.0], [0.0, 1.0]])]
    for pen in (0.03, 0.1, 0.2):
        ink = draw_strokes(line, pen)
        length = np.count_nonzero(ink.sum(1)) / (1 + pen)
        assert ink.sum(1).max() / length == pytest.approx(pen, rel=0.25)
        assert ink.dtype == np.float32 and ink.min() == 0 and 0.9 < ink.max() <= 1


def test_a_dot_leaves_ink():
    assert draw_strokes([np.zeros((1, 2)), np.ones((2, 2))], 0.1).max() == 1


def test_a_coarse_tablet_has_points_on_its_grid_only():
    hand = Hand(np.random.default_rng(0), wild=0.0)
    hand.grid = 0.1
    for hand.stairs in (False, True):
        (path,) = hand([[(0.0, 0.0), (0.4, 0.6), (0.7, 1.0)]])
        np.testing.assert_allclose(path / 0.1, np.round(path / 0.1), atol=1e-6)
        straight = (np.diff(path, axis=0) == 0).any(1).all()
        assert straight == hand.stairs


def test_cut_digits_are_like_those_they_were_cut_from(digits):
    images, labels = digits
    cut, cut_labels = cut_digits(images, labels, 150, np.random.default_rng(2))
    assert cut.shape == (150, 28, 28) and cut.dtype == np.uint8
    votes, _ = _nearest(cut, images, labels)
    assert (votes == cut_labels).mean() > 0.75
    assert not np.isin(cut.reshape(150, -1).view("V784"), images.reshape(1000, -1).view("V784")).any()


def test_a_cut_gives_each_of_two_touching_digits_its_own_ink():
    """Two rings that share a few pixels: cut there, each is a ring again."""
    y, x = np.mgrid[:84, :120]
    rings = [np.abs(np.hypot(x - at, y - 42) - 20) < 3 for at in (36, 78)]
    layers = np.array(rings, np.float32)
    assert (layers.sum(0) > 1).any()
    pieces, runs = cut_apart(layers)
    for ring, run in zip(layers, runs, strict=True):
        part = np.isin(pieces.labels, run)
        assert ring[part].sum() > 0.8 * max(ring.sum(), pieces.ink[part].sum())


def test_a_pair_shows_both_of_its_digits(digits):
    images, _ = digits
    pairs = uncut_pairs(images, 100, np.random.default_rng(2))
    assert pairs.shape == (100, 28, 28) and pairs.dtype == np.uint8
    columns = [np.ptp(np.flatnonzero(pair.any(0))) for pair in pairs]
    assert np.median(columns) >= 18  # as wide as the box


def test_beside_a_digit_in_a_crop_stands_something_and_never_a_line_beside_a_1(digits):
    images, labels = digits
    crops, of_crops = digits_in_crops(images, labels, 300, np.random.default_rng(2))
    assert crops.shape == (300, 28, 28) and crops.dtype == np.uint8
    assert of_crops.dtype == np.int64 and set(of_crops) == set(range(10))
    parts = np.array([cv2.connectedComponents((crop > 60).astype(np.uint8))[0] - 1 for crop in crops])
    assert (parts >= 2).mean() > 0.7  # some touch
    is_line = np.array([(crop > 90).any(1).sum() == 20 and _has_long_column(crop) for crop in crops])
    assert is_line[of_crops != 1].mean() > 0.2
    wide = np.array([np.ptp(np.flatnonzero(crop.any(0))) for crop in crops[of_crops == 1]])
    assert len(wide) and wide.min() >= 2


def _has_long_column(crop):
    """Does a crop have an upright stroke along all of its height?"""
    return np.convolve((crop > 60).sum(0), np.ones(3)).max() >= 20 and (crop[4] > 60).sum() <= 4


def test_a_coarse_scan_has_few_pixels_and_keeps_the_shape():
    ink = draw_strokes([np.array([[0.0, 0.0], [1.0, 1.0]])], 0.1)
    for seed in range(20):
        coarse = scanned(ink, np.random.default_rng(seed))
        assert SCANNED_SIDE[0] - 1 <= max(coarse.shape) <= SCANNED_SIDE[1] + 1
        assert coarse.max() == 1 and coarse.dtype == np.float32
        rows, columns = np.nonzero(coarse >= 0.5)
        assert np.corrcoef(rows, columns)[0, 1] > 0.8


def test_what_hangs_together_is_never_as_slim_as_a_1():
    rng = np.random.default_rng(0)
    for _ in range(100):
        design = hung(rng.uniform)
        wide, high = np.ptp([point[:2] for stroke in design for point in stroke], axis=0)
        assert len(design) >= 3
        assert min(wide, high) >= MOST_SLIM * max(wide, high)


def test_none_asked_for_is_none_given():
    images, labels = synthesise_digits(0, np.random.default_rng(0))
    assert images.shape == (0, 28, 28) and labels.shape == (0,)
    assert synthesise_non_digits(0, np.random.default_rng(0)).shape == (0, 28, 28)
    assert uncut_pairs(images, 0, np.random.default_rng(0)).shape == (0, 28, 28)
    cut, labels = cut_digits(images, labels, 0, np.random.default_rng(0))
    assert cut.shape == (0, 28, 28) and labels.shape == (0,)
    crops, labels = digits_in_crops(images, labels, 0, np.random.default_rng(0))
    assert crops.shape == (0, 28, 28) and labels.shape == (0,)


def test_non_digit_strokes_are_paths():
    rng = np.random.default_rng(0)
    for _ in range(100):
        assert all(stroke.ndim == 2 and stroke.shape[1] == 2 for stroke in non_digit_strokes(rng))


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda rng: synthesise_digits(-1, rng), ValueError, "0 or more, got -1"),
        (lambda rng: synthesise_digits(1.5, rng), ValueError, r"whole number.*got 1\.5"),
        (lambda rng: synthesise_digits(3, 42), TypeError, "numpy.random.Generator, got int"),
        (lambda rng: synthesise_digits(3, rng, [3, 11]), ValueError, r"digits 0 to 9, got \[3, 11\]"),
        (lambda rng: synthesise_digits(3, rng, []), ValueError, r"digits 0 to 9, got \[\]"),
        (lambda rng: synthesise_non_digits(-2, rng), ValueError, "got -2"),
        (
            lambda rng: synthesise_non_digits(2, rng, np.zeros((3, 20, 20), np.uint8)),
            ValueError,
            r"\(3, 20, 20\)",
        ),
        (lambda rng: synthesise_non_digits(2, rng, np.zeros((3, 28, 28))), ValueError, "float64"),
        (
            lambda rng: synthesise_non_digits(2, rng, np.zeros((0, 28, 28), np.uint8)),
            ValueError,
            "at least one",
        ),
        (lambda rng: digit_strokes(10, rng), ValueError, "0 to 9, got 10"),
        (lambda rng: draw_strokes([], 0.1), ValueError, r"got \[\]"),
        (lambda rng: draw_strokes([np.zeros((3, 3))], 0.1), ValueError, r"\(3, 3\)"),
        (lambda rng: draw_strokes([np.zeros((0, 2))], 0.1), ValueError, r"\(0, 2\)"),
        (lambda rng: draw_strokes([np.eye(2)], 0.9), ValueError, r"0\.01 to 0\.5.*got 0\.9"),
        (lambda rng: draw_strokes([np.eye(2) * np.nan], 0.1), ValueError, "finite"),
    ],
)
def test_wrong_arguments_are_refused_with_what_was_wanted(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong(np.random.default_rng(0))
