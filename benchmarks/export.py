"""What it takes to take a network along: sizes of exports, time to write them and to import what reads.

    python -m benchmarks.export [--runs 5]

Times are seconds on a processor, medians of runs in turn, so that other work on the machine changes little.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import machine
from recognition.export import FORMATS
from recognition.reader import DEFAULT_WEIGHTS, WEIGHTS
from training.export import export_weights

IMPORTS = ("numpy", "cnn", "recognition", "recognition.__main__")
ROOT = Path(__file__).parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        for to in FORMATS:
            weights = WEIGHTS / "small.npz" if to == "c" else DEFAULT_WEIGHTS
            seconds = []
            for _ in range(options.runs):
                began = time.process_time()
                files = export_weights(weights, to, Path(folder), weights.stem)
                seconds.append(time.process_time() - began)
            sizes = ", ".join(f"{file.name} {file.stat().st_size:,} bytes" for file in files)
            print(f"{weights.name} to {to:12} {statistics.median(seconds):6.2f} s  {sizes}")
    times: dict[str, list[float]] = {module: [] for module in IMPORTS}
    for _ in range(options.runs):
        for module, taken in times.items():
            began = _seconds_of_children()
            subprocess.run([sys.executable, "-c", f"import {module}"], cwd=ROOT, check=True)
            taken.append(_seconds_of_children() - began)
    for module, taken in times.items():
        print(f"python -c 'import {module}' {statistics.median(taken):6.2f} s")
    return 0


def _seconds_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    sys.exit(main())
