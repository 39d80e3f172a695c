"""How many visitors one app carries: real requests of many at once, as the page's scripts send them.

    pip install -r requirements-dev.txt aiohttp psutil
    python -m benchmarks.load --advise    # in a minute: how many visitors does this machine carry?
    python -m benchmarks.load [--visitors 50] [--seconds 60] [--photos 2] [--train] [--url URL] [--json FILE]
    python -m benchmarks.load --visitors 10 25 50 100 200    # where does it saturate?

Each visitor opens the page, keeps its event stream and its WebSocket, and draws digits without a pause: a new
point ten times a second, each sent at once unless three requests are under way or the server has said it is
busy (`took`; the pad thins in the same way). With --posts each drawing is a POST, as behind a proxy that
forbids sockets. Readers of photos send one every 5 s; with --train one visitor trains all the time and
watches. Latency is from sending to the last byte of the answer, and the machine serves the benchmark's own
clients too. Without --url the app is started here, and its memory and processor time are watched.

The last drawing of every digit must be read as that digit; what is not counts as `misread`.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import random
import secrets
import time
from collections import Counter, defaultdict
from dataclasses import asdict
from pathlib import Path

import aiohttp
import numpy as np
import psutil

from benchmarks.growing import drawn_digits
from benchmarks.machine import machine
from benchmarks.served import served
from jobs.drawing_message import BUSY, ERROR, READ, REFUSED, SUPERSEDED, pack_drawing, unpack_answer
from training.settings import Settings
from ui.photo.tab import EXAMPLES, EXAMPLES_FOLDER

TICK = 0.1  # seconds from one point of a stroke to the next
MOST_IN_FLIGHT, EASY, THINNING, LONGEST_GAP = 3, 0.040, 12, 2.0  # as in ui/draw/live.js; seconds
PHOTO_GAP = 5.0  # seconds from one photo of a visitor to the next
POLL_GAP = 0.25  # seconds between two looks at a training
TARGET = 300  # ms, 95th percentile, for 50 visitors
TRAINING = Settings("digit_net", epochs=30, images=55_000)
# Visitors that --advise tries, and seconds of each; an address may have 300 sockets.
ADVICE = ((10, 20, 40, 60, 80, 120, 160, 220, 280), 5.0)
ONE_ADDRESS = "4"  # all rate limits times this, as all visitors come from one address


HARMLESS = {"read", "thinned", "superseded"}  # counts that are no failures
VISITORS = 5  # who have the page open, for each who draws just now
KINDS = {SUPERSEDED: "superseded", BUSY: "busy", ERROR: "error", REFUSED: "refused"}


class Load:
    """What all visitors of one run did, and how long it took."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.latencies: dict[str, list[float]] = defaultdict(list)  # seconds, by what was asked
        self.counts: Counter[str] = Counter()
        self.ends = 0.0

    def running(self) -> bool:
        return time.monotonic() < self.ends

    async def ask(self, name: str, request: contextlib.AbstractAsyncContextManager) -> dict | list | None:
        """The JSON of an answer, timed; None for a failure, counted."""
        began = time.perf_counter()
        try:
            async with request as response:
                answer = await response.json(content_type=None)
                if response.status != 200:
                    self.counts[f"{name}: status {response.status}"] += 1
                    return None
        except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError) as error:
            self.counts[f"{name}: {type(error).__name__}"] += 1
            return None
        self.latencies[name].append(time.perf_counter() - began)
        if answer is None or (isinstance(answer, dict) and "error" in answer):
            self.counts[f"{name}: {answer and answer['error']}"] += 1
            return None
        return answer


