"""python -m benchmarks.handwriting --folder DIR: how well real people's handwriting is read.

DIR holds archives of real handwriting that is not MNIST, `NAME_HALF.npz`, read with allow_pickle=False:

strokes  points (n, 2), stroke_offsets, sample_offsets, labels, y_up; drawn here with a random pen
photos   images (N, H, W) uint8, or encoded files: data, offsets; labels

A line a set: n; exact = the text read equals the label, in %; top1 = exactly one digit found and its largest
probability is the label's, accepted or not, in %; chars = 1 - edit distance / label length, in %; refused =
nothing accepted as a digit, in % (to be low for digits, high for what is none); ms = milliseconds a reading
at the median. None of these pictures is trained on.
"""

import argparse
import io
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from recognition import Reader, Reading, to_input
from training.evaluate import new_figure, save_figure

Archive = dict[str, np.ndarray]
CANVAS = 280  # side of the drawing canvas, pixels


@dataclass(frozen=True)
class HandwritingSet:
    """Which samples of which archive, how they become pictures, and what should be read."""

    file: str
    source: str
    method: str  # of Reader
    chosen: Callable[[Archive], np.ndarray]
    picture: Callable[[Archive, int, np.random.Generator], np.ndarray]
    text: Callable[[Archive, int], str]


def strokes_of(archive: Archive, i: int) -> list[np.ndarray]:
    """Sample i as strokes (n, 2), x right and y down."""
    first, last = archive["sample_offsets"][i], archive["sample_offsets"][i + 1]
    offsets = archive["stroke_offsets"]
    axes = (1.0, -1.0 if archive["y_up"] else 1.0)
    return [archive["points"][offsets[j] : offsets[j + 1]] * axes for j in range(first, last)]


