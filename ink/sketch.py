"""What a drawing canvas holds -> ink."""

import cv2
import numpy as np

PALEST = 16 / 255  # contrast below this is an empty canvas: JPEG ripples and near-whites are not ink


def ink_of_drawing(image: np.ndarray) -> np.ndarray:
    """A drawing -> ink (H, W) float32, 0 paper, 1 full ink; all zeros where nothing is drawn.

    image: uint8, (H, W, 4) with a pen of any colour on transparent or plain paper, (H, W, 3) RGB, or
    (H, W) grey. Paper is the colour most of the border has; ink is the distance from it in brightness, so
    black on white and white on black both work. Raises TypeError or ValueError for anything else.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        got = getattr(image, "dtype", type(image).__name__)
        raise TypeError(f"a drawing must be a uint8 array with values 0 to 255, got {got}")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (3, 4)) or image.size == 0:
        raise ValueError(f"a drawing must have shape (H, W), (H, W, 3) or (H, W, 4), got {image.shape}")

    if image.ndim == 2:
        brightness = image.astype(np.float32) / 255
    else:
        brightness = cv2.cvtColor(image[..., :3], cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    if image.ndim == 3 and image.shape[2] == 4:
        alpha = image[..., 3].astype(np.float32) / 255
        on_white = 1 - alpha * (1 - brightness)
        # A white pen on transparent paper (a page in dark mode) vanishes on white: there, alpha is the ink.
        if np.ptp(on_white) < PALEST <= np.ptp(alpha):
            return alpha
        brightness = on_white

    border = np.concatenate([brightness[0], brightness[-1], brightness[:, 0], brightness[:, -1]])
    ink = np.abs(brightness - np.median(border))
    if ink.max() < PALEST:
        return np.zeros_like(ink)
    return np.minimum(ink, 1.0)
