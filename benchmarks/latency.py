"""How soon the bars follow the pen, in headless Chromium against the real app, and how soon a photo is read.

    python -m benchmarks.latency [--strokes 40] [--url http://...] [--only photos] [--json FILE]

Pen-up to final bars is the time from the pointerup event until the bars show the reading of the whole
drawing; a drawing whose last point was already read counts as 0 ms. Once on localhost, and once with 100 ms
added to every request by Chromium's own network emulation, which is checked to really add them. It does not
delay sockets, so there each drawing is posted.

A photo is a JPEG file: from opening it to the reading, on one core. Time is the processor's, which on a
machine with nothing else to do is the clock's.
"""

import argparse
import io
import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from threadpoolctl import threadpool_limits

from benchmarks import inside
from benchmarks.machine import machine
from benchmarks.pen import PROBE, draw_digits
from benchmarks.served import served
from recognition import Reader
from recognition.files import load_picture
from tests.browser.driver import DIGITS, Pad, launch_chromium

DELAY = 100  # ms added to every request in the second part
# Milliseconds: median, 95th percentile; and updates in a one-second stroke, at least.
TARGETS = {"localhost": (50, 100, 30), f"{DELAY} ms away": (160, None, 15)}

EXAMPLE = Path(__file__).parents[1] / "ui" / "photo" / "examples" / "ruled.jpg"
PHOTOS = {"12 megapixels": ((4000, 3000), 1500), "300 pixels": ((300, 225), 50)}  # size; ms at the median

ROUND_TRIP = """async () => {
  const times = [];
  for (let i = 0; i < 10; i++) {
    const start = performance.now();
    await (await fetch("theme.css?" + i, { cache: "no-store" })).text();
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--strokes", type=int, default=40, help="digits drawn in each part (default: 40)")
    parser.add_argument("--url", help="a running app; without it, one is started")
    parser.add_argument("--only", choices=["photos", "drawing", "inside"], help="leave the others out")
    parser.add_argument("--readings", type=int, default=9, help="of each photo (default: 9)")
    parser.add_argument("--json", type=Path, help="write the numbers to this file too")
    options = parser.parse_args()

    report = {"machine": machine()}
    print(report["machine"])
    met = True
    if options.only in (None, "photos"):
        report["photos"] = {name: _read_photo(size, options.readings) for name, (size, _) in PHOTOS.items()}
        met &= _print_photos(report["photos"])
    if options.only in (None, "inside"):
        report["inside"] = inside.measure(options.url, options.strokes)
        met &= inside.show(report["inside"])
    if options.only in (None, "drawing"):
        report |= _follow_pen(options.url, options.strokes)
        met &= _print_drawing(report)
    print("All targets met." if met else "A target was missed.")
    if options.json:
        options.json.write_text(json.dumps(report | {"targets_met": met}, indent=2) + "\n")
    sys.exit(not met)


def _read_photo(size: tuple[int, int], readings: int) -> dict[str, float]:
    """The example photo at this size (width, height), read again and again."""
    file = io.BytesIO()
    Image.open(EXAMPLE).resize(size, Image.Resampling.LANCZOS).save(file, "JPEG", quality=90)
    reader, seconds = Reader(), []
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        reader.read_photo(load_picture(io.BytesIO(file.getvalue())))  # the first fills caches
        for _ in range(readings):
            start = time.process_time()
            reading = reader.read_photo(load_picture(io.BytesIO(file.getvalue())))
            seconds.append(time.process_time() - start)
    cv2.setNumThreads(before)
    return {"ms_median": round(1000 * float(np.median(seconds)), 1), "digits": len(reading.digits)}


def _print_photos(photos: dict[str, dict[str, float]]) -> bool:
    """The times; returns whether the targets are met."""
    for name, (_, target) in PHOTOS.items():
        row = photos[name]
        print(f"a photo of {name}, {row['digits']} digits: {row['ms_median']:.1f} ms (target: <= {target})")
    return all(photos[name]["ms_median"] <= target for name, (_, target) in PHOTOS.items())


def _follow_pen(url: str | None, strokes: int) -> dict[str, dict[str, float]]:
    report = {}
    with served(url) as (url, _), sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        for place, delay in (("localhost", 0), (f"{DELAY} ms away", DELAY)):
            page = browser.new_page()
            if delay:
                page.route_web_socket("**/live", lambda socket: socket.close())
            pad = Pad(page, url)
            added = _delay(page, delay)
            page.evaluate(PROBE)
            report[place] = _measure(pad, strokes) | {"added_ms": round(added, 1)}
            page.close()
        browser.close()
    return report


def _delay(page: Page, milliseconds: int) -> float:
    """Delays every request of the page, and returns by how much requests really became slower."""
    before = page.evaluate(ROUND_TRIP)
    if milliseconds == 0:
        return 0.0
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": milliseconds, "downloadThroughput": -1, "uploadThroughput": -1},
    )
    added = page.evaluate(ROUND_TRIP) - before
    if added < 0.9 * milliseconds:
        raise RuntimeError(f"requests were to take {milliseconds} ms longer, and took {added:.0f} ms longer")
    return added


def _measure(pad: Pad, strokes: int) -> dict[str, float]:
    waits = draw_digits(pad, strokes)
    updates = []
    for digit in (0, 3, 2):
        pad.draw(DIGITS[digit], seconds=1.0, step=0.02)  # some 80 movements, as from a mouse
        probe = pad.page.evaluate("probe")
        seconds = (probe["up"] - probe["down"]) / 1000
        updates.append(sum(moved < probe["up"] for moved in probe["moved"]) / seconds)
        pad.page.locator(".clear").click()
    return {
        "strokes": strokes,
        "pen_up_to_bars_ms_median": round(float(np.median(waits)), 1),
        "pen_up_to_bars_ms_p95": round(float(np.percentile(waits, 95)), 1),
        "updates_per_second": round(float(np.median(updates)), 1),
    }


def _print_drawing(report: dict) -> bool:
    """The table; returns whether every target is met."""
    met = True
    print(f"{'':14}{'pen-up to final bars, ms':>36}{'updates a second':>20}")
    print(f"{'':14}{'median':>18}{'95th percentile':>18}{'mid-stroke':>20}")
    for place, (median, tail, updates) in TARGETS.items():
        row = report[place]
        print(
            f"{place:14}{row['pen_up_to_bars_ms_median']:18.1f}{row['pen_up_to_bars_ms_p95']:18.1f}"
            f"{row['updates_per_second']:20.1f}"
        )
        print(f"{'  target':14}{f'<= {median}':>18}{f'<= {tail}' if tail else '':>18}{f'>= {updates}':>20}")
        met &= row["pen_up_to_bars_ms_median"] <= median and row["updates_per_second"] >= updates
        met &= tail is None or row["pen_up_to_bars_ms_p95"] <= tail
    print(f"Requests took {report[f'{DELAY} ms away']['added_ms']:.0f} ms longer with the delay.")
    return met


if __name__ == "__main__":
    main()
