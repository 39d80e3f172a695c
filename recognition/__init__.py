"""Pictures of ink -> 28x28 digits -> readings. Start with `Reader`."""

from recognition.drawing import ink_of_drawing
from recognition.normalise import bounding_box, normalise, to_input
from recognition.reader import Reader
from recognition.reading import Digit, Reading

__all__ = ["Digit", "Reader", "Reading", "bounding_box", "ink_of_drawing", "normalise", "to_input"]