class Visitor:
    """One open page."""

    def __init__(self, load: Load, session: aiohttp.ClientSession, seed: int, posts: bool) -> None:
        self.load, self.session, self.random, self.posts = load, session, random.Random(seed), posts
        self.key = secrets.token_hex(6)
        self.hello = json.dumps({"session": self.key, "visitor": None})
        self.socket: aiohttp.ClientWebSocketResponse | None = None
        self.answers: dict[int, asyncio.Future[bytes]] = {}  # by number of the drawing
        self.sent = 0
        self.components: dict[str, int] = {}
        self.took = 0.0

    async def open(self) -> asyncio.Task:
        """Loads the page and its layout; returns the task that holds the page's event stream."""
        async with self.session.get(self.load.url) as page:
            await page.read()
        config = await self.load.ask("config", self.session.get(f"{self.load.url}/config"))
        self.components = {c["props"].get("elem_id"): c["id"] for c in config["components"]}
        return asyncio.create_task(self._stay())

    async def _stay(self) -> None:
        address = f"{self.load.url}/gradio_api/heartbeat/{self.key}"
        with contextlib.suppress(aiohttp.ClientError):
            async with self.session.get(address, timeout=aiohttp.ClientTimeout(total=None)) as stream:
                async for _ in stream.content:
                    pass

    async def call(self, component: str, function: str, argument: object) -> dict | None:
        """What the page's scripts write as `server.function(argument)`."""
        request = {
            "data": argument,
            "component_id": self.components[component],
            "fn_name": function,
            "session_hash": self.key,
        }
        address = f"{self.load.url}/gradio_api/component_server"
        return await self.load.ask(function, self.session.post(address, json=request))

    async def connect(self) -> asyncio.Task:
        """Opens the page's WebSocket; returns the task that takes the answers on it."""
        self.socket = await self.session.ws_connect(f"{self.load.url}/live", origin=self.load.url)
        await self.socket.send_str(self.hello)
        await self.socket.receive_bytes()  # the welcome
        return asyncio.create_task(self._take_answers())

    async def _take_answers(self) -> None:
        async for message in self.socket:
            self.answers.pop(unpack_answer(message.data)["number"]).set_result(message.data)
        self.load.counts["socket closed"] += 1
        for answer in self.answers.values():
            answer.set_exception(aiohttp.ClientConnectionError())

    async def draw(self, drawings: dict[int, list[np.ndarray]]) -> None:
        taking = None if self.posts else await self.connect()
        await asyncio.sleep(self.random.uniform(0, 2))  # people do not come in step
        while self.load.running():
            digit = self.random.choice(list(drawings))
            under_way: set[asyncio.Task] = set()
            last_sent = 0.0
            for picture in drawings[digit]:
                await asyncio.sleep(TICK)
                under_way = {task for task in under_way if not task.done()}
                gap = min(THINNING * (self.took - EASY), LONGEST_GAP)
                if len(under_way) < MOST_IN_FLIGHT and time.monotonic() - last_sent >= gap:
                    last_sent = time.monotonic()
                    under_way.add(asyncio.create_task(self._read(picture)))
                else:
                    self.load.counts["thinned"] += 1
            # The pen is up: the whole drawing is read, whatever happened before.
            await asyncio.gather(*under_way)
            await self._read(drawings[digit][-1], digit)
        if taking is not None:
            taking.cancel()
            await self.socket.close()

    async def _read(self, picture: np.ndarray, digit: int | None = None) -> None:
        """digit: what it is, where the drawing is done."""
        self.sent += 1
        drawing = pack_drawing(self.sent, digit is None, "digits", picture)
        began = time.perf_counter()
        try:
            packed = await (self._post(drawing) if self.posts else self._send(self.sent, drawing))
        except (aiohttp.ClientError, TimeoutError) as error:
            self.load.counts[f"live: {type(error).__name__}"] += 1
            return
        self.load.latencies["live"].append(time.perf_counter() - began)
        answer = unpack_answer(packed)
        self.took = answer["took"] / 1000
        if answer["kind"] != READ:
            self.load.counts[KINDS[answer["kind"]]] += 1
        elif digit is not None:
            read = [found["digit"] for found in answer["digits"]]
            self.load.counts["read" if read == [digit] else "misread"] += 1

    async def _send(self, number: int, drawing: bytes) -> bytes:
        answer = self.answers[number] = asyncio.get_running_loop().create_future()
        await self.socket.send_bytes(drawing)
        return await asyncio.wait_for(answer, 60)

    async def _post(self, drawing: bytes) -> bytes:
        body = self.hello.encode() + b"\n" + drawing
        headers = {"content-type": "application/octet-stream"}
        async with self.session.post(f"{self.load.url}/live", data=body, headers=headers) as response:
            response.raise_for_status()
            return await response.read()

    async def send_photos(self) -> None:
        for name in itertools.cycle([example.name for example in EXAMPLES]):
            if not self.load.running():
                return
            form = aiohttp.FormData()
            content = (EXAMPLES_FOLDER / f"{name}.jpg").read_bytes()
            form.add_field("files", content, filename="photo.jpg", content_type="image/jpeg")
            address = f"{self.load.url}/gradio_api/upload"
            paths = await self.load.ask("upload", self.session.post(address, data=form))
            if paths:
                await self.call("photo", "read", {"path": paths[0]})
            await asyncio.sleep(PHOTO_GAP)

    async def train(self) -> None:
        """Starts a training, and another when that has ended, and watches, as the Train tab does."""
        started = await self.call("train", "start", {"settings": asdict(TRAINING), "drawing": None})
        version = started and started["version"]
        while started and self.load.running():
            status = await self.call("train", "watch", version)
            if status is None:
                return
            version = status["version"]
            self.load.counts["updates of the training"] += 1
            if not status["active"]:
                await self.call("train", "start", {"settings": asdict(TRAINING), "drawing": None})
            await asyncio.sleep(POLL_GAP)
        await self.call("train", "stop", None)


