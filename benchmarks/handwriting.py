"""python -m benchmarks.handwriting --folder DIR: how well real people's handwriting is read.

DIR holds archives of real handwriting that is not MNIST (benchmarks/handwriting_sets.py says which).

A line a set: n; exact = the text read equals the label, in % (spaces never count, and other separators in
unipen_separators alone); top1 = exactly one digit found and its largest
probability is the label's, accepted or not, in %; chars = 1 - edit distance / label length, in %; refused =
nothing accepted as a digit, in % (to be low for digits, high for what is none); ms = milliseconds a reading
at the median. Four fifths of the writers of UNIPEN and pendigits are trained on, so that what is read of them
measures memory: `--writers validation` leaves them out. No other set is trained on.
"""

import argparse
import json
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from benchmarks.handwriting_sets import SETS, HandwritingSet, digits_alone, read_archive
from recognition import Reader, Reading, to_input
from training.commands import save_card
from training.evaluate import edit_distance, new_figure, save_figure


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


def read_set(
    reader: Reader, chosen: HandwritingSet, folder: Path, half: str, limit: int, writers: str = "validation"
) -> tuple[list[Reading], list[str], list[float]]:
    """Every reading of a set with what it should have been and the seconds it took."""
    archive, samples = read_archive(chosen, folder, half, limit, writers)
    read = getattr(reader, chosen.method)
    readings, texts, seconds = [], [], []
    for i in tqdm(samples, desc=chosen.file, leave=False):
        picture = chosen.picture(archive, i, np.random.default_rng(i))
        start = time.perf_counter()
        readings.append(read(picture))
        seconds.append(time.perf_counter() - start)
        texts.append(chosen.text(archive, i))
    return readings, texts, seconds


def plain(text: str, separators_count: bool) -> str:
    """What counts of a text."""
    return re.sub(r"\s", "", text) if separators_count else digits_alone(text)


def score(
    readings: list[Reading], texts: list[str], seconds: list[float], separators_count: bool = False
) -> Row:
    """The line of the table."""
    texts = [plain(text, separators_count) for text in texts]
    found = [plain(reading.text, separators_count) for reading in readings]
    pairs = list(zip(readings, texts, strict=True))
    characters = sum(len(text) for text in texts)
    distance = sum(min(edit_distance(read, text), len(text)) for read, text in zip(found, texts, strict=True))
    return Row(
        n=len(texts),
        exact=100 * float(np.mean([read == text for read, text in zip(found, texts, strict=True)])),
        top1=100 * float(np.mean([is_top1(reading, text) for reading, text in pairs])),
        chars=100 * (1 - distance / characters) if characters else None,
        refused=100 * float(np.mean([all(d.digit is None for d in reading.digits) for reading in readings])),
        ms=1000 * float(np.median(seconds)),
    )


def is_top1(reading: Reading, text: str) -> bool:
    """Exactly one digit found, and the most probable is right, accepted or not."""
    return len(reading.digits) == 1 and str(int(reading.digits[0].probs.argmax())) == text


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
    parser.add_argument(
        "--writers",
        choices=("all", "validation"),
        default="validation",
        help="validation: of the sets that are trained on, only the writers who are not (default)",
    )
    parser.add_argument("--weights", type=Path, help="default: those the app reads with")
    parser.add_argument("--limit", type=int, default=0, help="at most so many samples a set")
    parser.add_argument("--json", type=Path, help="write the table here")
    parser.add_argument(
        "--card",
        type=Path,
        help="put these sets into the table of this .json card, and write the .md card beside it anew",
    )
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
        readings, texts, seconds = read_set(
            reader, SETS[title], options.folder, options.half, options.limit, options.writers
        )
        results[title] = readings, texts
        rows[title] = score(readings, texts, seconds, SETS[title].separators_count)
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
        ways = {"half": options.half, "writers": options.writers}
        known = card.get("real_handwriting", {})
        sets = known.get("sets", {}) if ways.items() <= known.items() else {}
        card["real_handwriting"] = ways | {"sets": sets | _rounded(table)}
        save_card(options.card, card)


def _rounded(table: dict) -> dict:
    """Without the time, which is the machine's, and with shares as they were printed."""
    return {
        title: {name: round(value, 2) if isinstance(value, float) else value for name, value in row.items()}
        for title, row in table.items()
        for row in [{name: value for name, value in row.items() if name != "ms"}]
    }


if __name__ == "__main__":
    main()
