"""Augmentation moves ink about as far as it says, the same way for the same generator, and loses no digit."""

from dataclasses import replace

import numpy as np
import pytest

from training.augment import Augmentation

STILL = {
    "rotation": 0, "scale": 0, "stretch": 0, "shear": 0, "shift": 0, "elastic": 0,
    "thickness": 0, "blur": 0, "noise": 0, "ink": 0,
}  # fmt: skip


def bar(n=1):
    images = np.zeros((n, 28, 28), np.uint8)
    images[:, 4:24, 12:16] = 255
    return images


def only(**settings):
    return Augmentation(**(STILL | settings))


def test_with_every_range_at_zero_nothing_changes():
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    np.testing.assert_array_equal(only()(images, np.random.default_rng(0)), images)


def test_equal_generators_give_equal_pictures_and_others_do_not():
    images = bar(4)
    one, same, other = (Augmentation()(images, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_shape_and_type_stay_and_the_given_pictures_are_not_touched():
    images = bar(130)
    out = Augmentation()(images, np.random.default_rng(0))
    assert out.shape == images.shape
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(images, bar(130))


def test_a_batch_larger_than_one_warp_can_take_is_warped_whole():
    out = Augmentation()(bar(2500), np.random.default_rng(0))
    assert (out.reshape(2500, -1).sum(1) > 5000).all()  # 20,400 before: thinned and faint, never erased


def test_pictures_do_not_bleed_into_their_neighbours():
    images = np.zeros((9, 28, 28), np.uint8)
    images[4] = 255
    out = only(shift=3.0, rotation=15)(images, np.random.default_rng(0))
    assert not out[:4].any()
    assert not out[5:].any()


def slant(image):
    """Degrees by which the ink leans from the vertical."""
    y, x = np.nonzero(image > 100)
    return np.degrees(np.arctan(np.polyfit(y, x, 1)[0]))


def test_rotation_stays_in_its_range_and_uses_it():
    slants = [slant(image) for image in only(rotation=20)(bar(200), np.random.default_rng(0))]
    assert 15 < max(slants) < 22
    assert -22 < min(slants) < -15


def test_shift_moves_the_centre_of_mass_by_at_most_its_range():
    out = only(shift=2)(bar(200), np.random.default_rng(0)).astype(float)
    centres = (out.sum(1) @ np.arange(28)) / out.sum((1, 2))
    assert 1.5 < np.abs(centres - 13.5).max() < 2.1


@pytest.mark.parametrize("name", ["scale", "stretch", "shear", "elastic"])
def test_each_distortion_changes_pictures_but_keeps_most_of_the_ink(name):
    value = {"elastic": 1.0}.get(name, 0.2)
    out = only(**{name: value})(bar(50), np.random.default_rng(0))
    assert not np.array_equal(out, bar(50))
    assert out.mean() == pytest.approx(bar().mean(), rel=0.35)


def test_thickness_makes_some_strokes_thinner_and_some_thicker():
    ink = only(thickness=1.0)(bar(100), np.random.default_rng(0)).mean((1, 2)) / bar().mean()
    assert ink.min() < 0.8
    assert ink.max() > 1.5


@pytest.mark.parametrize("name", ["blur", "noise", "ink"])
def test_paper_and_ink_change_grey_levels_but_not_the_place(name):
    value = {"ink": 0.5}.get(name, 1.0)
    out = only(**{name: value})(bar(50), np.random.default_rng(0)).astype(float)
    assert not np.array_equal(out, bar(50))
    assert np.median(out.sum(1) @ np.arange(28) / out.sum((1, 2))) == pytest.approx(13.5, abs=0.4)


# --- a digit and what stands around it, at half its scale


def among_bars(n=200):
    """A bar with one around it, both in the same place of their channels."""
    return np.stack([bar(n), bar(n)], -1)


def test_one_channel_among_two_is_changed_as_if_it_were_alone():
    changed = replace(Augmentation(), noise=0)
    both = changed(among_bars(), np.random.default_rng(0))
    np.testing.assert_array_equal(both[..., 0], changed(bar(200), np.random.default_rng(0)))


def test_what_stands_around_turns_with_the_digit_and_is_shifted_half_as_far():
    turned = only(rotation=20)(among_bars(), np.random.default_rng(0))
    np.testing.assert_array_equal(turned[..., 0], turned[..., 1])
    shifted = only(shift=3)(among_bars(), np.random.default_rng(0)).astype(float)
    columns = shifted.sum(1)  # (N, 28, 2)
    own, around = (np.einsum("nxc,x->cn", columns, np.arange(28)) / columns.sum(1).T) - 13.5
    np.testing.assert_allclose(around, own / 2, atol=0.05)


def test_what_stands_around_is_not_distorted_and_its_strokes_change_half_as_much():
    distorted = only(elastic=1.0)(among_bars(), np.random.default_rng(0))
    np.testing.assert_array_equal(distorted[..., 1], bar(200))
    assert (distorted[..., 0] != bar(200)).any()
    ink = only(thickness=1.0)(among_bars(), np.random.default_rng(0)).mean((1, 2)) / bar().mean()
    thicker = ink[ink[:, 0] > 1]
    np.testing.assert_allclose(thicker[:, 1] - 1, (thicker[:, 0] - 1) / 2, atol=0.02)
    assert (ink[ink[:, 0] < 1][:, 1] < 1).all()
