"""The networks of a reader: images -> logits, and a candidate -> an accepted or rejected digit."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from cnn import Sequential, log_odds
from recognition.calibration import Calibration
from recognition.candidates import Candidate
from recognition.context import digit_logits
from recognition.normalise import bounding_box, to_input
from recognition.reading import Digit

BATCH_SIZE = 256  # images in one forward pass
# Log-odds, from the threshold, between which a sign that stands alone is in doubt and the context model has a
# say. Of what a network was fine-tuned on (`training.finetune`) it is surer than that, and decides alone.
DOUBT = (-2.0, 2.5)

# A tap of the pen is a filled disc: as wide as high, and nearly all of its box is ink. No digit is both.
BLOB_ASPECT = 1.6  # greatest longer over shorter side of a blot
BLOB_FILL = 0.72  # least share of its box that is ink: a disc fills 0.79


@dataclass
class Classifier:
    """A network with its calibration and, unless it never rejects, the context model and the line model.

    model takes (N, 28, 28, 1) and gives (N, 10) logits; context_model takes (N, 28, 28, 2) and gives (N, 15);
    line_model takes (N, HEIGHT, W, 1) and gives (N, 1, W / 4, 17).
    """

    model: Sequential
    calibration: Calibration
    context_model: Sequential | None
    line_model: Sequential | None = None

    def logits(self, images: np.ndarray) -> np.ndarray:
        """(N, 28, 28) uint8 -> (N, 10) logits."""
        return _predict(self.model, images)

    def logits_in_context(self, images: np.ndarray) -> np.ndarray:
        """(N, 28, 28, 2) uint8, as made by `with_context` -> (N, 15) logits of the context model."""
        return _predict(self.context_model, images)

    def read_line(self, line: np.ndarray) -> np.ndarray:
        """(HEIGHT, W) uint8, as made by `line_image` -> (W / 4, 17) logits of the line model."""
        model = _fitted(self.line_model, (*line.shape, 1))
        return model.predict(to_input(line[None]))[0, 0]

    def log_odds_of_digit(self, images: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Log-odds that images of signs which stand alone are digits: (N,).

        images (N, 28, 28) uint8, normalised; logits (N, 10) of the network. Where these are in doubt,
        they are averaged with the context model's.
        """
        odds = log_odds(logits)
        if self.context_model is not None:
            low, high = (self.calibration.threshold + doubt for doubt in DOUBT)
            doubtful = np.flatnonzero((low <= odds) & (odds < high))
            if len(doubtful):
                alone = np.stack([images[doubtful], np.zeros_like(images[doubtful])], axis=-1)
                in_context = digit_logits(self.logits_in_context(alone))
                odds[doubtful] = log_odds((logits[doubtful] + in_context) / 2)
        return odds

    def accepts(self, images: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """Which signs that stand alone are accepted as digits: (N,) bool. Arguments as above."""
        return self.calibration.accepts(self.log_odds_of_digit(images, logits))

    def is_digit(self, candidates: Sequence[Candidate]) -> np.ndarray:
        """Which of at least one candidates are accepted, by the network alone: (N,) bool."""
        return self.calibration.is_digit(np.stack([candidate.logits for candidate in candidates]))

    def digit(self, candidate: Candidate, line: int = 0, prior: float = 0.0) -> Digit:
        """The candidate accepted as its most probable digit, or rejected.

        prior: log-odds added to those of a candidate in context, because its neighbours are digits.
        """
        logits = candidate.logits[None]
        probs = self.calibration.probs(logits)[0]
        if candidate.in_context:
            odds = log_odds(logits) + prior + candidate.support
        else:
            odds = self.log_odds_of_digit(candidate.image[None], logits)
        found = Digit(
            candidate.box,
            candidate.image,
            probs,
            int(probs.argmax()) if self.calibration.accepts(odds)[0] else None,
            float(probs.max()),
            line,
            reject_share=float(self.calibration.reject_share(odds)[0]),
        )
        is_tap = prior == 0 and is_blob(candidate.image)  # among digits it is one whose loop the pen filled
        return found.rejected() if is_tap else found


@cache
def _fitted(model: Sequential, shape: tuple[int, int, int]) -> Sequential:
    """The model for pictures of this shape."""
    return model.for_shape(shape)


def is_blob(image: np.ndarray) -> bool:
    """Is a normalised image (28, 28) uint8 a filled blot?"""
    solid = image >= 128  # the soft rim of a small dot would count for much of its box
    x, y, width, height = bounding_box(solid.astype(np.float32))
    fill = solid[y : y + height, x : x + width].mean()
    return max(width, height) <= BLOB_ASPECT * min(width, height) and fill >= BLOB_FILL


def _predict(model: Sequential, images: np.ndarray) -> np.ndarray:
    """Images (N, ...) uint8 -> (N, K) logits, in batches."""
    batches = range(0, len(images), BATCH_SIZE)
    return np.concatenate([model.predict(to_input(images[i : i + BATCH_SIZE])) for i in batches])