def draw(strokes: list[np.ndarray], rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Strokes as a person would put them on the canvas: any size, place and pen. (H, W, 4) uint8."""
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    pen = rng.uniform(0.035, 0.09) * height
    room = np.array([width, height]) * rng.uniform(0.4, 0.85) - pen
    scale = min(room / np.maximum(high - low, 1e-6))
    free = np.array([width, height]) - pen - (high - low) * scale
    corner = pen / 2 + free * rng.uniform(0.1, 0.9, 2)
    fine = 4  # drawn larger, then averaged, for smooth edges
    paper = np.zeros((height * fine, width * fine), np.uint8)
    for stroke in strokes:
        line = np.round(((stroke - low) * scale + corner) * fine).astype(np.int32)
        cv2.polylines(paper, [line], False, 255, max(1, round(pen * fine)), cv2.LINE_AA)
        for end in (line[0], line[-1]):
            cv2.circle(paper, [int(v) for v in end], round(pen * fine / 2), 255, -1, cv2.LINE_AA)
    canvas = np.zeros((height, width, 4), np.uint8)
    canvas[..., 3] = cv2.resize(paper, (width, height), interpolation=cv2.INTER_AREA)
    return canvas


def drawing(aspect: int = 1) -> Callable[[Archive, int, np.random.Generator], np.ndarray]:
    """Samples as drawings on a canvas `aspect` times as wide as high."""
    return lambda archive, i, rng: draw(strokes_of(archive, i), rng, CANVAS * aspect, CANVAS)


def on_paper(picture: np.ndarray) -> np.ndarray:
    """A drawing (H, W, 4) as a scan of black ink on white paper, (H, W, 3); a photo as it is."""
    return np.repeat(255 - picture[..., 3:], 3, axis=-1) if picture.shape[-1] == 4 else picture


def scan(aspect: int) -> Callable[[Archive, int, np.random.Generator], np.ndarray]:
    """Samples as black ink on white paper, `aspect` times as wide as high."""
    return lambda archive, i, rng: on_paper(drawing(aspect)(archive, i, rng))


def photo(archive: Archive, i: int, rng: np.random.Generator) -> np.ndarray:
    """Sample i as (H, W, 3) uint8."""
    if "images" in archive:
        return np.repeat(archive["images"][i][..., None], 3, axis=-1)
    encoded = archive["data"][archive["offsets"][i] : archive["offsets"][i + 1]].tobytes()
    return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))


def cell(archive: Archive, i: int, rng: np.random.Generator) -> np.ndarray:
    """A sudoku cell without the grid lines at its edge."""
    return photo(archive, i, rng)[8:88, 8:88]


def label(archive: Archive, i: int) -> str:
    return str(archive["labels"][i])


def string(archive: Archive, i: int) -> str:
    return str(archive["digits"][i])


def nothing(archive: Archive, i: int) -> str:
    return ""


def everything(archive: Archive) -> np.ndarray:
    return np.arange(len(archive["labels"] if "labels" in archive else archive["images"]))


def short(archive: Archive) -> np.ndarray:
    """Lines of at most eight digits: a longer label stands for several lines."""
    return np.flatnonzero([len(text) < 9 for text in archive["labels"]])


def where(name: str, wanted: bool = True) -> Callable[[Archive], np.ndarray]:
    """The samples of which the archive says `name`, or does not."""
    return lambda archive: np.flatnonzero(archive[name] == wanted)


SETS = {
    "unipen_digits": HandwritingSet(
        "unipen_digits", "UNIPEN train_r01_v07", "read_drawing", where("balanced"), drawing(), label
    ),
    "pendigits_orig": HandwritingSet(
        "pendigits_orig", "UCI pen-based digits", "read_drawing", everything, drawing(), label
    ),
    "chars74k_digits": HandwritingSet(
        "chars74k_hnd", "Chars74K", "read_drawing", where("is_digit"), drawing(), label
    ),
    "unipen_strings": HandwritingSet(
        "unipen_strings",
        "UNIPEN train_r01_v07",
        "read_drawing",
        where("has_separator", False),
        drawing(3),
        string,
    ),
    "photo_digits_misc": HandwritingSet(
        "photo_digits_misc", "phone photos, public repositories", "read_photo", everything, photo, label
    ),
    "sudoku_cells": HandwritingSet(
        "sudoku_cells", "AlexKubiesa/sudoku-scanner", "read_photo", everything, cell, label
    ),
    "photo_lines": HandwritingSet(
        "photo_lines", "phone photos, public repositories", "read_photo", short, photo, label
    ),
    "orand_car_a": HandwritingSet("orand_car_a", "ORAND-CAR 2014", "read_photo", everything, photo, label),
    "bhmsds_digits": HandwritingSet("bhmsds", "BHMSDS", "read_photo", where("is_digit"), photo, label),
    "nsysu_digits": HandwritingSet("nsysu_digits", "NSYSU", "read_photo", everything, photo, label),
    "dida_digits": HandwritingSet("dida_digits", "DIDA", "read_photo", everything, photo, label),
    "not: unipen_letters": HandwritingSet(
        "unipen_letters",
        "UNIPEN train_r01_v07",
        "read_drawing",
        where("digitlike", False),
        drawing(),
        nothing,
    ),
    "not: unipen_words": HandwritingSet(
        "unipen_words", "UNIPEN train_r01_v07", "read_drawing", everything, drawing(3), nothing
    ),
    "not: words on paper": HandwritingSet(
        "unipen_words", "UNIPEN train_r01_v07", "read_photo", everything, scan(3), nothing
    ),
    "not: quickdraw": HandwritingSet(
        "quickdraw_neg", "Quick, Draw!", "read_photo", everything, photo, nothing
    ),
    "not: omniglot": HandwritingSet("omniglot_neg", "Omniglot", "read_photo", everything, photo, nothing),
}


@dataclass(frozen=True)
class Row:
    """One set's line of the table; shares in %."""

    n: int
    exact: float
    top1: float
    chars: float | None  # None where nothing is to be read
    refused: float
    ms: float

    def __str__(self) -> str:
        shares = "".join(
            f"{'-':>8}" if share is None else f"{share:8.2f}" for share in (self.exact, self.top1, self.chars)
        )
        return f"{self.n:6}{shares}{self.refused:9.2f}{self.ms:8.2f}"


def read_archive(chosen: HandwritingSet, folder: Path, half: str, limit: int) -> tuple[Archive, np.ndarray]:
    """The archive of a set, and which of its samples count: all that fit, or `limit` of them by lot."""
    with np.load(folder / f"{chosen.file}_{half}.npz", allow_pickle=False) as opened:
        archive = {name: opened[name] for name in opened.files}
    samples = chosen.chosen(archive)
    if limit and len(samples) > limit:
        samples = np.sort(np.random.default_rng(0).choice(samples, limit, replace=False))
    return archive, samples


def read_set(
    reader: Reader, chosen: HandwritingSet, folder: Path, half: str, limit: int
) -> tuple[list[Reading], list[str], list[float]]:
    """Every reading of a set with what it should have been and the seconds it took."""
    archive, samples = read_archive(chosen, folder, half, limit)
    read = getattr(reader, chosen.method)
    readings, texts, seconds = [], [], []
    for i in tqdm(samples, desc=chosen.file, leave=False):
        picture = chosen.picture(archive, i, np.random.default_rng(i))
        start = time.perf_counter()
        readings.append(read(picture))
        seconds.append(time.perf_counter() - start)
        texts.append(chosen.text(archive, i))
    return readings, texts, seconds


def score(readings: list[Reading], texts: list[str], seconds: list[float]) -> Row:
    """The line of the table."""
    pairs = list(zip(readings, texts, strict=True))
    characters = sum(len(text) for text in texts)
    distance = sum(min(edit_distance(reading.text, text), len(text)) for reading, text in pairs)
    return Row(
        n=len(texts),
        exact=100 * float(np.mean([reading.text == text for reading, text in pairs])),
        top1=100 * float(np.mean([is_top1(reading, text) for reading, text in pairs])),
        chars=100 * (1 - distance / characters) if characters else None,
        refused=100 * float(np.mean([all(d.digit is None for d in reading.digits) for reading in readings])),
        ms=1000 * float(np.median(seconds)),
    )


def is_top1(reading: Reading, text: str) -> bool:
    """Exactly one digit found, and the most probable is right, accepted or not."""
    return len(reading.digits) == 1 and str(int(reading.digits[0].probs.argmax())) == text


def edit_distance(a: str, b: str) -> int:
    """Insertions, deletions and replacements between a and b (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


def worst_cases(
    title: str, readings: list[Reading], texts: list[str], most: int = 12
) -> list[tuple[str, np.ndarray, str]]:
    """The surest wrong answers: (set, picture, "said 7 (99 %), is 1")."""
    wrong = [
        (reading.digits[0], text)
        for reading, text in zip(readings, texts, strict=True)
        if len(reading.digits) == 1 and reading.digits[0].digit is not None and reading.text != text
    ]
    wrong.sort(key=lambda pair: -pair[0].confidence)
    return [
        (title, found.image, f"said {found.digit} ({found.confidence:.0%})\nis {text or 'no digit'}")
        for found, text in wrong[:most]
    ]


def draw_worst(path: Path, cases: list[tuple[str, np.ndarray, str]], columns: int = 12) -> None:
    """A picture of the worst cases, a row a set."""
    titles = list(dict.fromkeys(title for title, _, _ in cases))
    figure = new_figure(columns * 1.15, len(titles) * 1.6 + 0.2)
    for row, title in zip(figure.subplots(len(titles), columns, squeeze=False), titles, strict=True):
        of_set = [case for case in cases if case[0] == title]
        for column, axes in enumerate(row):
            axes.axis("off")
            if column < len(of_set):
                _, image, text = of_set[column]
                axes.imshow(image, cmap="gray_r", vmin=0, vmax=255)
                axes.set_title(text, fontsize=7.5)
        row[0].text(-8, 14, title, rotation=90, va="center", fontsize=8)
    save_figure(figure, path)


def threshold_that_loses(share: float, odds: np.ndarray, count: int) -> float:
    """The log odds under which lie `share` of `count` digits, given the odds of those read right."""
    return float(np.sort(odds)[int(share * count)])


def choose_threshold(
    reader: Reader, results: dict[str, tuple[list[Reading], list[str]]], lose: float
) -> float:
    """The log odds under which to refuse, so that no set of digits loses more than `lose` % of its digits.

    Only digits whose most probable digit is right count as lost.
    """
    thresholds = []
    for readings, texts in results.values():
        right = [
            reading.digits[0].image
            for reading, text in zip(readings, texts, strict=True)
            if text and is_top1(reading, text)
        ]
        if right:
            images = np.stack(right)
            odds = reader.classifier.log_odds_of_digit(images, reader.model.predict(to_input(images)))
            thresholds.append(threshold_that_loses(lose / 100, odds, len(texts)))
    return min(thresholds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"default: all of {', '.join(SETS)}")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--half", default="dev", help="the end of the files' names (default: %(default)s)")
    parser.add_argument("--weights", type=Path, help="default: those the app reads with")
    parser.add_argument("--limit", type=int, default=0, help="at most so many samples a set")
    parser.add_argument("--json", type=Path, help="write the table here")
    parser.add_argument("--card", type=Path, help="put the table into this .json card of some weights")
    parser.add_argument("--worst", type=Path, metavar="PNG", help="save a picture of the worst cases")
    parser.add_argument(
        "--choose",
        type=float,
        metavar="PERCENT",
        help="print the refusal threshold at which no set of drawn digits loses more than this",
    )
    options = parser.parse_args()
    unknown = set(options.sets) - set(SETS)
    if unknown:
        parser.error(f"no such set: {', '.join(sorted(unknown))}; there are: {', '.join(SETS)}")

    threadpool_limits(1, user_api="blas")
    reader = Reader(options.weights)
    print(f"{'set':22}{'n':>6}{'exact':>8}{'top1':>8}{'chars':>8}{'refused':>9}{'ms':>8}")
    results, rows, cases = {}, {}, []
    for title in options.sets or SETS:
        readings, texts, seconds = read_set(reader, SETS[title], options.folder, options.half, options.limit)
        results[title] = readings, texts
        rows[title] = score(readings, texts, seconds)
        cases += worst_cases(title, readings, texts)
        print(f"{title:22}{rows[title]}", flush=True)
    table = {title: asdict(row) | {"source": SETS[title].source} for title, row in rows.items()}
    if options.choose is not None:
        drawn = {title: found for title, found in results.items() if SETS[title].method == "read_drawing"}
        print(f"threshold {choose_threshold(reader, drawn, options.choose):.3f}")
    if options.worst and cases:
        draw_worst(options.worst, cases)
    if options.json:
        options.json.write_text(json.dumps(table, indent=2) + "\n")
    if options.card:
        card = json.loads(options.card.read_text())
        card["real_handwriting"] = {"half": options.half, "sets": _rounded(table)}
        options.card.write_text(json.dumps(card, indent=2) + "\n")


def _rounded(table: dict) -> dict:
    """Without the time, which is the machine's, and with shares as they were printed."""
    return {
        title: {name: round(value, 2) if isinstance(value, float) else value for name, value in row.items()}
        for title, row in table.items()
        for row in [{name: value for name, value in row.items() if name != "ms"}]
    }


if __name__ == "__main__":
    main()
