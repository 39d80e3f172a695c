"""Logits -> confidence, and a threshold below which ink is rejected as not a digit."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from cnn import Checkpoint, ModelFileError, log_odds, softmax


@dataclass(frozen=True)
class Calibration:
    """probs = softmax(logits / temperature);  not a digit where log_odds(logits) < threshold

    Of all that a sign may be, a share of 1 / (1 + exp(log_odds - threshold)) goes to "not a digit", which is
    above 1/2 exactly where the sign is rejected; the digits have the rest, in proportion to `probs`.

    temperature > 0: above 1 it lowers the confidence, below 1 it raises it; it never changes the answer.
    threshold: None for a network without a reject class.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """

    temperature: float = 1.0
    threshold: float | None = None

    def probs(self, logits: np.ndarray) -> np.ndarray:
        """(N, 10) logits -> (N, 10) probabilities."""
        return softmax(logits / logits.dtype.type(self.temperature))

    def is_digit(self, logits: np.ndarray) -> np.ndarray:
        """(N, 10) logits -> (N,) bool."""
        return self.accepts(log_odds(logits))

    def accepts(self, odds: np.ndarray) -> np.ndarray:
        """Log-odds that each is a digit (N,) -> (N,) bool."""
        return np.ones(len(odds), bool) if self.threshold is None else odds >= self.threshold

    def reject_share(self, odds: np.ndarray) -> np.ndarray:
        """Log-odds that each is a digit (N,) -> (N,) shares of "not a digit"; 0 without a threshold."""
        if self.threshold is None:
            return np.zeros(len(odds))
        margin = odds - odds.dtype.type(self.threshold)  # of the very sign that `accepts` compares by
        return 0.5 - 0.5 * np.tanh(margin.astype(np.float64) / 2)  # the logistic function; cannot overflow

    def to_progress(self) -> dict:
        """The entry in the progress of a weights file."""
        return {"calibration": asdict(self)}

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "Calibration":
        """The calibration in a weights file, or the neutral one. Raises ModelFileError if it is invalid."""
        saved = checkpoint.progress.get("calibration", {})
        try:
            found = cls(**saved)
            if not 0.01 <= found.temperature <= 100:
                raise ValueError(f"the temperature is {found.temperature}")
            if found.threshold is not None and not math.isfinite(found.threshold):
                raise ValueError(f"the threshold is {found.threshold}")
        except (TypeError, ValueError, OverflowError) as error:
            raise ModelFileError(f"the calibration in this weights file is invalid: {error}") from error
        return found
