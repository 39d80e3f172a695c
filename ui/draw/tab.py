"""The Draw tab: a pad whose ink is read while the pen still moves, and the same reading for programs.

The pad is one component of static files: `pad.html`, `pad.css` and `pad.js`. Its script sends the ink some
thirty times a second, on a road of its own (`ui/server/road.py`), and moves the bars itself; nothing of
Gradio is involved, because that would cost several times as long.
"""

import base64
import binascii
import io
import logging
import time

import anyio
import gradio as gr
import numpy as np

from jobs.drawing_message import (
    BUSY,
    ERROR,
    MAX_PIXELS,
    SUPERSEDED,
    number_of,
    pack_sentence,
    unpack_drawing,
    with_time,
)
from jobs.drawing_reader import FAULT
from jobs.picture_answer import answer_of, outcome_of
from recognition.files import PictureError, load_picture
from ui.component import component
from ui.draw import teach
from ui.draw.layers import networks
from ui.server import metrics
from ui.server.host import Host
from ui.server.queue import QueueFull, Superseded
from ui.server.road import Read
from ui.shared.visit import Visitor, visitor_of
from ui.shared.visitors import Readers, Visitors, chosen_from

PNG = "data:image/png;base64,"
MAX_CHARACTERS = 40_000  # of a drawing that a program sends to `live`, base64; a digit takes about 4,000
MAX_FILE_PIXELS = 16_000_000  # of an image file; a phone photographs a sheet of paper with 12 million
CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})  # of a PNG, that its pixels depend on

CROWDED = "Many people are drawing right now."

logger = logging.getLogger(__name__)


def build(visitors: Visitors) -> None:
    """Lays out the tab, and opens the endpoint `/read_drawing` to `gradio_client`."""

    def read_by_own(visitor: Visitor, drawing: object) -> dict:
        return read_live(visitors.readers_of(visitor), drawing)

    metrics.DRAWINGS_WAITING.set_function(lambda: visitors.strokes.waiting + visitors.drawings.waiting)

    async def live(drawing: object, request: gr.Request) -> dict:
        visitor = await visitor_of(request)
        try:
            async with visitors.drawings.turn(visitor.page, request.state.address):
                answer = await anyio.to_thread.run_sync(read_by_own, visitor, drawing)
        except Superseded:
            answer = {"superseded": True}
        except QueueFull:
            answer = {"busy": CROWDED}
        return answer | {"took": round(1000 * (time.perf_counter() - request.state.began))}

    async def name_page(payload: object, request: gr.Request) -> dict:
        """{"page": the session hash of the page that asks}: who it is, on the road of its drawings."""
        return {"page": (await visitor_of(request)).page}

    functions = [
        live,
        name_page,
        *visitors.server_functions(teach.ACTIONS),
        teach.import_of_examples(visitors),
    ]
    component(
        "draw/pad",
        functions,
        ("draw/teach", "draw/about", "shared/no_digits"),
        ("draw/paper",),
        networks=networks(Host.from_environment().sources),
    )

    async def read_drawing(image: gr.FileData, request: gr.Request) -> dict:
        return await visitors.pictures.read_for_program("drawing", image, MAX_FILE_PIXELS, request)

    gr.api(
        read_drawing,
        api_name="read_drawing",
        api_description=(
            "An image file of a drawn digit or number in; out comes {text, message, digits: [{digit, "
            "confidence, probs, shares, box, line}]}, the digits in reading order, shares those of the ten "
            "digits and of 'not a digit', each box [x, y, width, height] in pixels, lines counted from 0."
        ),
        concurrency_limit=None,  # they wait in a line that is fair
    )


def read_live(readers: Readers, drawing: object) -> dict:
    """What a program sent -> the JSON of its reading, each digit with the `picture` the network saw.

    drawing: {"image": a PNG as data URL, "network": a name}. The picture is 28x28 grey bytes in base64.
    Anybody on the net can call this with anything, and Gradio would answer an exception with a bare null:
    so every failure comes back as {"error": a sentence}.
    """
    try:
        image = drawing_of(drawing)
        reading = chosen_from(readers, drawing).read_drawing(image)
        metrics.count_reading("draw", outcome_of(reading))
    except (PictureError, ValueError, TypeError) as error:
        return {"error": str(error)}
    except Exception:
        logger.exception("A drawing could not be read")
        return {"error": FAULT}
    return answer_of(reading)


def road_of(visitors: Visitors) -> Read:
    """What reads the drawings that come on the road of the pad."""

    async def read(visitor: Visitor, address: str, message: bytes, came: float) -> bytes:
        try:
            weights = visitors.weights_of(visitor, unpack_drawing(message).network)
            async with visitors.strokes.turn(visitor.page, address):
                outcome, answer = await visitors.pool.read(visitor.page, weights, message)
            if outcome:
                metrics.count_reading("draw", outcome)
        except Superseded:
            answer = pack_sentence(number_of(message), SUPERSEDED, 0)
        except QueueFull:
            answer = pack_sentence(number_of(message), BUSY, 0, CROWDED)
        except ValueError as error:
            answer = pack_sentence(number_of(message), ERROR, 0, str(error))
        # By this the pad sees how busy we are, and thins what it sends.
        return with_time(answer, 1000 * (time.perf_counter() - came))

    return read


def drawing_of(payload: object) -> np.ndarray:
    """The pixels of payload["image"], a PNG as data URL. PictureError or ValueError for all else."""
    return load_picture(_png(payload), MAX_PIXELS)


def _png(drawing: object) -> io.BytesIO:
    image = drawing.get("image") if isinstance(drawing, dict) else None
    if not isinstance(image, str) or not image.startswith(PNG):
        raise ValueError("A drawing is sent as {'image': 'data:image/png;base64,...'}.")
    if len(image) > MAX_CHARACTERS:
        raise ValueError(f"A drawing may have {MAX_CHARACTERS:,} characters, this one has {len(image):,}.")
    try:
        return io.BytesIO(_pixels_only(base64.b64decode(image.removeprefix(PNG), validate=True)))
    except (binascii.Error, ValueError):
        raise ValueError("The drawing is not valid base64.") from None


def _pixels_only(png: bytes) -> bytes:
    """The PNG without what is no part of its picture: texts and profiles of it may unpack to a thousand times
    their size, and a drawing is decoded in the process that everybody's are."""
    kept, at = [png[:8]], 8
    while at < len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4], "big")  # a chunk: length, name, content, checksum
        if png[at + 4 : at + 8] in CHUNKS:
            kept.append(png[at:end])
        at = end
    return b"".join(kept)
