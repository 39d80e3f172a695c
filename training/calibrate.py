"""Calibration: of all answers given with 90 % confidence, nine in ten should be right."""

from dataclasses import dataclass

import numpy as np

from cnn import Sequential, softmax_cross_entropy
from recognition import to_input

BINS = 15


def logits_of(model: Sequential, images: np.ndarray) -> np.ndarray:
    """(N, 28, 28) or (N, 28, 28, C) uint8 -> (N, 10) float32, in parts of 1,000 to save memory."""
    parts = [model.predict(to_input(images[i : i + 1000])) for i in range(0, len(images), 1000)]
    return np.concatenate(parts)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature, 0.1 to 10, that minimises the cross-entropy of softmax(logits / temperature).

    logits (N, 10), labels (N,): of images that the network was not trained on. Golden-section search finds
    it, because the loss has a single minimum over log temperature.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """

    def loss(log_temperature: float) -> float:
        return softmax_cross_entropy(logits / np.exp(log_temperature), labels)[0]

    low, high = np.log(0.1), np.log(10.0)
    golden = (np.sqrt(5) - 1) / 2
    while high - low > 1e-3:
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy in bins of equal width from 0 to 1; NaN in an empty bin."""

    counts: np.ndarray  # (BINS,)
    confidence: np.ndarray  # (BINS,) mean confidence of the answers in a bin
    accuracy: np.ndarray  # (BINS,) share of them that is right

    @property
    def expected_calibration_error(self) -> float:
        """The mean gap between confidence and accuracy, weighted by counts; 0 to 1.

        Source: Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning",
        AAAI 2015.
        """
        gaps = np.abs(self.confidence - self.accuracy)
        return float(np.nansum(gaps * self.counts) / self.counts.sum())


def reliability(probs: np.ndarray, labels: np.ndarray) -> Reliability:
    """probs (N, 10), labels (N,) -> Reliability of the most probable digit."""
    confidence = probs.max(1).astype(float)
    right = probs.argmax(1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    with np.errstate(invalid="ignore"):
        return Reliability(
            counts,
            np.bincount(bins, confidence, BINS) / counts,
            np.bincount(bins, right, BINS) / counts,
        )
