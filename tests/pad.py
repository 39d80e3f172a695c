"""What a page sends on the road of its drawings."""

import json

import numpy as np

from jobs.drawing_message import BUSY, ERROR, SUPERSEDED, pack_drawing, pack_reading, pack_sentence
from recognition.reading import Digit, Reading


def seven() -> np.ndarray:
    """A drawn 7, (148, 148) uint8."""
    sheet = np.full((148, 148), 255, np.uint8)
    sheet[20:33, 30:115] = 0
    for row in range(20, 130):
        right = 115 - (row - 20) * 45 // 110
        sheet[row, right - 14 : right] = 0
    return sheet


def drawn_seven(number=1, moving=False, network="digits") -> bytes:
    return pack_drawing(number, moving, network, seven())


def hello(session="s", visitor=None) -> str:
    return json.dumps({"session": session, "visitor": visitor})


def packed(answer: dict) -> bytes:
    """The answer to a POST: {busy}, {error}, {superseded} or {message, digits: [{digit, probs, line}]}."""
    took = answer.get("took", 0)
    for kind, name in ((BUSY, "busy"), (ERROR, "error"), (SUPERSEDED, "superseded")):
        if name in answer:
            return pack_sentence(0, kind, took, answer[name] if kind != SUPERSEDED else "")
    digits = []
    for found in answer["digits"]:
        probs = np.array(found["probs"]) / sum(found["probs"])
        rejected = 0.9 if found["digit"] is None else 0.0
        image = np.zeros((28, 28), np.uint8)
        digits.append(
            Digit((0, 0, 9, 9), image, probs, found["digit"], 0.9, found["line"], reject_share=rejected)
        )
    return pack_reading(0, took, Reading(tuple(digits), answer["message"]))
