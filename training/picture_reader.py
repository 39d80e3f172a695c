"""What a network for other pictures than digits takes a picture for."""

from pathlib import Path

import numpy as np

from cnn import load_model, prepare_for_inference
from recognition import to_input
from recognition.calibration import Calibration
from training.datasets.pictures import fit_picture

LIGHT = 128  # of 255: a border above it, on the average, is paper and not the dark that grey data sets have


class PictureReader:
    """Reads pictures with one network. Safe to share between threads.

    weights: a file that `cnn.save_model` wrote, of any classes. Raises FileNotFoundError or ModelFileError.
    """

    def __init__(self, weights: Path) -> None:
        checkpoint = load_model(weights, None, None, any_classes=True)
        self.weights = weights
        self.model = prepare_for_inference(checkpoint.model)
        self._calibration = Calibration.of(checkpoint)

    def fit(self, pixels: np.ndarray) -> np.ndarray:
        """Somebody's picture, as `fit_picture` takes it -> as the network takes it, uint8.

        Fashion-MNIST shows light clothes on black, so a grey picture on a light ground is inverted.
        """
        picture = fit_picture(pixels, self.model.input_shape)
        if picture.ndim == 2:
            border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
            if border.mean() > LIGHT:
                picture = 255 - picture
        return picture

    def probs(self, picture: np.ndarray) -> np.ndarray:
        """(H, W) or (H, W, 3) uint8 -> (K,) probabilities. Raises ValueError for another shape."""
        x = to_input(picture[None])
        if x.shape[1:] != self.model.input_shape:
            raise ValueError(f"{self.model.name} takes pictures {self.model.input_shape}, got {x.shape[1:]}.")
        return self._calibration.probs(self.model.predict(x))[0]
