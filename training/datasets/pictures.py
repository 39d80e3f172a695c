"""Any picture as a network takes it: cut to a square, resized, grey or in colour."""

import cv2
import numpy as np

from cnn.layer import Shape


def fit_picture(pixels: np.ndarray, shape: Shape) -> np.ndarray:
    """The middle of a picture, as a network with this input shape takes it.

    pixels: uint8, (H, W), (H, W, 3) RGB or (H, W, 4) RGBA, which is laid on white. shape: (H', W', C), C 1
    or 3. Returns uint8 (H', W') for C = 1, else (H', W', 3). Where the sides differ in proportion, the
    middle is taken; it is shrunk by averaging areas.
    """
    height, width, channels = shape
    if channels not in (1, 3):
        raise ValueError(f"pictures have 1 or 3 channels, got {channels}")
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        alpha = pixels[:, :, 3:].astype(np.float32) / 255
        pixels = np.rint(pixels[:, :, :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    scale = min(pixels.shape[0] / height, pixels.shape[1] / width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (pixels.shape[0] - rows) // 2, (pixels.shape[1] - columns) // 2
    middle = np.ascontiguousarray(pixels[top : top + rows, left : left + columns])
    if channels == 1 and middle.ndim == 3:
        middle = cv2.cvtColor(middle, cv2.COLOR_RGB2GRAY)
    if channels == 3 and middle.ndim == 2:
        middle = cv2.cvtColor(middle, cv2.COLOR_GRAY2RGB)
    if middle.shape[:2] == (height, width):
        return middle
    way = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    return cv2.resize(middle, (width, height), interpolation=way)
