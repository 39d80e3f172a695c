"""What browser tests, latency benchmark and screenshots share: the app, Chromium and a drawing hand."""

import base64
import contextlib
import io
import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Locator, Page, Playwright, TimeoutError, expect

from ui.draw.tab import PNG

ROOT = Path(__file__).parents[2]
# Without the windows of a browser around a page, which nobody sees, it opens in half the time.
SHELL = "chromium-headless-shell"
CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, (SHELL, "chromium", "chromium-browser"))), None
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
STARTUP = 600  # seconds; five where nothing else runs
# Servers of tests: below what Linux hands out (32768) and above well-known ones.
FIRST_PORT, PORTS = 20_000, 500  # of one process of tests
_port = itertools.count(os.getpid())  # two runs of the suite on one machine are far apart
PATIENCE = 120_000  # milliseconds until something is taken to never happen, on however busy a machine
expect.set_options(timeout=PATIENCE)

# What tells apart why a drawing is not read: nothing was drawn, nobody answers, or the page does not hear.
WHAT_IS_SEEN = """() => {
  const canvas = document.querySelector("#pad canvas.strokes");
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const { state, answers } = document.querySelector(".reading").dataset;
  const [notice, sure] = [".notice", ".sure"].map((name) => document.querySelector(name).textContent);
  return JSON.stringify({
    state, answers, notice, sure,
    inked: canvas.closest(".inked") !== null,
    pad: [left, top, width, height],
    onPad: document.elementFromPoint(left + width / 3, top + height / 4)?.outerHTML.slice(0, 80),
    strokes: sessionStorage.getItem("digits-from-scratch/strokes"),
    isOnLine: navigator.onLine,
    painted: performance.getEntriesByType("paint").map(({ startTime }) => startTime),
    requests: performance.getEntriesByType("resource").slice(-5).map(({ name, startTime, duration }) =>
      [name.slice(-40), startTime, duration]),
    now: performance.now(),
  });
}"""

Point = tuple[float, float]  # shares of the pad's side
Stroke = Sequence[Point]

# A plain hand, as strokes of corner points; the pad rounds them.
DIGITS: dict[int, list[Stroke]] = {
    0: [[(0.5, 0.18), (0.36, 0.24), (0.3, 0.5), (0.36, 0.76), (0.5, 0.82), (0.64, 0.76), (0.7, 0.5),
         (0.64, 0.24), (0.52, 0.18)]],
    1: [[(0.52, 0.18), (0.5, 0.5), (0.48, 0.82)]],
    2: [[(0.32, 0.32), (0.38, 0.21), (0.52, 0.18), (0.65, 0.26), (0.62, 0.42), (0.46, 0.62), (0.3, 0.8),
         (0.5, 0.8), (0.72, 0.8)]],
    3: [[(0.33, 0.25), (0.5, 0.18), (0.65, 0.26), (0.62, 0.41), (0.47, 0.48), (0.62, 0.54), (0.68, 0.68),
         (0.58, 0.8), (0.42, 0.82), (0.3, 0.74)]],
    4: [[(0.4, 0.18), (0.32, 0.5), (0.72, 0.5)], [(0.62, 0.2), (0.6, 0.84)]],
    5: [[(0.66, 0.2), (0.38, 0.2), (0.35, 0.46), (0.52, 0.42), (0.66, 0.52), (0.66, 0.7), (0.52, 0.81),
         (0.32, 0.76)]],
    7: [[(0.3, 0.22), (0.7, 0.22), (0.56, 0.5), (0.46, 0.82)]],
}  # fmt: skip


class Served(NamedTuple):
    """A running app.py."""

    url: str
    log: Path  # all that it printed
    pid: int


