"""The one door to reading: ink + network -> Reading. The page, the command line and programs all use it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn import Sequential, fold_batch_norm, load_model
from ink.calibration import Calibration
from ink.normalise import bounding_box, normalise, to_input
from ink.sketch import ink_of_drawing

WEIGHTS = Path(__file__).parent.parent / "weights"
SHIPPED = {name: WEIGHTS / f"{name}.npz" for name in ("digits", "seed")}
DEFAULT_NETWORK = "digits"  # the one that reads best
DEFAULT_WEIGHTS = SHIPPED[DEFAULT_NETWORK]

# A tap of the pen is a filled disc: as wide as high, and nearly all of its box is ink. No digit is both.
BLOB_ASPECT = 1.6  # longest over shortest side, at most
BLOB_FILL = 0.72  # share of the box that is ink, at least: a disc fills 0.79


@dataclass(frozen=True)
class Digit:
    """One piece of ink and what the network makes of it."""

    box: tuple[int, int, int, int]  # (x, y, width, height) in pixels of the picture
    image: np.ndarray  # (28, 28) uint8: what the network sees
    probs: np.ndarray  # (10,) float32, softmax, sums to 1
    digit: int | None  # 0 to 9, or None for ink that is no digit
    confidence: float  # 0 to 1: the largest probability


@dataclass(frozen=True)
class Reading:
    """What was read, left to right."""

    digits: tuple[Digit, ...]
    message: str = ""  # for a person: why there is no answer; "" where there is one

    @property
    def text(self) -> str:
        """ "7", "42"; "" for an empty canvas; "?" stands for ink that is no digit."""
        return "".join("?" if found.digit is None else str(found.digit) for found in self.digits)

    def to_json(self) -> dict:
        """Plain lists and numbers, the JSON of the page's endpoints."""
        return {
            "text": self.text,
            "message": self.message,
            "digits": [
                {
                    "digit": found.digit,
                    "confidence": round(found.confidence, 4),
                    "probs": [round(float(p), 4) for p in found.probs],
                    "box": list(found.box),
                }
                for found in self.digits
            ],
        }


class Reader:
    """Reads pictures of digits with one network. Safe to share between threads.

    weights: an `.npz` written by `cnn.save_model`, or None for the best network shipped. Raises
    FileNotFoundError or cnn.ModelFileError, saying what is wrong with the file.
    """

    def __init__(self, weights: str | Path | None = None) -> None:
        checkpoint = load_model(weights or DEFAULT_WEIGHTS)
        self.model: Sequential = fold_batch_norm(checkpoint.model)
        self.calibration = Calibration.of(checkpoint)

    def read_drawing(self, image: np.ndarray) -> Reading:
        """A drawing -> Reading.

        image: uint8; (H, W, 4) pen on transparent or plain paper, (H, W, 3) RGB, or (H, W) grey. Raises
        TypeError or ValueError, saying what was expected, for anything else.
        """
        return self.read_ink(ink_of_drawing(image))

    def read_photo(self, image: np.ndarray) -> Reading:
        """A picture of one digit on plain paper -> Reading; arguments and errors as for `read_drawing`."""
        return self.read_drawing(image)

    def read_ink(self, ink: np.ndarray) -> Reading:
        """Ink (H, W), floating point, 0 paper, 1 full ink -> Reading. Raises as `normalise` does."""
        box = bounding_box(ink)
        if box is None:
            return Reading((), "Nothing is drawn: the picture is all one colour.")
        image = normalise(ink)
        logits = self.model.predict(to_input(image[None]))
        probs = self.calibration.probs(logits)[0]
        digit, message = int(probs.argmax()), ""
        if _is_blob(ink):
            digit, message = None, "That is a blot, not a digit: draw a little more."
        elif not self.calibration.is_digit(logits)[0]:
            digit, message = None, "That does not look like a digit. The bars show what comes nearest."
        return Reading((Digit(box, image, probs, digit, float(probs.max())),), message)


def _is_blob(ink: np.ndarray) -> bool:
    solid = ink >= ink.max() / 2  # the soft rim of a small dot would count for much of its box
    x, y, width, height = bounding_box(solid.astype(np.float32))
    fill = solid[y : y + height, x : x + width].mean()
    return max(width, height) <= BLOB_ASPECT * min(width, height) and fill >= BLOB_FILL
