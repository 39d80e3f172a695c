"""What every data set is: pictures for training, others for the test, and the names of their classes."""

from dataclasses import dataclass

import numpy as np

from cnn import DIGITS
from cnn.layer import Shape

MNIST_TITLE = "MNIST"


class DataError(RuntimeError):
    """No source gave the data, or it is not as it should be; the message says what to do."""


@dataclass(frozen=True)
class Dataset:
    """Pictures uint8, (N, H, W) grey or (N, H, W, C), with labels (N,) uint8 or wider, 0 to K - 1.

    Of MNIST and its like the pictures are (N, 28, 28), 0 paper to 255 ink. title: the name for people.
    classes: the K names. note: what one must know to compare results, such as a recompression.
    validation_size: how many of the training pictures, the last ones, validate; None for the usual 5,000.
    is_drawn: whether they are somebody's strokes, digits or other signs, which mean something else mirrored.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    checksum: str  # MD5 over the files: which data this is
    title: str = MNIST_TITLE
    classes: tuple[str, ...] = DIGITS
    note: str = ""
    validation_size: int | None = None
    is_drawn: bool = False

    @property
    def input_shape(self) -> Shape:
        """(H, W, C) of one picture, as networks take it."""
        return input_shape_of(self.train_images)

    @property
    def has_digits(self) -> bool:
        """Whether the classes are the ten digits."""
        return self.classes == DIGITS

    @property
    def may_be_mirrored(self) -> bool:
        """Whether the mirror image of a picture shows the same class, as of animals and clothes."""
        return not (self.is_drawn or self.has_digits)


def input_shape_of(images: np.ndarray) -> Shape:
    """(H, W, C) of one picture, as networks take it, of images (N, H, W) or (N, H, W, C)."""
    shape = images.shape[1:]
    return shape if len(shape) == 3 else (*shape, 1)
