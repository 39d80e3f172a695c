"""The Inside tab: a drawing on its way through the network, while the pen moves, and why it is read so.

One component of static files. Its script sends the drawing to `look`, and asks `explain` for what needs
longer: how one cell came about, what speaks for which digit, what a change or a training step would do.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import anyio
import gradio as gr

from recognition import Reader
from recognition.files import PictureError
from recognition.inside import check_network, digit_at
from recognition.reader import DEFAULT_NETWORK
from ui.component import component
from ui.draw.tab import drawing_of
from ui.inside import answers, mnist, moments
from ui.inside.answers import EXPLANATIONS, Looked
from ui.inside.copies import Copies
from ui.server.queue import FairQueue, QueueFull, Superseded
from ui.shared.visit import Visitor, visitor_of
from ui.shared.visitors import Readers, Visitors, chosen_from, picture_of

EXPLAINED_AT_ONCE = 1  # explanations: some take as long as a hundred readings
MOST_WAITING, MOST_WAITING_OF_ADDRESS = 200, 100  # of each kind, of each session the newest
WHATS = (*EXPLANATIONS, "learn", "likes", "moments", "course", "map", "neighbours")
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
        """work(visit, payload) in a thread, once it is this session's turn in that line."""
        visitor = await visitor_of(request)
        try:
            async with queue.turn(f"{visitor.page}/{line}", request.state.address):
                visit = Visit(visitors, visitor, request.state.address, copies)
                answer = await anyio.to_thread.run_sync(_answer, visit, work, payload)
        except Superseded:
            answer = {"superseded": True}
        except QueueFull:
            answer = {"busy": "Very many people are looking inside now."}
        return answer | {"took": round(1000 * (time.perf_counter() - request.state.began))}

    async def look(payload: object, request: gr.Request) -> dict:
        return await in_turn(visitors.drawings, "look", look_at, request, payload)

    async def explain(payload: object, request: gr.Request) -> dict:
        what = payload.get("what") if isinstance(payload, dict) else None
        line = what if isinstance(what, str) and what in WHATS else ""
        if line == "learn" and payload.get("keep") is True:
            line = "step"  # a question how it would be must not take the place of a step that waits
        return await in_turn(explanations, line, explain_it, request, payload)

    styles = tuple(f"inside/{name}" for name in ("layers", "change", "doubt", "mnist", "narrow"))
    component("inside/inside", [look, explain], styles=styles)


@dataclass
class Visit:
    """Who looks inside: their networks, and what is kept of these."""

    visitors: Visitors
    visitor: Visitor
    address: str
    copies: Copies

    @cached_property
    def readers(self) -> Readers:
        return self.visitors.readers_of(self.visitor)

    def weights(self, payload: dict) -> Path:
        """The file of payload["network"], one of `readers`. ValueError where there is none (any more)."""
        return self.visitors.weights_of(self.visitor, payload.get("network", DEFAULT_NETWORK))


def _answer(visit: Visit, work: Callable, payload: object) -> dict:
    """What `work` answers, or {"error": a sentence}: Gradio would answer an exception with a bare null."""
    try:
        if not isinstance(payload, dict):
            raise ValueError("The page sends what it asks for by name.")
        return work(visit, payload)
    except (PictureError, ValueError, TypeError) as error:
        return {"error": str(error)}
    except Exception:
        logger.exception("A look inside failed")
        return {"error": FAULT}


def look_at(visit: Visit, payload: dict) -> dict:
    """payload: {"image": a PNG as the pad sends it, "point": [x, y] on it, near which the digit to look at
    stands} or {"picture": 28x28 grey bytes in base64, "amounts": of variations}, and the "network", and the
    "copy" after steps or the "moment" of its training, if any."""
    reader, looked = _looked(visit, payload)
    picture = picture_of(payload, "picture")
    if picture is None:
        reading = reader.read_drawing(drawing_of(payload))
        if not reading.digits:
            return {"empty": True, "message": reading.message}
        picture = digit_at(reading.digits, _point(payload)).image
        answer = answers.look(looked, answers.varied(payload, picture))
        return answer | {"digits": len(reading.digits)}
    return answers.look(looked, answers.varied(payload, picture))


def explain_it(visit: Visit, payload: dict) -> dict:
    """payload: {"what": one of WHATS}, the "network", the "copy" or the "moment", and what that takes.

    "learn" with "keep" keeps the network after the step and answers with its "copy".
    """
    what = payload.get("what")
    if not isinstance(what, str) or what not in WHATS:
        raise ValueError(f"What can be explained is {', '.join(WHATS)}.")
    reader, looked = _looked(visit, payload)
    if what in EXPLANATIONS:
        return EXPLANATIONS[what](looked, payload)
    if what == "learn":
        answer, model = answers.learn(looked, payload)
        keep = payload.get("keep") is True
        return answer | {"copy": visit.copies.add(visit.visitor.page, model)} if keep else answer
    if what == "map":
        return mnist.map_of_digits()
    if what == "neighbours":
        return mnist.neighbours(looked.model, answers.input_of(payload))
    weights = visit.weights(payload)
    if what == "moments":
        return moments.listed(weights)
    if what == "course":
        return moments.course(weights, reader.model, looked.calibration, answers.input_of(payload))
    likes = mnist.likes_of(visit.visitors.manager.likes, weights, visit.address)
    return mnist.likes(reader.model, likes, payload.get("position"), payload.get("channel"))


def _looked(visit: Visit, payload: dict) -> tuple[Reader, Looked]:
    reader = chosen_from(visit.readers, payload)
    token, moment = payload.get("copy"), payload.get("moment")
    model = reader.model if token is None else visit.copies.find(visit.visitor.page, token)
    if moment is not None:
        model = moments.network(visit.weights(payload), model, moment)
    check_network(model)
    return reader, Looked(model, reader.classifier.calibration)


def _point(payload: dict) -> tuple[float, float] | None:
    point = payload.get("point")
    if point is None:
        return None
    if not isinstance(point, list) or len(point) != 2 or not all(map(answers.is_number, point)):
        raise ValueError("The point is [x, y] in pixels of the drawing.")
    return point[0], point[1]
