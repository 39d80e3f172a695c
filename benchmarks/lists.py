"""A training step of every ready network of the Train tab's editor, in NumPy against PyTorch.

    pip install -r benchmarks/requirements.txt
    python -m benchmarks.lists [--rounds 5] [--threads 2] [--json FILE]

They stand for whatever list of layers a visitor builds. Each is compared on grey pictures of 28x28 and on
colour pictures of 32x32, of random pixels, in batches of 64, the page's own. A ratio above 1 says that
PyTorch takes longer.
"""

import argparse
import json
import os
import time

# Before NumPy is loaded: cnn spreads the work over the cores, BLAS must not do it again.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import torch

from benchmarks.contestants import TOLERANCE, contestants_of, in_turns, parse_options
from benchmarks.machine import machine
from benchmarks.training import digit_optimizers
from training.own_network.draft import Draft, read_draft
from training.own_network.presets import PRESETS

BATCH = 64
CLASSES = 10
SHAPES = ((28, 28, 1), (32, 32, 3))
SECONDS = 0.3  # of the steps of one contestant in a round
MOST_STEPS = 100


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options = parse_options(parser, rounds=5)

    print(f"{machine()}, {options.threads} threads, PyTorch {torch.__version__}, NumPy {np.__version__}")
    rows = [compare(key, shape, options.rounds) for shape in SHAPES for key in PRESETS]
    print(f"{'':32}{'ms a step':>10}{'eager':>8}{'channels_last':>15}")
    for row in rows:
        print(
            f"{row['network']:32}{row['milliseconds']:10.2f}{row['ratio_to_eager']:8.2f}"
            f"{row['ratio_to_channels_last']:15.2f}"
        )
    if options.json:
        found = {"machine": machine(), "threads": options.threads, "lists": rows}
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def compare(key: str, shape: tuple[int, ...], rounds: int) -> dict:
    """The median step of a ready network, and how much longer PyTorch's takes."""
    draft = draft_of(key, shape)
    name = f"{key}, {'x'.join(map(str, shape))}"
    rng = np.random.default_rng(0)
    images = rng.random((BATCH, *shape), np.float32)
    labels = rng.integers(0, CLASSES, BATCH)
    contestants = contestants_of(name, draft.network, digit_optimizers, images, labels, TOLERANCE)
    began = time.perf_counter()
    for step in contestants.values():
        step(), step()
    once = (time.perf_counter() - began) / (2 * len(contestants))
    steps = max(2, min(MOST_STEPS, round(SECONDS / once)))
    times = in_turns(contestants, rounds, steps)
    medians = (np.median([end - start for start, *_, end in marks]) for marks in times.values())
    ours, eager, channels_last = medians
    return {
        "network": name,
        "milliseconds": float(1e3 * ours),
        "ratio_to_eager": float(eager / ours),
        "ratio_to_channels_last": float(channels_last / ours),
    }


def draft_of(key: str, shape: tuple[int, ...]) -> Draft:
    return read_draft(json.dumps(list(PRESETS[key].blocks(shape, CLASSES))), shape, CLASSES)


if __name__ == "__main__":
    main()
