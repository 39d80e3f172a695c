"""Teaching, on the Draw tab: "This is a 7", and a few such examples until the visitor's network knows.

`teach.html`, `teach.css` and `teach.js` are a part of the pad's component.
"""

import base64

import gradio as gr

from jobs.session import Session
from recognition.reader import DEFAULT_WEIGHTS, SHIPPED
from training.examples import Example
from ui.server.uploads import uploaded
from ui.shared.visit import session_hash
from ui.shared.visitors import Action, Payload, ServerFunction, Visitors, picture_of


def add_example(session: Session, payload: Payload) -> None:
    """payload: {"picture": as the network saw it, "label": what it is}"""
    picture = picture_of(payload, "picture")
    if picture is None:
        raise ValueError("Please draw something first, and then tell its digit.")
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


def teach(session: Session, payload: Payload) -> None:
    """payload: {"network": the name of the one that reads, and shall be taught}"""
    network = payload.get("network") if isinstance(payload, dict) else None
    if isinstance(network, str) and network in SHIPPED:
        session.use(SHIPPED[network])
    session.teach()


def undo(session: Session, payload: Payload) -> None:
    session.undo()


def use_shipped(session: Session, payload: Payload) -> None:
    session.use(DEFAULT_WEIGHTS)


ACTIONS: tuple[Action, ...] = (
    add_example,
    remove_example,
    export_examples,
    teach,
    undo,
    use_shipped,
)


def import_of_examples(visitors: Visitors) -> ServerFunction:
    """The server function `import_examples`, whose zip the picture worker opens: it is a stranger's."""
    limits = visitors.manager.shared.limits

    async def import_examples(payload: Payload, request: gr.Request) -> dict:
        """payload: {"path": of an uploaded .zip}"""
        try:
            with uploaded(payload) as file:
                job = {
                    "job": "examples",
                    "path": str(file.absolute()),
                    "examples": limits.examples,
                    "upload_bytes": limits.upload_bytes,
                }
                _, arrays = await visitors.pictures.read(
                    job, await session_hash(request), request.state.address
                )
        except ValueError as error:
            return {"error": str(error)}
        labels = arrays["labels"].tolist()
        added = [Example(image, label) for image, label in zip(arrays["images"], labels, strict=True)]

        def add_examples(session: Session, payload: Payload) -> None:
            session.add_examples(added)

        return await visitors.act(add_examples, payload, request)

    return import_examples
