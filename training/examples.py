"""A visitor's own drawings with what they should be read as, and the zip file that carries them about.

The zip holds PNG pictures and `labels.csv`, a line a picture under the heading `file,label`:

    file,label
    001.png,7
"""

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from recognition import ink_of_drawing, normalise
from recognition.files import PictureError, load_picture
from recognition.normalise import SIZE
from training.limits import Limits

LABELS = "labels.csv"
HEADING = ["file", "label"]
MOST_PIXELS = 4_000_000  # of a picture in a zip
MOST_BYTES = 2_000_000  # of a file in a zip, unpacked
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Example:
    """image: (28, 28) uint8, normalised ink, as the network sees it. label: 0 to 9."""

    image: np.ndarray
    label: int

    def __post_init__(self) -> None:
        if self.image.shape != (SIZE, SIZE) or self.image.dtype != np.uint8:
            raise ValueError(
                f"An example must be ({SIZE}, {SIZE}) uint8, got {self.image.shape} {self.image.dtype}."
            )
        if not self.image.any():
            raise ValueError("An example must show something: this one is empty.")
        if isinstance(self.label, bool) or not isinstance(self.label, int) or not 0 <= self.label <= 9:
            raise ValueError(f"The label of an example must be a digit from 0 to 9, got {self.label!r}.")


def write_examples(examples: Sequence[Example]) -> bytes:
    """A zip file of them, white ink on black. Equal examples give equal bytes."""
    labels = io.StringIO()
    table = csv.writer(labels, lineterminator="\n")
    table.writerow(HEADING)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, example in enumerate(examples, 1):
            name = f"{number:03}.png"
            table.writerow([name, example.label])
            encoded, png = cv2.imencode(".png", example.image)
            assert encoded
            archive.writestr(zipfile.ZipInfo(name), png.tobytes())
        archive.writestr(zipfile.ZipInfo(LABELS), labels.getvalue())
    return buffer.getvalue()


def read_examples(packed: bytes, limits: Limits | None = None) -> list[Example]:
    """What `write_examples` wrote, or what a person packed alike.

    Pictures of 28x28 grey pixels are taken as they are; all others, of any size and with dark ink on light
    paper or light on dark, are normalised as a drawing is. Nothing is written to disk. Raises ValueError, in
    words for the person who sent it, where anything in the file is not as it should be.
    """
    limits = limits or Limits()
    if len(packed) > limits.upload_bytes:
        raise ValueError(f"The file is too large: at most {limits.upload_bytes / 1e6:g} MB are read.")
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            return _read(archive, limits)
    except ValueError:
        raise
    # A broken or hostile zip can fail in any of zipfile's and zlib's ways; all mean the same here.
    except Exception as error:
        raise ValueError("The file is damaged or not a zip file of examples.") from error


def _read(archive: zipfile.ZipFile, limits: Limits) -> list[Example]:
    members = {}
    for member in archive.infolist():
        if member.is_dir() or member.filename.startswith("__MACOSX/"):
            continue  # what file managers add
        name = member.filename
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
            raise ValueError(f"The zip holds a file that would lie outside of it: {_shown(name)}.")
        if name in members:
            raise ValueError(f"The zip holds {_shown(name)} twice.")
        members[name] = member
        if len(members) > limits.examples + 1:
            raise ValueError(
                f"The zip holds more than {limits.examples} examples, which is the most there can be."
            )
    if LABELS not in members:
        raise ValueError(f"The zip holds no {LABELS} with a line for every picture.")
    labels = _labels(_unpack(archive, members.pop(LABELS)))
    for missing in labels.keys() - members.keys():
        raise ValueError(f"{LABELS} names {_shown(missing)}, which is not in the zip.")
    for foreign in members.keys() - labels.keys():
        raise ValueError(f"The zip holds {_shown(foreign)}, which {LABELS} does not name.")
    if not labels:
        raise ValueError("The zip holds no examples.")
    return [Example(_picture(name, _unpack(archive, members[name])), label) for name, label in labels.items()]


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.flag_bits & 1:
        raise ValueError("The zip is encrypted. Please send one without a password.")
    with archive.open(member) as file:
        content = file.read(MOST_BYTES + 1)  # whatever size the zip claims
    if len(content) > MOST_BYTES:
        raise ValueError(f"{_shown(member.filename)} is too large: at most {MOST_BYTES / 1e6:g} MB are read.")
    return content


def _labels(content: bytes) -> dict[str, int]:
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{LABELS} is not a table in CSV.") from error
    rows = [row for row in rows if row]
    if not rows or [cell.strip() for cell in rows[0]] != HEADING:
        raise ValueError(f"{LABELS} must begin with the line {','.join(HEADING)}.")
    labels: dict[str, int] = {}
    for number, row in enumerate(rows[1:], 2):
        cells = [cell.strip() for cell in row]
        if len(cells) != 2 or cells[1] not in "0123456789" or len(cells[1]) != 1:
            raise ValueError(
                f"Line {number} of {LABELS} must be a file and a digit, 0 to 9, got {_shown(','.join(row))}."
            )
        if cells[0] in labels:
            raise ValueError(f"{LABELS} names {_shown(cells[0])} twice.")
        labels[cells[0]] = int(cells[1])
    return labels


def _picture(name: str, content: bytes) -> np.ndarray:
    if not content.startswith(PNG):
        raise ValueError(f"{_shown(name)} is no PNG picture.")
    try:
        pixels = load_picture(io.BytesIO(content), MOST_PIXELS)
    except PictureError as error:
        raise ValueError(f"{_shown(name)}: {error}") from error
    image = pixels if pixels.shape == (SIZE, SIZE) else normalise(ink_of_drawing(pixels))
    if image is None or not image.any():
        raise ValueError(f"{_shown(name)} is empty: nothing is drawn in it.")
    return image


def _shown(text: str) -> str:
    """A stranger's text as a message may repeat it."""
    printable = "".join(character if character.isprintable() else "?" for character in text)
    return printable if len(printable) <= 60 else printable[:59] + "…"
