"""The Photo tab: a photo, scan or screenshot of handwriting, read and shown digit by digit.

One component of static files, as the pad is: `photo.html`, `photo.css` and `photo.js`. Its script uploads the
picture, asks `read` for everything there is to show, and keeps the visitor's corrections to itself.
"""

import base64
import io
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import anyio
import gradio as gr
import numpy as np
from PIL import Image

from recognition import Reading
from recognition.files import MAX_PIXELS, PictureError, load_picture
from recognition.reader import DEFAULT_NETWORK
from ui.component import answer_of, component
from ui.server import metrics
from ui.server.uploads import load_upload, read_upload
from ui.shared.visitors import Readers, Visitors, chosen_from, session_hash

EXAMPLES_FOLDER = Path(__file__).parent / "examples"  # made by scripts/example_photos.py
SHOWN = 1600  # longest side of the photo on the page, pixels
STAGE = 1000  # of a stage of its reading
THUMBNAIL = 192  # of an example
QUALITY = 82  # of these pictures, as JPEG
AT_ONCE = 1  # photos read at the same time for the page; the other cores are for those who draw
MOST_IN_LINE = 20  # visitors, about half a minute's work

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
    reader = visitors.readers[DEFAULT_NETWORK]
    in_turn = read_in_turn()

    async def read(asked: object, request: gr.Request) -> dict:
        # It may load the visitor's own network from its file.
        readers = await anyio.to_thread.run_sync(visitors.readers_of, await session_hash(request))
        return await in_turn(readers, asked)

    component("photo/photo", [read], examples=[_offer(example) for example in EXAMPLES])

    def read_photo(image: gr.FileData) -> dict:
        return read_upload(reader.read_photo, image, MAX_PIXELS)

    gr.api(
        read_photo,
        api_name="read_photo",
        api_description=(
            "An image file of handwritten digits in, one or many lines of them; out comes {text, message, "
            "digits: [{digit, confidence, probs, box, line}]}, the digits in reading order, each box [x, y, "
            "width, height] in pixels of the picture held upright, lines counted from 0."
        ),
        concurrency_limit=1,
    )


def read_in_turn() -> Callable[[Readers, object], Awaitable[dict]]:
    """The page's `read`: `read_for_page` for one visitor after the other, so that drawing stays live."""
    turns = anyio.CapacityLimiter(AT_ONCE)
    in_line = 0

    async def read(readers: Readers, asked: object) -> dict:
        nonlocal in_line
        if in_line == MOST_IN_LINE:
            return {"error": "Very many photos are being read. Please try again in a minute."}
        in_line += 1
        try:
            # Who waits for a turn holds no thread: those are for the people who draw.
            return await anyio.to_thread.run_sync(read_for_page, readers, asked, limiter=turns)
        finally:
            in_line -= 1

    return read


def read_for_page(readers: Readers, asked: object) -> dict:
    """What the script asked for -> all that it shows.

    asked: {"path": of an uploaded file} or {"example": its name}; the name of the "network" to read with;
    and by how many quarters the photo "turns" clockwise before it is read, 0 to 3. Returns the JSON of the
    reading, each digit with the `picture` the network saw, and besides `width` and `height` of the picture
    that the boxes are in, the `photo` itself and the `stages` [{name, picture}] as data URLs. Anybody on the
    net can call this with anything, so every failure comes back as {"error": a sentence}.
    """
    try:
        image = _turned(_picture(asked), asked.get("turns", 0))
        reading = metrics.count_reading("photo", chosen_from(readers, asked).read_photo(image))
        return answer_of(reading) | _pictures(image, reading)
    except (PictureError, ValueError, TypeError) as error:
        return {"error": str(error)}
    except Exception:
        logger.exception("A photo could not be read")
        return {"error": "The photo could not be read. Please try another one."}


def _picture(asked: object) -> np.ndarray:
    if not isinstance(asked, dict) or "example" not in asked:
        return load_upload(asked, MAX_PIXELS, forget=True)
    if asked["example"] not in [example.name for example in EXAMPLES]:
        raise ValueError("There is no such example.")
    return load_picture(EXAMPLES_FOLDER / f"{asked['example']}.jpg")


def _turned(image: np.ndarray, turns: object) -> np.ndarray:
    if not isinstance(turns, int) or turns not in range(4):
        raise ValueError("A photo can be turned by 0, 1, 2 or 3 quarters.")
    return np.ascontiguousarray(np.rot90(image, -turns))


def _pictures(image: np.ndarray, reading: Reading) -> dict:
    stages = [{"name": stage.name, "picture": _jpeg(stage.picture, STAGE)} for stage in reading.stages]
    height, width = image.shape[:2]
    return {"width": width, "height": height, "photo": _jpeg(image, SHOWN), "stages": stages}


def _offer(example: Example) -> dict:
    picture = load_picture(EXAMPLES_FOLDER / f"{example.name}.jpg")
    return {"name": example.name, "title": example.title, "thumbnail": _jpeg(picture, THUMBNAIL)}


def _jpeg(picture: np.ndarray, longest: int) -> str:
    """A picture -> a data URL, no side longer; transparent paper is white, or black under light ink."""
    image = Image.fromarray(picture)
    image.thumbnail((longest, longest), reducing_gap=2)
    if image.mode == "RGBA":
        grey, alpha = np.asarray(image.convert("L"), float), np.asarray(image.getchannel("A"), float)
        ink_is_light = (grey * alpha).sum() > 128 * alpha.sum() and alpha.min() < 128
        paper = Image.new("RGBA", image.size, "black" if ink_is_light else "white")
        image = Image.alpha_composite(paper, image).convert("RGB")
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
