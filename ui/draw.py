"""The Draw tab: a pad whose ink is read while the pen still moves, and the same reading for programs.

The pad is one `gr.HTML` component of three static files: `pad.html`, `pad.css` and `pad.js`. Its script
sends the ink to `live` some thirty times a second and moves the bars itself; no Gradio event is involved,
because those would cost several times as long.
"""

import base64
import binascii
import io
import logging
from collections.abc import Mapping
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder, is_in_or_equal

from ink import Reader
from ink.picture import PictureError, load_picture
from ink.reader import DEFAULT_NETWORK

HERE = Path(__file__).parent
PNG = "data:image/png;base64,"
MAX_CHARACTERS = 40_000  # of a drawing from the pad, base64; its script sends about 4,000
MAX_PIXELS = 512 * 512  # of the same; its script sends about 150 x 150
MAX_FILE_PIXELS = 16_000_000  # of an image file; a phone photographs a sheet of paper with 12 million

Readers = Mapping[str, Reader]  # by the name under which their network was shipped

logger = logging.getLogger(__name__)


def drawing_pad(readers: Readers) -> gr.HTML:
    """A drawing pad and ten bars. A plain `gr.HTML`: a subclass would have Gradio write a .pyi beside us."""

    def live(drawing: object) -> dict:
        return read_live(readers, drawing)

    return gr.HTML(
        html_template=_asset("pad.html"),
        css_template=_asset("pad.css"),
        js_on_load=_asset("pad.js"),
        server_functions=[live],
        apply_default_css=False,
        elem_id="draw",
        digits=list(range(10)),  # the template repeats a bar for each
    )


def build(readers: Readers) -> None:
    """Lays out the tab, and opens the endpoint `/read_drawing` to `gradio_client`."""
    drawing_pad(readers)

    def read_drawing(image: gr.FileData) -> dict:
        return read_file(readers[DEFAULT_NETWORK], image)

    gr.api(
        read_drawing,
        api_name="read_drawing",
        api_description=(
            "An image file of a drawn digit in; out comes {text, message, digits: [{digit, confidence, "
            "probs, box}]}, the digits from left to right, each box [x, y, width, height] in pixels."
        ),
        concurrency_limit=2,
    )


def read_live(readers: Readers, drawing: object) -> dict:
    """What the pad sent -> the JSON of its reading, each digit with the `picture` the network saw.

    drawing: {"image": a PNG as data URL, "network": a name}. The picture is 28x28 grey bytes in base64.
    Anybody on the net can call this with anything, and Gradio would answer an exception with a bare null:
    so every failure comes back as {"error": a sentence}.
    """
    try:
        image = load_picture(_png(drawing), MAX_PIXELS)
        reading = _chosen(readers, drawing.get("network", DEFAULT_NETWORK)).read_drawing(image)
    except (PictureError, ValueError, TypeError) as error:
        return {"error": str(error)}
    except Exception:
        logger.exception("A drawing could not be read")
        return {"error": "The drawing could not be read. Please try again."}
    answer = reading.to_json()
    for shown, found in zip(answer["digits"], reading.digits, strict=True):
        shown["picture"] = base64.b64encode(found.image.tobytes()).decode()
    return answer


def read_file(reader: Reader, image: dict) -> dict:
    """An uploaded image file -> the JSON of its reading; `gr.Error`, in words, where there is none."""
    path = image.get("path") if isinstance(image, dict) else None
    # Only what was uploaded: not any other file of this machine that a caller may name.
    if not isinstance(path, str) or "\0" in path or not is_in_or_equal(path, get_upload_folder()):
        raise gr.Error("Please send an image file, with gradio_client's handle_file.", print_exception=False)
    try:
        return reader.read_drawing(load_picture(path, MAX_FILE_PIXELS)).to_json()
    except (PictureError, ValueError, TypeError) as error:
        raise gr.Error(str(error), print_exception=False) from None


def _chosen(readers: Readers, network: object) -> Reader:
    if not isinstance(network, str) or network not in readers:
        raise ValueError(f"There is no such network; there are {' and '.join(readers)}.")
    return readers[network]


def _png(drawing: object) -> io.BytesIO:
    image = drawing.get("image") if isinstance(drawing, dict) else None
    if not isinstance(image, str) or not image.startswith(PNG):
        raise ValueError("A drawing is sent as {'image': 'data:image/png;base64,...'}.")
    if len(image) > MAX_CHARACTERS:
        raise ValueError(f"A drawing may have {MAX_CHARACTERS:,} characters, this one has {len(image):,}.")
    try:
        return io.BytesIO(base64.b64decode(image.removeprefix(PNG), validate=True))
    except (binascii.Error, ValueError):
        raise ValueError("The drawing is not valid base64.") from None


def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
