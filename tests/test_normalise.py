"""Any ink becomes a picture as MNIST made them, wherever, however big and on whatever paper it was drawn."""

import cv2
import numpy as np
import pytest

from recognition import bounding_box, ink_of_drawing, normalise


def draw_two(width, height, x, y, size, pen):
    """Ink (H, W) of a figure 2 in a box of `size`, drawn at 4x and averaged as the page does."""
    points = np.array([(0.1, 0.2), (0.5, 0.0), (0.8, 0.25), (0.05, 1.0), (0.9, 0.95)]) * size + (x, y)
    paper = np.zeros((height * 4, width * 4), np.uint8)
    cv2.polylines(paper, [np.rint(points * 4).astype(np.int32)], False, 255, round(pen * 4), cv2.LINE_AA)
    return cv2.resize(paper, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def centre_of_mass(image):
    mass = image.sum(dtype=float)
    index = np.arange(28)
    return image.sum(1) @ index / mass, image.sum(0) @ index / mass


def difference(a, b):
    """Mean absolute difference over the mean ink: 0 for equal pictures, around 1 for unrelated ones."""
    return np.abs(a.astype(float) - b).mean() / a.mean()


def test_an_empty_canvas_has_no_picture():
    assert normalise(np.zeros((50, 50), np.float32)) is None
    assert bounding_box(np.zeros((50, 50), np.float32)) is None


def test_a_tall_bar_is_twenty_pixels_high_keeps_its_shape_and_is_centred():
    ink = np.zeros((100, 100), np.float32)
    ink[10:90, 20:28] = 1  # 80 high, 8 wide -> 20 high, 2 wide
    expected = np.zeros((28, 28), np.uint8)
    expected[4:24, 13:15] = 255  # mass at 13.5: a shift to 14.5 is no nearer to 14, ties round to even
    np.testing.assert_array_equal(normalise(ink), expected)


def test_the_longest_side_is_twenty_and_the_peak_255():
    image = normalise(draw_two(280, 280, 60, 40, 150, 18))
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert image.max() == 255
    assert image.dtype == np.uint8


def test_the_centre_of_mass_comes_to_index_14_within_half_a_pixel():
    ink = np.zeros((40, 40), np.float32)
    ink[5:25, 5:9] = 1  # an L: heavy at its left and foot
    ink[21:25, 5:25] = 1
    assert centre_of_mass(normalise(ink)) == pytest.approx((14, 14), abs=0.5)


def test_no_ink_is_lost_where_the_mass_lies_at_an_edge():
    ink = np.zeros((20, 20), np.float32)
    ink[:, 0:2] = 0.02
    ink[0, :] = ink[:, 19] = 1
    image = normalise(ink)
    assert np.ptp(np.flatnonzero(image.any(1))) + 1 == 20
    assert np.ptp(np.flatnonzero((image > 60).any(0))) + 1 == 20


@pytest.mark.parametrize(("x", "y"), [(10, 12), (130, 20), (77, 121)])
def test_place_and_margin_change_nothing(x, y):
    here = normalise(draw_two(280, 280, 60, 60, 120, 14))
    np.testing.assert_array_equal(normalise(draw_two(280, 280, x, y, 120, 14)), here)
    np.testing.assert_array_equal(normalise(draw_two(500, 300, x, y, 120, 14)), here)


@pytest.mark.parametrize("size", [60, 240, 600])
def test_size_changes_next_to_nothing(size):
    here = normalise(draw_two(280, 280, 60, 60, 120, 14))
    other = normalise(draw_two(800, 800, 60, 60, size, 14 * size / 120))
    assert difference(here, other) < 0.1


@pytest.mark.parametrize("size", [1, 2, 3, 7, 19])
def test_a_digit_of_a_few_pixels_is_blown_up_to_twenty(size):
    image = normalise(np.ones((size, size), np.float32))
    assert np.count_nonzero(image) == 400


def test_faint_ink_counts_as_much_as_black():
    ink = draw_two(280, 280, 60, 60, 120, 14)
    assert difference(normalise(ink), normalise(ink * np.float32(0.3))) < 0.01


@pytest.mark.parametrize(
    ("ink", "error", "message"),
    [
        (np.zeros((5, 5), np.uint8), TypeError, "floating-point array .* got uint8"),
        ([[0.0]], TypeError, "got list"),
        (np.zeros((0, 0), np.float32), ValueError, r"at least one pixel, got \(0, 0\)"),
        (np.zeros((3, 3, 3), np.float32), ValueError, r"shape \(H, W\)"),
        (np.full((3, 3), np.nan, np.float32), ValueError, "must be finite"),
        (np.full((3, 3), -1.0, np.float32), ValueError, "must not be negative .* got -1"),
    ],
)
def test_what_is_not_ink_is_refused(ink, error, message):
    with pytest.raises(error, match=message):
        normalise(ink)


# --- drawings -> ink


def papers(ink):
    """The same drawing in every form a picture of it can have."""
    level = np.rint(ink * 255).astype(np.uint8)
    dark = np.dstack([255 - level] * 3)
    transparent = np.zeros((*ink.shape, 4), np.uint8)
    transparent[..., 3] = level
    white_pen = transparent.copy()
    white_pen[..., :3] = 255
    opaque = np.dstack([dark, np.full(ink.shape, 255, np.uint8)])
    chalk = np.dstack([level] * 3)
    return {
        "black pen on transparent paper": transparent,
        "white pen on transparent paper": white_pen,
        "black on opaque white": opaque,
        "RGB": dark,
        "grey": 255 - level,
        "white on black": chalk,
        "grey, white on black": level,
    }


@pytest.mark.parametrize("paper", papers(np.zeros((2, 2))))
def test_paper_and_pen_change_nothing(paper):
    ink = draw_two(280, 280, 60, 60, 120, 14)
    got = ink_of_drawing(papers(ink)[paper])
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, ink, atol=0.01)


def test_a_coloured_pen_is_ink():
    image = np.full((30, 30, 3), 255, np.uint8)
    image[5:25, 14:17] = (0, 90, 220)
    assert bounding_box(ink_of_drawing(image)) == (14, 5, 3, 20)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_picture_of_one_colour_has_no_ink(level):
    assert not ink_of_drawing(np.full((20, 20, 3), level, np.uint8)).any()


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros((5, 5)), TypeError, "uint8 array .* got float64"),
        (np.full((5, 5), np.nan), TypeError, "got float64"),
        ("7.png", TypeError, "got str"),
        (None, TypeError, "got NoneType"),
        (np.zeros((0, 0), np.uint8), ValueError, r"got \(0, 0\)"),
        (np.zeros((5, 5, 2), np.uint8), ValueError, r"got \(5, 5, 2\)"),
        (np.zeros(5, np.uint8), ValueError, r"got \(5,\)"),
    ],
)
def test_what_is_not_a_drawing_is_refused(image, error, message):
    with pytest.raises(error, match=message):
        ink_of_drawing(image)
