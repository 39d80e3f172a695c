"""A network as it was at the moments of its training that were kept."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cnn import Sequential
from recognition.calibration import Calibration
from recognition.inside import all_shares
from training.history import history_path, load_history, network_at

NO_MOMENTS = "Of this network’s training no moments were kept."


def listed(weights: Path) -> dict:
    """{"moments": [{"step", "epoch", "loss", "accuracy"}]}, first to last; loss and accuracy may be null.

    None are there of a network that was not trained on this page, or taught since.
    """
    return {
        "moments": [
            {
                "step": int(one["step"]),
                "epoch": float(one["epoch"]),
                "loss": _finite(float(one["loss"])),
                "accuracy": _finite(float(one["accuracy"])),
            }
            for one in _kept(weights)
        ]
    }


def network(weights: Path, model: Sequential, moment: object) -> Sequential:
    """model: what came of the training. ValueError where there is no such moment."""
    try:
        kept = load_history(history_path(weights))
    except OSError:
        raise ValueError(NO_MOMENTS) from None
    if type(moment) is not int or not 0 <= moment < len(kept):
        raise ValueError(f"The moments of this training are 0 to {len(kept) - 1}.")
    return network_at(model, kept[moment])


def course(weights: Path, model: Sequential, calibration: Calibration, x: np.ndarray) -> dict:
    """{"shares": of the picture x, (28, 28, 1), at each moment, the reject class last}."""
    moments = (network_at(model, one) for one in _kept(weights))
    found = (all_shares(moment.predict(x[None]), calibration)[0] for moment in moments)
    return {"shares": [np.round(shares, 3).tolist() for shares in found]}


def _kept(weights: Path) -> Sequence[np.ndarray]:
    try:
        return load_history(history_path(weights))
    except (OSError, ValueError):
        return ()


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
