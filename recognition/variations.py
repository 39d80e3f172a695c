"""One picture changed a little in ways that handwriting differs: turned, slanted, thicker, fainter.

    VARIATIONS["rotation"].apply(image, 20)        # the picture turned by 20 degrees
    curves(predict, image, {"slant": 10})          # every variation over its range, the others as given

A picture is (28, 28) float32, 0 paper to 1 full ink, and so is what comes back. Nothing is brought back to
MNIST's size and place afterwards: the question is what the network makes of just this change.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from recognition.normalise import SIZE

Image = np.ndarray
MIDDLE = (SIZE - 1) / 2  # index of the picture's middle, between two pixels
ENLARGED = 8  # times, before a stroke is made thicker or thinner by parts of a pixel
POINTS = 25  # of a curve


def rotate(image: Image, degrees: float) -> Image:
    """Turned clockwise about the middle."""
    turn = np.deg2rad(degrees)
    return _warped(image, [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])


def resize(image: Image, factor: float) -> Image:
    """factor times as large, from the middle; what leaves the picture is cut off."""
    return _warped(image, [[factor, 0], [0, factor]])


def move_right(image: Image, pixels: float) -> Image:
    """Moved to the right, or to the left where pixels are negative."""
    return _warped(image, np.eye(2), (pixels, 0))


def move_down(image: Image, pixels: float) -> Image:
    """Moved down, or up where pixels are negative."""
    return _warped(image, np.eye(2), (0, pixels))


def thicken(image: Image, pixels: float) -> Image:
    """Strokes wider by so many pixels, or thinner where they are negative: grey dilation and erosion.

    Source: Serra, "Image Analysis and Mathematical Morphology", 1982.
    """
    radius = round(abs(pixels) / 2 * ENLARGED)
    if radius == 0:
        return image.copy()
    large = cv2.resize(image, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_LINEAR)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    changed = cv2.dilate(large, disc) if pixels > 0 else cv2.erode(large, disc)
    return cv2.resize(changed, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def slant(image: Image, degrees: float) -> Image:
    """Leaning to the right by so many degrees, or to the left: rows are shifted, the middle one stays."""
    return _warped(image, [[1, -np.tan(np.deg2rad(degrees))], [0, 1]])


def add_noise(image: Image, deviation: float) -> Image:
    """Plus normal noise of this standard deviation, the same every time, cut to 0 and 1."""
    noise = np.random.default_rng(0).standard_normal(image.shape, np.float32)
    return (image + np.float32(deviation) * noise).clip(0, 1)


def scale_contrast(image: Image, factor: float) -> Image:
    """Ink times factor, cut to 1: below 1 fainter, above 1 darker."""
    return (image * np.float32(factor)).clip(0, 1)


@dataclass(frozen=True)
class Variation:
    """A change by an amount from low to high; at `neutral` the picture stays as it is."""

    change: Callable[[Image, float], Image]
    low: float
    high: float
    neutral: float
    unit: str

    @property
    def amounts(self) -> np.ndarray:
        """(POINTS,): over the range, evenly."""
        return np.linspace(self.low, self.high, POINTS)

    def apply(self, image: Image, amount: float) -> Image:
        """ValueError where the amount is not within the range."""
        if not self.low <= amount <= self.high:
            raise ValueError(f"The amount must be {self.low:g} to {self.high:g}, got {amount:g}.")
        return image if amount == self.neutral else self.change(image, amount)


VARIATIONS: dict[str, Variation] = {  # in the order in which they are applied
    "rotation": Variation(rotate, -90, 90, 0, "degrees"),
    "slant": Variation(slant, -45, 45, 0, "degrees"),
    "size": Variation(resize, 0.5, 1.5, 1, "times"),
    "right": Variation(move_right, -8, 8, 0, "pixels"),
    "down": Variation(move_down, -8, 8, 0, "pixels"),
    "thickness": Variation(thicken, -2, 3, 0, "pixels"),
    "contrast": Variation(scale_contrast, 0.1, 3, 1, "times"),
    "noise": Variation(add_noise, 0, 0.6, 0, "of full ink"),
}


def vary(image: Image, amounts: Mapping[str, float]) -> Image:
    """The picture with every variation by its amount, in the order of VARIATIONS.

    amounts: by name; those left out are neutral. ValueError for another name or beyond a range.
    """
    unknown = amounts.keys() - VARIATIONS.keys()
    if unknown:
        raise ValueError(f"A picture can be varied in {', '.join(VARIATIONS)}.")
    for name, variation in VARIATIONS.items():
        image = variation.apply(image, amounts.get(name, variation.neutral))
    return image


def curves(
    shares: Callable[[np.ndarray], np.ndarray], image: Image, amounts: Mapping[str, float]
) -> dict[str, np.ndarray]:
    """What a network says over the range of each variation, the others held at `amounts`.

    shares: (N, 28, 28, 1) -> (N, K), as of `recognition.inside.shares`. Returns (POINTS, K) by name.
    """
    pictures = [
        vary(image, {**amounts, name: float(amount)})
        for name, variation in VARIATIONS.items()
        for amount in variation.amounts
    ]
    found = shares(np.stack(pictures)[..., None])
    return dict(zip(VARIATIONS, found.reshape(len(VARIATIONS), POINTS, -1), strict=True))


def _warped(image: Image, matrix: object, shift: tuple[float, float] = (0, 0)) -> Image:
    """matrix (2, 2): from (x, y) before to after, about the middle; shift: pixels right and down."""
    matrix = np.asarray(matrix, float)
    middle = np.full(2, MIDDLE)
    offset = middle - matrix @ middle + shift
    return cv2.warpAffine(image, np.column_stack([matrix, offset]), (SIZE, SIZE)).clip(0, 1)
