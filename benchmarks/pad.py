"""python -m benchmarks.pad: how well the pad reads what real people write, as its page draws their strokes.

Digits, numbers, numbers with separators and letters by the writers of `training/handwriting` who are never
trained on, each put on the pad at a random size. The page's own `ui/draw/geometry.js`, run by Node, chooses
pen and scale; `--pen 0.3` draws with a pen of 0.3 of a digit's height instead. The strokes are sent beside
the picture, as the page does, or with `--picture` are not.

Printed: the pen in digit heights, at the median and from which the thickest tenth begins; exact = the text is
the label, or a letter is refused, in %; chars = 1 - edit distance / label length, in %; and with `--against
FILE`, which `--json FILE` wrote, how many samples are read now that were not then, and the other way.
"""

import argparse
import json
import re
import subprocess
import zlib
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from recognition import Reader
from recognition.pen_strokes import PenStrokes
from training.evaluate import edit_distance
from training.handwriting import Sample, read_samples
from training.synthesis.rows import LIKE_DIGITS

GEOMETRY = Path(__file__).parent.parent / "ui" / "draw" / "geometry.js"
LAY_OUT = """
import { readFileSync } from "node:fs";
const { layOutForServer } = await import(process.argv[1]);
const drawings = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(drawings.map((strokes) => layOutForServer(strokes))));
"""
FINE = 4  # drawn so many times larger, then averaged, for smooth edges
KINDS = ("digits", "numbers", "separators", "letters")


def kind_of(sample: Sample) -> str | None:
    """Which of KINDS a sample is; None for words, signs, and letters that look like digits."""
    if sample.kind == "string":
        return "separators" if re.search(r"[-/.,:]", sample.label) else "numbers"
    if sample.kind == "letter":
        return "letters" if sample.label.isalpha() and sample.label not in LIKE_DIGITS else None
    return "digits" if sample.kind == "digit" else None


def on_pad(sample: Sample) -> list[np.ndarray]:
    """A sample's strokes (n, 2) in the middle of the pad, whose side is 1."""
    rng = np.random.default_rng(zlib.crc32(f"{sample.label} {sample.writer} {len(sample.strokes)}".encode()))
    room = rng.uniform(0.4, 0.85) if sample.kind == "digit" else rng.uniform(0.6, 0.92)
    points = np.concatenate(sample.strokes)
    low, size = points.min(0), np.ptp(points, axis=0)
    scale = room / size.max()
    return [(stroke - low) * scale + (1 - size * scale) / 2 for stroke in sample.strokes]


def layouts_of(drawings: list[list[np.ndarray]]) -> list[dict]:
    """What the page's `layOutForServer` says of each drawing."""
    flat = json.dumps([[stroke.ravel().tolist() for stroke in strokes] for strokes in drawings])
    command = ["node", "--input-type=module", "-e", LAY_OUT, str(GEOMETRY)]
    return json.loads(subprocess.run(command, input=flat, capture_output=True, text=True, check=True).stdout)


def on_sheet(strokes: list[np.ndarray], layout: dict, pen: float) -> tuple[PenStrokes, tuple[int, int]]:
    """The strokes in pixels of the sheet that the page sends, and its height and width.

    There is room for a wider pen than the page's.
    """
    scale = layout["scale"]
    room = max(0, int(np.ceil((pen - layout["pen"]) * scale / 2)))
    corner = layout["x"] + room, layout["y"] + room
    drawn = PenStrokes(tuple(stroke * scale + corner for stroke in strokes), pen * scale)
    return drawn, (layout["height"] + 2 * room, layout["width"] + 2 * room)


def sheet_of(drawn: PenStrokes, shape: tuple[int, int]) -> np.ndarray:
    """The sheet, (H, W) uint8, black on white."""
    high, wide = shape
    pen = drawn.pen * FINE
    paper = np.full((high * FINE, wide * FINE), 255, np.uint8)
    for points in drawn.points:
        line = np.round(points * FINE).astype(np.int32)
        cv2.polylines(paper, [line], False, 0, max(1, round(pen)), cv2.LINE_AA)
        for end in (line[0], line[-1]):
            cv2.circle(paper, end.tolist(), round(pen / 2), 0, -1, cv2.LINE_AA)
    return cv2.resize(paper, (wide, high), interpolation=cv2.INTER_AREA)


