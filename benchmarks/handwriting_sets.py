"""The archives of real handwriting that are measured with: which samples, drawn how, and what is to be read.

`NAME_HALF.npz`, read with allow_pickle=False:

strokes  points (n, 2), stroke_offsets, sample_offsets, labels, writers, y_up; drawn here with a random pen
photos   images (N, H, W) uint8, or encoded files: data, offsets; labels
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from training.handwriting import CORPORA, validation_writers

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
    separators_count: bool = False  # whether dashes and the like must be read, too


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


def upload(archive: Archive, i: int, rng: np.random.Generator) -> np.ndarray:
    """Sample i as a file that somebody uploads: turned as its EXIF says, transparency kept."""
    encoded = archive["data"][archive["offsets"][i] : archive["offsets"][i + 1]].tobytes()
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(encoded)))
    return np.asarray(upright.convert("RGBA" if upright.has_transparency_data else "RGB"))


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


def of_kind(kind: str) -> Callable[[Archive], np.ndarray]:
    """Pictures of this kind."""
    return lambda archive: np.flatnonzero(archive["kinds"] == kind)


def separated(archive: Archive) -> np.ndarray:
    """Strings with a dash, slash, full stop or comma."""
    return np.flatnonzero([bool(re.search(r"[-/.,]", text)) for text in archive["labels"]])


def digits_alone(text: str) -> str:
    """Text without what stands between digits, for labels that do not say it."""
    return re.sub(r"[ \t.,/:-]", "", text)


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
    "unipen_separators": HandwritingSet(
        "unipen_strings",
        "UNIPEN train_r01_v07",
        "read_drawing",
        separated,
        drawing(3),
        lambda archive, i: str(archive["labels"][i]).replace(" ", ""),
        separators_count=True,
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
    "real_single": HandwritingSet(
        "real_pictures",
        "posted pictures",
        "read_photo",
        of_kind("single"),
        upload,
        label,
    ),
    "real_number": HandwritingSet(
        "real_pictures",
        "posted pictures",
        "read_photo",
        of_kind("number"),
        upload,
        label,
    ),
    "real_lines": HandwritingSet(
        "real_pictures",
        "posted pictures",
        "read_photo",
        of_kind("lines"),
        upload,
        label,
    ),
    "real_grids": HandwritingSet(
        "real_pictures",
        "posted pictures",
        "read_photo",
        of_kind("sudoku"),
        upload,
        label,
    ),
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


def read_archive(
    chosen: HandwritingSet, folder: Path, half: str, limit: int, writers: str = "validation"
) -> tuple[Archive, np.ndarray]:
    """The archive of a set, and which of its samples count: all that fit, or `limit` of them by lot.

    writers: "validation": of the sets that are trained on, those who are not; or "all".
    """
    with np.load(folder / f"{chosen.file}_{half}.npz", allow_pickle=False) as opened:
        archive = {name: opened[name] for name in opened.files}
    samples = chosen.chosen(archive)
    corpus = chosen.file.split("_")[0]
    if writers == "validation" and corpus in CORPORA:
        validation = [writer for of, writer in validation_writers() if of == corpus]
        samples = samples[np.isin(archive["writers"][samples], validation)]
    if limit and len(samples) > limit:
        samples = np.sort(np.random.default_rng(0).choice(samples, limit, replace=False))
    return archive, samples
