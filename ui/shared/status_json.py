"""A visitor's status as the JSON that the page's scripts show; pictures and kernels are bytes in base64."""

import base64
from dataclasses import asdict

import numpy as np

from jobs.status import Comparison, Point, Status
from training.evaluate import Evaluation
from training.experiment import Snapshot
from training.finetune import FineTuneReport

ARRAYS = ("kernels", "probs", "watched")  # of a snapshot


def encoded(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def status_json(status: Status) -> dict:
    """What the page's scripts show, as plain JSON values."""
    return {
        "version": status.version,
        "phase": status.phase,
        "active": status.active,
        "message": status.message,
        "position": status.position,
        "result": status.result,
        "resumable": status.resumable,
        "settings": status.settings and asdict(status.settings),
        "now": status.snapshot and _snapshot(status.snapshot),
        "curve": [_point(point) for point in status.curve],
        "lesson": status.lesson and _lesson(status.lesson),
        "comparison": status.comparison and _comparison(status.comparison),
    }


def _point(point: Point) -> dict:
    return {name: None if value is None else round(value, 4) for name, value in asdict(point).items()}


def _snapshot(now: Snapshot) -> dict:
    size, _, channels, count = now.kernels.shape
    # One after the other, row by row, and of a colour picture each place's red, green and blue.
    kernels = np.moveaxis(now.kernels, -1, 0).astype("<f4")
    return {
        **{name: value for name, value in asdict(now).items() if name not in ARRAYS},
        "done": now.done,
        "kernels": {"size": size, "channels": channels, "count": count, "weights": encoded(kernels)},
        "probs": None if now.probs is None else [round(float(share), 4) for share in now.probs],
        "watched": None if now.watched is None else now.watched.tolist(),
    }


def _lesson(lesson: FineTuneReport) -> dict:
    return {
        "before": _readings(lesson.before, lesson.refused_before),
        "after": _readings(lesson.after, lesson.refused_after),
    }


def _readings(probs: np.ndarray, refused: np.ndarray) -> list[dict]:
    return [
        {"digit": None if no_digit else int(row.argmax()), "confidence": float(row.max())}
        for row, no_digit in zip(probs, refused, strict=True)
    ]


def _comparison(comparison: Comparison) -> dict:
    mistakes = [
        {
            "picture": encoded(one.image),
            "predicted": one.predicted,
            "true": one.true,
            "confidence": one.confidence,
        }
        for one in comparison.mistakes
    ]
    return {
        "dataset": comparison.dataset,
        "images": len(comparison.after.labels),
        "after": _evaluation(comparison.after),
        "before": comparison.before and _evaluation(comparison.before),
        "newly_right": comparison.newly_right,
        "newly_wrong": comparison.newly_wrong,
        "mistakes": mistakes,
    }


def _evaluation(evaluation: Evaluation) -> dict:
    return {
        "accuracy": evaluation.accuracy,
        "wrong": len(evaluation.errors),
        "confusion": evaluation.confusion.tolist(),
    }
