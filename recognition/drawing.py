"""A drawing -> ink."""

import cv2
import numpy as np

from recognition.limits import size_error

MIN_CONTRAST = 16  # grey levels of 255 below which a canvas is empty: JPEG ripples and near-whites are no ink


def ink_of_drawing(image: np.ndarray) -> np.ndarray:
    """A drawing -> ink (H, W) float32, 0 paper, 1 full ink; all zeros if nothing is drawn.

    image: uint8, (H, W, 4) with a pen of any colour on transparent or plain paper, (H, W, 3) RGB, or
    (H, W) grey. Paper is the median brightness of the border; ink is the distance from it in brightness, so
    black on white and white on black both work. Raises TypeError or ValueError for anything else.
    """
    check_picture(image, "a drawing")
    # Integer grey levels as long as possible: four times as many pixels fit into one instruction.
    if image.ndim == 2:
        level = image
    elif image.shape[2] == 3:
        level = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    else:
        level = cv2.cvtColor(image, cv2.COLOR_RGBA2GRAY)
        alpha = cv2.extractChannel(image, 3)
        on_white = cv2.bitwise_not(cv2.multiply(alpha, cv2.bitwise_not(level), scale=1 / 255))
        # A white pen on transparent paper (a page in dark mode) vanishes on white: there, alpha is the ink.
        level = alpha if _range(on_white) < MIN_CONTRAST <= _range(alpha) else on_white

    border = np.concatenate([level[0], level[-1], level[:, 0], level[:, -1]])
    paper = np.full_like(level, int(np.median(border)))
    ink = cv2.absdiff(level, paper)
    if ink.max() < MIN_CONTRAST:
        ink[...] = 0
    return ink * np.float32(1 / 255)


def check_picture(image: np.ndarray, what: str) -> None:
    """Raise TypeError or ValueError for an image of another type or shape, or one that is too large.

    what: the name of the image in the message, such as "a drawing".
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        got = getattr(image, "dtype", type(image).__name__)
        raise TypeError(f"{what} must be a uint8 array with values 0 to 255, got {got}")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (3, 4)) or image.size == 0:
        raise ValueError(f"{what} must have shape (H, W), (H, W, 3) or (H, W, 4), got {image.shape}")
    too_large = size_error(image.shape[1], image.shape[0])
    if too_large:
        raise ValueError(f"{what} is {too_large}")


def _range(levels: np.ndarray) -> float:
    darkest, brightest, _, _ = cv2.minMaxLoc(levels)
    return brightest - darkest