def height_of(strokes: list[np.ndarray], kind: str) -> float:
    """The height of a digit on the pad: of a number, of its median stroke that is no dash."""
    heights = np.array([np.ptp(stroke[:, 1]) for stroke in strokes])
    if kind == "digits":
        return float(np.ptp(np.concatenate(strokes), axis=0).max())
    return float(np.median(heights[heights >= heights.max() / 3]))


def measure(
    reader: Reader, kind: str, samples: list[Sample], share: float | None, *, as_picture: bool
) -> dict[str, list]:
    """What is read of every sample: {labels, texts, pens}. share: the pen's width in digit heights.

    as_picture: without saying which strokes it was drawn with.
    """
    drawings = [on_pad(sample) for sample in samples]
    texts, pens = [], []
    for strokes, layout in zip(tqdm(drawings, desc=kind, leave=False), layouts_of(drawings), strict=True):
        height = height_of(strokes, kind)
        pen = layout["pen"] if share is None else share * height
        drawn, shape = on_sheet(strokes, layout, pen)
        reading = reader.read_drawing(sheet_of(drawn, shape), strokes=None if as_picture else drawn)
        refused = kind == "letters" and all(found.digit is None for found in reading.digits)
        texts.append("" if refused else re.sub(r"\s", "", reading.text))
        pens.append(pen / height)
    labels = ["" if kind == "letters" else re.sub(r"\s", "", sample.label) for sample in samples]
    return {"labels": labels, "texts": texts, "pens": pens}


def line_of(found: dict[str, list], before: dict[str, list] | None) -> str:
    """One kind's line of the table."""
    pairs = list(zip(found["texts"], found["labels"], strict=True))
    right = np.array([text == label for text, label in pairs])
    distance = sum(min(edit_distance(text, label), len(label)) for text, label in pairs)
    length = sum(map(len, found["labels"]))
    chars = f"{100 * (1 - distance / length):8.1f}" if length else f"{'-':>8}"
    pen, thick = np.percentile(found["pens"], [50, 90])
    line = f"{len(right):6}{pen:8.2f}{thick:8.2f}{100 * right.mean():8.1f}{chars}"
    if before is None:
        return line
    was = np.array([text == label for text, label in zip(before["texts"], before["labels"], strict=True)])
    return f"{line}{np.sum(right & ~was):8}{np.sum(was & ~right):8}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pen", type=float, help="width of the pen in digit heights (default: the page's)")
    parser.add_argument("--picture", action="store_true", help="send the picture without its strokes")
    parser.add_argument("--training", action="store_true", help="the training writers, for choosing settings")
    parser.add_argument(
        "--limit", type=int, default=1000, help="at most so many a kind (default: %(default)s)"
    )
    parser.add_argument("--json", type=Path, help="write what was read here")
    parser.add_argument("--against", type=Path, help="compare with what was read then")
    options = parser.parse_args()

    threadpool_limits(1, user_api="blas")
    reader = Reader()
    before = json.loads(options.against.read_text()) if options.against else {}
    samples = read_samples("training" if options.training else "validation")
    print(
        f"{'':12}{'n':>6}{'pen':>8}{'thick':>8}{'exact':>8}{'chars':>8}"
        + f"{'won':>8}{'lost':>8}" * bool(before)
    )
    results = {}
    for kind in KINDS:
        chosen = [sample for sample in samples if kind_of(sample) == kind]
        if len(chosen) > options.limit:
            at = np.random.default_rng(0).choice(len(chosen), options.limit, replace=False)
            chosen = [chosen[i] for i in np.sort(at)]
        results[kind] = measure(reader, kind, chosen, options.pen, as_picture=options.picture)
        print(f"{kind:12}{line_of(results[kind], before.get(kind))}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(results))


if __name__ == "__main__":
    main()
