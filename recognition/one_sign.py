"""A picture of a single sign, whatever it shows -> the 28x28 picture that a network sees of it.

`Reader` looks for digits, one or many; here all the ink is one sign: a heart, a rune, two dots and an arc.
"""

import numpy as np

from recognition.components import find_components, remove_border_noise
from recognition.drawing import ink_of_drawing
from recognition.normalise import SIZE, normalise
from recognition.photo import ink_of_photo, without_edges


def sign_of_drawing(image: np.ndarray) -> np.ndarray | None:
    """A drawing of one sign -> (28, 28) uint8; None where nothing is drawn. Raises as `ink_of_drawing`."""
    return normalise(ink_of_drawing(image))


def sign_of_photo(image: np.ndarray) -> np.ndarray | None:
    """A photo, scan or clip art of one sign -> (28, 28) uint8; None where there is nothing to be seen.

    What lies beside the sheet, specks and frames are left out. A grey picture of 28x28 pixels with black
    corners is taken as it is: it was normalised already. image: uint8 (H, W), (H, W, 3) or (H, W, 4).
    """
    if image.shape == (SIZE, SIZE) and not image[[0, 0, -1, -1], [0, -1, 0, -1]].any():
        return image if image.any() else None
    photo = ink_of_photo(image)
    if photo.edges.any():
        photo = without_edges(photo)
    components = find_components(photo.ink, photo.stroke)
    if not len(components.ids):
        return None
    return normalise(components.ink_of(remove_border_noise(components)))
