"""What a digit costs while it is drawn, as a multiple of what reading it costs once it is whole.

    python -m benchmarks.growing [--rounds 5]

Every picture of seven digits as they grow is read in a loop, on one core: as the pad has it read while the
pen moves, and as a program does, which asks for the whole answer each time. Time is the processor's, the
best of all rounds.
"""

import argparse
import itertools
import time
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image, ImageDraw
from threadpoolctl import threadpool_limits

from benchmarks.machine import machine
from recognition import Reader
from recognition.growing import DrawingMemory
from tests.browser.driver import DIGITS, along

DRAWING_SIDE, PEN = 150, 9  # pixels of a drawing as the pad sends it
MEAN, WORST = 1.5, 8.0  # most that a picture costs while the pen moves, in whole digits

Read = Callable[[np.ndarray, DrawingMemory], object]


def drawn_digits() -> dict[int, list[np.ndarray]]:
    """Each digit as it grows, (H, W) uint8 for every point."""
    drawings = {}
    for digit, strokes in DIGITS.items():
        picture = Image.new("L", (DRAWING_SIDE, DRAWING_SIDE), 255)
        pen = ImageDraw.Draw(picture)
        drawings[digit] = []
        for stroke in strokes:
            points = [(DRAWING_SIDE * x, DRAWING_SIDE * y) for x, y in along(stroke, 0.08)]
            for start, end in itertools.pairwise(points):
                pen.line([start, end], 0, PEN)
                pen.ellipse([end[0] - PEN / 2, end[1] - PEN / 2, end[0] + PEN / 2, end[1] + PEN / 2], 0)
                drawings[digit].append(np.array(picture))
    return drawings


def times_of(read: Read, drawings: dict[int, list[np.ndarray]], rounds: int) -> dict[int, np.ndarray]:
    """Milliseconds of each picture of each digit."""
    best = {digit: np.full(len(pictures), np.inf) for digit, pictures in drawings.items()}
    for _ in range(rounds):
        for digit, pictures in drawings.items():
            memory = DrawingMemory()
            for index, picture in enumerate(pictures):
                began = time.thread_time()
                read(picture, memory)
                best[digit][index] = min(best[digit][index], 1e3 * (time.thread_time() - began))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="of which the best counts (default: 5)")
    options = parser.parse_args()
    threadpool_limits(1, user_api="blas")
    cv2.setNumThreads(1)
    reader, drawings = Reader(), drawn_digits()
    print(machine())
    moving = times_of(reader.read_moving, drawings, options.rounds)
    resting = times_of(lambda picture, _: reader.read_drawing(picture), drawings, options.rounds)
    whole = float(np.mean([times[-1] for times in resting.values()]))
    print(f"a whole digit: {whole:.2f} ms")
    for name, times in (("while the pen moves", moving), ("as a program asks", resting)):
        all_times = np.concatenate(list(times.values()))
        mean, worst = all_times.mean() / whole, all_times.max() / whole
        print(f"a growing digit, {name}: {mean:.2f} times that on average, {worst:.1f} times at worst")
    print(f"Targets, while the pen moves: {MEAN} on average, {WORST:.0f} at worst.")


if __name__ == "__main__":
    main()
