"""The pictures that one watches turn right or wrong while a network learns."""

import numpy as np
import pytest
from PIL import Image

from cnn import load_model
from recognition.reader import DEFAULT_WEIGHTS
from scripts.watched_pictures import PICTURE
from training.calibrate import logits_of
from training.watched import COLUMNS, WATCHED, sprite

LABELS = np.arange(len(WATCHED)) % COLUMNS


@pytest.fixture
def validation_images():
    """As far as the page's picture shows them, (300, 28, 28); all others are black."""
    images = np.zeros((300, 28, 28), np.uint8)
    shown = np.asarray(Image.open(PICTURE)).reshape(-1, 28, COLUMNS, 28)
    images[list(WATCHED)] = shown.transpose(0, 2, 1, 3).reshape(-1, 28, 28)
    return images


def test_a_column_of_the_picture_holds_one_digit(validation_images):
    logits = logits_of(load_model(DEFAULT_WEIGHTS).model, validation_images)
    assert (logits[list(WATCHED)].argmax(1) == LABELS).sum() >= 38


def test_the_picture_is_made_of_those_that_are_watched(validation_images):
    assert len(set(WATCHED)) == 40
    np.testing.assert_array_equal(sprite(validation_images), np.asarray(Image.open(PICTURE)))
