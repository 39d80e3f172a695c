"""python -m benchmarks.failures --folder DIR docs/what-fails.jpg: a picture of the numbers that are misread.

Draws what the validation writers of UNIPEN wrote and the reader got wrong, a tile each: what is written, and
what was read. No other set of benchmarks/handwriting_sets.py may be shown: their pictures are for measuring.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from threadpoolctl import threadpool_limits

from benchmarks.handwriting import plain
from benchmarks.handwriting_sets import SETS, on_paper, read_archive
from recognition import Reader

SHOWN = ("unipen_separators", "unipen_strings")
TILE, CAPTION = (300, 76), 18  # pixels of a tile's picture, and height of the line above it
COLUMNS, MOST = 4, 40
PAPER, WANTED, GOT = 255, (0, 90, 40), (170, 20, 20)


def misread(reader: Reader, folder: Path, half: str) -> list[tuple[np.ndarray, str, str]]:
    """(picture (H, W, 3) uint8, what is written, what was read), set by set."""
    found = []
    for title in SHOWN:
        chosen = SETS[title]
        archive, samples = read_archive(chosen, folder, half, limit=0)
        for i in samples:
            picture = chosen.picture(archive, i, np.random.default_rng(i))
            wanted = plain(chosen.text(archive, i), chosen.separators_count)
            got = plain(reader.read_drawing(picture).text, chosen.separators_count)
            if got != wanted:
                found.append((on_paper(picture), wanted, got))
    return found


def draw(cases: list[tuple[np.ndarray, str, str]]) -> Image.Image:
    """The first MOST cases as a sheet of tiles."""
    shown = cases[:MOST]
    wide, high = TILE[0] + 8, TILE[1] + CAPTION + 8
    rows = max(1, -(-len(shown) // COLUMNS))
    sheet = Image.new("RGB", (COLUMNS * wide, rows * high), (PAPER,) * 3)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for place, (picture, wanted, got) in enumerate(shown):
        x, y = place % COLUMNS * wide + 4, place // COLUMNS * high + 4
        pen.text((x, y), wanted, WANTED, font)
        pen.text((x + TILE[0] // 2, y), f"read: {got or 'nothing'}", GOT, font)
        ink = Image.fromarray(cropped(picture))
        ink.thumbnail(TILE)
        sheet.paste(ink, (x, y + CAPTION))
    return sheet


def cropped(picture: np.ndarray) -> np.ndarray:
    """The part of a picture (H, W, 3) with ink, and a little around it."""
    rows, columns = np.nonzero(picture[..., 0] < 128)
    margin = 6
    area = (slice(max(0, at.min() - margin), at.max() + margin) for at in (rows, columns))
    return picture[tuple(area)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("picture", type=Path, metavar="JPG")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--half", default="dev", help="the end of the files' names (default: %(default)s)")
    options = parser.parse_args()
    threadpool_limits(1, user_api="blas")
    cases = misread(Reader(), options.folder, options.half)
    draw(cases).save(options.picture, quality=60, optimize=True)
    print(f"{len(cases)} misread, {min(MOST, len(cases))} of them in {options.picture}")


if __name__ == "__main__":
    main()
