"""Teaching, on the Draw tab: "It was a 7", and a few such examples until the visitor's network knows.

`teach.html`, `teach.css` and `teach.js` are a part of the pad's component.
"""

import base64

import gradio as gr

from jobs.session import Session
from training.examples import Example
from ui.server.uploads import uploaded
from ui.shared.visitors import Action, ServerFunction, Visitors, key_of, picture_of

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


def teach(session: Session, asked: Asked) -> None:
    session.teach()


def undo(session: Session, asked: Asked) -> None:
    session.undo()


ACTIONS: tuple[Action, ...] = (
    add_example,
    remove_example,
    pack_examples,
    teach,
    undo,
)


def import_of_examples(visitors: Visitors) -> ServerFunction:
    """The server function `unpack_examples`, whose zip the picture worker opens: it is a stranger's."""
    limits = visitors.workshop.limits

    async def unpack_examples(asked: Asked, request: gr.Request) -> dict:
        """asked: {"path": of an uploaded .zip}"""
        try:
            with uploaded(asked) as file:
                job = {
                    "job": "examples",
                    "path": str(file.absolute()),
                    "examples": limits.examples,
                    "upload_bytes": limits.upload_bytes,
                }
                _, arrays = await visitors.pictures.read(job, await key_of(request), request.state.address)
        except ValueError as error:
            return {"error": str(error)}
        labels = arrays["labels"].tolist()
        added = [Example(image, label) for image, label in zip(arrays["images"], labels, strict=True)]

        def add_examples(session: Session, asked: Asked) -> None:
            session.add_examples(added)

        return await visitors.act(add_examples, asked, request)

    return unpack_examples
