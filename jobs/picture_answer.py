"""A reading as the page shows it: JSON, with its pictures as data URLs or in base64."""

import base64
import io

import numpy as np
from PIL import Image

from recognition import Reading

PHOTO_SIDE = 1600  # longest side of the photo on the page, pixels
STAGE_SIDE = 1000  # of a stage of its reading
QUALITY = 82  # of these pictures, as JPEG


def answer_of(reading: Reading) -> dict:
    """The JSON of a reading for reading.js, with the `picture` of each digit as the network saw it.

    The picture is 28x28 grey bytes in base64.
    """
    answer = reading.to_json()
    for shown, found in zip(answer["digits"], reading.digits, strict=True):
        shown["picture"] = base64.b64encode(found.image.tobytes()).decode()
    return answer


def answer_with_stages(image: np.ndarray, reading: Reading) -> dict:
    """What photo.js shows: `answer_of`, the `width` and `height` of the picture that the boxes are in, the
    `photo` itself and the `stages` [{name, picture}] of its reading, as data URLs."""
    height, width = image.shape[:2]
    return answer_of(reading) | {
        "width": width,
        "height": height,
        "photo": picture_url(image, PHOTO_SIDE),
        "stages": [
            {"name": stage.name, "picture": picture_url(stage.picture, STAGE_SIDE)}
            for stage in reading.stages
        ],
    }


def outcome_of(reading: Reading) -> str:
    """For the metrics: "read", "refused" if there is ink but no digit, or "empty"."""
    if not reading.digits:
        return "empty"
    return "refused" if all(one.digit is None for one in reading.digits) else "read"


def picture_url(picture: np.ndarray, longest: int, kind: str = "JPEG") -> str:
    """A picture -> a data URL, no side over `longest`; transparent paper is white, black under light ink.

    kind: "JPEG", or "WEBP", which takes longer to make and a third of the room.
    """
    image = Image.fromarray(picture)
    image.thumbnail((longest, longest), reducing_gap=2)
    if image.mode == "RGBA":
        grey, alpha = np.asarray(image.convert("L"), float), np.asarray(image.getchannel("A"), float)
        ink_is_light = (grey * alpha).sum() > 128 * alpha.sum() and alpha.min() < 128
        paper = Image.new("RGBA", image.size, "black" if ink_is_light else "white")
        image = Image.alpha_composite(paper, image).convert("RGB")
    file = io.BytesIO()
    image.save(file, kind, quality=QUALITY)
    return f"data:image/{kind.lower()};base64," + base64.b64encode(file.getvalue()).decode()
