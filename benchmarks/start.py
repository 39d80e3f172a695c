"""What it takes to be there: seconds to the first answer, idle memory, bytes of the page's first load.

    python -m benchmarks.start [--runs 3] [--json FILE]

- start: from `python app.py` until a drawn 7 is read, in a new process each time; the median. What the
  operating system has kept of the files in memory, it uses. Beside it, the seconds of that on a processor:
  what is left of it on a machine that does nothing else.
- memory: resident, of the app's process, ten seconds after its first answer, with nobody there.
- page: what the page's HTML with all settings in it, its theme and its icon weigh as they travel, compressed,
  beyond those of an empty Gradio page. The browser fetches Gradio's own scripts with both.
"""

import argparse
import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.machine import machine
from tests.browser.driver import ROOT, STARTUP, data_url, free_port, seven

START, MEMORY, PAGE = 8.0, 400e6, 1.5e6  # targets: seconds, bytes, bytes
IDLE = 10.0  # seconds
EMPTY = """
import gradio as gr
with gr.Blocks(analytics_enabled=False) as demo:
    gr.HTML()
demo.launch(ssr_mode=False)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    starts, worked, memories, pages = [], [], [], []
    for _ in range(options.runs):
        began = time.perf_counter()
        with _served("app.py") as (port, process):
            while not _reads(port):
                time.sleep(0.01)
            starts.append(time.perf_counter() - began)
            worked.append(_processor_seconds(process))
            time.sleep(IDLE)
            memories.append(_resident(process))
            pages.append(_weight(port))
    with _served("-c", EMPTY) as (port, _):
        while (empty := _weight(port)) == 0:
            time.sleep(0.05)
    found = {
        "start_seconds": statistics.median(starts),
        "start_processor_seconds": statistics.median(worked),
        "memory_bytes": max(memories),
        "page_bytes": max(pages) - empty,
    }
    for name, unit, scale, most in (
        ("start_seconds", "s", 1, START),
        ("memory_bytes", "MB", 1e6, MEMORY),
        ("page_bytes", "kB", 1e3, PAGE),
    ):
        met = "met" if found[name] <= most else "MISSED"
        shown = f"{name.split('_')[0]:7} {found[name] / scale:8.1f} {unit:2}"
        print(f"{shown}  at most {most / scale:g} {unit}: {met}")
    print(f"of the start, {found['start_processor_seconds']:.1f} s were on a processor")
    if options.json:
        text = json.dumps({"machine": machine(), "starts": starts, **found}, indent=2)
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0


@contextlib.contextmanager
def _served(*arguments: str) -> Iterator[tuple[int, subprocess.Popen]]:
    port = free_port()
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port, process
    finally:
        process.terminate()
        process.wait(STARTUP)


def _ask(port: int, method: str, path: str, body: str | None = None) -> bytes:
    """The raw bytes of the answer; none if the app does not answer yet."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=STARTUP)
    try:
        connection.request(method, path, body, {"Accept-Encoding": "br, gzip"} if method == "GET" else {})
        answer = connection.getresponse()
        return answer.read() if answer.status == 200 else b""
    except OSError:
        return b""
    finally:
        connection.close()


def _reads(port: int) -> bool:
    """Whether the app reads a drawn 7; its component is found in the page's settings, as a script does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=STARTUP)
    try:
        connection.request("GET", "/config")
        components = json.loads(connection.getresponse().read())["components"]
    except OSError:
        return False
    finally:
        connection.close()
    [pad] = [one["id"] for one in components if one["props"].get("elem_id") == "pad"]
    drawing = {"image": data_url(seven())}
    call = {"component_id": pad, "fn_name": "live", "session_hash": "start", "data": drawing}
    return (
        json.loads(_ask(port, "POST", "/gradio_api/component_server/", json.dumps(call)) or "{}").get("text")
        == "7"
    )


def _weight(port: int) -> int:
    """Bytes of what differs from one Gradio page to another."""
    return sum(len(_ask(port, "GET", path)) for path in ("/", "/theme.css", "/favicon.ico"))


def _processor_seconds(process: subprocess.Popen) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def _resident(process: subprocess.Popen) -> int:
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())
