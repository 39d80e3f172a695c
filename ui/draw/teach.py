"""Teaching, on the Draw tab: "It was a 7", and a few such examples until the visitor's network knows.

`teach.html`, `teach.css` and `teach.js` are a part of the pad's component.
"""

import base64

from jobs.session import Session
from ui.server.uploads import uploaded
from ui.shared.visitors import Action, Payload, picture_of, reads_file


def add_example(session: Session, payload: Payload) -> None:
    """payload: {"picture": as the network saw it, "label": what it is}"""
    picture = picture_of(payload, "picture")
    if picture is None:
        raise ValueError("Draw something first, then say what it is.")
    session.add_example(picture, payload.get("label"))


def remove_example(session: Session, payload: Payload) -> None:
    """payload: {"position": from 0}"""
    position = payload.get("position") if isinstance(payload, dict) else None
    if not isinstance(position, int):
        raise ValueError("There is no such example (any more).")
    session.remove_example(position)


def export_examples(session: Session, payload: Payload) -> dict:
    """Returns {"file": .zip in base64}"""
    return {"file": base64.b64encode(session.export_examples()).decode()}


@reads_file
def import_examples(session: Session, payload: Payload) -> None:
    """payload: {"path": of an uploaded .zip}"""
    with uploaded(payload) as file:
        if file.stat().st_size > session.shared.limits.upload_bytes:
            raise ValueError("The file is too large.")
        session.import_examples(file.read_bytes())


def teach(session: Session, payload: Payload) -> None:
    session.teach()


def undo(session: Session, payload: Payload) -> None:
    session.undo()


ACTIONS: tuple[Action, ...] = (
    add_example,
    remove_example,
    export_examples,
    import_examples,
    teach,
    undo,
)
