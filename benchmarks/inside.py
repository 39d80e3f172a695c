"""How soon the Inside tab follows the pen, and what those who look inside cost those who only draw.

Run by `python -m benchmarks.latency --only inside`. One visitor is measured in headless Chromium against the
real app. Then 20 others look inside, and draw without a pause there, as benchmarks/load.py has them draw on
the pad; whenever one lifts the pen, they ask for an explanation too. How soon the bars of somebody on the
Draw tab follow their pen is measured with and without them, in turns.
"""

import asyncio
import contextlib
import io
import itertools
import threading
import time
from collections.abc import Iterator

import aiohttp
import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, Response, sync_playwright

from benchmarks.growing import drawn_digits
from benchmarks.load import Load, Visitor
from benchmarks.pen import PROBE, draw_digits
from benchmarks.served import served
from tests.browser.driver import DIGITS, Pad, data_url, launch_chromium

UPDATES, LATE, KILOBYTES = 10, 100, 40  # a second at least; ms at the 95th percentile and kB of one at most
CROWD, SLOWER = 20, 2.0  # visitors who look inside; how many times as long the pad may take then
TURNS = 3  # with the crowd, and as many without
PROBE_INSIDE = PROBE.replace(".reading", "#inside .tab").replace("data-answers", "data-looks")


def measure(url: str | None, strokes: int) -> dict[str, float]:
    """strokes: digits that are drawn inside, and on the pad in all turns together."""
    with served(url) as (url, _), sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        found = _look_inside(browser, url, strokes) | _draw_beside_a_crowd(browser, url, strokes)
        browser.close()
    return found


def show(row: dict[str, float]) -> bool:
    """Prints the numbers; returns whether the targets are met."""
    rate, late, size = (
        row[name] for name in ("updates_per_second", "ms_95th_percentile", "kilobytes_at_most")
    )
    alone, beside, crowd = (
        row[name] for name in ("pad_ms_alone", "pad_ms_beside_crowd", "crowd_looks_per_second")
    )
    print(f"maps move {rate:.1f} times a second (target: >= {UPDATES})")
    print(f"maps of the whole stroke after {late:.0f} ms at the 95th percentile (target: <= {LATE})")
    print(f"an update is at most {size:.1f} kB (target: <= {KILOBYTES})")
    print(
        f"pen-up to final bars on the pad: {alone:.0f} ms alone, {beside:.0f} ms while {CROWD} look inside, "
        f"{crowd:.0f} looks a second (medians; target: {SLOWER:g} times as long at most)"
    )
    return rate >= UPDATES and late <= LATE and size <= KILOBYTES and beside <= SLOWER * alone


def _look_inside(browser: Browser, url: str, strokes: int) -> dict[str, float]:
    """How often the maps move while the pen does, how soon they are of the whole stroke, and what an update
    weighs."""
    rates, waits, sizes = [], [], []
    page = browser.new_page()
    pad = Pad(page, url)
    pad.draw(DIGITS[7])
    page.get_by_role("tab", name="Inside").click()
    page.wait_for_selector("#inside .tab[data-state=read]")
    page.on("response", lambda response: _note_look(response, sizes))
    page.evaluate(PROBE_INSIDE)
    pad.canvas = page.locator("#inside .ink")
    for digit in itertools.islice(itertools.cycle((0, 2, 3)), strokes):
        page.locator("#inside .wipe").click()
        page.wait_for_selector("#inside .tab[data-state=empty]")
        pad.draw(DIGITS[digit], seconds=1.0, step=0.02, settle=False)
        page.wait_for_function("performance.now() > probe.up + 500 && probe.moved.at(-1) !== undefined")
        down, up, moved = page.evaluate("[probe.down, probe.up, probe.moved]")
        rates.append(1000 * sum(down <= at <= up for at in moved) / (up - down))
        waits.append(max(0.0, moved[-1] - up))
    page.close()
    return {
        "updates_per_second": round(float(np.median(rates)), 1),
        "ms_95th_percentile": round(float(np.percentile(waits, 95)), 1),
        "kilobytes_at_most": round(max(sizes) / 1000, 1),
    }


def _note_look(response: Response, sizes: list[int]) -> None:
    if response.request.method == "POST" and '"fn_name":"look"' in (response.request.post_data or ""):
        sizes.append(len(response.body()))


def _draw_beside_a_crowd(browser: Browser, url: str, strokes: int) -> dict[str, float]:
    page: Page = browser.new_page()
    pad = Pad(page, url)
    page.evaluate(PROBE)
    draw_digits(pad, 3)  # the first fills caches
    alone, beside, looks, seconds = [], [], 0, 0.0
    for _ in range(TURNS):
        alone += draw_digits(pad, strokes // TURNS)
        with _crowd(url) as load:
            before, began = len(load.latencies["look"]), time.monotonic()
            beside += draw_digits(pad, strokes // TURNS)
            seconds += time.monotonic() - began
            looks += len(load.latencies["look"]) - before
    page.close()
    return {
        "pad_ms_alone": round(float(np.median(alone)), 1),
        "pad_ms_beside_crowd": round(float(np.median(beside)), 1),
        "crowd_looks_per_second": round(looks / seconds, 1),
    }


class InsideVisitor(Visitor):
    """Draws on the Inside tab's pad."""

    async def _read(self, picture: str, digit: int | None = None) -> None:
        """picture: a PNG as a data URL, as this tab's script sends it."""
        answer = await self.call("inside", "look", {"image": picture, "network": "digits"})
        if answer is None:
            return
        self.took = answer.get("took", 0) / 1000
        if digit is not None and "picture" in answer:
            what = self.random.choice(["why", "change", "learn", "neighbours", "kernels"])
            asked = {"what": what, "picture": answer["picture"], "label": 1, "learning_rate": 0.01}
            await self.call("inside", "explain", asked)


@contextlib.contextmanager
def _crowd(url: str) -> Iterator[Load]:
    """CROWD visitors who look inside until the block ends; it begins when all of them do."""
    load, ready = Load(url), threading.Event()
    load.ends = float("inf")

    async def look_inside() -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(60)) as session:
            people = [InsideVisitor(load, session, seed, posts=True) for seed in range(CROWD)]
            streams = [await person.open() for person in people]
            tasks = [asyncio.create_task(person.draw(drawings)) for person in people]
            while min(len(load.latencies["look"]), len(load.latencies["explain"])) < CROWD:
                await asyncio.sleep(0.1)
            ready.set()
            await asyncio.gather(*tasks)
            for stream in streams:
                stream.cancel()
            await asyncio.gather(*streams, return_exceptions=True)

    drawings = {digit: list(map(_as_sent, pictures)) for digit, pictures in drawn_digits().items()}
    thread = threading.Thread(target=asyncio.run, args=(look_inside(),))
    thread.start()
    ready.wait()
    yield load
    load.ends = 0.0
    thread.join()
    wrong = {name: count for name, count in load.counts.items() if "status" in name or "rror" in name}
    if wrong:
        raise RuntimeError(f"requests of the crowd failed: {wrong}")


def _as_sent(picture: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return data_url(file.getvalue())