async def run(
    url: str,
    visitors: int,
    seconds: float,
    memory: "Memory",
    *,
    photos: int = 0,
    train: bool = False,
    posts: bool = False,
) -> dict:
    load = Load(url)
    drawings = drawn_digits()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(60)) as session:
        people = [Visitor(load, session, seed, posts) for seed in range(visitors + photos + train)]
        streams = [await person.open() for person in people]
        load.latencies.clear()
        load.ends = time.monotonic() + seconds
        drawing, others = people[:visitors], people[visitors:]
        tasks = [person.draw(drawings) for person in drawing]
        tasks += [person.send_photos() for person in others[:photos]]
        tasks += [person.train() for person in others[photos:]]
        sampling = asyncio.create_task(memory.sample(load))
        spent = memory.processor_seconds()
        await asyncio.gather(*tasks)
        spent = memory.processor_seconds() - spent
        sampling.cancel()
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, sampling, return_exceptions=True)
    return {
        "visitors": visitors,
        "photos": photos,
        "training": train,
        "seconds": seconds,
        "endpoints": {
            name: {
                "per_second": len(times) / seconds,
                "median_ms": 1e3 * float(np.median(times)),
                "p95_ms": 1e3 * float(np.percentile(times, 95)),
            }
            for name, times in sorted(load.latencies.items())
        },
        "counts": dict(sorted(load.counts.items())),
        "processor_ms_a_drawing": 1e3 * spent / max(1, len(load.latencies["live"])),
        "memory_mb": memory.report(),
    }


