"""python -m ink IMAGE...: read pictures of digits from the command line."""

import argparse
import sys
from pathlib import Path

from cnn import ModelFileError
from ink.picture import PictureError, load_picture
from ink.reader import DEFAULT_WEIGHTS, Reader, Reading


def describe(reading: Reading) -> str:
    """The ten percentages of every digit and the answer, as the origin printed them."""
    lines = []
    for found in reading.digits:
        lines += [f"{digit}: {100 * share:6.2f} %" for digit, share in enumerate(found.probs)]
        if found.digit is not None:
            lines.append(f"Predicted digit: {found.digit}")
    if reading.message:
        lines.append(reading.message)
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ink", description="Read pictures of handwritten digits, one digit a picture."
    )
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    parser.add_argument("--weights", type=Path, default=DEFAULT_WEIGHTS, help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        reader = Reader(options.weights)
    except (ModelFileError, FileNotFoundError) as error:
        print(f"python -m ink: {error}", file=sys.stderr)
        return 1
    failures = 0
    for path in options.images:
        if len(options.images) > 1:
            print(f"{path}:")
        try:
            print(describe(reader.read_drawing(load_picture(path))))
        except PictureError as error:
            failures += 1
            print(f"{path}: {error}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
