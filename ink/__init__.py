"""Pictures of ink -> 28x28 digits -> readings. Start with `Reader`."""

from ink.normalise import bounding_box, normalise, to_input
from ink.reader import Digit, Reader, Reading
from ink.sketch import ink_of_drawing

__all__ = ["Digit", "Reader", "Reading", "bounding_box", "ink_of_drawing", "normalise", "to_input"]
