"""A visitor's own drawings with their labels, and the zip file to exchange them.

The zip holds PNG pictures and `labels.csv`, with a line per picture below the header `file,label`:

    file,label
    001.png,7
"""

import csv
import io
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cnn.archive import Archive, ArchiveError, DamagedArchiveError, printable
from recognition import ink_of_drawing, normalise
from recognition.files import PictureError, load_picture
from recognition.normalise import SIZE

LABELS = "labels.csv"
HEADING = ["file", "label"]
MOST_PIXELS = 4_000_000  # of one picture in a zip
MOST_BYTES = 2 * 2**20  # of one unpacked file of a zip
MOST_BYTES_OF_ZIP = 20_000_000  # of the zip itself
MOST_SECONDS = 10.0  # for decoding all pictures of a zip
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Example:
    """A labelled drawing. image: (28, 28) uint8, normalised ink, the network's input. label: 0 to 9."""

    image: np.ndarray
    label: int

    def __post_init__(self) -> None:
        if self.image.shape != (SIZE, SIZE) or self.image.dtype != np.uint8:
            raise ValueError(
                f"An example must be ({SIZE}, {SIZE}) uint8, got {self.image.shape} {self.image.dtype}."
            )
        if not self.image.any():
            raise ValueError("An example must contain ink: this one is empty.")
        if isinstance(self.label, bool) or not isinstance(self.label, int) or not 0 <= self.label <= 9:
            raise ValueError(f"The label of an example must be a digit from 0 to 9, got {self.label!r}.")


def write_examples(examples: Sequence[Example]) -> bytes:
    """Pack examples into a zip file, white ink on black. Equal examples give equal bytes."""
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


def read_examples(
    packed: bytes, *, most_examples: int = 50, most_bytes: int = MOST_BYTES_OF_ZIP
) -> list[Example]:
    """Unpack a zip that `write_examples` wrote, or one with the same layout.

    Grey pictures of 28x28 pixels are taken as they are. All others, of any size, dark on light or light on
    dark, are normalised like a drawing. Nothing is written to disk. Raises ValueError, worded for the sender,
    if anything in the file is not as it should be.

    most_examples: the most that the zip may hold; most_bytes: its greatest size.
    """
    if len(packed) > most_bytes:
        raise ValueError(f"The file is too large: at most {most_bytes / 1e6:g} MB are read.")
    files = most_examples + 1
    # macOS adds one file for each, and a folder or two.
    limits = {"most_members": 2 * files + 4, "most_bytes": files * MOST_BYTES}
    try:
        with Archive(io.BytesIO(packed), **limits) as archive:
            return _read(archive, most_examples)
    except DamagedArchiveError as error:
        raise ValueError(f"The file is damaged or not a zip file of examples: {error}.") from error
    except ArchiveError as error:
        raise ValueError(f"The zip {error}.") from error


def _read(archive: Archive, most_examples: int) -> list[Example]:
    names = {name for name in archive.names if not name.startswith("__MACOSX/")}
    for name in names:
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
            raise ValueError(f"The zip holds a file that would lie outside of it: {printable(name)}.")
    if len(names) > most_examples + 1:
        raise ValueError(f"The zip holds more than {most_examples} examples, which is the most there can be.")
    if LABELS not in names:
        raise ValueError(f"The zip holds no {LABELS} with a line for every picture.")
    labels = _labels(archive.read(LABELS, MOST_BYTES))
    pictures = names - {LABELS}
    for missing in labels.keys() - pictures:
        raise ValueError(f"{LABELS} names {printable(missing)}, which is not in the zip.")
    for foreign in pictures - labels.keys():
        raise ValueError(f"The zip holds {printable(foreign)}, which {LABELS} does not name.")
    if not labels:
        raise ValueError("The zip holds no examples.")
    ends = time.monotonic() + MOST_SECONDS
    examples = []
    for name, label in labels.items():
        if time.monotonic() > ends:
            raise ValueError(
                "The pictures in the zip take too long to read. Please send simpler or fewer ones."
            )
        examples.append(Example(_picture(name, archive.read(name, MOST_BYTES)), label))
    return examples


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
            line = printable(",".join(row))
            raise ValueError(f"Line {number} of {LABELS} must be a file and a digit, 0 to 9, got {line}.")
        if cells[0] in labels:
            raise ValueError(f"{LABELS} names {printable(cells[0])} twice.")
        labels[cells[0]] = int(cells[1])
    return labels


def _picture(name: str, content: bytes) -> np.ndarray:
    if not content.startswith(PNG):
        raise ValueError(f"{printable(name)} is not a PNG picture.")
    try:
        pixels = load_picture(io.BytesIO(content), MOST_PIXELS)
    except PictureError as error:
        raise ValueError(f"{printable(name)}: {error}") from error
    image = pixels if pixels.shape == (SIZE, SIZE) else normalise(ink_of_drawing(pixels))
    if image is None or not image.any():
        raise ValueError(f"{printable(name)} is empty: nothing is drawn in it.")
    return image
