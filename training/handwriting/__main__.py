"""python -m training.handwriting --folder DIR: build strokes.npz, the archive of real handwriting.

DIR holds UNIPEN's and the original pendigits' strokes as `NAME_HALF.npz` (README.md says which). Doubtful
labels and repeated samples are left out; points are thinned, quantised and stored as differences.
"""

import argparse
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from cnn import load_model, prepare_for_inference
from recognition.reader import DEFAULT_WEIGHTS
from training.calibrate import logits_of
from training.handwriting import (
    ARCHIVE,
    CORPORA,
    KINDS,
    UNITS,
    UNKNOWN,
    VALIDATION_WRITERS,
    Sample,
)
from training.handwriting.align import align

SOURCES = {  # file: (kind, corpus)
    "unipen_digits": ("digit", "unipen"),
    "pendigits_orig": ("digit", "pendigits"),
    "unipen_strings": ("string", "unipen"),
    "unipen_letters": ("letter", "unipen"),
    "unipen_words": ("word", "unipen"),
}
TOLERANCE = 0.004  # heights by which a stroke may move where its points are thinned
VALIDATION_SHARE = 1 / 5  # of each corpus's writers


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--half", default="dev", help="the end of the files' names (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=ARCHIVE)
    parser.add_argument(
        "--choose-writers",
        action="store_true",
        help="write validation_writers.json anew; otherwise the list stays as it is, whatever is in DIR",
    )
    options = parser.parse_args()
    network = prepare_for_inference(load_model(DEFAULT_WEIGHTS).model)
    samples, seen = [], set()
    for file, (kind, corpus) in SOURCES.items():
        found = aligned = 0
        for sample in read_source(options.folder / f"{file}_{options.half}.npz", kind, corpus):
            drawn = (kind, b"".join(stroke.tobytes() for stroke in sample.strokes))
            if drawn in seen:
                continue
            seen.add(drawn)
            if kind == "string":
                owners = align(sample.label, sample.strokes, lambda images: logits_of(network, images))
                sample = with_characters(sample, owners)
                aligned += owners is not None
            samples.append(sample)
            found += 1
        print(f"{file:16}{found:6} samples" + (f", {aligned} aligned" if kind == "string" else ""))
    if options.choose_writers:
        VALIDATION_WRITERS.write_text(json.dumps(chosen_writers(samples)) + "\n")
    save(options.out, samples)
    print(f"Saved {options.out}: {len(samples)} samples, {options.out.stat().st_size:,} bytes")


def read_source(path: Path, kind: str, corpus: str) -> Iterator[Sample]:
    """The samples of one file whose labels are not in doubt, thinned and quantised."""
    with np.load(path, allow_pickle=False) as opened:
        source = {name: opened[name] for name in opened.files}
    starts = source["stroke_offsets"]
    axes = np.array([1.0, -1.0 if source["y_up"] else 1.0])
    for i, label in enumerate(source["labels"]):
        if "suspect" in source and source["suspect"][i]:
            continue
        own = range(source["sample_offsets"][i], source["sample_offsets"][i + 1])
        strokes = [source["points"][starts[j] : starts[j + 1]] * axes for j in own]
        alone = kind in ("digit", "letter")
        characters = (0 if alone else UNKNOWN,) * len(strokes)
        yield Sample(
            kind, corpus, int(source["writers"][i]), str(label), quantised(strokes, alone), characters
        )


def quantised(strokes: list[np.ndarray], alone: bool) -> tuple[np.ndarray, ...]:
    """Strokes from 0 on, in heights (of one sign alone: its longest side), without needless points."""
    points = np.concatenate(strokes)
    low, extent = points.min(0), np.ptp(points, axis=0)
    height = max(float(extent.max() if alone else extent[1]), 1e-6)
    thinned = []
    for stroke in strokes:
        path = ((stroke - low) / height).astype(np.float32)
        path = cv2.approxPolyDP(path[:, None], TOLERANCE, closed=False)[:, 0]
        thinned.append(np.rint(path * UNITS).astype(np.float32) / UNITS)
    return tuple(thinned)


def with_characters(sample: Sample, owners: tuple[int, ...] | None) -> Sample:
    """The sample with its strokes assigned to characters, or as it is where that was not possible."""
    if owners is None:
        return sample
    return Sample(sample.kind, sample.corpus, sample.writer, sample.label, sample.strokes, owners)


def chosen_writers(samples: list[Sample]) -> dict[str, list[int]]:
    """The fifth of each corpus's writers whose names have the smallest SHA-256."""
    chosen = {}
    for corpus in CORPORA:
        writers = {sample.writer for sample in samples if sample.corpus == corpus}
        by_hash = sorted(writers, key=lambda w: hashlib.sha256(f"{corpus} {w}".encode()).hexdigest())
        chosen[corpus] = sorted(by_hash[: round(VALIDATION_SHARE * len(writers))])
    return chosen


def save(path: Path, samples: list[Sample]) -> None:
    """Writes the archive as `training.handwriting.read_samples` reads it."""
    strokes = [stroke for sample in samples for stroke in sample.strokes]
    points = np.rint(np.concatenate(strokes) * UNITS).astype(np.int32)
    np.savez_compressed(
        path,
        deltas=np.diff(points, axis=0, prepend=np.zeros((1, 2), np.int32)).astype(np.int16),
        stroke_lengths=np.array([len(stroke) for stroke in strokes], np.uint16),
        sample_lengths=np.array([len(sample.strokes) for sample in samples], np.uint8),
        characters=np.array([owner for sample in samples for owner in sample.characters], np.int8),
        kinds=np.array([KINDS.index(sample.kind) for sample in samples], np.uint8),
        corpora=np.array([CORPORA.index(sample.corpus) for sample in samples], np.uint8),
        writers=np.array([sample.writer for sample in samples], np.int16),
        labels=np.frombuffer("\n".join(sample.label for sample in samples).encode(), np.uint8),
    )


if __name__ == "__main__":
    main()
