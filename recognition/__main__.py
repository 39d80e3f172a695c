"""python -m recognition PICTURE...: read photos and scans of digits from the command line."""

import argparse
import csv
import glob
import io
import json
import re
import sys
from collections.abc import Iterator
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
STANDARD_INPUT = STANDARD_OUTPUT = "-"
MOST_INPUT = 50_000_000  # bytes of a picture on standard input
WITH_PROGRESS = 5  # pictures from which a terminal shows how far it is
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)

DESCRIPTION = """\
Read photos, scans and drawings of handwritten digits.

A file, a folder of pictures, a pattern such as 'scans/*.jpg', or - for a picture on standard input. A single
digit is printed as ten percentages, more than one line by line."""
EXAMPLES = """\
examples:
  python -m recognition meter.jpg                     what stands in a photo
  python -m recognition scans/ --csv digits.csv       a folder, as a table with a row for every digit
  python -m recognition 'scans/**/*.png' --json       JSON, a line for every picture
  python -m recognition form.png --boxes out.png      the picture with a box around every digit
  curl -s https://example.org/7.png | python -m recognition -

exit status: 0 if every picture was read, 1 if one could not be read or nothing was found to read, 2 for
options that make no sense. Nothing is ever fetched from an address."""


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


def rows_of(name: str, reading: Reading) -> list[tuple]:
    """The reading as rows under COLUMNS."""
    return [
        (name, found.line, "?" if found.digit is None else found.digit, f"{found.confidence:.4f}", *found.box)
        for found in reading.digits
    ]


def pictures_in(names: list[str]) -> tuple[list[str], list[str]]:
    """The files, with every folder and pattern replaced by the pictures in it, in order of their names; and
    a sentence for each name that stands for no picture."""
    found, problems = [], []
    for name in names:
        path = Path(name)
        if ADDRESS.match(name):
            problems.append(f"{name}: Nothing is fetched from an address. Please save the file first.")
        elif path.is_dir() or (glob.has_magic(name) and not path.exists()):
            files = path.iterdir() if path.is_dir() else (Path(match) for match in _matches(name))
            pictures = sorted(str(file) for file in files if file.suffix.lower() in SUFFIXES)
            found += pictures
            if not pictures:
                where = "in that folder" if path.is_dir() else "that matches the pattern"
                problems.append(f"{name}: There is no picture {where}.")
        else:
            found.append(name)
    return found, problems


def _matches(pattern: str) -> list[str]:
    return glob.glob(pattern, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="a file, folder, pattern or -")
    parser.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS, help="default: the best shipped")
    parser.add_argument(
        "--boxes",
        type=Path,
        metavar="PNG",
        help="save the picture with a box around every digit; with several pictures, a folder for them",
    )
    parser.add_argument("--csv", metavar="FILE", help="save a table with a row for every digit; - prints it")
    parser.add_argument("--json", action="store_true", help="print JSON, a line for every picture")
    options = parser.parse_args(arguments)
    if options.json and options.csv == STANDARD_OUTPUT:
        parser.error("--json and --csv - would both be printed: save one of them to a file")
    if options.pictures.count(STANDARD_INPUT) > 1:
        parser.error("standard input can be read once only")
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    return run(PROGRAM, lambda: read(options))


def read(options: argparse.Namespace) -> int:
    """Read all pictures. Returns 1 if one of them could not be read, else 0."""
    names, problems = pictures_in(options.pictures)
    for problem in problems:
        _complain(problem)
    reader = Reader(options.weights)
    several = len(names) > 1 or Path(options.pictures[0]).is_dir()
    failures, rows = len(problems), []
    for name in _with_progress(names):
        try:
            picture = load_picture(_source(name))
        except PictureError as error:
            failures += 1
            _complain(f"{name}: {error}")
            continue
        reading = reader.read_photo(picture)
        if options.json:
            print(json.dumps({"picture": name} | reading.to_json()))
        elif options.csv != STANDARD_OUTPUT:
            print(f"{one_line(name)}:\n{describe(reading)}" if several else describe(reading))
        rows += rows_of(name, reading)
        if options.boxes:
            _save_boxes(with_boxes(picture, reading), name, options.boxes, several)
    if options.csv == STANDARD_OUTPUT:
        printed = [[one_line(cell) for cell in row] for row in (COLUMNS, *rows)]
        csv.writer(sys.stdout, lineterminator="\n").writerows(printed)
    elif options.csv:
        with Path(options.csv).open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
    return 1 if failures else 0


def _complain(problem: str) -> None:
    print(one_line(problem, 1000), file=sys.stderr)


def _source(name: str) -> str | io.BytesIO:
    if name != STANDARD_INPUT:
        return name
    content = sys.stdin.buffer.read(MOST_INPUT + 1)
    if len(content) > MOST_INPUT:
        raise PictureError(f"The picture is too large: at most {MOST_INPUT / 1e6:g} MB are read.")
    return io.BytesIO(content)


def _with_progress(names: list[str]) -> Iterator[str]:
    """The names one after the other; where there are many and somebody watches, with how far it is."""
    if len(names) < WITH_PROGRESS or not sys.stderr.isatty():
        return iter(names)
    from tqdm import tqdm  # which takes a while to import

    return iter(tqdm(names, unit="picture", leave=False))


def _save_boxes(drawn: Image.Image, name: str, target: Path, several: bool) -> None:
    if several:
        target.mkdir(parents=True, exist_ok=True)
        target = target / f"{Path(name).name}.png"
    drawn.save(target, "PNG")


if __name__ == "__main__":
    sys.exit(main())