class Memory:
    """Resident memory of the app and its workers, in MB, every second; nothing for an app elsewhere.

    On Linux, what several of them share is divided among these.
    """

    def __init__(self, process: psutil.Process | None) -> None:
        self.process = process
        self.seen: list[tuple[float, float]] = []  # of the app itself, of its workers

    async def sample(self, load: Load) -> None:
        self.seen.clear()
        while load.running() and self.process:
            workers = 0
            for worker in self.process.children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    workers += _resident(worker)
            self.seen.append((_resident(self.process) / 1e6, workers / 1e6))
            await asyncio.sleep(1)

    def processor_seconds(self) -> float:
        """What the app and its workers have used until now; 0 for an app elsewhere."""
        seconds = 0.0
        for process in [self.process, *self.process.children(recursive=True)] if self.process else []:
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                seconds += times.user + times.system
        return seconds

    def report(self) -> dict[str, float]:
        if not self.seen:
            return {}
        app, workers = np.array(self.seen).T
        fifth = max(1, len(app) // 5)
        return {
            "app, first fifth": float(np.median(app[:fifth])),
            "app, last fifth": float(np.median(app[-fifth:])),
            "app, peak": float(app.max()),
            "workers, peak": float(workers.max()),
        }


def _resident(process: psutil.Process) -> int:
    """Bytes."""
    memory = process.memory_full_info()
    return getattr(memory, "pss", memory.rss)


def show(result: dict) -> None:
    with_others = f", {result['photos']} with photos{', one training' if result['training'] else ''}"
    print(f"\n{result['visitors']} drawing{with_others}, {result['seconds']:.0f} s")
    print(f"{'':12}{'a second':>10}{'median ms':>12}{'95 % ms':>10}")
    for name, numbers in result["endpoints"].items():
        rate, median, p95 = numbers["per_second"], numbers["median_ms"], numbers["p95_ms"]
        print(f"{name:12}{rate:10.1f}{median:12.0f}{p95:10.0f}")
    print(", ".join(f"{name}: {count}" for name, count in result["counts"].items()))
    memory = result["memory_mb"]
    if memory:
        print(f"processor time of the app: {result['processor_ms_a_drawing']:.1f} ms a drawing")
        print("memory, MB: " + ", ".join(f"{name} {value:.0f}" for name, value in memory.items()))
    p95 = result["endpoints"]["live"]["p95_ms"]
    print(f"drawings: 95th percentile {p95:.0f} ms (aim: {TARGET})")


def advise(url: str, memory: "Memory") -> None:
    """Says how many visitors this machine carries: the most of those tried whose bars still follow."""
    carried, (steps, seconds) = 0, ADVICE
    for visitors in steps:
        result = asyncio.run(run(url, visitors, seconds, memory))
        p95 = result["endpoints"]["live"]["p95_ms"]
        failed = sum(number for what, number in result["counts"].items() if what not in HARMLESS)
        print(f"{visitors:4} draw at the same time: 95 % of answers within {p95:.0f} ms, {failed} failures")
        if p95 > TARGET or failed:
            break
        carried = visitors
    if carried:
        least = "at least " if carried == steps[-1] else ""
        pages = VISITORS * carried
        print(f"This machine carries {least}{carried} visitors who draw without a pause, so about {pages}")
        print("who have the page open: most of them look, or think, while a few draw.")
    else:
        print("This machine is too slow, or too busy, for even a few visitors at the same time.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--visitors", type=int, nargs="+", default=[50], help="how many draw; each in turn")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--photos", type=int, default=2, help="visitors who send photos (default: 2)")
    parser.add_argument("--train", action="store_true", help="one more visitor trains")
    parser.add_argument("--posts", action="store_true", help="drawings are POSTs; no sockets")
    parser.add_argument("--advise", action="store_true", help="how many visitors does this machine carry?")
    parser.add_argument("--url", help="a running app; without it, one is started")
    parser.add_argument("--json", type=Path, help="write the numbers to this file too")
    options = parser.parse_args()
    print(machine())
    results = []
    os.environ.setdefault("DIGITS_RATE", ONE_ADDRESS)
    with served(options.url) as (url, process):
        memory = Memory(process)
        if options.advise:
            advise(url, memory)
            return
        for visitors in options.visitors:
            job = run(
                url,
                visitors,
                options.seconds,
                memory,
                photos=options.photos,
                train=options.train,
                posts=options.posts,
            )
            results.append(asyncio.run(job))
            show(results[-1])
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "runs": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
