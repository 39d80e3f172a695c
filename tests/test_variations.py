"""A picture is varied as its slider says, and stays as it is where the slider rests."""

import numpy as np
import pytest

from recognition.variations import POINTS, VARIATIONS, curves, vary


def stroke():
    """A vertical stroke, two pixels wide, through the middle."""
    image = np.zeros((28, 28), np.float32)
    image[6:22, 13:15] = 1
    return image


def centre(image):
    """(x, y) of the ink's centre of mass, pixels."""
    rows, columns = map(np.arange, image.shape)
    return image.sum(0) @ columns / image.sum(), image.sum(1) @ rows / image.sum()


def varied(name, amount):
    return VARIATIONS[name].apply(stroke(), amount)


@pytest.mark.parametrize("name", VARIATIONS)
def test_at_its_neutral_amount_a_variation_changes_nothing(name):
    np.testing.assert_array_equal(varied(name, VARIATIONS[name].neutral), stroke())


@pytest.mark.parametrize("name", VARIATIONS)
def test_over_its_range_a_variation_gives_pictures_that_differ(name):
    variation = VARIATIONS[name]
    assert variation.low <= variation.neutral <= variation.high
    for amount in variation.amounts:
        image = varied(name, amount)
        assert image.shape == (28, 28)
        assert image.dtype == np.float32
        assert 0 <= image.min() <= image.max() <= 1
    most = variation.low if name == "contrast" else variation.high  # full ink gets no darker
    assert np.abs(varied(name, most) - stroke()).max() > 0.1


def test_a_stroke_turned_by_90_degrees_lies():
    lying = varied("rotation", 90)
    np.testing.assert_allclose(lying, stroke().T, atol=1e-3)


def test_a_turn_is_clockwise():
    image = np.zeros((28, 28), np.float32)
    image[4, 13:15] = 1  # at the top
    x, y = centre(VARIATIONS["rotation"].apply(image, 90))
    assert x > 20
    assert y == pytest.approx(13.5, abs=0.1)


def test_a_slant_to_the_right_moves_the_top_to_the_right():
    leaning = varied("slant", 30)
    assert centre(leaning[:14])[0] > centre(leaning[14:])[0] + 3


def test_moves_are_by_pixels():
    assert centre(varied("right", 3)) == pytest.approx((16.5, 13.5), abs=0.01)
    assert centre(varied("down", -2.5)) == pytest.approx((13.5, 11), abs=0.01)


def test_size_scales_ink_by_its_square():
    assert varied("size", 0.5).sum() == pytest.approx(stroke().sum() / 4, rel=0.1)


def test_thickness_is_of_the_stroke():
    widths = [varied("thickness", pixels)[14].sum() for pixels in (-1, 0, 1, 2)]
    np.testing.assert_allclose(np.diff(widths), 1, atol=0.25)


def test_contrast_scales_ink_and_noise_adds_it_the_same_every_time():
    assert varied("contrast", 0.25).max() == pytest.approx(0.25)
    np.testing.assert_array_equal(varied("noise", 0.3), varied("noise", 0.3))


def test_several_variations_are_applied_together():
    both = vary(stroke(), {"right": 3, "contrast": 0.5})
    assert centre(both)[0] == pytest.approx(16.5, abs=0.01)
    assert both.max() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("amounts", "sentence"),
    [
        ({"colour": 1}, "can be varied in rotation"),
        ({"slant": 46}, "must be -45 to 45, got 46"),
        ({"slant": float("nan")}, "must be -45 to 45, got nan"),
    ],
)
def test_another_name_or_amount_is_refused(amounts, sentence):
    with pytest.raises(ValueError, match=sentence):
        vary(stroke(), amounts)


def test_curves_hold_the_others_where_they_are():
    def ink(x):
        return x.sum(axis=(1, 2))

    found = curves(ink, stroke(), {"contrast": 0.5})
    assert {name: curve.shape for name, curve in found.items()} == dict.fromkeys(VARIATIONS, (POINTS, 1))
    for name, curve in found.items():
        at = VARIATIONS[name].amounts
        expected = [vary(stroke(), {"contrast": 0.5, name: amount}).sum() for amount in at]
        np.testing.assert_allclose(curve[:, 0], expected, rtol=1e-5)
