"""python -m recognition PICTURE...: read photos and scans of digits from the command line."""

import argparse
import csv
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from recognition.command_line import run
from recognition.files import SUFFIXES, PictureError, load_picture
from recognition.messages import one_line
from recognition.photo import on_white
from recognition.reader import DEFAULT_WEIGHTS, Reader
from recognition.reading import Reading

PROGRAM = "python -m recognition"
GREEN, RED = (0, 140, 60), (200, 30, 30)  # colours of boxes around digits, and around rejected ink
COLUMNS = ("picture", "line", "digit", "confidence", "x", "y", "width", "height")


def describe(reading: Reading) -> str:
    """The digits, line by line; for a single digit the ten percentages, as the original printed them."""
    if len(reading.digits) != 1:
        return reading.text if not reading.message else reading.message
    found = reading.digits[0]
    lines = [f"{digit}: {100 * share:6.2f} %" for digit, share in enumerate(found.probs)]
    return "\n".join([*lines, reading.message or f"Predicted digit: {found.digit}"])


def with_boxes(picture: np.ndarray, reading: Reading) -> Image.Image:
    """The picture with a box around every digit and its answer above."""
    drawn = on_white(picture)
    drawn = cv2.cvtColor(drawn, cv2.COLOR_GRAY2RGB) if drawn.ndim == 2 else drawn.copy()
    pen = max(1, round(max(drawn.shape) / 600))
    for found in reading.digits:
        x, y, width, height = found.box
        colour, said = (RED, "?") if found.digit is None else (GREEN, str(found.digit))
        cv2.rectangle(drawn, (x, y), (x + width, y + height), colour, pen)
        size = max(0.4, height / 80)
        cv2.putText(
            drawn, said, (x, max(y - 2 * pen, round(22 * size))), cv2.FONT_HERSHEY_SIMPLEX, size, colour, pen
        )
    return Image.fromarray(drawn)


def rows_of(path: Path, reading: Reading) -> list[tuple]:
    """The reading as rows under COLUMNS."""
    return [
        (path, found.line, "?" if found.digit is None else found.digit, f"{found.confidence:.4f}", *found.box)
        for found in reading.digits
    ]


def pictures_in(paths: list[Path]) -> list[Path]:
    """The files, with every folder replaced by the pictures in it, in order of their names."""
    found = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
        else:
            found.append(path)
    return found


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description="Read photos, scans and drawings of handwritten digits."
    )
    parser.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE", help="files, or folders of them")
    parser.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS, help="default: %(default)s")
    parser.add_argument(
        "--boxes",
        type=Path,
        metavar="PNG",
        help="save the picture with a box around every digit; with several pictures, a folder for them",
    )
    parser.add_argument("--csv", type=Path, help="save a table with a row for every digit")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    return run(PROGRAM, lambda: read(options))


def read(options: argparse.Namespace) -> int:
    """Read all pictures. Returns 1 if one of them could not be read, else 0."""
    reader = Reader(options.weights)
    paths = pictures_in(options.pictures)
    if not paths:
        raise ValueError("there is no picture in that folder.")
    several = len(paths) > 1 or options.pictures[0].is_dir()
    failures, rows = 0, []
    for path in paths:
        if several:
            print(f"{one_line(path)}:")
        try:
            picture = load_picture(path)
        except PictureError as error:
            failures += 1
            print(one_line(f"{path}: {error}", 1000), file=sys.stderr)
            continue
        reading = reader.read_photo(picture)
        print(describe(reading))
        rows += rows_of(path, reading)
        if options.boxes:
            _save_boxes(with_boxes(picture, reading), path, options.boxes, several)
    if options.csv:
        with options.csv.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
    return 1 if failures else 0


def _save_boxes(drawn: Image.Image, path: Path, target: Path, several: bool) -> None:
    if several:
        target.mkdir(parents=True, exist_ok=True)
        target = target / f"{path.name}.png"
    drawn.save(target, "PNG")


if __name__ == "__main__":
    sys.exit(main())
