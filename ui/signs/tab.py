"""The Signs tab: a visitor's own signs, drawn a few times each, learned in seconds and read live.

One component of static files, as the other tabs are. Its script has drawings added and read, and shows what
`mine.signs` of the status says of the collection; `jobs.own_signs` keeps it.
"""

import base64
import logging
import time

import anyio
import gradio as gr

from jobs.own_signs import NOT_LEARNED
from jobs.session import Session
from recognition.files import MAX_PIXELS, PictureError
from recognition.one_sign import sign_of_drawing
from training.own_signs import ANYTHING_ELSE, MAX_SIGNS, MIN_EXAMPLES_A_SIGN, MIN_SIGNS
from ui.component import component
from ui.draw.tab import CROWDED, drawing_of
from ui.server.queue import QueueFull, Superseded
from ui.server.uploads import uploaded
from ui.shared.hub import can_sign_in, server_functions
from ui.shared.status_json import encoded
from ui.shared.visit import session_hash, visitor_of
from ui.shared.visitors import Action, Payload, ServerFunction, Visitors, reads_file
from ui.signs import hub

FAULT = "The drawing could not be read. Please try again."
UNNAMED = "The page says which sign it is by a number."

logger = logging.getLogger(__name__)


def build(visitors: Visitors) -> None:
    """Lays out the tab."""

    async def read_sign(drawing: Payload, request: gr.Request) -> dict:
        visitor = await visitor_of(request)
        session = visitors.manager.find(*visitor)
        try:
            async with visitors.drawings.turn(f"{visitor.page}/sign", request.state.address):
                answer = await anyio.to_thread.run_sync(read_live, session, drawing)
        except Superseded:
            answer = {"superseded": True}
        except QueueFull:
            answer = {"busy": CROWDED}
        return answer | {"took": round(1000 * (time.perf_counter() - request.state.began))}

    component(
        "signs/signs",
        [
            read_sign,
            *visitors.server_functions(ACTIONS),
            addition_of_pictures(visitors),
            *server_functions(visitors, hub.push_signs_to_hub),
        ],
        ("shared/hub",),
        ("draw/paper", "signs/cards"),
        signs_in=can_sign_in(),
        pushed_as="my-signs",
        least=MIN_EXAMPLES_A_SIGN,
        least_signs=MIN_SIGNS,
        most_signs=MAX_SIGNS,
        anything_else=ANYTHING_ELSE,
    )


def read_live(session: Session | None, drawing: Payload) -> dict:
    """drawing: {"image": a PNG as the pad sends it}. Returns {"names", "shares", "picture"}: the shares of
    the signs and of anything else, and what the network saw; {"empty": true} where nothing is drawn.

    Anybody can call this with anything, so every failure comes back as {"error": a sentence}.
    """
    try:
        return _read(session, drawing)
    except (PictureError, ValueError, TypeError) as error:
        return {"error": str(error)}
    except Exception:
        logger.exception("A sign could not be read")
        return {"error": FAULT}


def _read(session: Session | None, drawing: Payload) -> dict:
    image, learned = sign_of_drawing(drawing_of(drawing)), session and session.learned
    if learned is None:
        raise ValueError(NOT_LEARNED)
    if image is None:
        return {"empty": True}
    shares = [round(share, 4) for share in session.read_sign(image)]
    return {"names": list(learned.names(session.signs)), "shares": shares, "picture": encoded(image)}


def add_sign(session: Session, payload: Payload) -> None:
    """payload: {"name"}"""
    session.add_sign(_of(payload, "name"))


def rename_sign(session: Session, payload: Payload) -> None:
    """payload: {"sign": its id, "name"}"""
    session.rename_sign(_id(payload, "sign"), _of(payload, "name"))


def remove_sign(session: Session, payload: Payload) -> None:
    """payload: {"sign": its id}"""
    session.remove_sign(_id(payload, "sign"))


def add_sign_example(session: Session, payload: Payload) -> None:
    """payload: {"sign": its id, "image": a PNG as the pad sends it}"""
    image = sign_of_drawing(drawing_of(payload))
    if image is None:
        raise ValueError("Please draw something first, and then tell which sign it is.")
    session.add_sign_example(_id(payload, "sign"), image)


def remove_sign_example(session: Session, payload: Payload) -> None:
    """payload: {"example": its id}"""
    session.remove_sign_example(_id(payload, "example"))


def undo_signs(session: Session, payload: Payload) -> None:
    session.undo_signs()


def sign_pictures(session: Session, payload: Payload) -> dict:
    """payload: {"examples": ids}. Returns {"pictures": [[id, 28x28 grey bytes in base64]]} of those here."""
    wanted = _of(payload, "examples")
    known = {example.id: example.image for example in session.signs.examples}
    ids = [one for one in wanted if type(one) is int and one in known] if isinstance(wanted, list) else []
    return {"pictures": [[one, encoded(known[one])] for one in dict.fromkeys(ids)]}


def learn_signs(session: Session, payload: Payload) -> None:
    session.learn_signs()


def stop_signs(session: Session, payload: Payload) -> None:
    """Ends the learning that waits or runs, and nothing else."""
    if session.is_learning_signs:
        session.stop()


@reads_file
def save_signs(session: Session, payload: Payload) -> dict:
    """Returns {"file": .npz in base64}"""
    return {"file": base64.b64encode(session.save_signs()).decode()}


@reads_file
def load_signs(session: Session, payload: Payload) -> None:
    """payload: {"path": of an uploaded .npz}"""
    with uploaded(payload) as file:
        session.load_signs(file)


ACTIONS: tuple[Action, ...] = (
    add_sign,
    rename_sign,
    remove_sign,
    add_sign_example,
    remove_sign_example,
    undo_signs,
    sign_pictures,
    learn_signs,
    stop_signs,
    save_signs,
    load_signs,
    hub.load_signs_from_hub,
)


def addition_of_pictures(visitors: Visitors) -> ServerFunction:
    """The server function `add_sign_picture`, whose file the picture worker opens: it is a stranger's."""

    async def add_sign_picture(payload: Payload, request: gr.Request) -> dict:
        """payload: {"path": of an uploaded picture, "sign": its id}"""
        try:
            with uploaded(payload) as file:
                job = {"job": "sign", "path": str(file.absolute()), "max_pixels": MAX_PIXELS}
                _, arrays = await visitors.pictures.read(
                    job, await session_hash(request), request.state.address
                )
        except ValueError as error:
            return {"error": str(error)}

        def add(session: Session, asked: Payload) -> None:
            session.add_sign_example(_id(asked, "sign"), arrays["image"])

        return await visitors.act(add, payload, request)

    return add_sign_picture


def _of(payload: Payload, name: str) -> object:
    return payload.get(name) if isinstance(payload, dict) else None


def _id(payload: Payload, name: str) -> int:
    value = _of(payload, name)
    if type(value) is not int:
        raise ValueError(UNNAMED)
    return value
