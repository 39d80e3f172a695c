"""The Photo tab: a photo, scan or screenshot of handwriting, read and shown digit by digit.

One component of static files, as the pad is: `photo.html`, `photo.css` and `photo.js`. Its script uploads the
picture, asks `read` for everything there is to show, and keeps the visitor's corrections to itself.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import gradio as gr
from starlette.responses import Response

from jobs.picture_answer import picture_url
from recognition.files import MAX_PIXELS, load_picture
from ui.component import component
from ui.draw.teach import add_example, use_shipped
from ui.server import metrics
from ui.server.pictures import reading_job
from ui.server.uploads import uploaded
from ui.shared.visit import Visitor, visitor_of
from ui.shared.visitors import Visitors, chosen_from

EXAMPLES_FOLDER = Path(__file__).parent / "examples"  # made by scripts/example_photos.py
THUMBNAIL = 192  # longest side of an example's picture, pixels
FAULT = "The photo could not be read. Please try another one."

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Example:
    """A photo that a visitor can try the tab with."""

    name: str  # of its file, without .jpg
    title: str


EXAMPLES = (
    Example("ruled", "Ballpoint on ruled paper"),
    Example("squared", "Pencil, squares, a shadow"),
    Example("board", "Chalk on a board"),
    Example("note", "A yellow note"),
    Example("marker", "Red felt-tip pen"),
)


def build(visitors: Visitors) -> None:
    """Lays out the tab, and opens the endpoint `/read_photo` to `gradio_client`."""

    async def read(asked: object, request: gr.Request) -> dict | Response:
        return await read_for_page(visitors, asked, await visitor_of(request), request.state.address)

    functions = [read, *visitors.server_functions((add_example, use_shipped))]
    component(
        "photo/photo",
        functions,
        ("photo/frame", "photo/digits", "shared/no_digits"),
        examples=[_offer(example) for example in EXAMPLES],
    )

    async def read_photo(image: gr.FileData, request: gr.Request) -> dict:
        return await visitors.pictures.read_for_program("photo", image, MAX_PIXELS, request)

    gr.api(
        read_photo,
        api_name="read_photo",
        api_description=(
            "An image file of handwritten digits in, one or many lines of them, or a table; out comes {text, "
            "message, turned, cells, symbols: [{symbol, confidence, box, line, column}], digits: [{digit, "
            "confidence, probs, shares, box, line, column}]}: symbols are the digits and what separates "
            "them, in reading order, shares those of the ten digits and of 'not a digit', each box [x, y, "
            "width, height] in pixels of the picture turned clockwise by so many degrees, lines counted "
            "from 0, cells [rows, columns] of a table."
        ),
        concurrency_limit=None,  # they wait in a line that is fair
    )


async def read_for_page(visitors: Visitors, asked: object, visitor: Visitor, address: str) -> dict | Response:
    """What the script asked for -> all that it shows.

    asked: {"path": of an uploaded file} or {"example": its name}; the name of the "network" to read with;
    and by how many quarters, 0 to 3, the photo "turns" clockwise before it is read as it then stands: without
    that, the reader turns what makes no sense upright. visitor, address: who asks, and from where. Answers
    with what `answer_with_stages` makes, in the very bytes that the worker process sent. Anybody on the net
    can call this with anything, so every failure comes back as {"error": a sentence}.
    """
    try:
        with _file(asked) as path:
            # In a thread: it reads the visitor's own network where that was not used before.
            weights = await anyio.to_thread.run_sync(_weights, visitors, asked, visitor)
            job = reading_job("page", path, weights, MAX_PIXELS, turns=_turns(asked))
            message, arrays = await visitors.pictures.read(job, visitor.page, address)
    except (ValueError, TypeError) as error:
        return {"error": str(error)}
    except Exception:
        logger.exception("A photo could not be read")
        return {"error": FAULT}
    metrics.count_reading("photo", message["outcome"])
    return Response(arrays["json"].tobytes(), media_type="application/json")


def _weights(visitors: Visitors, asked: dict, visitor: Visitor) -> Path:
    return chosen_from(visitors.readers_of(visitor), asked).weights


def _turns(asked: dict) -> int | None:
    turns = asked.get("turns")
    if turns is None:
        return None
    if type(turns) is not int or turns not in range(4):
        raise ValueError("A photo can be turned by 0, 1, 2 or 3 quarter turns.")
    return turns


@contextlib.contextmanager
def _file(asked: object) -> Iterator[Path]:
    if not isinstance(asked, dict) or "example" not in asked:
        with uploaded(asked) as path:
            yield path
    elif asked["example"] in [example.name for example in EXAMPLES]:
        yield EXAMPLES_FOLDER / f"{asked['example']}.jpg"
    else:
        raise ValueError("There is no such example.")


def _offer(example: Example) -> dict:
    picture = load_picture(EXAMPLES_FOLDER / f"{example.name}.jpg")
    return {
        "name": example.name,
        "title": example.title,
        "thumbnail": picture_url(picture, THUMBNAIL, "WEBP"),
    }
