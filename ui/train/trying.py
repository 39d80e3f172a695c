"""A network for other pictures than digits, tried on the Train tab: on test pictures, a photo, the camera.

`trying.html`, `trying.css` and `trying.js` are the part of the tab that shows it.
"""

import base64
import binascii

import numpy as np

from cnn.layer import Shape
from jobs.session import Session
from ui.draw.tab import drawing_of
from ui.shared.status_json import encoded
from ui.shared.visitors import Payload

NOTHING = "There is no network for such pictures. Train one first."


def samples(session: Session, payload: Payload) -> dict:
    """payload: {"dataset": its name} -> {"watched", "tests": pictures, "labels": of the tests}"""
    name = payload.get("dataset") if isinstance(payload, dict) else None
    found = session.shared.samples.get(name) if isinstance(name, str) else None
    if found is None:
        raise ValueError("The pictures are not here yet.")
    return {
        "watched": encoded(found.watched),
        "tests": encoded(found.tests),
        "labels": found.test_labels.tolist(),
    }


def read_picture(session: Session, payload: Payload) -> dict:
    """payload: {"picture": bytes in base64, as the network takes it} or {"image": a PNG as the pad sends it}.

    Returns {"picture": as the network sees it, "probs": a share for each class}.
    """
    reader = session.picture_reader()
    if reader is None:
        raise ValueError(NOTHING)
    if isinstance(payload, dict) and "picture" in payload:
        picture = _decoded(payload["picture"], reader.model.input_shape)
    else:
        picture = reader.fit(drawing_of(payload))
    probs = [round(float(share), 4) for share in reader.probs(picture)]
    return {"picture": encoded(picture), "probs": probs}


def _decoded(text: object, shape: Shape) -> np.ndarray:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        content = b""
    if len(content) != shape[0] * shape[1] * shape[2]:
        raise ValueError(f"A picture is sent as {shape[0]} x {shape[1]} x {shape[2]} bytes in base64.")
    return np.frombuffer(content, np.uint8).reshape(shape if shape[2] == 3 else shape[:2])
