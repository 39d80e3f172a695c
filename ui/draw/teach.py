"""Teaching, on the Draw tab: "It was a 7", and a few such examples until the visitor's network knows.

`teach.html`, `teach.css` and `teach.js` are a part of the pad's component.
"""

import base64

from jobs.session import Session
from ui.server.uploads import uploaded
from ui.shared.visitors import Action, picture_of

Asked = object  # what a script sent: anything, until it is looked at


def add_example(session: Session, asked: Asked) -> None:
    """asked: {"picture": as the network saw it, "label": what it is}"""
    picture = picture_of(asked, "picture")
    if picture is None:
        raise ValueError("Draw something first, then say what it is.")
    session.add_example(picture, asked.get("label"))


def remove_example(session: Session, asked: Asked) -> None:
    """asked: {"position": from 0}"""
    position = asked.get("position") if isinstance(asked, dict) else None
    if not isinstance(position, int):
        raise ValueError("There is no such example (any more).")
    session.remove_example(position)


def pack_examples(session: Session, asked: Asked) -> dict:
    """Returns {"file": .zip in base64}"""
    return {"file": base64.b64encode(session.pack_examples()).decode()}


def unpack_examples(session: Session, asked: Asked) -> None:
    """asked: {"path": of an uploaded .zip}"""
    with uploaded(asked) as file:
        if file.stat().st_size > session.workshop.limits.upload_bytes:
            raise ValueError("The file is too large.")
        session.unpack_examples(file.read_bytes())


def teach(session: Session, asked: Asked) -> None:
    session.teach()


def undo(session: Session, asked: Asked) -> None:
    session.undo()


ACTIONS: tuple[Action, ...] = (
    add_example,
    remove_example,
    pack_examples,
    unpack_examples,
    teach,
    undo,
)