@contextlib.contextmanager
def serve_app(
    port: int | None = None,
    descriptors: int | None = None,
    program: Sequence[str] = ("app.py",),
    **environment: str,
) -> Iterator[Served]:
    """Runs app.py, or another program, in a process of its own, which may open so many `descriptors`."""
    port = port or free_port()
    environment = os.environ | environment
    environment |= {"GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "app.log"
        with log.open("wb") as output:
            limit = ["prlimit", f"--nofile={descriptors}"] if descriptors else []
            app = subprocess.Popen(
                [*limit, sys.executable, *program],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _await_answer(url, app, log)
            yield Served(url, log, app.pid)
        finally:
            app.terminate()
            try:
                app.wait(10)
            except subprocess.TimeoutExpired:
                app.kill()
                app.wait()


def free_port() -> int:
    """A port of 127.0.0.1 for a server that is about to start: nobody else is given it in between.

    A port that the system hands out (port 0) is free only until it hands it to the next connection, of
    another test perhaps, and the server then quietly takes its neighbour. So each process of tests counts
    through 500 ports of its own, below those that the system hands out.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST_PORT + worker % 20 * PORTS
    for _ in range(PORTS):
        port = first + next(_port) % PORTS
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError(f"None of {PORTS} ports of 127.0.0.1 from {first} on is free.")


def _await_answer(url: str, app: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + STARTUP
    while time.monotonic() < deadline:
        if app.poll() is not None:
            raise RuntimeError(f"app.py ended with status {app.returncode}:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(url, timeout=30):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"app.py did not answer within {STARTUP} s:\n{log.read_text()}")


def seven() -> bytes:
    """A PNG of a drawn 7."""
    picture, file = Image.new("L", (148, 148), 255), io.BytesIO()
    ImageDraw.Draw(picture).line([(35, 25), (110, 25), (65, 125)], 0, 13, joint="curve")
    picture.save(file, "PNG")
    return file.getvalue()


def data_url(png: bytes) -> str:
    """A picture as the page's scripts send it."""
    return PNG + base64.b64encode(png).decode()


def launch_chromium(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))


class Pad:
    """The Draw tab in an open page, as a person uses it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        page.set_default_timeout(PATIENCE)
        page.goto(url)
        page.wait_for_function("document.querySelector('.reading')?.dataset.state")
        page.wait_for_function("document.querySelector('.sure')?.textContent")
        self.canvas = page.locator("#pad canvas.strokes")

    def draw(
        self, strokes: Sequence[Stroke], seconds: float = 0.2, settle: bool = True, step: float = 0.1
    ) -> None:
        """Each stroke with the mouse, in about so many seconds; then waits for the final reading."""
        for stroke in strokes:
            box = self.canvas.bounding_box()
            path = [in_pixels(point, box) for point in along(stroke, step)]
            self.page.mouse.move(*path[0])
            self.page.mouse.down()
            started = time.monotonic()
            for i, (x, y) in enumerate(path[1:], start=1):
                self.page.mouse.move(x, y)
                time.sleep(max(0.0, started + seconds * i / len(path) - time.monotonic()))
            self.page.mouse.up()
        if settle:
            self.settle()

    def at(self, point: Point) -> Point:
        """A place on the pad -> pixels of the page."""
        return in_pixels(point, self.canvas.bounding_box())

    def settle(self, state: str = "read") -> None:
        try:
            self.page.wait_for_selector(f".reading[data-state={state}]", timeout=PATIENCE)
        except TimeoutError as error:
            error.add_note(f"The pad, instead of {state}: {self.page.evaluate(WHAT_IS_SEEN)}")
            raise

    @property
    def answer(self) -> str:
        return self.page.locator(".answer").inner_text()

    @property
    def bars(self) -> list[int]:
        """What each of the eleven bars says, in percent: the ten digits, then "not a digit"."""
        meters = self.page.get_by_role("meter").all()
        return [int(meter.get_attribute("aria-valuenow")) for meter in meters]

    @property
    def seen(self) -> np.ndarray:
        """(28, 28): the picture under "What the network sees"."""
        grey = self.page.locator("#pad .seen canvas").evaluate(
            "c => [...c.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0)"
        )
        return np.array(grey).reshape(28, 28)

    @property
    def answers(self) -> int:
        """How many readings the page has shown."""
        return int(self.page.locator(".reading").get_attribute("data-answers"))

    @property
    def inked_pixels(self) -> int:
        return self.canvas.evaluate(
            "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
            ".filter((value, i) => i % 4 === 3 && value > 127).length"
        )


class PhotoTab:
    """The Photo tab in an open page, as a person uses it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        page.set_default_timeout(PATIENCE)
        page.goto(url)
        page.get_by_role("tab", name="Photo").click()
        page.get_by_text("Waiting for a photo").wait_for()
        self.text_box = page.get_by_label("Recognized text")
        self.boxes = page.locator(".boxes button")
        self.inputs = page.locator("td input")

    def send(self, photo: Path) -> None:
        """Chooses a file, and waits for what was read."""
        with self.page.expect_file_chooser() as chooser:
            self.page.locator(".choose").click()
        chooser.value.set_files(photo)
        self.settle()

    def try_example(self, title: str) -> None:
        self.page.get_by_role("button", name=f"Example: {title}").click()
        self.settle()

    def settle(self, state: str = "read") -> None:
        self.page.wait_for_selector(f"#photo .tab[data-state={state}]")

    @property
    def text(self) -> str:
        return self.text_box.inner_text()

    @property
    def answer(self) -> str:
        """What the network says of the digit that is picked."""
        return self.page.locator("#photo .answer").inner_text()

    @property
    def trouble(self) -> str:
        """The message over the photo."""
        return self.page.locator(".trouble p").inner_text()


class TrainTab:
    """The Train tab, with the pad beside it, in an open page, as a person uses them."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.pad = Pad(page, url)
        self.go_to("Train")
        self.await_script()

    def await_script(self) -> None:
        """Waits until the tab's script is there: before, it hears of no file, and fills in the form itself.

        A person cannot be so early: nothing can be pressed until then (ui/mount.js).
        """
        expect(self.page.locator("#train .of-dataset")).not_to_be_empty()

    def go_to(self, tab: str) -> None:
        self.page.get_by_role("tab", name=tab).click()

    def button(self, name: str) -> Locator:
        return self.page.locator("#train").get_by_role("button", name=name)

    def choose(self, network: str) -> None:
        self.page.locator(f"input[name=network][value={network}]").check(force=True)  # its card lies over it

    def start(self, images: int, epochs: int = 3) -> None:
        self.page.get_by_role("spinbutton", name="Pictures How").fill(str(images))
        self.page.get_by_role("spinbutton", name="Epochs").fill(str(epochs))
        self.button("Start").click()

    def settle(self, phase: str) -> None:
        self.page.wait_for_selector(f"#train .tab[data-phase={phase}]", state="attached")

    @property
    def points(self) -> int:
        """Of the loss curve."""
        return int(self.page.locator("[data-chart=loss] .plot").get_attribute("data-points"))

    @property
    def images_per_second(self) -> int:
        return int(self.page.locator("#train .numbers").inner_text().split()[0].replace(",", ""))

    @property
    def shown(self) -> dict[str, str]:
        """All that moves while a training runs."""
        return self.page.evaluate(
            """() => ({
              line: document.querySelector(".line").ariaValueNow,
              loss: document.querySelector("[data-chart=loss] path.of-training").getAttribute("d"),
              accuracy: document.querySelector("[data-chart=accuracy] path.of-training").getAttribute("d"),
              kernels: document.querySelector(".kernels canvas").toDataURL(),
              bars: [...document.querySelectorAll("#train .fill")].map((fill) =>
                fill.parentNode.parentNode.style.getPropertyValue("--share")).join(),
            })"""
        )


def placed(strokes: Sequence[Stroke], x: float, y: float, size: float) -> list[Stroke]:
    """A digit of DIGITS, smaller: `size` times, with the middle of its pad at (x, y)."""
    return [[(x + size * (px - 0.5), y + size * (py - 0.5)) for px, py in stroke] for stroke in strokes]


def in_pixels(point: Point, box: dict[str, float]) -> Point:
    """Shares of a box -> pixels of the page."""
    return box["x"] + point[0] * box["width"], box["y"] + point[1] * box["height"]


def along(stroke: Stroke, step: float = 0.1) -> list[Point]:
    """Points on the straight lines between a stroke's corners, a step apart."""
    path = [stroke[0]]
    for (x0, y0), (x1, y1) in itertools.pairwise(stroke):
        count = max(1, round(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5 / step))
        path += [(x0 + (x1 - x0) * i / count, y0 + (y1 - y0) * i / count) for i in range(1, count + 1)]
    return path


def load_from_hub(part: Page | Locator, name: str) -> None:
    """Asks a part of the page for what has this name on the Hugging Face Hub."""
    field = part.get_by_label("From the Hugging Face Hub")
    field.fill(name)
    field.press("Enter")
