"""The Inside tab: a drawing on its way through the network, while the pen moves, and why it is read so.

One component of static files. Its script sends the drawing to `look`, and asks `explain` for what needs
longer: how one cell came about, what speaks for which digit, what a change or a training step would do.
"""

import logging
import time
from collections.abc import Callable

import anyio
import gradio as gr

from recognition import Reader
from recognition.files import PictureError
from recognition.inside import check_network, digit_at
from ui.component import component
from ui.draw.tab import drawing_of
from ui.inside import answers
from ui.inside.answers import EXPLANATIONS, Looked
from ui.inside.copies import Copies
from ui.server.queue import FairQueue, QueueFull, Superseded
from ui.shared.visit import Visitor, visitor_of
from ui.shared.visitors import Readers, Visitors, chosen_from, picture_of

EXPLAINED_AT_ONCE = 1  # explanations: some take as long as a hundred readings
MOST_WAITING, MOST_WAITING_OF_ADDRESS = 200, 100  # of each kind, of each session the newest
FAULT = "This could not be looked at. Please try again."

logger = logging.getLogger(__name__)


def build(visitors: Visitors) -> None:
    """Lays out the tab."""
    copies = Copies()
    explanations = FairQueue(
        EXPLAINED_AT_ONCE, MOST_WAITING, most_of_address=MOST_WAITING_OF_ADDRESS, latest_only=True
    )

    async def in_turn(
        queue: FairQueue, line: str, work: Callable, request: gr.Request, payload: object
    ) -> dict:
        """work(readers, session, payload) in a thread, once it is this session's turn in that line."""
        visitor = await visitor_of(request)
        try:
            async with queue.turn(f"{visitor.page}/{line}", request.state.address):
                answer = await anyio.to_thread.run_sync(_answer, visitors, copies, work, visitor, payload)
        except Superseded:
            answer = {"superseded": True}
        except QueueFull:
            answer = {"busy": "Very many people are looking inside now."}
        return answer | {"took": round(1000 * (time.perf_counter() - request.state.began))}

    async def look(payload: object, request: gr.Request) -> dict:
        return await in_turn(visitors.drawings, "look", look_at, request, payload)

    async def explain(payload: object, request: gr.Request) -> dict:
        what = payload.get("what") if isinstance(payload, dict) else None
        line = what if isinstance(what, str) and what in EXPLANATIONS else "learn"
        return await in_turn(explanations, line, explain_it, request, payload)

    styles = tuple(f"inside/{name}" for name in ("layers", "change", "doubt", "narrow"))
    component("inside/inside", [look, explain], styles=styles)


def _answer(visitors: Visitors, copies: Copies, work: Callable, visitor: Visitor, payload: object) -> dict:
    """What `work` answers, or {"error": a sentence}: Gradio would answer an exception with a bare null."""
    try:
        if not isinstance(payload, dict):
            raise ValueError("The page sends what it asks for by name.")
        return work(visitors.readers_of(visitor), copies, visitor.page, payload)
    except (PictureError, ValueError, TypeError) as error:
        return {"error": str(error)}
    except Exception:
        logger.exception("A look inside failed")
        return {"error": FAULT}


def look_at(readers: Readers, copies: Copies, key: str, payload: dict) -> dict:
    """payload: {"image": a PNG as the pad sends it, "point": [x, y] on it, near which the digit to look at
    stands} or {"picture": 28x28 grey bytes in base64, "amounts": of variations}, and the "network", and the
    "copy" after steps, if any."""
    reader, looked = _looked(readers, copies, key, payload)
    picture = picture_of(payload, "picture")
    if picture is None:
        reading = reader.read_drawing(drawing_of(payload))
        if not reading.digits:
            return {"empty": True, "message": reading.message}
        picture = digit_at(reading.digits, _point(payload)).image
    return answers.look(looked, answers.varied(payload, picture))


def explain_it(readers: Readers, copies: Copies, key: str, payload: dict) -> dict:
    """payload: {"what": one of EXPLANATIONS, or "learn", which with "keep" keeps the network after the step
    and answers with its "copy"}, the "network", the "copy", and what that explanation takes."""
    _, looked = _looked(readers, copies, key, payload)
    what = payload.get("what")
    if what == "learn":
        answer, model = answers.learn(looked, payload)
        return answer | {"copy": copies.add(key, model)} if payload.get("keep") is True else answer
    if not isinstance(what, str) or what not in EXPLANATIONS:
        raise ValueError(f"What can be explained is {', '.join(EXPLANATIONS)} and learn.")
    return EXPLANATIONS[what](looked, payload)


def _looked(readers: Readers, copies: Copies, key: str, payload: dict) -> tuple[Reader, Looked]:
    reader = chosen_from(readers, payload)
    token = payload.get("copy")
    model = reader.model if token is None else copies.find(key, token)
    check_network(model)
    return reader, Looked(model, reader.classifier.calibration)


def _point(payload: dict) -> tuple[float, float] | None:
    point = payload.get("point")
    if point is None:
        return None
    if not isinstance(point, list) or len(point) != 2 or not all(map(answers.is_number, point)):
        raise ValueError("The point is [x, y] in pixels of the drawing.")
    return point[0], point[1]
